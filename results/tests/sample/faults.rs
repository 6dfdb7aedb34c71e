//! A made-up run in which every family of faults takes part, several at once.

use checker::history::{Event, EventType, Process};
use checker::verdict::Verdict;
use faults::coverage::{Cell, Coverage, Missed, Phase, Role};
use faults::fault::Family;
use serde_json::{Value, json};
use stormproof_results::event::{NodeChange, NodeEvent};
use stormproof_results::summary::Finding;

use super::run::{LOAD_START, MILLISECOND, NODES, Options, SECOND, Sample, event, sample};

/// One fault; times in milliseconds since the load began.
struct SampleFault {
    family: &'static str,
    name: &'static str,
    nodes: &'static [&'static str],
    from: u64,
    to: u64,
    outcome: &'static str,
    at_once: Value,
    in_all: Value,
    /// A step every so many milliseconds, 0 for none.
    step_every: u64,
    reason: Option<&'static str>,
}

fn told(
    family: &'static str,
    name: &'static str,
    nodes: &'static [&'static str],
    (from, to): (u64, u64),
    at_once: Value,
    in_all: Value,
) -> SampleFault {
    SampleFault {
        family,
        name,
        nodes,
        from,
        to,
        outcome: "installed",
        at_once,
        in_all,
        step_every: 0,
        reason: None,
    }
}

const ALL: &[&str] = &NODES;

#[rustfmt::skip]
fn faults() -> Vec<SampleFault> {
    let none = || json!({});
    let mut faults = vec![
        told("partition", "isolate the leader n2, flaky", &["n2"], (3_000, 6_400),
            json!({"links_cut": 8, "packets_dropped": 4, "cut_after_ms": 11.2}),
            json!({"packets_dropped": 312, "healed_after_ms": 9.1})),
        told("packet", "delay 50 ms into the leader n2", &["n2"], (4_000, 8_000),
            json!({"one_way_fastest_ms": 50.2, "one_way_slowest_ms": 50.9}),
            json!({"one_way_fastest_ms": 50.1, "one_way_slowest_ms": 57.3, "packets_delayed": 8_112})),
        told("clock", "wall clock jumps by -5000 ms (n1)", &["n1"], (5_000, 10_000),
            json!({"wall_offset_ms": -5000.02, "monotonic_offset_ms": 0, "rate": 1}),
            json!({"wall_offset_ms": 0.01, "monotonic_offset_ms": 0, "rate": 1})),
        told("disk", "fsync 50 to 60 ms slower (all nodes)", ALL, (9_000, 15_000), none(),
            json!({"fsync_fastest_ms": 50.9, "fsync_slowest_ms": 60.3, "fsync_mean_ms": 55.2, "fsyncs_delayed": 1_204})),
        told("power", "power failure of a minority", &["n2", "n3"], (12_000, 14_500),
            json!({"sectors_lost": 1_204, "names_lost": 3, "sectors_kept": 311, "names_kept": 0, "down_after_ms": 31.5}),
            json!({"nodes_started": 2})),
        told("clock", "clocks run at rate 1.05 (n5)", &["n5"], (11_000, 17_000),
            json!({"wall_offset_ms": 0.4, "monotonic_offset_ms": 0.4, "rate": 1.05}),
            json!({"wall_offset_ms": 300.1, "monotonic_offset_ms": 300.1, "rate": 1.05})),
        told("kill", "crash loop (n1)", &["n1"], (16_000, 19_000),
            json!({"nodes_killed": 1, "dead_after_ms": 2.1}), json!({"nodes_started": 1})),
        told("disk", "2 % of disk operations fail (n2)", &["n2"], (17_500, 21_000), none(),
            json!({"operations_failed": 37})),
        told("cpu", "5 % of a processor (n3)", &["n3"], (18_000, 22_000),
            json!({"throttled_ms": 18.4, "throttled": 2}), json!({"throttled_ms": 3_601.8, "throttled": 388})),
        told("pause", "pause n5", &["n5"], (20_000, 21_200),
            json!({"nodes_paused": 1, "stopped_after_ms": 0.2}), json!({"nodes_resumed": 1, "running_after_ms": 0.1})),
        told("leadership", "transfer leadership from n4 to n5", &["n4"], (23_000, 23_400),
            json!({"moved_to": "n5", "moved_after_ms": 24.8}), none()),
        told("membership", "replace n1 by n1", &["n1"], (23_200, 24_800),
            json!({"voters": 5}), json!({"learners": 1})),
        told("clock", "wall clock jumps by +30000 ms and back every 200 ms (n3)", &["n3"], (24_000, 27_000),
            json!({"wall_offset_ms": 30_000.0, "monotonic_offset_ms": 0, "rate": 1}),
            json!({"wall_offset_ms": 0.0, "monotonic_offset_ms": 0, "rate": 1})),
        told("corruption", "flip a bit in the log of n2", &["n2"], (25_000, 27_500),
            json!({"damaged": "log/000003.wal, byte 40,961, bit 3"}), json!({"nodes_started": 1})),
        told("packet", "lose 20 % out of n1", &["n1"], (25_200, 26_200), none(), none()),
        told("partition", "majority ring", ALL, (25_500, 27_200),
            json!({"links_cut": 10, "packets_dropped": 17}), json!({"packets_dropped": 1_904})),
        told("power", "power failure of all nodes", ALL, (26_500, 26_500), none(), none()),
    ];
    faults[0].step_every = 250;
    faults[6].step_every = 400;
    faults[12].step_every = 200;
    // Its effect shows only over time.
    faults[3].outcome = "indeterminate";
    faults[3].reason = Some("nothing was synced yet");
    faults[14].outcome = "indeterminate";
    faults[14].reason = Some("no packet was seen lost");
    faults[16].outcome = "skipped";
    faults[16].reason = Some("more than two of five nodes would be down");
    faults
}

