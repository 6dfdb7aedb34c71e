//! Histories in every format, and the errors that name the line.

use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};
use serde_json::json;
use stormproof_checker::Options;
use stormproof_checker::history::{
    Datum, EventType, Format, HistoryError, OperationRef, Reading, read,
};
use stormproof_checker::model::{NilReads, choose};
use stormproof_checker::verdict::Verdict;

fn reading(text: &str) -> Reading {
    read(text.as_bytes()).unwrap_or_else(|error| panic!("{error}"))
}

#[track_caller]
fn fails(text: impl AsRef<[u8]>, message: &str) {
    match read(text.as_ref()) {
        Ok(reading) => panic!("{} operations were read", reading.operations.len()),
        Err(error) => assert_eq!(error.to_string(), message),
    }
}

const INVOKE: &str = r#"{"index":0,"time":5,"process":3,"type":"invoke","f":"read","key":"x"}"#;

#[test]
fn json_lines_keep_every_field() {
    let text = r#"{"index":17,"time":1203344821,"process":4,"type":"invoke","f":"cas","key":"k3","value":[12,40],"token":"r7f3:4:9"}
{"index":21,"time":1210077312,"process":4,"type":"ok","f":"cas","key":"k3","value":[12,40],"token":"r7f3:4:9","node":"n2","version":8812,"attempts":[{"node":"n1","start":1203350000,"end":1204100000,"error":"timeout","definite":false}]}
"#;
    let reading = reading(text);
    assert_eq!(reading.format, Format::JsonLines);
    let operation = reading.operations.get(0);
    assert_eq!((operation.process(), operation.f(), operation.key()), (4, "cas", Some("k3")));
    assert_eq!((operation.invoked(), operation.completed()), (17, Some(21)));
    assert_eq!((operation.start(), operation.end()), (1_203_344_821, Some(1_210_077_312)));
    assert_eq!(operation.input().to_value(), json!([12, 40]));
    assert_eq!(operation.output().to_value(), json!([12, 40]));
    assert_eq!((operation.node(), operation.version()), (Some("n2"), Some(8812)));
    assert_eq!(operation.token(), Some("r7f3:4:9"));
    assert_eq!(operation.attempts()[0].error.as_deref(), Some("timeout"));
    assert_eq!(operation.line(), 1);
}

#[test]
fn a_last_line_that_was_cut_off_is_left_out_with_a_note() {
    for cut in [1, 20, INVOKE.len() - 1] {
        let reading = reading(&format!("\n{INVOKE}\n{}", &INVOKE[..cut]));
        assert_eq!(reading.operations.len(), 1);
        assert_eq!(
            reading.notes,
            [format!("line 3 is cut off after {cut} bytes and was left out")]
        );
    }
}

#[test]
fn garbage_in_json_lines_is_an_error_that_names_the_line() {
    fails(format!("{INVOKE}\n{{\"index\":1,\n"), "line 2, column 11: EOF while parsing a value");
    fails(format!("{INVOKE}\nhello"), "line 2, column 1: expected value");
    fails(
        r#"{"index":0,"time":5,"process":3,"type":"sure","f":"read"}"#,
        "line 1, column 45: unknown variant `sure`, expected one of `invoke`, `ok`, `fail`, `info`",
    );
    fails(
        r#"{"index":0,"time":5,"process":"bob","type":"ok","f":"read"}"#,
        "line 1, column 35: invalid value: string \"bob\", expected a process number, \"nemesis\" \
         or \"controller\"",
    );
}

#[test]
fn what_is_no_history_at_all_is_told_so() {
    fails([0; 100], "line 1: this is not text: the first byte is 0x00");
    fails(
        "\n\nDear diary,\n",
        "line 3: this is neither a stormproof history (one JSON event a line), nor Jepsen's EDN, \
         nor a log of jepsen.util",
    );
    assert!(reading("").operations.is_empty());
    assert!(reading(" \n\n").operations.is_empty());
}

