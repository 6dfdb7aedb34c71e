//! Histories as other tools write them: each verdict stands in the file's name, and no option is
//! given.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};
use serde_json::{Value, json};
use stormproof_checker::history::{
    Datum, EventType, Format, Operations, Reading, Setting, read, read_with_threads,
};
use stormproof_checker::model::NilReads;
use stormproof_checker::verdict::{Analysis, Verdict};
use stormproof_checker::{Options, check};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/histories/foreign")
}

fn reading(text: &str) -> Reading {
    read(text.as_bytes()).unwrap_or_else(|error| panic!("{error}"))
}

fn judge_as(reading: &Reading, change: impl FnOnce(&mut Options)) -> Analysis {
    let mut options = reading.setting.options(reading.format);
    change(&mut options);
    check(&reading.operations, &options).unwrap_or_else(|error| panic!("{}", error.in_file()))
}

fn judge_file(path: &Path) -> Analysis {
    let bytes = std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let reading = read(&bytes[..]).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    judge_as(&reading, |_| {})
}

#[test]
fn every_history_gets_the_verdict_in_its_name() {
    let mut judged = 0;
    for entry in std::fs::read_dir(folder()).expect("the folder is there") {
        let path = entry.expect("it can be listed").path();
        let name = path.file_stem().and_then(|name| name.to_str()).expect("names are text");
        let expected = if name.starts_with("valid-") { Verdict::Valid } else { Verdict::Invalid };
        assert_eq!(judge_file(&path).verdict, expected, "{}", path.display());
        judged += 1;
    }
    assert!(judged > 25, "only {judged} histories");
}