/// Makes a run of 30 s at this rate, with every family.
pub fn storm(rate: u64) -> Sample {
    let options = Options { seconds: 30, rate, faults: false, verdict: Verdict::Valid };
    let mut run = sample(&options);
    let faults = faults();
    for (number, fault) in faults.iter().enumerate() {
        log(&mut run.history.events, number, fault);
    }
    let events = &mut run.history.events;
    events.sort_by_key(|event| (event.time, event.kind));
    for (index, event) in events.iter_mut().enumerate() {
        event.index = index as u64;
    }
    tell_clocks(&mut run.node_events);
    tell_processes(&mut run.node_events);
    run.node_events.sort_by_key(|event| event.time);
    summarise(&mut run, &faults);
    run
}

fn log(events: &mut Vec<Event>, number: usize, fault: &SampleFault) {
    let at = |milliseconds: u64| LOAD_START + milliseconds * MILLISECOND;
    let mut log = |time, kind, stage: &str, more: Value| {
        let mut value = json!({"fault": number, "stage": stage, "name": fault.name,
            "nodes": fault.nodes});
        for (name, more) in more.as_object().into_iter().flatten() {
            value[name] = more.clone();
        }
        events.push(event(time, Process::Nemesis, kind, fault.family, value));
    };
    let mut came = json!({"outcome": fault.outcome, "effect": fault.at_once});
    if let Some(reason) = fault.reason {
        came["reason"] = json!(reason);
    }
    log(at(fault.from), EventType::Invoke, "inject", json!({}));
    log(at(fault.from) + 12 * MILLISECOND, EventType::Info, "inject", came);
    if fault.outcome == "skipped" {
        return;
    }
    let mut step = fault.from + fault.step_every;
    while fault.step_every > 0 && step < fault.to {
        log(at(step), EventType::Invoke, "step", json!({}));
        log(at(step) + MILLISECOND, EventType::Info, "step", json!({"effect": {}}));
        step += fault.step_every;
    }
    let seen = fault.in_all.as_object().is_some_and(|effect| !effect.is_empty());
    let outcome = if seen { "installed" } else { fault.outcome };
    let ended = json!({"outcome": outcome, "effect": fault.in_all});
    log(at(fault.to) - 8 * MILLISECOND, EventType::Invoke, "undo", json!({}));
    log(at(fault.to), EventType::Info, "undo", ended);
}

/// The offsets that the faults above cause, read every 100 ms while they are on.
fn tell_clocks(events: &mut Vec<NodeEvent>) {
    let mut tell =
        |milliseconds: u64, node: &str, wall_offset_ms: f64, monotonic_offset_ms: f64| {
            let time = LOAD_START + milliseconds * MILLISECOND;
            let change = NodeChange::Clock { wall_offset_ms, monotonic_offset_ms };
            events.push(NodeEvent { time, node: node.to_owned(), change, at: None });
        };
    for node in NODES {
        tell(0, node, 0.0, 0.0);
    }
    for time in (4_900..=10_200).step_by(100) {
        let on = (5_000..10_000).contains(&time);
        tell(time, "n1", if on { -5_000.02 } else { 0.01 }, 0.0);
    }
    for time in (11_000..=17_200).step_by(100) {
        let drift = (time.min(17_000) - 11_000) as f64 * 0.05;
        tell(time, "n5", drift, drift);
    }
    for time in (24_000..=27_200).step_by(100) {
        let ahead = time < 27_000 && (time - 24_000) / 200 % 2 == 0;
        tell(time, "n3", if ahead { 30_000.0 } else { 0.02 }, 0.0);
    }
    for node in NODES {
        let kept = if node == "n5" { 300.1 } else { 0.0 };
        tell(30_000, node, kept, kept);
    }
}