#[test]
fn events_that_cannot_be_paired_name_both_lines() {
    let ok = INVOKE.replace("invoke", "ok").replace("\"index\":0", "\"index\":1");
    let info = ok.replace("\"ok\"", "\"info\"");
    let again = INVOKE.replace("\"index\":0", "\"index\":2");
    fails(
        format!("{INVOKE}\n\n{again}\n"),
        "line 3: process 3 invokes while its operation from line 1 is still open",
    );
    fails(
        format!("{INVOKE}\n{info}\n{again}\n"),
        "line 3: process 3 acts again, although the outcome of its operation is unknown since \
         line 2",
    );
    fails(&ok, "line 1: process 3 completes an operation that it never invoked");
    fails(
        format!("{INVOKE}\n{}\n", ok.replace("read", "write")),
        "line 2: completes `write`, but line 1 invoked `read`",
    );
    fails(
        format!("{INVOKE}\n{}\n", ok.replace("\"x\"", "\"y\"")),
        "line 2: completes `read y`, but line 1 invoked `read x`",
    );
    fails(format!("{again}\n{ok}\n"), "line 2: index 1 comes after index 2");
}

#[test]
fn nemesis_and_controller_are_no_operations() {
    let reading = reading(
        r#"{"index":0,"time":1,"process":"controller","type":"info","f":"phase","value":"load"}
{"index":1,"time":2,"process":"nemesis","type":"info","f":"partition","value":{}}
{"index":2,"time":3,"process":"nemesis","type":"info","f":"partition","value":{}}
"#,
    );
    assert!(reading.operations.is_empty());
}

#[test]
fn an_invocation_without_completion_is_of_unknown_outcome() {
    let reading = reading(INVOKE);
    let operation = reading.operations.get(0);
    assert_eq!((operation.outcome(), operation.completed()), (EventType::Info, None));
}

