//! The trials, with what each is good for.
#![expect(unsafe_code, reason = "forking tries namespaces in a process that may lose")]

use std::io;

use nix::errno::Errno;
use nix::sched::{CloneFlags, unshare};
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::{ForkResult, fork};

use super::probe::{Probe, TrialResult};
use crate::clock;
use crate::cpu::{self, CpuEngine};
use crate::disk;
use crate::iptables::{Backend, Iptables};
use crate::leftovers::{self, Found};
use crate::loopback;
use crate::namespace::NetNs;
use crate::netem;
use crate::netlink::Netlink;
use crate::network::{Network, PartitionEngine};
use crate::node_process::{OwnClock, ProbeProcess};
use crate::process_tree::set_up_namespaces;
use crate::switch::Port;
use faults::grudge::Grudge;

/// Something to try, and the text that reports on it.
pub(super) struct Trial {
    pub(super) name: &'static str,
    costs: &'static str,
    remedy: &'static str,
    pub(super) run: fn() -> TrialResult,
}

impl Trial {
    pub(super) fn probe(&self, result: TrialResult) -> Probe {
        let (works, detail) = match result {
            Ok(seen) => (true, seen),
            Err(why) => (false, why),
        };
        let (name, costs) = (self.name.to_owned(), self.costs.to_owned());
        Probe { name, works, detail, costs, remedy: self.remedy.to_owned(), follows: None }
    }
}

const A_LAB_OR_ROOT: &str = "run as root, or allow user namespaces for ordinary users (sysctl \
    user.max_user_namespaces, kernel.unprivileged_userns_clone=1; on Ubuntu \
    kernel.apparmor_restrict_unprivileged_userns=0)";
const A_KERNEL: &str = "a kernel built with it, or its module loaded by root";
const NO_PARTITIONS: &str = "the netns lab, and with it partitions";

/// The trial that the lab of an ordinary user depends on.
pub(super) const USER_NAMESPACE: &str = "user namespace";

/// Tried as the user is. The first must run before the helper has threads.
pub(super) const PLAIN: &[Trial] = &[
    Trial {
        name: USER_NAMESPACE,
        costs: "the netns lab for ordinary users; root has it without",
        remedy: A_LAB_OR_ROOT,
        run: user_namespace,
    },
    Trial {
        name: "pause and kill",
        costs: "the fault families pause and kill",
        remedy: "Linux 5.3 or newer, and no seccomp filter on pidfd_open and pidfd_send_signal",
        run: pause_and_kill,
    },
    Trial {
        name: "clocks of its own for a process",
        costs: "the fault family clock",
        remedy: "x86_64, and the right to trace a child (kernel.yama.ptrace_scope below 3, no \
                 seccomp filter on ptrace) and to write its memory (proc_mem.force_override=always)",
        run: clock::try_out,
    },
    Trial {
        name: "deadlines by clocks of its own",
        costs: "the fault family clock, for targets whose runtime waits until absolute times",
        remedy: "Linux 5.5 or newer with CONFIG_SECCOMP_FILTER, and no other listener on the \
                 system calls of this process",
        run: clock::try_out_deadlines,
    },
    Trial {
        name: "processor quota of a cgroup",
        costs: "nothing where stopping and continuing works, which is a little less even",
        remedy: "run as root where cgroups can be written, or with the cpu controller delegated \
            (as by systemd-run --user --scope -p Delegate=yes)",
        run: cgroup_quota,
    },
    Trial {
        name: "processor quota by stopping and continuing",
        costs: "the fault family cpu, where no quota of a cgroup works either",
        remedy: "Linux 5.3 or newer, and no seccomp filter on signals",
        run: || cpu::try_out(CpuEngine::Throttle),
    },
    Trial {
        name: "proxies between nodes of one host",
        costs: "partitions in the loopback lab",
        remedy: "a /proc that shows the sockets of one's own processes",
        run: loopback::try_out,
    },
    Trial {
        name: "nothing left of earlier runs",
        costs: "unused cgroups, mounts and loop devices stay",
        remedy: "stormproof doctor --clean, as the user whose they are",
        run: nothing_left,
    },
];

/// The number of trials of [`IN_LAB`], from the first on, that the namespace lab depends on.
pub(super) const LAB_NEEDS: usize = 2;

/// Tried inside the namespaces of a lab. The first one furnishes them for the others.
pub(super) const IN_LAB: &[Trial] = &[
    Trial {
        name: "network, mount and pid namespaces",
        costs: "the netns lab: nodes share loopback, without partitions",
        remedy: A_LAB_OR_ROOT,
        run: namespaces,
    },
    Trial { name: "veth", costs: NO_PARTITIONS, remedy: A_KERNEL, run: veth },
    Trial {
        name: "bridge",
        costs: "partitions by iptables; the switch does without",
        remedy: A_KERNEL,
        run: bridge,
    },
    Trial {
        name: "raw socket with offload header",
        costs: "partitions by the switch; iptables does without",
        remedy: A_KERNEL,
        run: raw_socket,
    },
    Trial {
        name: "iptables-legacy",
        costs: "nothing where another partition engine works; it is the fastest of iptables",
        remedy: "install iptables, on a kernel with ip_tables",
        run: || iptables(Backend::Legacy),
    },
    Trial {
        name: "iptables-nft",
        costs: "nothing where another partition engine works",
        remedy: "install iptables, on a kernel with nf_tables",
        run: || iptables(Backend::Nft),
    },
    Trial {
        name: "switch",
        costs: "partitions, where iptables does not work either",
        remedy: A_KERNEL,
        run: switch,
    },
    Trial {
        name: "disk of its own for a node",
        costs: "the fault families disk, power and corruption",
        remedy: "a kernel with FUSE (modprobe fuse) and the right to open /dev/fuse \
                 (chmod 0666 /dev/fuse, as most desktops have it)",
        run: disk::try_out,
    },
    Trial {
        name: "netem",
        costs: "nothing: packet faults are made by the switch",
        remedy: A_KERNEL,
        run: netem::try_out,
    },
];

