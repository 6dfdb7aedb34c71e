//! Histories in every format, and the errors that name the line.

use checker::Options;
use checker::history::{EventType, Format, HistoryError, Process, Reading, operations, read};
use checker::model::{NilReads, choose};
use checker::verdict::Verdict;
use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};
use serde_json::json;

fn reading(text: &str) -> Reading {
    read(text.as_bytes()).unwrap_or_else(|error| panic!("{error}"))
}

#[track_caller]
fn fails(text: impl AsRef<[u8]>, message: &str) {
    match read(text.as_ref()) {
        Ok(reading) => panic!("{} events were read", reading.history.events.len()),
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
    assert_eq!(reading.lines, [1, 2]);
    let event = &reading.history.events[1];
    assert_eq!((event.index, event.time, event.version), (21, 1_210_077_312, Some(8812)));
    assert_eq!(event.attempts[0].error.as_deref(), Some("timeout"));
    let operations = operations(&reading.history).expect("it pairs");
    assert_eq!(operations[0].input, json!([12, 40]));
    assert_eq!((operations[0].invoked, operations[0].completed), (17, Some(21)));
    assert_eq!(operations[0].node.as_deref(), Some("n2"));
}

#[test]
fn a_last_line_that_was_cut_off_is_left_out_with_a_note() {
    for cut in [1, 20, INVOKE.len() - 1] {
        let reading = reading(&format!("\n{INVOKE}\n{}", &INVOKE[..cut]));
        assert_eq!(reading.history.events.len(), 1);
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
    assert!(reading("").history.events.is_empty());
    assert!(reading(" \n\n").history.events.is_empty());
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
    assert_eq!(reading.history.events[0].process, Process::Controller);
    assert_eq!(operations(&reading.history), Ok(Vec::new()));
}

#[test]
fn an_invocation_without_completion_is_of_unknown_outcome() {
    let operations = operations(&reading(INVOKE).history).expect("it pairs");
    assert_eq!((operations[0].outcome, operations[0].completed), (EventType::Info, None));
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
        let events = &reading.history.events;
        assert_eq!(events.len(), 3);
        assert_eq!((events[0].index, events[0].time), (3, 7));
        assert_eq!((events[1].kind, events[1].index), (EventType::Ok, 4));
        assert_eq!(events[1].value, json!([1, 2]));
        assert_eq!(events[2].process, Process::Nemesis);
        assert_eq!(events[2].value, json!({"n1": ["n2", "n3"], "a b": 1.5}));
        assert_eq!(reading.lines[1], reading.lines[0] + 2);
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
    let events = &reading.history.events;
    assert_eq!((events[0].key.as_deref(), &events[0].value), (Some("8"), &json!(1)));
    assert_eq!((events[2].key.as_deref(), &events[2].value), (Some("9"), &json!([1, 2])));
    assert_eq!((events[3].key.as_deref(), &events[3].value), (Some("8"), &json!(null)));
}

#[test]
fn pairs_that_may_be_plain_values_are_left_alone() {
    let cas_only = reading("{:process 0 :type :invoke :f :cas :value [1 2]}");
    assert_eq!(cas_only.history.events[0].value, json!([1, 2]));
    let writes_only = reading("{:process 0 :type :invoke :f :write :value [1 2]}");
    assert_eq!(writes_only.history.events[0].key, None);
}

#[test]
fn broken_edn_names_line_and_column() {
    fails("[{:process 0", "line 1, column 13: the file ends where a value is missing");
    fails(
        "[{:process 0 :type :ok :f :read}\n",
        "line 2, column 1: the file ends before the history's closing bracket",
    );
    fails("[{:type :ok :f :read}]", "line 1: the event has no :process");
    fails(
        "[\n{:process 0 :type :sure :f :read}]",
        "line 2: unknown :type :sure; there are :invoke, :ok, :fail, :info",
    );
    fails("[{:process -1 :type :ok :f :read}]", "line 1: -1 is not the number of a process");
    fails("[\n 5]", "line 2, column 2: expected an event, which is a map: {:process 0 …}");
    fails(
        "[{:process \"0\n",
        "line 1, column 12: the file ends inside the string that begins here",
    );
    fails("[] 7", "line 1, column 4: something follows the history's closing bracket");
    fails("{:process )}", "line 1, column 11: a bracket closes what nothing opened");
    fails(
        format!("{{:value {}", "[".repeat(100_000)),
        "line 1, column 138: values nest more than 128 deep",
    );
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
    assert_eq!(reading.lines, [2, 3, 4, 5, 6]);
    assert_eq!(reading.notes, ["1 lines of the log are not operations and were left out"]);
    let events = &reading.history.events;
    assert_eq!((events[0].f.as_str(), &events[0].value), ("write", &json!(4)));
    assert_eq!((&events[2].value, events[2].error.as_deref()), (&json!(null), Some("timed-out")));
    assert_eq!(events[3].process, Process::Nemesis);
    assert_eq!(events.iter().map(|event| event.index).collect::<Vec<_>>(), [0, 1, 2, 3, 4]);
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
            if let Ok(reading) = read(&bytes) {
                // What was read is a history, so judging it may fail only for its operations.
                if let Err(error) = checker::check(&reading.history, &Options::default()) {
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
        let analysis = checker::check(&reading.history, &Options::for_format(reading.format));
        assert_eq!(analysis.expect("it can be judged").verdict, verdict);
    }
}

/// The model that is chosen for clients that do these things.
fn chosen(functions: &[&str]) -> Result<String, HistoryError> {
    let lines: String = (functions.iter().enumerate())
        .map(|(process, f)| format!("{process} :invoke :{f} nil\n"))
        .collect();
    choose(&reading(&lines).history).map(|choice| choice.kind.description().name.to_string())
}

#[test]
fn the_model_is_told_by_the_operations_or_asked_for() {
    assert_eq!(chosen(&["read", "write"]).as_deref(), Ok("register"));
    assert_eq!(chosen(&["cas", "read"]).as_deref(), Ok("register"));
    assert_eq!(chosen(&["get", "append"]).as_deref(), Ok("kv-append"));
    assert_eq!(chosen(&["add", "read"]).as_deref(), Ok("counter"));
    for unclear in [&["read"][..], &["enqueue"], &["add", "write"]] {
        assert!(matches!(chosen(unclear), Err(HistoryError::NoModelFits(_))), "{unclear:?}");
    }
}

#[test]
fn operations_that_the_model_lacks_name_their_line() {
    let reading = reading("0 :invoke :write 1\n1 :invoke :enqueue 2\n");
    let judge = |model: &str| {
        let options = Options { model: Some(model.to_string()), ..Options::default() };
        checker::check(&reading.history, &options).expect_err("it does not fit")
    };
    assert_eq!(
        judge("register").at_lines(&reading.lines),
        "line 2: does not fit the register model: there is no operation `enqueue`, only read, \
         write, cas, delete"
    );
    assert_eq!(
        judge("counter").to_string(),
        "event 0: does not fit the counter model: there is no operation `write`, only add, read"
    );
    assert_eq!(judge("queue"), HistoryError::UnknownModel("queue".to_string()));
}

#[test]
fn the_initial_value_counts() {
    let reading = reading("0 :invoke :read nil\n0 :ok :read 5\n");
    let judge = |initial| {
        let model = Some("register".to_string());
        let options = Options { model, initial, ..Options::default() };
        checker::check(&reading.history, &options).expect("it can be judged").verdict
    };
    assert_eq!(judge(json!(5)), Verdict::Valid);
    assert_eq!(judge(json!(4)), Verdict::Invalid);
    assert_eq!(judge(json!(null)), Verdict::Invalid);
}