#[test]
fn edn_is_read_as_a_vector_a_list_or_one_map_after_the_other() {
    let maps = "{:process 0, :type :invoke, :f :cas, :value [1 2], :time 7, :index 3}
        ; a comment, and something discarded: #_{:process 1}
        #jepsen.history.Op{:process 0 :type :ok :f :cas :value [1 2]}
        {:process :nemesis :type :info :f :start :value {:n1 #{:n2 :n3} \"a b\" 1.5M}}";
    for text in [maps.to_string(), format!("[{maps}]"), format!("\n ({maps})\n")] {
        let reading = reading(&text);
        assert_eq!(reading.format, Format::JepsenEdn);
        assert_eq!(reading.operations.len(), 1, "the nemesis is no client");
        let operation = reading.operations.get(0);
        assert_eq!((operation.invoked(), operation.start()), (3, 7));
        assert_eq!((operation.outcome(), operation.completed()), (EventType::Ok, Some(4)));
        assert_eq!(operation.output().to_value(), json!([1, 2]));
    }
}

#[test]
fn values_of_jepsen_independent_are_split_into_key_and_value() {
    let reading = reading(
        "{:process 0 :type :invoke :f :write :value [8 1]}
         {:process 0 :type :ok :f :write :value [8 1]}
         {:process 1 :type :invoke :f :cas :value [9 [1 2]]}
         {:process 2 :type :invoke :f :read :value [8 nil]}
         {:process 2 :type :ok :f :read :value [8 1]}",
    );
    assert_eq!(reading.notes.len(), 1);
    let shown = |operation: OperationRef<'_>| {
        let key = operation.key().map(str::to_string);
        (key, operation.input().to_value(), operation.output().to_value())
    };
    let key = |name: &str| Some(name.to_string());
    assert_eq!(shown(reading.operations.get(0)), (key("8"), json!(1), json!(1)));
    assert_eq!(shown(reading.operations.get(1)), (key("9"), json!([1, 2]), json!(null)));
    assert_eq!(shown(reading.operations.get(2)), (key("8"), json!(null), json!(1)));
}

#[test]
fn pairs_that_may_be_plain_values_are_left_alone() {
    let cas_only = reading("{:process 0 :type :invoke :f :cas :value [1 2]}");
    assert_eq!(cas_only.operations.get(0).input().to_value(), json!([1, 2]));
    let writes_only = reading("{:process 0 :type :invoke :f :write :value [1 2]}");
    assert_eq!(writes_only.operations.get(0).key(), None);
}

#[test]
fn broken_edn_names_line_and_column() {
    fails("[{:process 0}]", "line 1: the event has no :type");
    fails(
        "[{:type :invoke :f :read}\n{:type :ok :f :write}]",
        "line 2: completes an operation that was never invoked, and names no process",
    );
    fails(
        "[{:type :invoke :value 5}]",
        "line 1: the operation has no f, and its value is no transaction",
    );
    fails(
        "[\n{:process 0 :type :sure :f :read}]",
        "line 2: unknown :type :sure; there are :invoke, :ok, :fail, :info",
    );
    fails("[{:process -1 :type :ok :f :read}]", "line 1: -1 is not the number of a process");
    fails("[\n 5]", "line 2, column 2: expected an event, which is a map: {:process 0 …}");
    fails("[] 7", "line 1, column 4: something follows the history's closing bracket");
    fails("{:process ))}", "line 1, column 11: a bracket closes what nothing opened");
    fails(
        format!("{{:value {}{}}}", "[".repeat(1000), "]".repeat(1000)),
        "line 1, column 138: values nest more than 128 deep",
    );
}

#[test]
fn edn_that_was_cut_off_is_judged_without_its_last_event() {
    let whole =
        "[{:process 0 :type :invoke :f :read}\n{:process 0 :type :ok :f :read :value \"]\"}";
    for (text, operations) in [
        (&whole[..50], 1),
        (&whole[..whole.len() - 3], 1),
        (whole, 1),
        ("[{:process 0", 0),
        ("[{:process \"0\n", 0),
    ] {
        let reading = reading(text);
        assert_eq!(reading.operations.len(), operations, "{text}");
        assert!(reading.notes[0].ends_with("what is cut off was left out"), "{:?}", reading.notes);
    }
}

#[test]
fn logs_are_read_with_tabs_or_spaces_and_with_or_without_a_prefix() {
    let text = "INFO  jepsen.core - Running test\n\
         INFO  jepsen.util - 0\t:invoke\t:write\t4\n\
         2024-05-01 12:00:00,000{GMT}\tINFO\t[worker 1] jepsen.util: 1   :invoke :read   nil\n\
         0\t:info\t:write\t:timed-out\n\
         INFO  jepsen.util - :nemesis\t:info\t:start\tCut off [:n1\n\
         INFO  jepsen.util - 1\t:ok\t:read\tnil\n";
    let reading = reading(text);
    assert_eq!(reading.format, Format::JepsenLog);
    assert_eq!(reading.notes, ["1 lines of the log are not operations and were left out"]);
    let [write, read] = [0, 1].map(|place| reading.operations.get(place));
    assert_eq!((write.f(), write.input(), write.line()), ("write", Datum::Integer(4), 2));
    assert_eq!((write.outcome(), write.invoked()), (EventType::Info, 0));
    assert_eq!((read.invoked(), read.completed(), read.line()), (1, Some(4), 3));
}

#[test]
fn no_bytes_make_a_reader_panic() {
    let texts: [&[u8]; 3] = [
        br#"{"index":0,"time":5,"process":3,"type":"invoke","f":"read","key":"x","value":[1,null]}
{"index":1,"time":6,"process":3,"type":"ok","f":"read","key":"x","value":"\u00e9"}
"#,
        br#"[{:process 0, :type :invoke, :f :cas, :value [1 -2N], :time 7} ; comment
            #_{:a \(} #x.Y{:process :nemesis :type :info :f :start :value #{"a\"b" 1.5M ^m s}}]"#,
        b"INFO  jepsen.util - 0\t:invoke\t:write\t[4 nil]\n0 :info :write :timed-out\n",
    ];
    let mut random = ChaCha8Rng::seed_from_u64(1);
    for text in texts {
        assert!(read(text).is_ok(), "{}", String::from_utf8_lossy(text));
        for _ in 0..20_000 {
            let mut bytes = text.to_vec();
            for _ in 0..random.random_range(1..5) {
                let at = random.random_range(0..bytes.len());
                match random.random_range(0..3) {
                    0 => bytes[at] = random.random(),
                    1 => bytes.truncate(at + 1),
                    _ => bytes.insert(at, text[random.random_range(0..text.len())]),
                }
            }
            if let Ok(reading) = read(&bytes[..]) {
                // What was read is a history, so judging it may fail only for its operations.
                if let Err(error) =
                    stormproof_checker::check(&reading.operations, &Options::default())
                {
                    assert!(
                        matches!(error, HistoryError::Unfit { .. } | HistoryError::NoModelFits(_)),
                        "{error}"
                    );
                }
            }
        }
    }
}

#[test]
fn a_nil_read_means_what_the_format_means_by_it() {
    let edn = "[{:process 0 :type :invoke :f :write :value 1} {:process 0 :type :ok :f :write :value 1}
         {:process 0 :type :invoke :f :read :value nil} {:process 0 :type :ok :f :read :value nil}]";
    let log = "0 :invoke :write 1\n0 :ok :write 1\n0 :invoke :read nil\n0 :ok :read nil\n";
    for (text, nil_reads, verdict) in
        [(edn, NilReads::Unknown, Verdict::Valid), (log, NilReads::Absent, Verdict::Invalid)]
    {
        let reading = reading(text);
        assert_eq!(reading.format.nil_reads(), nil_reads);
        let analysis =
            stormproof_checker::check(&reading.operations, &Options::for_format(reading.format));
        assert_eq!(analysis.expect("it can be judged").verdict, verdict);
    }
}

