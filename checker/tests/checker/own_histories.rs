//! Small histories, each named after its verdict and what it shows, and the sentences that are
//! said about the invalid ones.

use std::path::{Path, PathBuf};

use stormproof_checker::history::read;
use stormproof_checker::verdict::{Analysis, Verdict};
use stormproof_checker::{Options, check};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/histories")
}

fn judge(name: &str) -> Analysis {
    let path = folder().join(format!("{name}.jsonl"));
    let bytes = std::fs::read(&path).unwrap_or_else(|error| panic!("{name}: {error}"));
    let reading = read(&bytes[..]).unwrap_or_else(|error| panic!("{name}: {error}"));
    check(&reading.operations, &Options::for_format(reading.format))
        .unwrap_or_else(|error| panic!("{name}: {}", error.in_file()))
}

#[test]
fn every_history_gets_the_verdict_in_its_name() {
    let mut judged = 0;
    for entry in std::fs::read_dir(folder()).expect("the folder is there") {
        let path = entry.expect("it can be listed").path();
        // Those of other tools have a test of their own.
        if path.is_dir() {
            continue;
        }
        let name = path.file_stem().and_then(|name| name.to_str()).expect("names are text");
        let expected = match name.split_once('-').map(|(verdict, _)| verdict) {
            Some("valid") => Verdict::Valid,
            Some("unknown") => Verdict::Unknown,
            _ => Verdict::Invalid,
        };
        assert_eq!(judge(name).verdict, expected, "{name}");
        judged += 1;
    }
    assert!(judged > 10, "only {judged} histories");
}

/// Checks the verdict on a history of these lines, and what is said of it.
#[track_caller]
fn is_unknown(lines: &[&str], because: &str) {
    let reading = read(lines.join("\n").as_bytes()).expect("it is well formed");
    let options = Options::for_format(reading.format);
    let analysis = check(&reading.operations, &options).expect("it fits a model");
    assert_eq!(analysis.verdict, Verdict::Unknown);
    assert_eq!(analysis.sentence(), Some(because));
}

#[test]
fn a_history_in_which_nothing_was_seen_is_unknown() {
    let nothing = "nothing was tested: no client did anything";
    is_unknown(&[], nothing);
    is_unknown(
        &[
            r#"{"index":0,"time":1,"process":"controller","type":"info","f":"phase","value":"load"}"#,
            r#"{"index":1,"time":2,"process":"nemesis","type":"info","f":"kill","value":null}"#,
        ],
        nothing,
    );
    let write = |event: &str, process: u64, value: u64| {
        format!(
            r#"{{"index":{value},"time":{value},"process":{process},"type":"{event}","f":"write","key":"x","value":{process}}}"#
        )
    };
    let only = "nothing was tested: the only operation never came back";
    is_unknown(&[&write("invoke", 0, 0)], only);
    let none = "nothing was tested: none of the 2 operations came back";
    let (a, b) = (write("invoke", 0, 0), write("invoke", 1, 1));
    is_unknown(&[&a, &b, &write("info", 0, 2), &write("info", 1, 3)], none);
}

#[test]
fn one_answer_is_enough_to_judge() {
    let lines = r#"
{"index":0,"time":1,"process":0,"type":"invoke","f":"write","key":"x","value":1}
{"index":1,"time":2,"process":1,"type":"invoke","f":"write","key":"x","value":2}
{"index":2,"time":3,"process":1,"type":"ok","f":"write","key":"x","value":2}
"#;
    let reading = read(lines.as_bytes()).expect("it is well formed");
    let analysis = check(&reading.operations, &Options::for_format(reading.format));
    assert_eq!(analysis.expect("it fits").verdict, Verdict::Valid);
}

/// Checks the sentence about an invalid history, and how many operations are shown.
#[track_caller]
fn says(name: &str, operations: usize, sentence: &str) {
    let counterexample = judge(name).counterexample.expect("it is invalid");
    assert_eq!(counterexample.sentence, sentence);
    assert_eq!(counterexample.operations.len(), operations, "{counterexample:#?}");
    assert_eq!(counterexample.remarks.len(), operations);
    assert!(!counterexample.culprits.is_empty());
}

#[test]
fn a_stale_read_names_the_acknowledged_write() {
    says(
        "invalid-stale-read",
        3,
        "process 7 read 12 from k3 at 41.203 s, although 19 had been acknowledged at 40.871 s and \
         nothing wrote 12 again; 19 was seen again by process 5 at 41.310 s",
    );
}

#[test]
fn a_stale_read_is_the_culprit_and_later_reads_are_its_neighbours() {
    let counterexample = judge("invalid-stale-read").counterexample.expect("it is invalid");
    assert_eq!(counterexample.key.as_deref(), Some("k3"));
    assert_eq!(counterexample.culprits, [2]);
    assert_eq!(
        counterexample.remarks,
        ["12 comes from here", "19 was in effect by then", "12 had been replaced"]
    );
    assert_eq!(counterexample.neighbourhood, []);
}

#[test]
fn a_value_from_nowhere() {
    says(
        "invalid-value-never-written",
        1,
        "process 1 read 99 from k3 at 0.040 s, but nothing ever wrote 99",
    );
}

