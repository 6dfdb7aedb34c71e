//! ZooKeeper as a target.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use checker::oracle::version::{MutationVersion, ReadVersion, Scope, VersionSemantics};
use faults::fault::TimerRange;

use super::client::ZooKeeperClient;
use super::dumper::ZooKeeperDumper;
use crate::targets::{Client, Dumper, Launch, Member, Target};

/// The places of Debian's packages, and the logger that writes to standard error.
const DEBIAN: &str = "/usr/share/java/zookeeper.jar:/usr/share/java/slf4j-simple.jar";

/// The class that runs a server.
const SERVER: &str = "org.apache.zookeeper.server.quorum.QuorumPeerMain";

/// The class that prints the version.
const VERSION: &str = "org.apache.zookeeper.version.VersionInfoMain";

/// The lines of a configuration besides the addresses.
///
/// Servers miss each other after `syncLimit` ticks and give up joining after `initLimit` of them:
/// two seconds and ten. ZooKeeper's own ticks, of two seconds, would leave a healed cluster too
/// little of the time that it has to serve again.
const CONFIGURATION: &str = "\
tickTime=500
initLimit=20
syncLimit=4
maxClientCnxns=0
admin.enableServer=false
4lw.commands.whitelist=*
";

/// The freshness of what clients read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Reads {
    /// `sync` first, as ZooKeeper's documentation has it: linearizable unless a leader has been
    /// replaced and does not know it yet.
    #[default]
    Sync,
    /// A write first, which a majority agrees on: linearizable.
    Quorum,
    /// All that the server has, however stale; ZooKeeper promises no more.
    Plain,
}

/// ZooKeeper, each server a Java process of its own.
#[derive(Debug, Clone, Default)]
pub struct ZooKeeper {
    /// The freshness of what clients read.
    pub reads: Reads,
    /// The folder of an unpacked distribution, or a jar that names what it needs; without it, what
    /// Debian's package has.
    pub bin: Option<PathBuf>,
    /// Further lines of every server's configuration, separated by semicolons, which count more
    /// than those that it has anyway.
    pub more: String,
}

impl ZooKeeper {
    /// The path on which Java finds the classes.
    fn classpath(&self) -> String {
        match &self.bin {
            // Its `conf` says how to log.
            Some(folder) if folder.is_dir() => {
                ["conf", "lib/*", "*"].map(|it| folder.join(it).display().to_string()).join(":")
            }
            Some(jar) => jar.display().to_string(),
            None => DEBIAN.to_owned(),
        }
    }
}

/// The file of a member's configuration.
fn configuration_file(member: &Member) -> PathBuf {
    member.folder.join("zoo.cfg")
}

/// The folder of a member's data.
fn data(member: &Member) -> PathBuf {
    member.data.join("zookeeper")
}

/// The number by which a member is known to the others.
fn server_id(node: usize) -> usize {
    node + 1
}

/// A member's configuration: it listens at its own addresses, and finds the others where peers
/// reach them.
fn configuration(cluster: &[Member], node: usize) -> String {
    let member = &cluster[node];
    let (ip, port) = (member.listens.ip(), member.listens.port());
    let data = data(member);
    let data = data.display();
    let mut text = format!("{CONFIGURATION}dataDir={data}\nclientPort={port}\n");
    text.push_str(&format!("clientPortAddress={ip}\n"));
    for (other, Member { peers, .. }) in cluster.iter().enumerate() {
        let address = |door: usize| match other == node {
            true => peers[door].listen,
            false => peers[door].advertised,
        };
        let (quorum, election) = (address(0), address(1).port());
        text.push_str(&format!("server.{}={quorum}:{election}\n", server_id(other)));
    }
    text
}

/// Writes a file that is still there after the power failed.
fn write_durably(path: &Path, contents: &str) -> std::io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(contents.as_bytes())?;
    file.sync_all()?;
    let mut folders = path.ancestors().skip(1).take(2);
    folders.try_for_each(|folder| File::open(folder)?.sync_all())
}

impl Target for ZooKeeper {
    fn name(&self) -> &str {
        "zookeeper"
    }

