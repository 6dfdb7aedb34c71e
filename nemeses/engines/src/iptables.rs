//! Partitions by iptables: a chain of our own on INPUT in each node's namespace.
//!
//! This is what Jepsen does on real hosts, and what works on any. Packets are dropped where they
//! arrive, so that the sender gets no answer, as in a partition.
#![expect(unsafe_code, reason = "pre_exec ties the child to its parent")]

use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, Write};
use std::net::{Ipv4Addr, UdpSocket};
use std::os::fd::AsFd;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use nix::sched::{CloneFlags, setns};
use nix::sys::prctl::set_pdeathsig;
use nix::sys::signal::Signal;

use super::namespace::NetNs;
use super::netlink::Netlink;

/// Our chain.
const CHAIN: &str = "STORMPROOF";
/// Loads our chain, empty, in front of everything that arrives.
const INSTALL: &str = "*filter\n:STORMPROOF - [0:0]\n-I INPUT 1 -j STORMPROOF\nCOMMIT\n";
/// Takes all of that away.
const UNINSTALL: &str = "*filter\n-D INPUT -j STORMPROOF\n-F STORMPROOF\n-X STORMPROOF\nCOMMIT\n";
/// Seconds to wait for another iptables that holds the lock; they hold it for milliseconds.
const LOCK_PATIENCE: &str = "5";
/// The directories of system tools, which the PATH of an ordinary user may lack.
const SYSTEM_DIRECTORIES: [&str; 4] = ["/usr/sbin", "/sbin", "/usr/local/sbin", "/usr/bin"];
/// A datagram over the loopback arrives at once; only a starved machine takes longer.
const TRIAL_PATIENCE: Duration = Duration::from_millis(200);

/// The two kinds of iptables. They do the same by different parts of the kernel, and a machine may
/// have the program of one and the kernel of the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Backend {
    /// The older; a few times faster to load.
    Legacy,
    /// nf_tables; Debian's default behind the name `iptables`.
    Nft,
}

impl Backend {
    fn suffix(self) -> &'static str {
        match self {
            Self::Legacy => "legacy",
            Self::Nft => "nft",
        }
    }

    /// The word in the output of `--version`.
    fn in_version(self) -> &'static str {
        match self {
            Self::Legacy => "(legacy)",
            Self::Nft => "(nf_tables)",
        }
    }
}

impl fmt::Display for Backend {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "iptables-{}", self.suffix())
    }
}

/// The programs of one backend.
#[derive(Debug, Clone)]
pub(super) struct Iptables {
    restore: PathBuf,
    save: PathBuf,
}

impl Iptables {
    /// Finds the programs, and shows in a scratch namespace that a rule of theirs drops a datagram
    /// and is gone when it is removed. The error says what is missing or does not work.
    pub(super) fn try_out(backend: Backend) -> Result<Self, String> {
        let found = Self::find(backend)
            .ok_or_else(|| format!("the programs of {backend} are not installed"))?;
        found.drops_a_datagram().map_err(|error| format!("{backend} does not work: {error}"))?;
        Ok(found)
    }

    /// Finds the programs of a backend, whether they work or not.
    pub(super) fn find(backend: Backend) -> Option<Self> {
        let program = |what: &str| {
            let named = find_program(&format!("iptables-{}-{what}", backend.suffix()));
            named.or_else(|| {
                let plain = find_program(&format!("iptables-{what}"))?;
                let version = Command::new(&plain).arg("--version").output().ok()?;
                let version = String::from_utf8_lossy(&version.stdout).into_owned();
                version.contains(backend.in_version()).then_some(plain)
            })
        };
        Some(Self { restore: program("restore")?, save: program("save")? })
    }

    fn drops_a_datagram(&self) -> io::Result<()> {
        let scratch = NetNs::create()?;
        let own = Ipv4Addr::LOCALHOST;
        let socket = scratch.run(|| -> io::Result<_> {
            Netlink::open()?.set_up("lo")?;
            let socket = UdpSocket::bind((own, 0))?;
            socket.connect(socket.local_addr()?)?;
            socket.set_read_timeout(Some(TRIAL_PATIENCE))?;
            Ok(socket)
        })??;
        let arrives = || -> io::Result<bool> {
            socket.send(&[0])?;
            Ok(socket.recv(&mut [0; 8]).is_ok())
        };
        self.install(&scratch)?;
        if !arrives()? {
            return Err(io::Error::other("a datagram was lost without any rule"));
        }
        self.drop_from(&scratch, &[own])?;
        if arrives()? {
            return Err(io::Error::other("a rule dropped nothing"));
        }
        if self.dropped(&scratch)?.get(&own).copied().unwrap_or(0) == 0 {
            return Err(io::Error::other("a rule dropped a datagram and did not count it"));
        }
        self.drop_from(&scratch, &[])?;
        if !arrives()? {
            return Err(io::Error::other("a datagram was lost after the rule was removed"));
        }
        Ok(())
    }

