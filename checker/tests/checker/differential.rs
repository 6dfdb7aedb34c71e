//! Our verdict against that of stateright's `LinearizabilityTester`, on many small histories.
//! stateright clones everything at every step, but it is simple and somebody else's.

use crate::legal::verdict_if_legal;
use crate::support::{Recording, Service, paired, record};
use stateright::semantics::{ConsistencyTester, LinearizabilityTester};
use stormproof_checker::history::{EventType, History, Operations};
use stormproof_checker::model::sequential_spec::Sequential;
use stormproof_checker::model::{
    AppendList, Call, Conventions, Counter, FencedLock, KvAppend, Mutex, Queue, Recorded, Register,
    Set, Transactions, Values,
};
use stormproof_checker::verdict::Verdict;
use stormproof_checker::{Options, check_with_model};

/// The verdict of stateright. Operations in flight are those of unknown outcome: it may or may not
/// apply them.
fn oracle<M>(model: &M, history: &History) -> bool
where
    M: Recorded + Clone,
{
    let mut values = Values::new();
    let start = Sequential { model: model.clone(), state: model.initial() };
    let mut tester = LinearizabilityTester::new(start);
    let mut moments = Vec::new();
    let operations = Operations::of(history).expect("the history is well formed");
    for operation in operations.iter() {
        if operation.outcome() == EventType::Fail && !operation.was_refuted() {
            continue;
        }
        let (process, invoked) = (operation.process(), operation.invoked());
        let call = model.decode(operation, Conventions::default(), &mut values);
        match call.expect("it fits the model") {
            None => {}
            Some(Call::Unknown(input)) => moments.push((invoked, process, Some(input), None)),
            Some(Call::Known(input, output)) => {
                moments.push((invoked, process, Some(input), None));
                let completed = operation.completed().expect("it is known");
                moments.push((completed, process, None, Some(output)));
            }
        }
    }
    moments.sort_by_key(|(index, ..)| *index);
    for (_, process, input, output) in moments {
        if let Some(input) = input {
            tester.on_invoke(process, input).expect("processes are single-threaded");
        }
        if let Some(output) = output {
            tester.on_return(process, output).expect("processes are single-threaded");
        }
    }
    tester.is_consistent()
}

/// So many operations most histories have at most: what stateright needs grows with them
/// exponentially, and what goes wrong mostly does so among few.
const FEW: u64 = 8;

/// One history of so many has up to [`MORE`] operations more.
const ONE_IN: u64 = 23;
const MORE: u64 = 3;

/// The number of histories that are valid, and of those that are not, which show enough.
const ENOUGH: u64 = 2_000;

/// Compares verdicts on up to `most` histories; some tenths of them must be invalid and valid each,
/// or the comparison would say little.
fn compare<M>(model: &M, service: Service, most: u64)
where
    M: Recorded + Clone,
{
    let (mut invalid, mut count) = (0, 0);
    for seed in 0..most {
        if invalid.min(count - invalid) >= ENOUGH {
            break;
        }
        count += 1;
        let operations = match seed % ONE_IN {
            0 => FEW + 1 + seed / ONE_IN % MORE,
            _ => 4 + seed % (FEW - 3),
        };
        let recording = Recording {
            service,
            seed,
            operations: operations as usize,
            clients: 2 + (seed / 4 % 4) as usize,
            keys: 1,
            values: [None, Some(2), Some(3)][(seed % 3) as usize],
            unknown: [0.0, 0.2, 0.4][(seed / 3 % 3) as usize],
            lies: (seed / 9 % 5) as usize,
        };
        let history = record(recording);
        let analysis = check_with_model(model, &paired(&history), &Options::default(), &|_| {})
            .expect("the history can be judged");
        let expected = match oracle(model, &history) {
            true => verdict_if_legal(&history),
            false => Verdict::Invalid,
        };
        assert_eq!(analysis.verdict, expected, "{recording:?}: {history:#?}");
        if recording.lies == 0 {
            assert_ne!(expected, Verdict::Invalid, "the simulation is linearizable: {recording:?}");
        }
        invalid += u64::from(expected == Verdict::Invalid);
    }
    println!("{invalid} of {count} histories are invalid");
    assert!(invalid > count / 5 && invalid < count * 4 / 5, "{invalid} of {count} are invalid");
}

#[test]
fn registers_are_judged_as_stateright_judges_them() {
    compare(&Register, Service::Register, 20_000);
}

#[test]
fn strings_are_judged_as_stateright_judges_them() {
    compare(&KvAppend, Service::Strings, 10_000);
}

#[test]
fn counters_are_judged_as_stateright_judges_them() {
    compare(&Counter, Service::Counter, 10_000);
}

#[test]
fn sets_are_judged_as_stateright_judges_them() {
    compare(&Set, Service::Set, 10_000);
}

#[test]
fn queues_are_judged_as_stateright_judges_them() {
    compare(&Queue, Service::Queue, 10_000);
}

#[test]
fn locks_are_judged_as_stateright_judges_them() {
    compare(&Mutex, Service::Mutex, 10_000);
}

#[test]
fn fenced_locks_are_judged_as_stateright_judges_them() {
    compare(&FencedLock, Service::FencedLock, 10_000);
}

#[test]
fn growing_counters_are_judged_as_stateright_judges_them() {
    compare(&Counter, Service::Tally, 10_000);
}

#[test]
fn lists_are_judged_as_stateright_judges_them() {
    compare(&AppendList, Service::Lists, 10_000);
}

#[test]
fn transactions_are_judged_as_stateright_judges_them() {
    compare(&Transactions, Service::Transactions, 10_000);
}

#[test]
fn transactions_of_few_values_are_judged_as_stateright_judges_them() {
    compare(&Transactions, Service::RegisterTransactions, 6_000);
}