    fn version(&self) -> anyhow::Result<String> {
        let advice = "install ZooKeeper (Debian's package zookeeper, and a JRE), or name the folder \
                      of an unpacked distribution by --bin";
        let asked = Command::new("java").args(["-cp", &self.classpath(), VERSION]).output();
        let output = asked.with_context(|| format!("cannot start java: {advice}"))?;
        let text = String::from_utf8_lossy(&output.stdout);
        let version = text.lines().find_map(|line| {
            line.strip_prefix("Apache ZooKeeper, version ")?.split_whitespace().next()
        });
        match version {
            Some(version) => Ok(version.to_owned()),
            None => bail!("java finds no ZooKeeper in {}: {advice}", self.classpath()),
        }
    }

    /// For transactions, and for elections.
    fn peer_ports(&self) -> usize {
        2
    }

    /// The leader pings twice a tick, and is missed after `syncLimit` ticks.
    fn timers(&self) -> Option<TimerRange> {
        let lines = || CONFIGURATION.lines().chain(self.more.split(';'));
        let number = |name: &str| {
            let mut values =
                lines().filter_map(|line| line.trim().strip_prefix(name)?.parse().ok());
            values.next_back()
        };
        let tick = Duration::from_millis(number("tickTime=")?);
        let limit = u32::try_from(number("syncLimit=")?).ok()?;
        Some(TimerRange::of(tick / 2, tick * limit))
    }

    fn prepare(&self, cluster: &[Member], node: usize) -> anyhow::Result<()> {
        let member = &cluster[node];
        let file = configuration_file(member);
        // Of two lines for one name the later one counts.
        let more = self.more.replace(';', "\n");
        fs::write(&file, format!("{}{more}\n", configuration(cluster, node)))
            .with_context(|| format!("cannot write {}", file.display()))?;
        let data = data(member);
        fs::create_dir_all(&data)
            .and_then(|()| write_durably(&data.join("myid"), &server_id(node).to_string()))
            .with_context(|| format!("cannot write {}", data.join("myid").display()))
    }

    fn launch(&self, cluster: &[Member], node: usize) -> Launch {
        let member = &cluster[node];
        let options = [
            "java",
            "-Xmx128m",
            // Several servers share this machine: no thread of the collector for each processor,
            // no long optimisation, no file of figures in the temporary directory.
            "-XX:+UseSerialGC",
            "-XX:TieredStopAtLevel=1",
            "-XX:-UsePerfData",
            // A server that looks for others in vain asks again after twice the time, up to a
            // minute, which a healed cluster does not have.
            "-Dzookeeper.fastleader.maxNotificationInterval=1000",
            // Documents may outgrow the megabyte that a znode has.
            "-Djute.maxbuffer=16777216",
            "-cp",
        ];
        let options = options.map(str::to_owned).into_iter();
        let file = configuration_file(member).display().to_string();
        Launch::of(options.chain([self.classpath(), SERVER.to_owned(), file]).collect())
    }

    /// The version of all that is read is the zxid of the transaction that wrote it, by its stat.
    /// That of the answer itself would be the last transaction that the server had applied when it
    /// began to answer, so what was read could be newer.
    fn versions(&self) -> Option<VersionSemantics> {
        Some(VersionSemantics {
            scope: Scope::Store,
            mutations: MutationVersion::Unique,
            reads: ReadVersion::Modification,
            failures_are_numbered: false,
        })
    }

    fn dumper(&self, cluster: &[Member]) -> anyhow::Result<Option<Arc<dyn Dumper>>> {
        Ok(Some(Arc::new(ZooKeeperDumper::new(cluster))))
    }

    fn client(
        &self,
        cluster: &[Member],
        run: &str,
        model: &str,
    ) -> anyhow::Result<Arc<dyn Client>> {
        Ok(Arc::new(ZooKeeperClient::new(cluster, run, model, self.reads)?))
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use super::*;
    use crate::targets::PeerDoor;

    #[test]
    fn a_server_listens_at_its_own_addresses_and_finds_others_at_their_doors() {
        let at = |port: u16| SocketAddr::from(([127, 0, 0, 1], port));
        let member = |name: &str, port: u16| {
            let doors = [1, 2].map(|door| PeerDoor {
                listen: at(port + door),
                advertised: at(port + 100 + door),
            });
            Member::at(name, at(port), name.into()).with_peers_at(doors.into())
        };
        let text = configuration(&[member("n1", 2000), member("n2", 3000)], 1);
        let expected = "dataDir=n2/data/zookeeper\nclientPort=3000\nclientPortAddress=127.0.0.1\n\
                        server.1=127.0.0.1:2101:2102\nserver.2=127.0.0.1:3001:3002\n";
        assert_eq!(text, format!("{CONFIGURATION}{expected}"));
    }
}
