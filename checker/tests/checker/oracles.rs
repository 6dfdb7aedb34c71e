//! Versions and tokens of whole histories: what values hide is found, and no one is accused
//! falsely.

use std::rc::Rc;

use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};
use serde_json::{Value, json};
use stormproof_checker::history::{Attempt, Event, EventType, History, Operations, Process};
use stormproof_checker::oracle::audit::{Applied, AppliedLog, Wrong};
use stormproof_checker::oracle::of_history::Records;
use stormproof_checker::oracle::version::{ReadVersion, Rule, VersionSemantics};
use stormproof_checker::verdict::{Analysis, Verdict};
use stormproof_checker::{Options, check, check_with_records};

/// A history in the making, event by event.
#[derive(Default)]
struct Script {
    events: Vec<Event>,
}

impl Script {
    fn push(&mut self, process: u64, kind: EventType, f: &str, value: Value) -> &mut Event {
        let index = self.events.len() as u64;
        let event = Event::new(Process::Client(process), kind, f, value);
        let key = Some("k".to_string());
        self.events.push(Event { index, time: (index + 1) * 1_000_000, key, ..event });
        self.events.last_mut().expect("just pushed")
    }

    /// An operation with a token `t<process>` that no other overlaps.
    fn done(
        &mut self,
        process: u64,
        kind: EventType,
        f: &str,
        value: Value,
        version: Option<u64>,
    ) -> &mut Event {
        let asked = if f == "read" { Value::Null } else { value.clone() };
        self.push(process, EventType::Invoke, f, asked).token = Some(format!("t{process}"));
        let completion = self.push(process, kind, f, value);
        completion.token = Some(format!("t{process}"));
        completion.version = version;
        completion
    }

    fn operations(self) -> Operations {
        Operations::of(&History { events: self.events }).expect("well formed")
    }
}

fn options(model: &str) -> Options {
    let versions = Some(VersionSemantics::LOG_INDEX);
    Options { model: Some(model.into()), versions, ..Options::default() }
}

