//! Made-up runs that look like real ones: the same options always make the same run.

use std::collections::BTreeMap;

use checker::history::{Attempt, Event, EventType, History, Process};
use checker::verdict::{Analysis, Verdict};
use serde_json::{Value, json};
use stormproof_results::event::{NodeChange, NodeEvent, Phase};
use stormproof_results::summary::{Coverage, Liveness, RunInfo, SCHEMA, Summary};
use stormproof_results::timed_logs::TimedLog;

use super::elections;
use super::stale_read::stale_read;

pub(super) const SECOND: u64 = 1_000_000_000;
pub(super) const MILLISECOND: u64 = 1_000_000;
/// Setup and Healthy take so long before the load begins.
pub(super) const LOAD_START: u64 = 1_400 * MILLISECOND;
/// The length of an election after the leader was lost.
pub(super) const ELECTION: u64 = 900 * MILLISECOND;
pub(super) const CLIENTS: u64 = 32;

/// The kind of run to make.
pub struct Options {
    /// The length of the load.
    pub seconds: u64,
    /// Operations a second.
    pub rate: u64,
    /// True if there were faults.
    pub faults: bool,
    /// The verdict.
    pub verdict: Verdict,
}

/// A run as `report::html` takes it.
pub struct Sample {
    pub summary: Summary,
    pub history: History,
    pub node_events: Vec<NodeEvent>,
    pub logs: Vec<TimedLog>,
}

/// Makes a run.
pub fn sample(options: &Options) -> Sample {
    let mut maker = Maker::new(options);
    maker.phases();
    if options.faults {
        maker.faults();
    }
    maker.node_events();
    maker.clients();
    maker.finish()
}

/// Steele, Lea and Flood's SplitMix64, so that no run of the tests differs from another.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    /// A latency: mostly near `typical`, with the long tail that disks and schedulers make.
    fn latency(&mut self, typical: u64) -> u64 {
        let unit = (self.next() >> 11) as f64 / (1_u64 << 53) as f64;
        let tail = (1.0 - unit).powf(-0.28);
        (typical as f64 * (0.6 + 0.4 * tail * tail)) as u64
    }
}

/// One fault of the made-up schedule.
struct Fault {
    family: &'static str,
    name: String,
    nodes: Vec<&'static str>,
    outcome: &'static str,
    effect: Value,
    totals: Value,
    start: u64,
    end: u64,
    hits_leader: bool,
}

struct Maker<'a> {
    options: &'a Options,
    random: Random,
    load_end: u64,
    end: u64,
    /// Without their indices yet.
    events: Vec<Event>,
    node_events: Vec<NodeEvent>,
    faults: Vec<Fault>,
}

pub(super) const NODES: [&str; 5] = ["n1", "n2", "n3", "n4", "n5"];

pub(super) fn event(time: u64, process: Process, kind: EventType, f: &str, value: Value) -> Event {
    Event { time, ..Event::new(process, kind, f, value) }
}

impl<'a> Maker<'a> {
    fn new(options: &'a Options) -> Maker<'a> {
        let load_end = LOAD_START + options.seconds * SECOND;
        Maker {
            options,
            random: Random(42),
            load_end,
            end: load_end + 3 * SECOND,
            events: Vec::new(),
            node_events: Vec::new(),
            faults: Vec::new(),
        }
    }

    fn phases(&mut self) {
        let marks = [
            (0, "setup"),
            (400 * MILLISECOND, "healthy"),
            (LOAD_START, "load"),
            (self.load_end, "recover"),
            (self.load_end + 500 * MILLISECOND, "converge"),
            (self.load_end + 2 * SECOND, "final-reads"),
            (self.end, "check"),
        ];
        for (time, name) in marks {
            self.events.push(event(
                time,
                Process::Controller,
                EventType::Info,
                "phase",
                json!(name),
            ));
        }
    }

    fn faults(&mut self) {
        let mut time = LOAD_START + 3 * SECOND;
        let mut number = 0;
        while time + 6 * SECOND < self.load_end {
            let fault = self.fault(number, time);
            time = fault.end + SECOND + self.random.below(2 * SECOND);
            self.log_fault(number, &fault);
            self.faults.push(fault);
            number += 1;
        }
    }

    fn fault(&mut self, number: u64, start: u64) -> Fault {
        let leader = self.leader_at(start);
        let other = NODES[(NODES.iter().position(|&n| n == leader).unwrap_or(0) + 2) % 5];
        let length = 2 * SECOND + self.random.below(2 * SECOND);
        let dropped = 40 + self.random.below(900);
        let (family, name, nodes, outcome, effect, totals, hits_leader) = match number % 6 {
            0 => (
                "partition",
                format!("isolate the leader {leader}"),
                vec![leader],
                "installed",
                json!({"packets_dropped": 4}),
                json!({"packets_dropped": dropped}),
                true,
            ),
            1 => (
                "kill",
                format!("kill {other}"),
                vec![other],
                "installed",
                json!({}),
                json!({}),
                false,
            ),
            2 => (
                "pause",
                format!("pause the leader {leader}"),
                vec![leader],
                "installed",
                json!({"state": "T"}),
                json!({"stopped_seconds": length as f64 / 1e9}),
                true,
            ),
            3 => (
                "partition",
                "majority ring".to_owned(),
                NODES.to_vec(),
                "installed",
                json!({"packets_dropped": 17}),
                json!({"packets_dropped": dropped * 2}),
                false,
            ),
            4 => (
                "partition",
                format!("one way: {other} hears nobody"),
                vec![other],
                "indeterminate",
                json!({"packets_dropped": 0}),
                json!({"packets_dropped": 0}),
                false,
            ),
            _ => (
                "kill",
                "kill a majority".to_owned(),
                vec![leader, other],
                if number == 5 { "skipped" } else { "installed" },
                json!({}),
                json!({}),
                number != 5,
            ),
        };
        let end = if outcome == "skipped" { start + MILLISECOND } else { start + length };
        Fault { family, name, nodes, outcome, effect, totals, start, end, hits_leader }
    }

    fn leader_at(&self, time: u64) -> &'static str {
        let lost = self.faults.iter().filter(|f| f.hits_leader && f.start < time).count();
        NODES[(1 + lost * 3) % 5]
    }