#[test]
fn a_value_whose_write_had_failed() {
    says(
        "invalid-read-of-a-failed-write",
        1,
        "process 2 read 2 from k3 at 0.060 s, but the only write of 2, by process 1 at 0.040 s, had \
         failed",
    );
}

#[test]
fn a_value_from_the_future() {
    says(
        "invalid-read-from-the-future",
        2,
        "process 1 read 2 from k3 at 0.040 s, but the first write of 2, by process 0, only began \
         later",
    );
}

#[test]
fn two_cas_from_one_value() {
    says(
        "invalid-cas-twice-from-one-value",
        3,
        "process 2 changed k3 from 1 to 3 at 0.060 s, although process 1 changed k3 from 1 to 2 at \
         0.040 s and nothing wrote 1 again",
    );
}

#[test]
fn a_write_that_took_effect_twice() {
    says(
        "invalid-write-applied-twice",
        4,
        "process 2 read 1 from k3 at 0.110 s, although 2 had been acknowledged at 0.050 s; process 1 \
         had read 1 at 0.030 s, before that began, and nothing wrote 1 again; 1 was still there afterwards, as if its write had been applied twice",
    );
}

#[test]
fn an_acknowledged_write_that_is_lost() {
    says(
        "invalid-acknowledged-write-lost",
        2,
        "process 1 read nothing from k3 at 0.040 s, although 1 had been acknowledged at 0.020 s and \
         nothing deleted it",
    );
}

#[test]
fn a_deleted_value_that_is_read() {
    says(
        "invalid-deleted-value-read",
        3,
        "process 2 read 1 from k3 at 0.060 s, although its deletion had been acknowledged at 0.040 \
         s and nothing wrote 1 again",
    );
}

#[test]
fn an_unknown_write_takes_effect_once_at_most() {
    says(
        "invalid-unknown-write-seen-twice",
        4,
        "process 2 read 2 from k3 at 0.120 s, although 3 had been acknowledged at 0.080 s; process 2 \
         had read 2 at 0.060 s, before that began, and nothing wrote 2 again",
    );
}

#[test]
fn two_reads_that_disagree_about_the_order_of_overlapping_writes() {
    says(
        "invalid-reads-in-two-orders",
        5,
        "process 2 read 1 from k3 at 0.070 s, although process 2 had read 2 at 0.050 s; process 2 had \
         read 1 at 0.030 s, before that began, and nothing wrote 1 again",
    );
}

/// Either read may be the wrong one: the order of the writes is known from the other one alone.
#[test]
fn two_reads_that_contradict_each_other_are_both_named() {
    says(
        "invalid-reads-of-overlapping-writes-without-versions",
        4,
        "process 6 read 104 from k27 at 14.821 s, although 100 had been acknowledged at 14.762 s, and \
         process 8 read 100 from k27 at 14.795 s, although 104 had been acknowledged at 14.765 s: \
         each of the two values was written once, so one of them must have replaced the other for \
         good",
    );
    let found = judge("invalid-reads-of-overlapping-writes-without-versions").counterexample;
    assert_eq!(found.expect("it is invalid").culprits, [2, 3]);
}

#[test]
fn of_two_reads_that_contradict_each_other_versions_say_which_one_is_wrong() {
    let name = "invalid-reads-of-overlapping-writes";
    says(
        name,
        4,
        "process 8 read 100 from k27 at 14.795 s, although 104 had been acknowledged at 14.765 s, and \
         process 6 read 104 from k27 at 14.821 s, although 100 had been acknowledged at 14.762 s: \
         each of the two values was written once, so one of them must have replaced the other for \
         good; process 8 was answered at version 4121, below 4125, which had been answered before: \
         its is the wrong one",
    );
    assert_eq!(judge(name).counterexample.expect("it is invalid").culprits, [2]);
}

#[test]
fn a_lost_update_names_the_one_that_overwrote_it() {
    says(
        "invalid-cas-twice-at-once",
        3,
        "process 2 changed k3 from 1 to 3 at 0.060 s, although process 1 changed k3 from 1 to 2 at \
         0.050 s as well and 1 was written only once: one update overwrote the other, which is lost",
    );
}

#[test]
fn a_circle_of_cas_is_followed_all_around() {
    says(
        "invalid-circle-of-cas",
        2,
        "process 1 changed k3 from 1 to 2 at 0.030 s, although only process 2 at 0.040 s left 1, which \
         found 2, which only process 1, with this very change, left",
    );
}

#[test]
fn a_value_that_was_made_of_one_from_the_future() {
    says(
        "invalid-read-of-what-came-of-a-later-write",
        3,
        "process 2 read 2 from k3 at 0.030 s, which was made of 1 by process 1 at 0.060 s, but the \
         first write of 1, by process 3, only began later",
    );
}

#[test]
fn transactions_are_told_step_by_step() {
    says(
        "invalid-half-a-transaction-read",
        1,
        "process 2 read 1 from x and read nothing from y in one transaction on k0 at 0.300 s, \
         which (T1) read nothing from y, which T2 (process 1 at 0.200 s) overwrote with 2, although T1 \
         read 1 from x, which T2 had left there (G-single)",
    );
}