/// A log of one node, of (index, token, took effect).
fn log<'a>(node: &'a str, entries: &[(u64, &'a str, bool)]) -> AppliedLog<'a> {
    let through = entries.last().map_or(0, |entry| entry.0);
    let entries = entries
        .iter()
        .map(|&(index, token, took_effect)| Applied { index, token, took_effect })
        .collect::<Vec<_>>();
    AppliedLog { node, from: 1, through, entries: Rc::new(entries), as_of: None }
}

fn judge(operations: &Operations, model: &str, logs: Vec<AppliedLog<'_>>) -> Analysis {
    let records = Records { logs, versions_are_indices: true, ..Records::default() };
    check_with_records(operations, &options(model), &records, &|_| {}).expect("it fits the model")
}

/// Writes of 1 and 2, a refused write of 3, and a read of 2.
fn quiet_register() -> Operations {
    let mut script = Script::default();
    script.done(1, EventType::Ok, "write", json!(1), Some(1));
    let refused = script.done(3, EventType::Fail, "write", json!(3), None);
    refused.error = Some("not_leader".into());
    script.done(2, EventType::Ok, "write", json!(2), Some(2));
    script.done(4, EventType::Ok, "read", json!(2), Some(2));
    script.operations()
}

#[test]
fn the_applied_log_shows_what_the_values_of_a_register_hide() {
    let sound = [(1, "t1", true), (2, "t2", true)];
    type Case<'a> = (&'a [(u64, &'a str, bool)], Option<(Wrong, &'a str)>);
    let cases: [Case<'_>; 5] = [
        (&sound, None),
        (&[(1, "t1", true), (2, "t2", true), (3, "t2", false)], None),
        (&[(1, "t1", true), (2, "t2", true), (3, "t2", true)], Some((Wrong::Repeated, "t2"))),
        (&[(2, "t2", true)], Some((Wrong::Lost, "t1"))),
        (&[(1, "t3", true), (2, "t1", true), (3, "t2", true)], Some((Wrong::FalseFailure, "t3"))),
    ];
    let operations = quiet_register();
    for (entries, expected) in cases {
        let analysis = judge(&operations, "register", vec![log("n1", entries)]);
        assert_eq!(analysis.counterexample, None, "the values have a legal order");
        let audit = analysis.audit.as_ref().expect("there is a log");
        assert_eq!(audit.tokens, 3, "a read is no mutation");
        let found = audit.violations.first().map(|it| (it.wrong, it.token.as_str()));
        assert_eq!(found, expected, "{audit}");
        let verdict = if expected.is_some() { Verdict::Invalid } else { Verdict::Valid };
        assert_eq!(analysis.verdict, verdict);
        assert_eq!(analysis.sentence().is_some(), expected.is_some());
    }
}

#[test]
fn of_many_broken_promises_those_of_the_counterexample_are_told_and_each_with_its_evidence() {
    const WRITES: u64 = 250;
    let mut script = Script::default();
    for process in 1..=WRITES {
        let done = script.done(process, EventType::Ok, "write", json!(process), Some(2 * process));
        let start = process * 1_000;
        let (node, end) = ("n1".into(), start + 500);
        done.attempts = vec![Attempt { node, start, end, error: None, definite: None }];
    }
    // The last of all begins with what only late writes can explain.
    script.done(500, EventType::Ok, "read", json!(WRITES - 10), Some(2 * WRITES));
    let operations = script.operations();
    let tokens: Vec<String> = (1..=WRITES).map(|process| format!("t{process}")).collect();
    let twice = tokens.iter().flat_map(|token| [token, token]);
    let twice: Vec<_> = (1..).zip(twice).map(|(index, token)| (index, &**token, true)).collect();
    let analysis = judge(&operations, "register", vec![log("n1", &twice)]);
    let audit = analysis.audit.expect("there is a log");
    assert_eq!((audit.broken, audit.broken_by_kind.len()), (WRITES, 1));
    assert_eq!(audit.broken_by_kind[0].wrong, Wrong::Repeated);
    assert_eq!(audit.broken_by_kind[0].tokens, WRITES);
    let found = analysis.counterexample.expect("the read is stale");
    let told: Vec<&str> = audit.violations.iter().map(|it| it.token.as_str()).collect();
    assert_eq!(told[..100], tokens[..100], "the first by completion");
    let mut late = found.operations.iter().filter_map(|it| it.token.as_deref()).collect::<Vec<_>>();
    late.retain(|token| *token != "t500");
    assert!(!late.is_empty() && late.len() < 10, "{late:?}");
    assert_eq!(told[100..], late, "and those of the counterexample");
    for violation in &audit.violations {
        let number: u64 = violation.token[1..].parse().expect("a number");
        let places = format!("at index {} on n1 and at index {} on n1", 2 * number - 1, 2 * number);
        assert_eq!(violation.evidence, places);
        assert_eq!(violation.attempts.len(), 1);
    }
    let joined = "and the audit of tokens finds that it took effect more than once: at index";
    assert!(found.sentence.contains(joined), "{}", found.sentence);
}

#[test]
fn a_stale_version_is_found_where_an_unknown_write_excuses_the_value() {
    let mut script = Script::default();
    script.done(1, EventType::Ok, "write", json!(1), Some(10));
    script.done(2, EventType::Ok, "write", json!(2), Some(11));
    script.done(3, EventType::Info, "write", json!(1), None);
    script.done(4, EventType::Ok, "read", json!(1), Some(10));
    let operations = script.operations();
    let unclaimed = Options { versions: None, ..options("register") };
    let silent = check(&operations, &unclaimed).expect("it fits the model");
    assert_eq!((silent.verdict, silent.versions), (Verdict::Valid, None));

    let analysis = check(&operations, &options("register")).expect("it fits the model");
    assert_eq!(analysis.verdict, Verdict::Invalid);
    assert_eq!(analysis.counterexample, None);
    let versions = analysis.versions.as_ref().expect("there are claims");
    assert_eq!((versions.answers, versions.violations[0].rule), (3, Rule::Below));
    let sentence = analysis.sentence().expect("it is invalid");
    assert!(sentence.starts_with("process 4 read k at version 10"), "{sentence}");
    let json = serde_json::to_string(&analysis).expect("it can be saved");
    assert_eq!(serde_json::from_str::<Analysis>(&json).expect("and read"), analysis);
}

#[test]
fn a_sum_that_has_an_addition_twice_names_its_token_and_both_places_in_the_log() {
    let mut script = Script::default();
    let added = script.done(1, EventType::Ok, "add", json!(5), Some(1));
    let attempt = |node: &str, start, error: Option<&str>| Attempt {
        node: node.into(),
        start,
        end: start + 1,
        error: error.map(str::to_string),
        definite: error.map(|_| false),
    };
    added.attempts =
        vec![attempt("n1", 1_000_000, Some("timeout")), attempt("n2", 2_000_000, None)];
    script.done(2, EventType::Ok, "add", json!(5), Some(2));
    script.done(3, EventType::Ok, "read", json!(15), Some(3));
    let entries = [(1, "t1", true), (2, "t2", true), (3, "t1", true)];
    let analysis = judge(&script.operations(), "counter", vec![log("n1", &entries)]);
    let found = analysis.counterexample.as_ref().expect("no additions make 15");
    assert_eq!(
        found.sentence,
        "process 3 read 15 from k at 0.006 s, although the additions that had been acknowledged make \
         10 and no other had begun, as if an addition of 5 were in it twice; process 1 added 5 to k at \
         0.002 s, and the audit of tokens finds that it took effect more than once: at index 1 on n1 \
         and at index 3 on n1; asked n1 at 0.001 s (timeout), n2 at 0.002 s (answered)"
    );
    // The plainest comes first.
    assert_eq!(
        analysis.sentence(),
        Some(
            "add on k by process 1 (token t1) was acknowledged at 0.002 s, and took effect more than \
             once: at index 1 on n1 and at index 3 on n1; asked n1 at 0.001 s (timeout), n2 at 0.002 \
             s (answered)"
        )
    );
}

#[test]
fn a_lost_write_is_told_by_the_audit_first() {
    let mut script = Script::default();
    script.done(1, EventType::Ok, "write", json!(1), Some(1));
    script.done(2, EventType::Ok, "write", json!(2), Some(2));
    script.done(3, EventType::Ok, "read", json!(1), Some(2));
    script.done(4, EventType::Ok, "write", json!(3), Some(3));
    let entries = [(1, "t1", true), (2, "other", true), (3, "t4", true)];
    let analysis = judge(&script.operations(), "register", vec![log("n1", &entries)]);
    assert_eq!(
        analysis.sentence(),
        Some(
            "write on k by process 2 (token t2) was acknowledged at 0.004 s, but has no effect: the \
             log of n1 shows none"
        )
    );
    let found = analysis.counterexample.expect("2 was acknowledged");
    assert_eq!(
        found.sentence,
        "process 3 read 1 from k at 0.006 s, although 2 had been acknowledged at 0.004 s and nothing \
         wrote 1 again; process 2 wrote 2 to k at 0.004 s, but the audit of tokens finds no effect of \
         that: the log of n1 shows none"
    );
    assert_eq!(
        found.remarks[1],
        "2 was in effect by then; has no effect: the log of n1 shows none"
    );
}

#[test]
fn a_value_that_came_back_at_a_higher_version_was_written_twice() {
    let mut script = Script::default();
    script.done(1, EventType::Ok, "write", json!(1), Some(10));
    script.done(2, EventType::Ok, "write", json!(2), Some(11));
    script.done(3, EventType::Ok, "read", json!(1), Some(12));
    let reads = ReadVersion::Modification;
    let versions = Some(VersionSemantics { reads, ..VersionSemantics::LOG_INDEX });
    let options = Options { versions, ..options("register") };
    let analysis = check(&script.operations(), &options).expect("it fits the model");
    assert_eq!(
        analysis.counterexample.expect("2 had replaced 1").sentence,
        "process 3 read 1 from k at 0.006 s, although 2 had been acknowledged at 0.004 s and nothing \
         wrote 1 again; what it read was left at version 12, and the only write of it, by process 1 \
         at 0.001 s, was answered at version 10, so that took effect twice"
    );
}

#[test]
fn a_history_without_versions_and_tokens_is_judged_as_ever() {
    let mut script = Script::default();
    script.done(1, EventType::Ok, "append", json!(1), None);
    script.done(2, EventType::Ok, "read", json!([1]), None);
    for event in &mut script.events {
        event.token = None;
    }
    let analysis = check(&script.operations(), &options("append-list")).expect("it fits");
    assert_eq!(
        (analysis.verdict, &analysis.versions, &analysis.audit),
        (Verdict::Valid, &None, &None)
    );
    let json = serde_json::to_value(&analysis).expect("it can be saved");
    assert!(json.get("versions").is_none() && json.get("audit").is_none(), "{json}");
}

#[test]
fn final_reads_audit_lists_and_queues_without_logs() {
    let mut script = Script::default();
    script.done(1, EventType::Ok, "append", json!(7), None);
    script.done(2, EventType::Ok, "append", json!("x"), None);
    script.done(3, EventType::Info, "append", json!(9), None);
    script.done(4, EventType::Ok, "read", json!(["x", 7, "x"]), None);
    let analysis = check(&script.operations(), &options("append-list")).expect("it fits");
    let audit = analysis.audit.expect("the final read shows elements");
    let [ok, _, info] = audit.table;
    assert_eq!((ok.once, ok.repeatedly, info.unobservable), (1, 1, 1));
    assert_eq!(audit.violations[0].token, "t2");

    let mut script = Script::default();
    script.done(1, EventType::Ok, "enqueue", json!(7), None);
    script.done(2, EventType::Ok, "enqueue", json!(8), None);
    script.push(3, EventType::Invoke, "dequeue", Value::Null).token = Some("t3".into());
    script.push(3, EventType::Ok, "dequeue", json!(7)).token = Some("t3".into());
    script.push(4, EventType::Invoke, "dequeue", Value::Null).token = Some("t4".into());
    script.push(4, EventType::Fail, "dequeue", Value::Null).error = Some("empty".into());
    let analysis = check(&script.operations(), &options("queue")).expect("it fits");
    let audit = analysis.audit.expect("the dequeues show elements");
    let found: Vec<_> = audit.violations.iter().map(|it| (it.wrong, it.token.as_str())).collect();
    assert_eq!(found, [(Wrong::Lost, "t2")], "{audit}");
}

#[test]
fn elements_that_others_may_have_put_there_accuse_nobody() {
    let list = |initial: Value, token: bool| {
        let mut script = Script::default();
        script.done(1, EventType::Ok, "append", json!(7), None);
        script.done(2, EventType::Ok, "append", json!(7), None);
        if !token {
            script.events.iter_mut().for_each(|event| {
                event.token.take_if(|token| token == "t2");
            });
        }
        script.done(3, EventType::Ok, "read", json!([7, 7]), None);
        let options = Options { initial, ..options("append-list") };
        check(&script.operations(), &options).expect("it fits").audit
    };
    assert_eq!(list(json!([7]), true), None, "what was there before is nobody's");
    assert_eq!(list(Value::Null, false), None, "an append has no token");
    let shared = list(Value::Null, true).expect("the final read shows elements");
    assert_eq!((shared.broken, shared.table[0].unobservable), (0, 2));
}

/// A simulated service: a counter or register with a log, of whose answers some get lost, whose
/// clients send again, and which recognises what it has done.
struct Service {
    script: Script,
    /// Token and whether it took effect; the index is the place, from 1.
    log: Vec<(String, bool)>,
    /// Tokens of operations that were acknowledged, or surely refused.
    acknowledged: Vec<String>,
    refused: Vec<String>,
}

fn simulate(model: &str, seed: u64) -> Service {
    let random = &mut ChaCha8Rng::seed_from_u64(seed);
    let (script, log) = (Script::default(), Vec::new());
    let mut service = Service { script, log, acknowledged: Vec::new(), refused: Vec::new() };
    let (mut value, mut process) = (Value::Null, 100);
    // Requests under way: of whom, its token and argument, and its answer if it was applied.
    type Open = (u64, String, Option<i64>, Option<(Value, u64)>, bool);
    let mut open: Vec<Open> = Vec::new();
    let mut late: Vec<(String, i64)> = Vec::new();
    let apply = |service: &mut Service, value: &mut Value, token: &str, argument: i64| {
        let earlier = service.log.iter().position(|(of, took_effect)| of == token && *took_effect);
        service.log.push((token.to_string(), earlier.is_none()));
        if earlier.is_none() {
            let sum = value.as_i64().unwrap_or(0) + argument;
            *value = if model == "counter" { json!(sum) } else { json!(argument) };
        }
        earlier.map_or(service.log.len(), |earlier| earlier + 1) as u64
    };
    for number in 0..random.random_range(10..60) {
        let invoked = open.len() < 4 && random.random_bool(0.5);
        if invoked {
            process += 1;
            let argument = random
                .random_bool(0.7)
                .then(|| if model == "counter" { 1 } else { number % 3 + 1 });
            let token = format!("r:{process}");
            let f = match (argument, model) {
                (None, _) => "read",
                (Some(_), "counter") => "add",
                (Some(_), _) => "write",
            };
            service.script.push(process, EventType::Invoke, f, json!(argument)).token =
                Some(token.clone());
            open.push((process, token, argument, None, false));
        } else if !open.is_empty() {
            let at = random.random_range(0..open.len());
            let (process, token, argument, answer, sent) = open[at].clone();
            let f = match (argument, model) {
                (None, _) => "read",
                (Some(_), "counter") => "add",
                (Some(_), _) => "write",
            };
            match (argument, answer, random.random_range(0..10)) {
                (Some(_), None, 0) if !sent => {
                    let event = service.script.push(process, EventType::Fail, f, json!(argument));
                    event.error = Some("not_leader".into());
                    service.refused.push(token);
                    open.remove(at);
                }
                (Some(argument), _, 1) => {
                    service.script.push(process, EventType::Info, f, json!(argument));
                    late.push((token, argument));
                    open.remove(at);
                }
                (None, None, _) => {
                    let answered = (value.clone(), service.log.len() as u64);
                    open[at].3 = Some(answered);
                }
                (Some(argument), None, _) => {
                    let version = apply(&mut service, &mut value, &token, argument);
                    open[at].3 = Some((json!(argument), version));
                    open[at].4 = true;
                }
                // Its answer got lost, and it is sent again.
                (Some(argument), Some((answer, version)), 2) => {
                    let again = apply(&mut service, &mut value, &token, argument);
                    assert_eq!(again, version, "a retry gets the first answer");
                    open[at].3 = Some((answer, version));
                }
                (_, Some((answer, version)), _) => {
                    let answer = if argument.is_none() && model == "counter" && answer.is_null() {
                        json!(0)
                    } else {
                        answer
                    };
                    service.script.push(process, EventType::Ok, f, answer).version = Some(version);
                    if argument.is_some() {
                        service.acknowledged.push(token);
                    }
                    open.remove(at);
                }
            }
        }
        if !late.is_empty() && random.random_bool(0.2) {
            let (token, argument) = late.swap_remove(random.random_range(0..late.len()));
            apply(&mut service, &mut value, &token, argument);
        }
    }
    // A last mutation, so that the logs are known to reach behind all others.
    let version = apply(&mut service, &mut value, "last", 1);
    let f = if model == "counter" { "add" } else { "write" };
    service.script.push(99, EventType::Invoke, f, json!(1)).token = Some("last".into());
    service.script.push(99, EventType::Ok, f, json!(1)).version = Some(version);
    service
}

/// The entries that three nodes applied: one everything, the others a beginning of it.
fn logs(log: &[(String, bool)], random: &mut ChaCha8Rng) -> Vec<AppliedLog<'static>> {
    let nodes = ["n1", "n2", "n3"];
    let reach = |node| if node == "n2" { log.len() } else { random.random_range(0..=log.len()) };
    let reaches: Vec<usize> = nodes.into_iter().map(reach).collect();
    let of = |(node, reach): (&'static str, usize)| AppliedLog {
        node,
        from: 1,
        through: reach as u64,
        entries: Rc::new(
            log[..reach]
                .iter()
                .zip(1..)
                .map(|((token, took_effect), index)| Applied {
                    index,
                    // A test may leak a little.
                    token: token.clone().leak(),
                    took_effect: *took_effect,
                })
                .collect::<Vec<_>>(),
        ),
        as_of: None,
    };
    nodes.into_iter().zip(reaches).map(of).collect()
}

#[test]
fn a_service_that_keeps_its_promises_is_never_accused_and_one_that_does_not_is() {
    let mut found = [0; 3];
    for seed in 0..600 {
        let model = ["counter", "register"][seed as usize % 2];
        let random = &mut ChaCha8Rng::seed_from_u64(seed + 10_000);
        let Service { script, mut log, acknowledged, refused } = simulate(model, seed);
        let operations = script.operations();
        let sound = judge(&operations, model, logs(&log, random));
        assert_eq!(sound.verdict, Verdict::Valid, "seed {seed}: {:?}", sound.sentence());
        let audit = sound.audit.expect("there are logs");
        assert_eq!(audit.table[0].once, acknowledged.len() as u64 + 1, "seed {seed}: {audit}");

        let (kind, token) = match random.random_range(0..3) {
            0 if !acknowledged.is_empty() => {
                let token = acknowledged[random.random_range(0..acknowledged.len())].clone();
                log.push((token.clone(), true));
                (Wrong::Repeated, token)
            }
            1 if !acknowledged.is_empty() => {
                let token = acknowledged[random.random_range(0..acknowledged.len())].clone();
                log.iter_mut().filter(|(of, _)| *of == token).for_each(|entry| entry.1 = false);
                (Wrong::Lost, token)
            }
            2 if !refused.is_empty() => {
                let token = refused[random.random_range(0..refused.len())].clone();
                log.push((token.clone(), true));
                (Wrong::FalseFailure, token)
            }
            _ => continue,
        };
        let broken = judge(&operations, model, logs(&log, random));
        assert_eq!(broken.verdict, Verdict::Invalid, "seed {seed}: {kind:?} of {token}");
        assert_eq!(broken.counterexample, None, "seed {seed}: values do not show it");
        let audit = broken.audit.expect("there are logs");
        let violations: Vec<_> = audit.violations.iter().map(|it| (it.wrong, &*it.token)).collect();
        assert_eq!(violations, [(kind, &*token)], "seed {seed}: {audit}");
        found[kind as usize] += 1;
    }
    assert!(found.iter().all(|count| *count > 20), "{found:?}");
}