    fn log_fault(&mut self, number: u64, fault: &Fault) {
        let mut value = json!({"fault": number, "stage": "inject", "name": fault.name,
            "nodes": fault.nodes, "grudge": {}});
        if fault.family == "partition" {
            let others = |me: &str| NODES.iter().filter(|&&n| n != me).collect::<Vec<_>>();
            let grudge: BTreeMap<_, _> = fault.nodes.iter().map(|&n| (n, others(n))).collect();
            value["grudge"] = json!(grudge);
        }
        let mut log = |time, kind, stage: &str, outcome: Option<&str>, effect: &Value| {
            let mut value = value.clone();
            value["stage"] = json!(stage);
            if let Some(outcome) = outcome {
                value["outcome"] = json!(outcome);
                value["effect"] = effect.clone();
            }
            if outcome == Some("skipped") {
                value["reason"] = json!("two of five nodes were still recovering");
            }
            self.events.push(event(time, Process::Nemesis, kind, fault.family, value));
        };
        let none = Value::Null;
        log(fault.start, EventType::Invoke, "inject", None, &none);
        let injected = fault.start + MILLISECOND;
        log(injected, EventType::Info, "inject", Some(fault.outcome), &fault.effect);
        if fault.outcome != "skipped" {
            log(fault.end - 2 * MILLISECOND, EventType::Invoke, "undo", None, &none);
            log(fault.end, EventType::Info, "undo", Some(fault.outcome), &fault.totals);
        }
    }

    fn node_events(&mut self) {
        for (number, node) in NODES.iter().enumerate() {
            let started = (20 + 7 * number as u64) * MILLISECOND;
            self.tell(started, node, NodeChange::Started { pid: 4000 + number as u32 });
        }
        let mut term = 1;
        self.elect(600 * MILLISECOND, term, &[]);
        let faults = std::mem::take(&mut self.faults);
        for fault in &faults {
            let kills = fault.family == "kill" && fault.outcome == "installed";
            for &node in fault.nodes.iter().filter(|_| kills) {
                let status = "signal SIGKILL".to_owned();
                self.tell(fault.start + MILLISECOND, node, NodeChange::Exited { status });
            }
            if fault.hits_leader {
                term += 1;
                self.elect(fault.start + ELECTION, term, &fault.nodes);
            }
            for &node in fault.nodes.iter().filter(|_| kills) {
                self.tell(fault.end, node, NodeChange::Started { pid: 5000 });
                self.follow(fault.end + 60 * MILLISECOND, node, term);
            }
            if fault.hits_leader && !kills {
                self.follow(fault.end + 30 * MILLISECOND, fault.nodes[0], term);
            }
        }
        self.faults = faults;
    }

    fn elect(&mut self, time: u64, term: u64, cut_off: &[&str]) {
        let leader = self.leader_at_election(time);
        self.tell_role(time - 160 * MILLISECOND, leader, "pre-candidate", term - 1);
        self.tell_role(time - 120 * MILLISECOND, leader, "candidate", term);
        self.tell_role(time, leader, "leader", term);
        self.node_events.extend(elections::calls(time, term, leader, cut_off));
        for node in NODES.iter().filter(|&&n| n != leader && !cut_off.contains(&n)) {
            self.follow(time + 4 * MILLISECOND, node, term);
        }
    }

