//! Explanations of invalid histories of every model: each says what is wrong.

use stormproof_checker::history::Operations;
use stormproof_checker::verdict::Analysis;
use stormproof_checker::{Options, check};

use crate::support::{Recording, Service, paired, record};

/// Services, the models that judge them, and the most of their histories of which it is only said
/// that something is wrong.
const SERVICES: [(Service, &str, usize); 7] = [
    (Service::Register, "register", 0),
    (Service::Counter, "counter", 0),
    (Service::Tally, "counter", 0),
    (Service::Powers, "counter", 0),
    (Service::Mutex, "mutex", 0),
    (Service::FencedLock, "fenced-lock", 0),
    (Service::Set, "set", 2),
];

/// Invalid histories of each.
const OF_EACH: usize = 25;

fn judge(operations: &Operations, model: &str) -> Analysis {
    let options = Options { model: Some(model.into()), ..Options::default() };
    check(operations, &options).expect("it fits the model")
}

/// Sentences about small invalid histories.
fn sentences(service: Service, model: &'static str) -> impl Iterator<Item = String> {
    let said = (0..3000).filter_map(move |seed| {
        let recording = Recording {
            service,
            seed,
            operations: 20 + (seed % 3) as usize * 10,
            clients: 2 + (seed % 4) as usize,
            unknown: [0.0, 0.1][(seed % 2) as usize],
            lies: 1 + (seed % 5 / 4) as usize,
            ..Recording::default()
        };
        Some(judge(&paired(&record(recording)), model).counterexample?.sentence)
    });
    said.take(OF_EACH)
}

/// Returns whether a sentence only says that something is wrong, and not what.
fn is_vague(sentence: &str) -> bool {
    ["explains", "contradict", "no order"].iter().any(|words| sentence.contains(words))
}

#[test]
fn sentences_say_what_is_wrong() {
    for (service, model, most) in SERVICES {
        let sentences: Vec<String> = sentences(service, model).collect();
        assert_eq!(sentences.len(), OF_EACH, "{service:?}");
        let vague: Vec<&String> = sentences.iter().filter(|it| is_vague(it)).collect();
        println!(
            "{model}, {service:?}: {} of {OF_EACH} are vague; one: {}",
            vague.len(),
            sentences[0]
        );
        assert!(vague.len() <= most, "{service:?}: {vague:#?}");
    }
}

#[test]
fn locks_and_counters_name_who_and_how_much() {
    let sentence = |model: &str, log: &str| {
        let reading = stormproof_checker::history::read(log.as_bytes()).expect("it is a log");
        judge(&reading.operations, model).counterexample.expect("it is invalid").sentence
    };
    assert_eq!(
        sentence(
            "fenced-lock",
            "0 :invoke :acquire nil\n0 :ok :acquire 7\n1 :invoke :acquire nil\n1 :ok :acquire 7\n"
        ),
        "process 1 acquired the lock with token 7 at event 3, although process 0 had got that token \
         at event 1"
    );
    assert_eq!(
        sentence(
            "mutex",
            "0 :invoke :acquire nil\n0 :ok :acquire nil\n1 :invoke :acquire nil\n\
             1 :ok :acquire nil\n"
        ),
        "process 1 acquired the lock at event 3, although process 0 had acquired it at event 1 and \
         not released it"
    );
    assert_eq!(
        sentence("counter", "0 :invoke :add 2\n1 :invoke :read nil\n1 :ok :read 5\n"),
        "process 1 read 5 at event 2, but all additions that had begun by then make 2 at most"
    );
    assert_eq!(
        sentence("set", "1 :invoke :read nil\n1 :ok :read [5]\n0 :invoke :add 5\n0 :ok :add 5\n"),
        "process 1 read [5] at event 1, but 5 was only put in later, by process 0 from event 2 on"
    );
}