fn tell_processes(events: &mut Vec<NodeEvent>) {
    let mut tell = |milliseconds: u64, node: &str, change: NodeChange| {
        let time = LOAD_START + milliseconds * MILLISECOND;
        events.push(NodeEvent { time, node: node.to_owned(), change, at: None });
    };
    let killed = || NodeChange::Exited { status: "signal SIGKILL".to_owned() };
    let started = || NodeChange::Started { pid: 5_000 };
    let role = |role: &str, term| NodeChange::Role { role: role.to_owned(), term, leader: None };
    for node in ["n2", "n3"] {
        tell(12_030, node, killed());
        tell(14_500, node, started());
        tell(14_600, node, role("follower", 2));
    }
    tell(12_700, "n4", role("candidate", 2));
    tell(12_850, "n4", role("leader", 2));
    tell(12_853, "n1", role("follower", 2));
    tell(12_854, "n5", role("follower", 2));
    for (at, back) in [(16_010, 16_390), (16_800, 17_190), (17_600, 17_990), (18_400, 19_000)] {
        tell(at, "n1", killed());
        tell(back, "n1", started());
        tell(back + 60, "n1", role("follower", 2));
    }
    tell(18_240, "n2", NodeChange::Exited { status: "exit code 74".to_owned() });
    tell(21_000, "n2", started());
    tell(21_080, "n2", role("follower", 2));
    tell(23_024, "n5", role("leader", 3));
    tell(23_025, "n4", role("follower", 3));
    tell(23_026, "n1", role("follower", 3));
    tell(23_026, "n3", role("follower", 3));
    tell(23_026, "n2", role("follower", 3));
    tell(25_012, "n2", killed());
    tell(27_500, "n2", started());
    tell(27_580, "n2", role("follower", 3));
}

fn summarise(run: &mut Sample, faults: &[SampleFault]) {
    let summary = &mut run.summary;
    let mut families: Vec<&str> = faults.iter().map(|fault| fault.family).collect();
    families.sort_unstable();
    families.dedup();
    summary.run.faults = families.iter().map(|family| (*family).to_owned()).collect();
    summary.run.skipped = vec![(
        "reconfiguration".into(),
        "this target does not say that it can change its members".into(),
    )];
    summary.run.id = "20261120T191500Z-bundled-register-all-s42".into();
    summary.run.command = format!(
        "stormproof run --nodes 5 --workload register --faults {} --seed 42",
        families.join(",")
    );
    summary.run.engines = [
        ("partition", "user-space switch"),
        ("packet", "user-space switch"),
        ("kill", "SIGKILL through a pidfd"),
        ("pause", "SIGSTOP through a pidfd"),
        ("cpu", "cgroup v1 quota, period 10 ms"),
        ("clock", "patched vDSO"),
        ("disk", "FUSE"),
        ("power", "FUSE, what was not synced is lost"),
        ("corruption", "FUSE"),
    ]
    .map(|(family, engine)| (family.to_owned(), engine.to_owned()))
    .into();
    summary.findings = vec![
        Finding {
            node: "n2".into(),
            seconds: (LOAD_START + 18_240 * MILLISECOND) as f64 / SECOND as f64,
            text: "n2 stopped by itself while its disk failed (exit code 74)".into(),
            log: [
                "WARN  append of entry 88,112 failed: Input/output error (os error 5)",
                "ERROR the log cannot be trusted after a failed fsync; stopping",
                "exit code 74",
            ]
            .map(str::to_owned)
            .into(),
        },
        Finding {
            node: "n2".into(),
            seconds: (LOAD_START + 27_560 * MILLISECOND) as f64 / SECOND as f64,
            text: "n2 noticed a damaged record and asked the leader for it".into(),
            log: Vec::new(),
        },
    ];
    summary.fault_coverage = Some(coverage(&families));
}

fn coverage(families: &[&str]) -> Coverage {
    let mut coverage = Coverage::default();
    for (row, family) in families.iter().enumerate() {
        let family: Family = family.parse().expect("a family");
        for (column, role) in Role::ALL.into_iter().enumerate() {
            for (depth, phase) in Phase::ALL.into_iter().enumerate() {
                match (row * 7 + column * 5 + depth * 3) % 8 {
                    0 | 1 => coverage.cells.push(Cell {
                        role,
                        family,
                        phase,
                        count: 1 + (row + depth * column) as u64,
                    }),
                    2 => {}
                    _ => coverage.missed.push(Missed { role, family, phase }),
                }
            }
        }
    }
    coverage
}