    fn leader_at_election(&self, time: u64) -> &'static str {
        // The faults are taken out while the nodes' events are made; count elections instead.
        let elections = self
            .node_events
            .iter()
            .filter(|e| matches!(&e.change, NodeChange::Role { role, .. } if role == "leader"))
            .filter(|e| e.time < time)
            .count();
        NODES[(1 + elections * 3) % 5]
    }

    fn follow(&mut self, time: u64, node: &str, term: u64) {
        self.tell_role(time, node, "follower", term);
    }

    fn tell_role(&mut self, time: u64, node: &str, role: &str, term: u64) {
        let role = role.to_owned();
        self.tell(time, node, NodeChange::Role { role, term, leader: None });
    }

    fn tell(&mut self, time: u64, node: &str, change: NodeChange) {
        self.node_events.push(NodeEvent { time, node: node.to_owned(), change, at: None });
    }

    fn clients(&mut self) {
        let mut processes: Vec<u64> = (0..CLIENTS).collect();
        let mut free_at = vec![LOAD_START; CLIENTS as usize];
        let mut next_process = CLIENTS;
        let count = self.options.seconds * self.options.rate;
        for number in 0..count {
            let due = LOAD_START + number * SECOND / self.options.rate;
            let worker = (number % CLIENTS) as usize;
            let start = due.max(free_at[worker]) + self.random.below(200_000);
            if start >= self.load_end {
                continue;
            }
            let (end, kind) = self.operation(number, processes[worker], start);
            free_at[worker] = end + 10_000;
            if kind == EventType::Info {
                processes[worker] = next_process;
                next_process += 1;
            }
        }
    }

    /// Logs one operation; tells when it ended and how.
    fn operation(&mut self, number: u64, process: u64, start: u64) -> (u64, EventType) {
        let f = ["read", "read", "write", "cas"][self.random.below(4) as usize];
        let key = format!("k{}", number / 400 * 4 + self.random.below(4));
        let outage = self.faults.iter().find(|fault| {
            fault.hits_leader && (fault.start..fault.start + ELECTION).contains(&start)
        });
        let typical = if f == "read" { 900_000 } else { 2_800_000 };
        let mut end = start + self.random.latency(typical);
        let mut attempts = Vec::new();
        let mut kind = EventType::Ok;
        let mut error = None;
        let node = NODES[self.random.below(5) as usize].to_owned();
        if let Some(fault) = outage {
            let back = fault.start + ELECTION + self.random.below(40 * MILLISECOND);
            let indefinite = number.is_multiple_of(3);
            let text = if indefinite { "timeout" } else { "not_leader" };
            attempts.push(Attempt {
                node: fault.nodes[0].to_owned(),
                start,
                end: (start + if indefinite { 300 * MILLISECOND } else { 2 * MILLISECOND })
                    .min(back),
                error: Some(text.to_owned()),
                definite: Some(!indefinite),
            });
            end = end.max(back);
            if indefinite && f != "read" && self.random.below(3) == 0 {
                kind = EventType::Info;
                error = Some("timeout".to_owned());
            }
        }
        if kind == EventType::Ok && f == "cas" && self.random.below(4) == 0 {
            kind = EventType::Fail;
            error = Some("precondition failed".to_owned());
        }
        if kind != EventType::Info {
            let from = attempts.last().map_or(start, |attempt: &Attempt| attempt.end);
            attempts.push(Attempt {
                node: node.clone(),
                start: from,
                end,
                error: None,
                definite: None,
            });
        }
        let argument = match f {
            "read" => Value::Null,
            "write" => json!(number),
            _ => json!([number.saturating_sub(4), number]),
        };
        let token = Some(format!("r7f3:{process}:{number}"));
        let mut invocation =
            event(start, Process::Client(process), EventType::Invoke, f, argument.clone());
        invocation.key = Some(key);
        invocation.token = token;
        let value = if f == "read" { json!(number / 2) } else { argument };
        let completion = Event {
            time: end,
            kind,
            value,
            node: (kind != EventType::Info).then_some(node),
            error,
            attempts,
            ..invocation.clone()
        };
        self.events.push(invocation);
        self.events.push(completion);
        (end, kind)
    }

    fn finish(mut self) -> Sample {
        self.events.sort_by_key(|event| (event.time, event.kind));
        for (index, event) in self.events.iter_mut().enumerate() {
            event.index = index as u64;
        }
        self.node_events.sort_by_key(|event| event.time);
        let summary = self.summary();
        super::nodes::of_events(summary, self.events, self.node_events)
    }

    fn summary(&self) -> Summary {
        let verdict = self.options.verdict;
        // In the middle of the first fault, or of the load when there is none.
        let base = self
            .faults
            .first()
            .map_or(LOAD_START + SECOND, |fault| fault.start + 1_100 * MILLISECOND);
        let counterexample = (verdict == Verdict::Invalid).then(|| stale_read(&self.events, base));
        let operations = self.options.seconds * self.options.rate;
        let sentence = match verdict {
            Verdict::Valid => {
                "Every answer that the clients got has an explanation: no promise was broken."
                    .to_owned()
            }
            Verdict::Unknown => {
                "Not decided: the search budget ran out on 2 of 480 keys, so this is no pass."
                    .to_owned()
            }
            Verdict::Invalid => {
                counterexample.as_ref().map_or_else(String::new, |c| c.sentence.clone())
            }
        };
        let faults: Vec<String> = if self.options.faults {
            ["partition", "kill", "pause"].map(str::to_owned).to_vec()
        } else {
            Vec::new()
        };
        let unknown = verdict == Verdict::Unknown;
        let pairs = |pairs: &[(&str, &str)]| {
            pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
        };
        Summary {
            schema: SCHEMA,
            verdict,
            sentence,
            safety: Analysis {
                verdict,
                model: "register".into(),
                algorithm: "wing-gong-lowe".into(),
                operations: operations * 93 / 100,
                keys: operations / 100,
                steps: operations * 3 / 2,
                reason: unknown.then(|| {
                    "The budget of 10,000,000 steps ran out on keys k17 and k204.".to_owned()
                }),
                counterexample,
                versions: None,
                audit: None,
                divergence: None,
                accounting: None,
            },
            liveness: Liveness {
                verdict: Verdict::Valid,
                sentence: "All 5 nodes agreed on n2 and answered a write and a read through each."
                    .into(),
                recovery_seconds: Some(1.31),
                probe_lateness_seconds: 0.004,
                load_lateness_seconds: 0.0,
                degree: None,
                nodes: Vec::new(),
            },
            coverage: Coverage {
                verdict: if unknown { Verdict::Unknown } else { Verdict::Valid },
                gaps: if unknown { vec!["No cas ever succeeded.".into()] } else { Vec::new() },
                notes: Vec::new(),
            },
            run: RunInfo {
                id: format!(
                    "20261120T191500Z-bundled-register-{}-s42",
                    if self.options.faults { "partition+kill+pause" } else { "none" }
                ),
                started: "2026-11-20T19:15:00Z".into(),
                target: "bundled".into(),
                target_version: "0.1.0".into(),
                bug: (verdict == Verdict::Invalid).then(|| "stale-read".into()),
                nodes: NODES.map(str::to_owned).to_vec(),
                workload: "register".into(),
                faults,
                skipped: if self.options.faults {
                    vec![("clock".into(), "this kernel has no time namespaces".into())]
                } else {
                    Vec::new()
                },
                known: Vec::new(),
                seed: 42,
                time_limit_seconds: self.options.seconds as f64,
                stopped_early_seconds: None,
                rate: Some(self.options.rate as f64),
                concurrency: CLIENTS as u32,
                lab: "netns: root, and the kernel allows network, mount and pid namespaces".into(),
                engines: if self.options.faults {
                    pairs(&[
                        ("partition", "iptables-nft"),
                        ("kill", "SIGKILL"),
                        ("pause", "SIGSTOP through a pidfd"),
                    ])
                } else {
                    BTreeMap::new()
                },
                command: format!(
                    "stormproof run --nodes 5 --workload register --faults {} --time-limit {} --rate {} --seed 42",
                    if self.options.faults { "partition,kill,pause" } else { "none" },
                    self.options.seconds,
                    self.options.rate
                ),
                machine_ms: None,
                environment: pairs(&[
                    ("kernel", "Linux 6.12.9 x86_64"),
                    ("memory", "7.8 GiB"),
                    ("processors", "2 × AMD EPYC 9B14"),
                    ("stormproof", "0.1.0"),
                ]),
            },
            availability: None,
            fault_coverage: None,
            latency: None,
            findings: Vec::new(),
            phases: [
                (Phase::Setup, 0.4),
                (Phase::Healthy, 1.0),
                (Phase::Load, self.options.seconds as f64),
                (Phase::Recover, 0.5),
                (Phase::Converge, 1.31),
                (Phase::FinalReads, 0.4),
                (Phase::Check, 0.021),
            ]
            .to_vec(),
            ended_early: None,
            order: None,
            failure: None,
        }
    }
}
