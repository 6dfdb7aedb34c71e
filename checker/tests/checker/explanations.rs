//! Explanations of invalid histories of every model: each says what is wrong.

use std::sync::LazyLock;

use stormproof_checker::history::Operations;
use stormproof_checker::verdict::{Analysis, Counterexample};
use stormproof_checker::{Options, check};

use crate::support::{Recording, Service, paired, record};

/// Services, the models that judge them, and the number of values that their clients use.
const SERVICES: [(Service, &str, Option<u64>); 20] = [
    (Service::Bank, "bank", None),
    (Service::Register, "register", None),
    (Service::Register, "register", Some(4)),
    (Service::Strings, "kv-append", None),
    (Service::Counter, "counter", None),
    (Service::Tally, "counter", None),
    (Service::Powers, "counter", None),
    (Service::Set, "set", None),
    (Service::Set, "set", Some(8)),
    (Service::Lists, "append-list", None),
    (Service::Lists, "append-list", Some(8)),
    (Service::Queue, "queue", None),
    (Service::Queue, "queue", Some(8)),
    (Service::Mutex, "mutex", None),
    (Service::Mutex, "mutex", Some(3)),
    (Service::FencedLock, "fenced-lock", None),
    (Service::FencedLock, "fenced-lock", Some(3)),
    (Service::Transactions, "txn", None),
    (Service::Transactions, "txn", Some(20)),
    (Service::Strings, "kv-append", Some(9)),
];

/// Invalid histories of each.
const OF_EACH: usize = 25;

/// So many of their sentences may be vague, or say that fewer operations may show the same.
const MOST_VAGUE: usize = 2;

fn judge(operations: &Operations, model: &str) -> Analysis {
    let options = Options { model: Some(model.into()), ..Options::default() };
    check(operations, &options).expect("it fits the model")
}

/// The counterexamples of all services, which are looked for once.
static INVALID: LazyLock<Vec<Invalid>> = LazyLock::new(|| {
    let services = SERVICES.into_iter();
    services.map(|(service, model, values)| invalid(service, model, values)).collect()
});

/// The counterexamples of small invalid histories of a service.
struct Invalid {
    service: Service,
    model: &'static str,
    values: Option<u64>,
    found: Vec<Counterexample>,
}

fn invalid(service: Service, model: &'static str, values: Option<u64>) -> Invalid {
    let judged = (0..3000).filter_map(move |seed| {
        let recording = Recording {
            service,
            seed,
            operations: 20 + (seed % 3) as usize * 10,
            clients: 2 + (seed % 4) as usize,
            values,
            unknown: [0.0, 0.1][(seed % 2) as usize],
            lies: 1 + (seed % 5 / 4) as usize,
            ..Recording::default()
        };
        judge(&paired(&record(recording)), model).counterexample
    });
    Invalid { service, model, values, found: judged.take(OF_EACH).collect() }
}

/// Returns whether a sentence only says that something is wrong, and not what.
fn is_vague(sentence: &str) -> bool {
    ["explains", "contradict", "no order", "may show the same"]
        .iter()
        .any(|words| sentence.contains(words))
}

#[test]
fn sentences_say_what_is_wrong() {
    for Invalid { service, model, values, found } in INVALID.iter() {
        let sentences = found.iter().map(|found| &found.sentence);
        let vague: Vec<_> = sentences.filter(|sentence| is_vague(sentence)).collect();
        assert_eq!(found.len(), OF_EACH, "{model} {service:?} {values:?}");
        println!("{model} {service:?} {values:?}: {} of {OF_EACH} are vague", vague.len());
        assert!(vague.len() <= MOST_VAGUE, "{model} {service:?} {values:?}: {vague:#?}");
    }
}

/// The sentence about a history without times.
fn sentence(log: &str, model: &str) -> String {
    let reading = stormproof_checker::history::read(log.as_bytes()).expect("it is a log");
    judge(&reading.operations, model).counterexample.expect("it is invalid").sentence
}

#[test]
fn an_aborted_read_names_the_writer_that_failed() {
    let log = "{:type :invoke, :f :txn, :process 1, :value [[:append 18 1]]}
{:type :fail, :f :txn, :process 1, :value [[:append 18 1]]}
{:type :invoke, :f :txn, :process 0, :value [[:r 18 nil]]}
{:type :ok, :f :txn, :process 0, :value [[:r 18 [1]]]}
";
    assert_eq!(
        sentence(log, "txn"),
        "process 0 read [1] from 18 in one transaction at event 3, which read [1] from 18, although \
         the transaction of process 1 at event 1 that appended 1 had failed (an aborted read, G1a)"
    );
}

