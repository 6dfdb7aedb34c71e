//! The frontier says of every prefix what the offline checker says of it.

mod support;

use std::num::NonZeroUsize;

use checker::history::History;
use checker::online::{Sighting, Watch};
use checker::verdict::Verdict;
use checker::{Options, check};
use support::{Recording, Service, paired, record};

/// What a watch says after each event of a history, and whether it gave up then.
fn sightings(model: &str, history: &History) -> Vec<Option<Verdict>> {
    let options = Options { model: Some(model.to_string()), ..Options::default() };
    let mut watch = Watch::new(&options).expect("there is such a model");
    let mut sightings = Vec::new();
    for event in &history.events {
        let legal = *watch.push(event) == Sighting::Legal;
        let verdict = if legal { Verdict::Valid } else { Verdict::Invalid };
        sightings.push((watch.given_up() == 0).then_some(verdict));
    }
    sightings
}

/// Compares every prefix of `count` histories.
fn compare(model: &str, service: Service, count: u64) {
    let model_name = Some(model.to_string());
    let options = Options { model: model_name, threads: NonZeroUsize::MIN, ..Options::default() };
    let mut invalid = 0;
    for seed in 0..count {
        let recording = Recording {
            service,
            seed,
            operations: 6 + (seed % 14) as usize,
            clients: 2 + (seed % 5) as usize,
            keys: 1,
            values: [None, Some(2), Some(3)][(seed % 3) as usize],
            unknown: [0.0, 0.2, 0.4][(seed / 3 % 3) as usize],
            lies: (seed / 9 % 3) as usize,
        };
        let history = record(recording);
        let sightings = sightings(model, &history);
        for (place, sighting) in sightings.iter().enumerate() {
            let prefix = History { events: history.events[..=place].to_vec() };
            let analysis = check(&paired(&prefix), &options).expect("the history can be judged");
            assert_eq!(
                *sighting,
                Some(analysis.verdict),
                "event {place} of {recording:?}: {history:#?}"
            );
        }
        invalid += u64::from(sightings.last() == Some(&Some(Verdict::Invalid)));
    }
    assert!(invalid > count / 5 && invalid < count * 4 / 5, "{invalid} of {count} are invalid");
}

#[test]
fn every_prefix_of_a_register_is_judged_as_offline() {
    compare("register", Service::Register, 400);
}

#[test]
fn every_prefix_of_a_string_is_judged_as_offline() {
    compare("kv-append", Service::Strings, 400);
}

#[test]
fn every_prefix_of_a_counter_is_judged_as_offline() {
    compare("counter", Service::Counter, 400);
}