/// The model that is chosen for clients that do these things.
fn chosen(functions: &[&str]) -> Result<String, HistoryError> {
    let lines: String = (functions.iter().enumerate())
        .map(|(process, f)| format!("{process} :invoke :{f} nil\n"))
        .collect();
    choose(&reading(&lines).operations).map(|choice| choice.model.description().name.to_string())
}

#[test]
fn the_model_is_told_by_the_operations_or_asked_for() {
    assert_eq!(chosen(&["read", "write"]).as_deref(), Ok("register"));
    assert_eq!(chosen(&["cas", "read"]).as_deref(), Ok("register"));
    assert_eq!(chosen(&["get", "append"]).as_deref(), Ok("kv-append"));
    assert_eq!(chosen(&["enqueue"]).as_deref(), Ok("queue"));
    for unclear in [&["read"][..], &["add", "read"], &["acquire", "release"], &["add", "write"]] {
        assert!(matches!(chosen(unclear), Err(HistoryError::NoModelFits(_))), "{unclear:?}");
    }
}

#[test]
fn models_with_the_same_operations_are_told_by_the_answers_or_asked_for() {
    let chosen = |text: &str| {
        choose(&reading(text).operations).map(|choice| choice.model.description().name).ok()
    };
    let read = |answer: &str| {
        let add = "0 :invoke :add 1\n0 :ok :add 1\n";
        chosen(&format!("{add}1 :invoke :read nil\n1 :ok :read {answer}\n"))
    };
    assert_eq!(read("1"), Some("counter"));
    assert_eq!(read("[1]"), Some("set"));
    assert_eq!(read("nil"), None);
    assert_eq!(read("\"a\""), None);

    let acquire = |owner: &str, answer: &str| {
        let release = format!("0 :invoke :release {owner}\n0 :ok :release {owner}\n");
        chosen(&format!("0 :invoke :acquire {owner}\n0 :ok :acquire {answer}\n{release}"))
    };
    assert_eq!(acquire("\"p0\"", "\"p0\""), Some("mutex"));
    assert_eq!(acquire("\"p0\"", "nil"), Some("mutex"));
    assert_eq!(acquire("\"p0\"", "17"), Some("fenced-lock"));
    assert_eq!(acquire("1", "17"), Some("fenced-lock"));
    assert_eq!(acquire("1", "1"), None, "the owner's number or a token");
    assert_eq!(acquire("\"p0\"", "\"p1\""), None);
}

#[test]
fn operations_that_the_model_lacks_name_their_line() {
    let reading = reading("0 :invoke :write 1\n1 :invoke :enqueue 2\n");
    let judge = |model: &str| {
        let options = Options { model: Some(model.to_string()), ..Options::default() };
        stormproof_checker::check(&reading.operations, &options).expect_err("it does not fit")
    };
    assert_eq!(
        judge("register").in_file(),
        "line 2: does not fit the register model: there is no operation `enqueue`, only read, \
         write, cas, delete"
    );
    assert_eq!(
        judge("counter").to_string(),
        "event 1: does not fit the counter model: there is no operation `write`, only add, read"
    );
    assert_eq!(judge("stack"), HistoryError::UnknownModel("stack".to_string()));
}

#[test]
fn the_initial_value_counts() {
    let reading = reading("0 :invoke :read nil\n0 :ok :read 5\n");
    let judge = |initial| {
        let model = Some("register".to_string());
        let options = Options { model, initial, ..Options::default() };
        stormproof_checker::check(&reading.operations, &options).expect("it can be judged").verdict
    };
    assert_eq!(judge(json!(5)), Verdict::Valid);
    assert_eq!(judge(json!(4)), Verdict::Invalid);
    assert_eq!(judge(json!(null)), Verdict::Invalid);
}