    /// Puts our chain in place, empty.
    pub(super) fn install(&self, namespace: &NetNs) -> io::Result<()> {
        self.load(namespace, INSTALL)
    }

    /// Takes our chain away with its rules.
    pub(super) fn uninstall(&self, namespace: &NetNs) -> io::Result<()> {
        self.load(namespace, UNINSTALL)
    }

    /// Drops what arrives from exactly these addresses. Counters begin anew.
    pub(super) fn drop_from(&self, namespace: &NetNs, sources: &[Ipv4Addr]) -> io::Result<()> {
        self.load(namespace, &rules(sources))
    }

    /// The number of packets dropped from each address since [`Iptables::drop_from`].
    pub(super) fn dropped(&self, namespace: &NetNs) -> io::Result<BTreeMap<Ipv4Addr, u64>> {
        let mut command = inside(namespace, &self.save)?;
        command.args(["-c", "-t", "filter"]);
        Ok(parse_counters(&run(command, "")?))
    }

    fn load(&self, namespace: &NetNs, rules: &str) -> io::Result<()> {
        let mut command = inside(namespace, &self.restore)?;
        command.args(["--noflush", "-w", LOCK_PATIENCE]);
        run(command, rules).map(drop)
    }
}

fn rules(sources: &[Ipv4Addr]) -> String {
    let drops = sources.iter().map(|source| format!("-A {CHAIN} -s {source} -j DROP\n"));
    format!("*filter\n-F {CHAIN}\n{}COMMIT\n", drops.collect::<String>())
}

/// Reads lines like `[3:252] -A STORMPROOF -s 10.77.0.2/32 -j DROP`.
fn parse_counters(saved: &str) -> BTreeMap<Ipv4Addr, u64> {
    let counters = saved.lines().filter_map(|line| {
        let (counts, rule) = line.strip_prefix('[')?.split_once("] ")?;
        let (packets, _bytes) = counts.split_once(':')?;
        let source = rule.strip_prefix(&format!("-A {CHAIN} -s "))?.split('/').next()?;
        Some((source.parse().ok()?, packets.parse().ok()?))
    });
    counters.collect()
}

fn find_program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let system = SYSTEM_DIRECTORIES.map(PathBuf::from);
    let mut candidates = std::env::split_paths(&path).chain(system).map(|at| at.join(name));
    candidates.find(|candidate| candidate.is_file())
}

/// A command that runs in a network namespace and dies with the thread that starts it.
fn inside(namespace: &NetNs, program: &Path) -> io::Result<Command> {
    let namespace = namespace.as_fd().try_clone_to_owned()?;
    let mut command = Command::new(program);
    // SAFETY: between fork and exec it makes two system calls and allocates nothing.
    unsafe {
        command.pre_exec(move || {
            set_pdeathsig(Signal::SIGKILL)?;
            Ok(setns(&namespace, CloneFlags::CLONE_NEWNET)?)
        });
    }
    Ok(command)
}

/// Runs a command to its end and returns what it printed; what it complained of is the error.
fn run(mut command: Command, input: &str) -> io::Result<String> {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn()?;
    let mut stdin = child.stdin.take().expect("standard input is piped");
    // The input is smaller than a pipe, so this does not wait for the reader. A child that ended
    // early gives its reason by its status.
    let _ = stdin.write_all(input.as_bytes());
    drop(stdin);
    let output = child.wait_with_output()?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let complaint = String::from_utf8_lossy(&output.stderr);
    Err(io::Error::other(format!("{}: {}", output.status, complaint.trim())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_replace_what_the_chain_held() {
        let sources = [Ipv4Addr::new(10, 77, 0, 1), Ipv4Addr::new(10, 77, 0, 2)];
        assert_eq!(
            rules(&sources),
            "*filter\n-F STORMPROOF\n-A STORMPROOF -s 10.77.0.1 -j DROP\n\
             -A STORMPROOF -s 10.77.0.2 -j DROP\nCOMMIT\n"
        );
    }

    #[test]
    fn counters_are_read_from_our_chain_only() {
        let saved = "# Generated by iptables-save v1.8.9\n*filter\n:INPUT ACCEPT [0:0]\n\
                     :STORMPROOF - [0:0]\n[9:900] -A INPUT -j STORMPROOF\n\
                     [3:252] -A STORMPROOF -s 10.77.0.2/32 -j DROP\n\
                     [0:0] -A STORMPROOF -s 10.77.0.3/32 -j DROP\n\
                     [7:7] -A OTHER -s 10.77.0.4/32 -j DROP\nCOMMIT\n";
        let expected = [(Ipv4Addr::new(10, 77, 0, 2), 3), (Ipv4Addr::new(10, 77, 0, 3), 0)].into();
        assert_eq!(parse_counters(saved), expected);
    }
}