fn or_text<T>(result: io::Result<T>) -> Result<T, String> {
    result.map_err(|error| error.to_string())
}

fn pause_and_kill() -> TrialResult {
    let process = or_text(ProbeProcess::start(&["sleep", "60"], OwnClock::No))?;
    process.pause().map_err(|error| error.to_string())?;
    process.resume().map_err(|error| error.to_string())?;
    process.begin_kill();
    process.wait_until_dead().map_err(|error| error.to_string())?;
    Ok("a process was stopped, continued and killed through its pidfd".to_owned())
}

fn cgroup_quota() -> TrialResult {
    let one = match cpu::try_out(CpuEngine::CgroupV1) {
        Ok(seen) => return Ok(format!("version 1: {seen}")),
        Err(why) => why,
    };
    let two = cpu::try_out(CpuEngine::CgroupV2);
    two.map(|seen| format!("version 2: {seen}"))
        .map_err(|two| format!("version 1: {one}; version 2: {two}"))
}

fn nothing_left() -> TrialResult {
    match leftovers::find().as_slice() {
        [] => Ok("neither cgroup nor mount nor loop device".to_owned()),
        left => Err(left.iter().map(Found::to_string).collect::<Vec<_>>().join("; ")),
    }
}

/// In a child, which is all that it changes.
fn user_namespace() -> TrialResult {
    // SAFETY: this helper has one thread, so its child may do what it likes.
    let child = match or_text(unsafe { fork() }.map_err(io::Error::from))? {
        ForkResult::Child => {
            // Some systems give the namespace but no rights in it, so make another with its help.
            let made =
                unshare(CloneFlags::CLONE_NEWUSER).and_then(|()| unshare(CloneFlags::CLONE_NEWNET));
            std::process::exit(made.map_or_else(|error| error as i32, |()| 0))
        }
        ForkResult::Parent { child } => child,
    };
    match waitpid(child, None) {
        Ok(WaitStatus::Exited(_, 0)) => {
            Ok("one was made, with the right to make others in it".to_owned())
        }
        Ok(WaitStatus::Exited(_, error)) => Err(Errno::from_raw(error).desc().to_owned()),
        other => Err(format!("{other:?}")),
    }
}

fn namespaces() -> TrialResult {
    set_up_namespaces()?;
    Ok("made, with mounts of their own and a loopback".to_owned())
}

/// A scratch namespace with one end of a veth pair, whose other end is in a second one.
fn pair() -> Result<(NetNs, NetNs), String> {
    let (one, other) = (or_text(NetNs::create())?, or_text(NetNs::create())?);
    let mac = [2, 0, 0, 0, 0, 1];
    let made = one.run(|| Netlink::open()?.add_veth("probe0", "probe1", &other, mac));
    or_text(made.and_then(|made| made))?;
    Ok((one, other))
}

fn veth() -> TrialResult {
    pair()?;
    Ok("a pair was made between two namespaces".to_owned())
}

fn bridge() -> TrialResult {
    let (one, _other) = pair()?;
    let made = one.run(|| {
        let mut netlink = Netlink::open()?;
        netlink.add_bridge("probebridge")?;
        netlink.join_bridge("probe0", "probebridge")?;
        netlink.set_up("probebridge")
    });
    or_text(made.and_then(|made| made))?;
    Ok("one was made and joined".to_owned())
}

fn raw_socket() -> TrialResult {
    let (one, _other) = pair()?;
    let opened = one.run(|| Port::open("probe0", [2, 0, 0, 0, 0, 1]));
    or_text(opened.and_then(|opened| opened))?;
    Ok("one was opened on a veth".to_owned())
}

fn iptables(backend: Backend) -> TrialResult {
    Iptables::try_out(backend)?;
    Ok("a rule dropped a datagram, and no more once it was removed".to_owned())
}

fn switch() -> TrialResult {
    let nodes = ["n1".to_owned(), "n2".to_owned()];
    let mut network = or_text(Network::build(&nodes, PartitionEngine::Switch))?;
    let seen = network.cut(&Grudge::into_node(&nodes, "n1")).map_err(|error| error.to_string())?;
    if !seen.unproven.is_empty() || !seen.silent.is_empty() {
        return Err(format!("a cut link passes packets or another does not: {seen:?}"));
    }
    let healed = network.heal().map_err(|error| error.to_string())?;
    if !healed.silent.is_empty() {
        return Err("a link that was healed passes nothing".to_owned());
    }
    Ok("a link was cut in one direction, dropped a datagram, and was healed".to_owned())
}
