//! Counts of elements call nothing wrong that a legal order explains: they accuse no history that
//! has one.

use std::collections::BTreeMap;

use stormproof_checker::accounting::ElementOutcome;
use stormproof_checker::model::{Queue, Set};
use stormproof_checker::verdict::Verdict;
use stormproof_checker::{Budget, Options, check, check_with_model};

use crate::support::{Recording, Service, paired, record};

#[test]
fn counts_and_models_do_not_contradict_each_other() {
    let mut seen: BTreeMap<ElementOutcome, u64> = BTreeMap::new();
    for seed in 0..800 {
        let (service, model) = match seed % 2 {
            0 => (Service::Set, "set"),
            _ => (Service::Queue, "queue"),
        };
        let recording = Recording {
            service,
            seed,
            operations: 10 + (seed % 30) as usize,
            clients: 1 + (seed % 4) as usize,
            keys: 1 + (seed % 3) as usize,
            values: [None, Some(3), Some(12)][(seed % 3) as usize],
            unknown: [0.0, 0.1, 0.3][(seed / 3 % 3) as usize],
            lies: (seed / 9 % 3) as usize,
        };
        let operations = paired(&record(recording));
        let budget = Budget { steps: 20_000, ..Budget::default() };
        let options = Options { model: Some(model.into()), budget, ..Options::default() };
        let analysis = check(&operations, &options).expect("it fits the model");
        let accounting = analysis.accounting.expect("there are elements");
        for (fate, count) in &accounting.fates {
            *seen.entry(*fate).or_default() += count;
        }
        let values = match service {
            Service::Set => check_with_model(&Set, &operations, &options, &|_| {}),
            _ => check_with_model(&Queue, &operations, &options, &|_| {}),
        };
        let values = values.expect("it fits the model").verdict;
        if accounting.verdict() == Verdict::Invalid {
            assert_ne!(values, Verdict::Valid, "{recording:?}: {accounting:?}");
            assert_eq!(analysis.verdict, Verdict::Invalid);
        }
        if recording.lies == 0 {
            assert_eq!(accounting.wrong(), 0, "{recording:?}: {accounting:?}");
        }
    }
    for fate in [
        ElementOutcome::Lost,
        ElementOutcome::Duplicated,
        ElementOutcome::Unexpected,
        ElementOutcome::Stale,
        ElementOutcome::NeverDequeued,
    ] {
        assert!(seen.contains_key(&fate), "no history had one {fate:?}: {seen:?}");
    }
}