#[test]
fn a_sum_with_an_addition_that_counts_twice_names_it() {
    let log = "0 :invoke :add 5\n0 :ok :add 5\n0 :invoke :add 2\n0 :ok :add 2\n\
               1 :invoke :read nil\n1 :ok :read 12\n";
    assert_eq!(
        sentence(log, "counter"),
        "process 1 read 12 at event 5, although the additions that had been acknowledged make 7 and \
         no other had begun, as if the addition of 5 (process 0 at event 1) were in it twice"
    );
}

#[test]
fn balances_that_cannot_be_name_the_transfers() {
    let says = |log: &str, expected: &str| assert_eq!(sentence(log, "bank"), expected);
    let read = "0 :invoke :read nil\n0 :ok :read {:a 5 :b 0}\n";
    let moved = "1 :invoke :transfer {:from :a :to :b :amount 3}\n\
                 1 :ok :transfer {:from :a :to :b :amount 3}\n";
    says(
        &format!("{read}2 :invoke :read nil\n2 :ok :read {{:a 5 :b 1}}\n"),
        "process 2 read {\"a\":5,\"b\":1} at event 3, whose balances make 6, although process 0 read \
         {\"a\":5,\"b\":0} at event 1, which makes 5, and no transfer changes the sum",
    );
    says(
        &format!("{read}{moved}2 :invoke :read nil\n2 :ok :read {{:a 5 :b 0}}\n"),
        "process 2 read {\"a\":5,\"b\":0} at event 5, in which a has 5, although process 0 read \
         {\"a\":5,\"b\":0} at event 1 and after that 3 from a to b (process 1 at event 3) had been moved \
         and nothing else into it or out of it",
    );
    says(
        &format!("{read}{moved}{moved}"),
        "process 1 moved 3 from \"a\" to \"b\" at event 5, although process 0 read {\"a\":5,\"b\":0} at \
         event 1, and nothing can have been moved into a since, and 3 from a to b (process 1 at event \
         3) had been moved out of it: it had no more than 2",
    );
    says(
        "0 :invoke :read nil\n0 :ok :read {:a 5 :b -1}\n",
        "process 0 read {\"a\":5,\"b\":-1} at event 1, in which b has -1, and no balance may be negative",
    );
}

#[test]
fn a_lock_that_two_hold_says_that_it_was_not_released() {
    let log = "0 :invoke :acquire nil\n0 :ok :acquire nil\n\
               1 :invoke :acquire nil\n1 :ok :acquire nil\n";
    assert_eq!(
        sentence(log, "mutex"),
        "process 1 acquired the lock at event 3, although process 0 at event 1 had acquired it and \
         process 0 had not released it since"
    );
}

/// A deposed leader that answers what was overwritten is behind: no write took effect twice.
#[test]
fn reads_that_one_node_alone_answers_with_an_old_value_are_stale() {
    let mut log = String::new();
    let mut index = 0;
    let mut operation = |process: u64, f: &str, value: u64, node: &str| {
        for kind in ["invoke", "ok"] {
            let value =
                if f == "read" && kind == "invoke" { "null".into() } else { value.to_string() };
            let time = index * 1_000_000;
            log += &format!(
                r#"{{"index":{index},"time":{time},"process":{process},"type":"{kind}","f":"{f}","key":"x","value":{value},"node":"{node}"}}"#
            );
            log.push('\n');
            index += 1;
        }
    };
    operation(1, "write", 1, "n3");
    operation(2, "write", 2, "n1");
    for process in 3..8 {
        operation(process, "read", 1, "n3");
    }
    assert_eq!(
        sentence(&log, "register"),
        "process 3 read 1 from x at 0.005 s, although 2 had been acknowledged at 0.003 s and nothing \
         wrote 1 again; n3 answered 1 to the 3 reads after that, too"
    );
}

#[test]
fn a_shrunk_history_is_explained_in_the_same_words() {
    let mut changed = Vec::new();
    for Invalid { service, model, values, found } in INVALID.iter() {
        for found in found {
            let again = judge(&paired(&found.history()), model).counterexample;
            let again = again.map(|again| again.sentence);
            if again.as_deref() != Some(&*found.sentence) {
                changed.push((service, values, &found.sentence, again));
            }
        }
    }
    println!("{} of {} are told otherwise", changed.len(), SERVICES.len() * OF_EACH);
    // Where the search for fewer operations is cut, it may find others among fewer.
    let most = 5;
    assert!(changed.len() <= most, "{changed:#?}");
}