#[test]
fn every_history_of_the_corpus_gets_the_verdict_that_must_come() {
    let Some(folder) = std::env::var_os("STORMPROOF_CORPUS") else {
        println!("skipped: STORMPROOF_CORPUS does not name a folder of recorded histories");
        return;
    };
    let folder = Path::new(&folder).join("foreign");
    let list = std::fs::read_to_string(folder.join("verdicts.tsv")).expect("verdicts.tsv");
    let mut wrong = Vec::new();
    for line in list.lines().skip(1).filter(|line| !line.is_empty()) {
        let [file, expected, ..] = line.split('\t').collect::<Vec<_>>()[..] else {
            panic!("verdicts.tsv: `{line}` is not file, verdict and more");
        };
        let verdict = judge_file(&folder.join(file)).verdict;
        if format!("{verdict:?}").to_lowercase() != expected {
            wrong.push(format!("{file}: {verdict:?} instead of {expected}"));
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn what_is_tolerated_is_told() {
    let notes = |name: &str| {
        let bytes = std::fs::read(folder().join(name)).expect("it is there");
        read(&bytes[..]).expect("it can be read").notes
    };
    assert_eq!(
        notes("invalid-repeating-indices.edn"),
        ["the indices repeat from line 3 on; the order of the file counts"]
    );
    assert_eq!(
        notes("valid-process-that-goes-on.edn"),
        [
            "from line 3 on, processes act again after operations of unknown outcome, which stay open"
        ]
    );
    assert_eq!(
        notes("invalid-reads-that-are-transactions.edn"),
        ["every value is a transaction: what they are called does not count"]
    );
}

/// The functions, arguments and answers of all operations.
fn shown(operations: &Operations) -> Vec<(String, Value, Value)> {
    let shown = operations.iter();
    shown.map(|it| (it.f().to_string(), it.input().to_value(), it.output().to_value())).collect()
}

#[test]
fn operations_without_a_process_are_paired_by_what_they_say() {
    let reading = reading(
        "{:type :invoke :f :read}
         {:type :invoke :f :write :value 1}
         {:type :invoke :f :write :value 2}
         {:type :ok :f :write :value 2}
         {:type :ok :f :read :value 2}",
    );
    let outcomes: Vec<_> = reading.operations.iter().map(|it| it.outcome()).collect();
    assert_eq!(outcomes, [EventType::Ok, EventType::Info, EventType::Ok]);
    let processes: Vec<_> = reading.operations.iter().map(|it| it.process()).collect();
    assert_eq!(processes, [0, 1, 2]);
}

#[test]
fn a_drain_is_its_dequeues_one_after_the_other_if_nothing_comes_between() {
    let reading = reading(
        "0 :invoke :drain nil\n0 :ok :drain [1 2]\n1 :invoke :enqueue 3\n1 :ok :enqueue 3\n",
    );
    let dequeue = |found: Value| ("dequeue".to_string(), json!(null), found);
    assert_eq!(
        shown(&reading.operations),
        [
            dequeue(json!(1)),
            dequeue(json!(2)),
            dequeue(json!(null)),
            ("enqueue".to_string(), json!(3), json!(3))
        ]
    );
    let ends: Vec<_> = reading.operations.iter().map(|it| (it.invoked(), it.completed())).collect();
    let mut previous = None;
    for (invoked, completed) in ends {
        assert!(previous < Some(invoked) && Some(invoked) < completed, "one after the other");
        previous = completed;
    }
    assert_eq!(reading.operations.functions().collect::<Vec<_>>(), ["dequeue", "enqueue"]);
}

#[test]
fn failures_without_a_reason_are_observations_only_if_asked_for() {
    let queue =
        "0 :invoke :enqueue 1\n0 :ok :enqueue 1\n0 :invoke :dequeue nil\n0 :fail :dequeue nil\n";
    let cas = "0 :invoke :write 1\n0 :ok :write 1\n0 :invoke :cas [1 2]\n0 :fail :cas [1 2]\n";
    let lock = "0 :invoke :acquire nil\n0 :fail :acquire nil\n1 :invoke :acquire nil\n1 :ok :acquire nil\n";
    let bank = "0 :invoke :read nil\n0 :ok :read {:a 5 :b 0}\n0 :invoke :transfer {:from :a :to :b :amount 2}\n\
        0 :fail :transfer {:from :a :to :b :amount 2}\n";
    for history in [queue, cas, lock, bank] {
        let reading = reading(history);
        let verdict = |observe: bool| {
            judge_as(&reading, |options| {
                options.conventions.observe_failures = observe;
                if history == lock {
                    options.model = Some("mutex".to_string());
                }
            })
            .verdict
        };
        assert_eq!(verdict(false), Verdict::Valid, "{history}");
        assert_eq!(verdict(true), Verdict::Invalid, "{history}");
    }
}

#[test]
fn transactions_can_begin_with_an_initial_state() {
    let reading = reading(
        "{:process 0 :type :invoke :f :txn :value [[:r :x nil] [:r 3 nil] [:w :x 2]]}
         {:process 0 :type :ok :f :txn :value [[:r :x 1] [:r 3 [7]] [:w :x 2]]}",
    );
    let verdict = |initial: Value| judge_as(&reading, |options| options.initial = initial).verdict;
    assert_eq!(verdict(json!({"x": 1, "3": [7]})), Verdict::Valid);
    assert_eq!(verdict(json!({"x": 1, "3": [8]})), Verdict::Invalid);
    assert_eq!(verdict(json!(null)), Verdict::Invalid);
    let wrong = Options {
        initial: json!(5),
        model: Some("txn".to_string()),
        ..Options::for_format(Format::JepsenEdn)
    };
    assert_eq!(
        check(&reading.operations, &wrong).map_err(|error| error.to_string()).unwrap_err(),
        "the initial value does not fit the txn model: the objects of transactions hold \
         {\"x\":1,…} at first, not 5"
    );
}

#[test]
fn a_bank_may_be_told_its_sum_and_may_allow_overdrafts() {
    let negative = std::fs::read(folder().join("invalid-bank-negative.edn")).expect("it is there");
    let reading = read(&negative[..]).expect("it can be read");
    let model = |name: &str| judge_as(&reading, |it| it.model = Some(name.to_string())).verdict;
    assert_eq!(model("bank"), Verdict::Invalid);
    assert_eq!(model("overdraft-bank"), Verdict::Valid);
    let sum = |sum: i64| {
        let change = |options: &mut Options| {
            options.model = Some("overdraft-bank".to_string());
            options.initial = json!(sum);
        };
        judge_as(&reading, change).verdict
    };
    assert_eq!((sum(2), sum(3)), (Verdict::Valid, Verdict::Invalid));
}

#[test]
fn a_byte_order_mark_is_skipped() {
    for text in [
        "{\"index\":0,\"time\":0,\"process\":0,\"type\":\"invoke\",\"f\":\"read\"}\n",
        "[{\"process\":0,\"type\":\"invoke\",\"f\":\"read\"}]",
        "[{:process 0 :type :invoke :f :read}]",
        "0 :invoke :read nil\n",
    ] {
        let marked = format!("\u{feff}{text}");
        assert_eq!(reading(&marked).operations.len(), 1, "{text}");
    }
}

#[test]
fn a_value_that_cannot_be_kept_names_its_line() {
    let ok = r#"{"index":0,"time":5,"process":3,"type":"invoke","f":"write","key":"x","value":1}"#;
    let with = |field: &str| {
        let event = r#"{"index":1,"time":5,"process":4,"type":"invoke","f":"write",FIELD}"#;
        let text = format!("{ok}\n{}\n{ok}\n", event.replace("FIELD", field));
        read(text.as_bytes()).map(|_| ()).expect_err(field).to_string()
    };
    assert_eq!(with(r#""value":1e400"#), "line 2, column 69: the number is too great");
    assert_eq!(
        with(r#""value":["a","\ud800"]"#),
        "line 2, column 75: a lone surrogate is no character"
    );
    assert_eq!(
        with(r#""key":"\udc00","value":1"#),
        "line 2, column 68: a lone surrogate is no character"
    );
    let deep = format!("\"value\":{}{}", "[".repeat(500), "]".repeat(500));
    assert_eq!(with(&deep), "line 2, column 196: values nest too deep");
    let object = "{\"a\":".repeat(500) + "1" + &"}".repeat(500);
    assert!(with(&format!("\"value\":{object}")).starts_with("line 2, column "));
    assert_eq!(
        read(&br#"{"index":18446744073709551615,"process":0,"type":"invoke","f":"read"}"#[..])
            .map(|_| ())
            .expect_err("it is no counting")
            .to_string(),
        "line 1: index 18446744073709551615 is too great"
    );
    let edn = "{:process 0 :type :invoke :f :write :value 1e400}";
    assert_eq!(
        read(edn.as_bytes()).map(|_| ()).expect_err("too great").to_string(),
        "line 1, column 49: the number is too great"
    );
}

#[test]
fn a_history_that_says_how_it_is_judged_is_judged_so() {
    let events = r#"{"index":0,"time":1,"process":0,"type":"invoke","f":"read","value":null}
{"index":1,"time":2,"process":0,"type":"ok","f":"read","value":5}
"#;
    let mut options = Options { initial: json!(5), ..Options::for_format(Format::JsonLines) };
    options.model = Some("counter".to_string());
    options.conventions.observe_failures = true;
    let line = Setting::of_options(&options).line();
    assert_eq!(
        line,
        r#"{"process":"controller","type":"info","f":"judging","value":{"model":"counter","initial":5,"nil_reads":"absent","observe_failures":true}}"#
    );
    let reading = reading(&format!("{line}\n{events}"));
    assert_eq!(reading.setting.options(reading.format), options);
    assert_eq!(judge_as(&reading, |_| {}).verdict, Verdict::Valid);
    assert_eq!(judge_as(&reading, |it| it.initial = json!(4)).verdict, Verdict::Invalid);
    let nil = line.replace("absent", "unknown");
    let setting = read(nil.as_bytes()).expect("it is a history").setting;
    assert_eq!(setting.nil_reads, Some(NilReads::Unknown));
    let wrong = line.replace("model", "modle");
    let error = read(wrong.as_bytes()).map(|_| ()).expect_err("a word of it is wrong");
    assert!(error.to_string().starts_with("line 1: "), "{error}");
}

/// Lines of clients, some written otherwise than nearly all are.
fn recorded(random: &mut ChaCha8Rng, count: u64) -> String {
    let mut text = String::new();
    for index in 0..count {
        let process = index;
        let value = ["1", "[1,2]", "[1, 2]", "1.50", "\"a\\u00e9\"", "null", "{\"b\":1,\"a\":2}"];
        let value = value[random.random_range(0..value.len())];
        let kind = "\"type\":\"invoke\",\"f\":\"write\"";
        text.push_str(&match random.random_range(0..4) {
            0 => format!("{{\"index\": {index}, \"time\": 5, \"process\": {process}, {kind}, \"value\": {value}}}\r\n"),
            1 => format!("{{\"index\":{index},\"time\":5,\"process\":{process},{kind},\"key\":\"k\\n\",\"value\":{value}}}\n\n"),
            _ => format!("{{\"index\":{index},\"time\":5,\"process\":{process},{kind},\"key\":\"k\",\"value\":{value},\"token\":\"t:{index}\",\"attempts\":[]}}\n"),
        });
    }
    text
}

#[test]
fn the_number_of_threads_changes_nothing() {
    let mut random = ChaCha8Rng::seed_from_u64(7);
    // Several pieces of the file for each thread.
    let text = recorded(&mut random, 30_000);
    let with = |text: &str, threads: usize| {
        let threads = NonZeroUsize::new(threads).expect("it is more than none");
        read_with_threads(text.as_bytes(), threads)
    };
    let one = with(&text, 1).expect("it is a history");
    assert_eq!(one.operations.len(), 30_000);
    for threads in [2, 3, 8, 64] {
        let several = with(&text, threads).expect("it is a history");
        let lines = |reading: &Reading| -> Vec<_> {
            reading.operations.iter().map(|it| (it.line(), it.token().map(String::from))).collect()
        };
        assert_eq!(shown(&several.operations), shown(&one.operations));
        assert_eq!(lines(&several), lines(&one));
    }
    // Of several wrong lines, the first is told.
    let count = text.lines().count();
    for _ in 0..5 {
        let mut lines: Vec<&str> = text.lines().collect();
        let first = random.random_range(0..count);
        lines[first] = "{\"index\":";
        let later = random.random_range(first..count);
        lines[later] = "nonsense";
        let text = lines.join("\n") + "\n";
        let errors = [1, 2, 5].map(|it| with(&text, it).map(|_| ()).expect_err("it is wrong"));
        assert_eq!(errors[0].line, first + 1);
        assert!(errors.iter().all(|error| *error == errors[0]), "{errors:?}");
    }
}

/// A reader that fails behind some bytes.
struct Failing<'a>(&'a [u8]);

impl std::io::Read for Failing<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        match std::io::Read::read(&mut self.0, buffer)? {
            0 => Err(std::io::Error::other("the disk is on fire")),
            count => Ok(count),
        }
    }
}

#[test]
fn a_file_that_cannot_be_read_on_names_the_line() {
    let mut random = ChaCha8Rng::seed_from_u64(8);
    for count in [0, 3, 20_000] {
        let mut text = recorded(&mut random, count);
        let line = text.lines().count() + 1;
        text.push_str("{\"index\":");
        for threads in [1, 2] {
            let threads = NonZeroUsize::new(threads).expect("it is more than none");
            let error = read_with_threads(Failing(text.as_bytes()), threads);
            assert_eq!(
                error.map(|_| ()).expect_err("it fails").to_string(),
                format!("line {line}: cannot read on: the disk is on fire")
            );
        }
    }
}

#[test]
fn lines_that_were_changed_are_read_or_refused_but_never_a_panic() {
    let mut random = ChaCha8Rng::seed_from_u64(9);
    let pieces = [
        "1e400",
        "-0",
        "1.0",
        "1e2",
        "\"\\ud800\"",
        "\"\\ud83d\\ude00\"",
        "[[[[",
        "]]]]",
        "{\"a\":",
        "}",
        "null",
        "true",
        "\"",
        "\\",
        ",",
        ":",
        "18446744073709551615",
        "-9223372036854775808",
        "9223372036854775808",
        "0.1e-400",
        "\u{feff}",
        "\n",
        "\r\n",
        "\"type\":\"ok\"",
        "\"index\":0,",
        "\"process\":null",
        "\"f\":\":txn\"",
        "\"value\":[[\":r\",1]]",
        "\"nemesis\"",
        "é",
        "\t",
        "{\"process\":\"controller\",\"type\":\"info\",\"f\":\"judging\",\"value\":{\"model\":\"queue\"}}\n",
    ];
    let mut read_well = 0;
    for _ in 0..30_000 {
        let count = random.random_range(1..4);
        let mut text = recorded(&mut random, count);
        if random.random_bool(0.2) {
            text = format!("[{}]", text.trim_end().replace("}\n", "},\n").replace("\r", ""));
        }
        for _ in 0..random.random_range(0..4) {
            let places: Vec<usize> = text.char_indices().map(|(at, _)| at).collect();
            let at = places[random.random_range(0..places.len())];
            let piece = pieces[random.random_range(0..pieces.len())];
            match random.random_range(0..3) {
                0 => text.insert_str(at, piece),
                1 => text.replace_range(at.., piece),
                _ => {
                    let end = places[random.random_range(0..places.len())];
                    text.replace_range(at.min(end)..at.max(end), piece);
                }
            }
        }
        match read(text.as_bytes()) {
            Ok(reading) => {
                read_well += 1;
                for operation in reading.operations.iter() {
                    // What is kept is a value, and the same again when it is read from its text.
                    let kept = operation.input();
                    assert_eq!(kept.to_owned().borrow(), kept);
                    let _ = (operation.to_owned(), kept == Datum::Null);
                }
                let options = reading.setting.options(reading.format);
                let _ = check(&reading.operations, &options);
            }
            Err(error) => {
                let lines = text.split('\n').count();
                assert!((1..=lines).contains(&error.line), "{error} in {text}");
            }
        }
    }
    assert!(read_well > 1000, "only {read_well} could be read");
}
