//! Exit codes and error messages, as a user meets them.

mod again;
mod ci;
#[path = "../common/mod.rs"]
mod common;
#[expect(dead_code, reason = "other tests click more")]
#[path = "../../../results/tests/browser/devtools.rs"]
mod devtools;
mod exercises;
mod experiments;
mod explore;
mod live;
mod memory;
mod nights;
mod simulate;
mod test_binary;
mod verdicts;

use std::path::Path;

use common::{run, scratch};

fn write(directory: &Path, name: &str, text: &str) -> String {
    let path = directory.join(name);
    std::fs::write(&path, text).expect("a scratch file can be written");
    path.display().to_string()
}

const VALID: &str = r#"{"index":0,"time":10,"process":0,"type":"invoke","f":"write","key":"k0","value":1}
{"index":1,"time":20,"process":0,"type":"ok","f":"write","key":"k0","value":1}
{"index":2,"time":30,"process":1,"type":"invoke","f":"read","key":"k0","value":null}
{"index":3,"time":40,"process":1,"type":"ok","f":"read","key":"k0","value":1}
"#;

#[test]
fn help_is_no_error_and_names_the_exit_codes() {
    run(&["--help"]).exits(0).says("3 harness failure");
    let help = run(&["run", "--help"]).exits(0).says("--faults").says("[possible values: ");
    help.says("The clients:").says("This machine:").says("[default: 60s]");
    run(&["--version"]).exits(0);
}

#[test]
fn a_misspelt_flag_or_name_is_answered_with_the_nearest_one() {
    run(&["run", "--sede", "1"]).exits(64).says("--seed");
    run(&["run", "--workload", "regster"]).exits(64).says("register");
    run(&["run", "--faults", "partitoin"]).exits(64).says("partition").says("kill");
    run(&["run", "--bug", "stale-raed"]).exits(64).says("stale-read");
    run(&["chek"]).exits(64).says("check");
    run(&[]).exits(64);
}

#[test]
fn impossible_figures_are_refused_before_anything_starts() {
    run(&["run", "--nodes", "0"]).exits(64).says("--nodes");
    run(&["run", "--rate", "-3"]).exits(64);
    run(&["run", "--time-limit", "99999999h"]).exits(64).says("--time-limit").says("1day");
    run(&["run", "--concurrency", "100000000"]).exits(64).says("1..=10000");
    run(&["plan", "--keys", "100000000"]).exits(64).says("1..=100000");
    run(&["up", "--restart-after", "18446744073709551615"]).exits(64).says("86400");
    run(&["check", "x.jsonl", "--threads", "100000000"]).exits(64).says("1..=1024");
    run(&["target", "check", "bundled", "--nodes", "99"]).exits(64).says("1..=50");
    run(&["run", "--time-limit", "soon"]).exits(64).says("--time-limit");
}

#[test]
fn a_history_is_judged_and_the_exit_code_tells_the_verdict() {
    let directory = scratch("judged");
    let valid = write(&directory, "valid.jsonl", VALID);
    run(&["check", &valid]).exits(0).says("VALID").says("judged as register");
    let stale = VALID.replace(r#""key":"k0","value":1}"#, r#""key":"k0","value":2}"#);
    let stale = stale.replacen(r#""value":2}"#, r#""value":1}"#, 2);
    let stale = write(&directory, "invalid.jsonl", &stale);
    run(&["check", &stale]).exits(1).says("INVALID").says("process 1 read 2");
}

#[test]
fn an_invalid_history_is_shrunk_to_one_that_check_takes() {
    let directory = scratch("shrunk");
    let mut history = String::new();
    for (process, value) in (10..40).enumerate() {
        let (index, time) = (2 * process, 100 * process);
        for (kind, more) in [("invoke", 0), ("ok", 1)] {
            history.push_str(&format!(
                r#"{{"index":{},"time":{},"process":{process},"type":"{kind}","f":"write","key":"k0","value":{value}}}"#,
                index + more,
                time + more
            ));
            history.push('\n');
        }
    }
    history.push_str(
        r#"{"index":100,"time":9000,"process":77,"type":"invoke","f":"read","key":"k0","value":null}
{"index":101,"time":9001,"process":77,"type":"ok","f":"read","key":"k0","value":12}
"#,
    );
    let history = write(&directory, "history.jsonl", &history);
    let shrunk = directory.join("shrunk.jsonl").display().to_string();
    run(&["shrink", &history, "--output", &shrunk]).exits(1).says("3 of 31 operations");
    run(&["check", &shrunk])
        .exits(1)
        .says("process 77 read 12")
        .says("judged as register: the file says so");
    let written = std::fs::read_to_string(&shrunk).expect("it was written");
    let (setting, events) = written.split_once('\n').expect("there are several lines");
    assert_eq!(
        setting,
        r#"{"process":"controller","type":"info","f":"judging","value":{"model":"register","initial":null,"nil_reads":"absent","observe_failures":false}}"#
    );
    assert_eq!(events.lines().count(), 6);

    // Reads alone do not show the model, nor what was there at first.
    let reads = VALID.lines().skip(2).collect::<Vec<_>>().join("\n");
    let reads = write(&directory, "reads.jsonl", &reads);
    run(&["shrink", &reads, "--model", "counter", "--initial", "7", "--output", &shrunk]).exits(1);
    run(&["check", &shrunk]).exits(1).says("judged as counter: the file says so");
    run(&["check", &shrunk, "--initial", "1"]).exits(0);

    let valid = write(&directory, "valid.jsonl", VALID);
    run(&["shrink", &valid]).exits(0).says("nothing to shrink: the history is valid");
}

#[test]
fn a_compressed_history_and_standard_input_are_judged_like_a_plain_file() {
    let directory = scratch("compressed");
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut gzip, VALID.as_bytes()).expect("memory takes it");
    let gzip = gzip.finish().expect("memory takes it");
    let level = ruzstd::encoding::CompressionLevel::Fastest;
    let zstd = ruzstd::encoding::compress_to_vec(VALID.as_bytes(), level);
    for (name, form, bytes) in [("h.jsonl.gz", "gzip", gzip), ("h.jsonl.zst", "zstd", zstd)] {
        let path = directory.join(name);
        std::fs::write(&path, &bytes).expect("it can be written");
        run(&["check", &path.display().to_string()]).exits(0);
        run(&["shrink", &path.display().to_string()]).exits(0).says("the history is valid");
        std::fs::write(&path, &bytes[..bytes.len() - 3]).expect("it can be written");
        run(&["check", &path.display().to_string()])
            .exits(65)
            .says(name)
            .says(&format!("the {form} file is cut off"));
    }
    let plain = write(&directory, "plain.jsonl", VALID);
    let given = |path: &str| {
        let file = std::fs::File::open(path).expect("it was written");
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_stormproof"))
            .args(["check", "-"])
            .stdin(file)
            .output()
            .expect("the program starts");
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    assert_eq!(given(&plain).0, Some(0));
    let (code, said) = given(&write(&directory, "garbage", "{\"index\":0}\n"));
    assert_eq!(code, Some(65));
    assert!(said.contains("standard input: line 1, column 11: missing field `type`"), "{said}");
}

#[test]
fn the_initial_value_and_failed_cas_count_when_they_are_told_to() {
    let directory = scratch("conventions");
    let read = VALID.lines().skip(2).collect::<Vec<_>>().join("\n");
    let read = write(&directory, "read.jsonl", &read);
    run(&["check", &read, "--model", "register"]).exits(1);
    run(&["check", &read, "--model", "register", "--initial", "1"]).exits(0);
    run(&["check", &read, "--initial", "one"]).exits(64).says("--initial");

    // A compare-and-set from the only value there is cannot have found another.
    let cas = VALID.replace(r#""f":"read""#, r#""f":"cas""#).replace(
        r#""type":"ok","f":"cas","key":"k0","value":1"#,
        r#""type":"fail","f":"cas","key":"k0","value":[1,2],"error":"precondition_failed""#,
    );
    let cas = cas
        .replace(r#""f":"cas","key":"k0","value":null"#, r#""f":"cas","key":"k0","value":[1,2]"#);
    let cas = write(&directory, "cas.jsonl", &cas);
    run(&["check", &cas, "--threads", "1"]).exits(0);
    run(&["check", &cas, "--observe-failures"]).exits(1);
    // Its name before there were more than compare-and-sets.
    run(&["check", &cas, "--observe-failed-cas"]).exits(1);
}

#[test]
fn a_malformed_history_is_refused_with_file_line_and_reason() {
    let directory = scratch("malformed");
    let garbage =
        VALID.replacen(r#""type":"invoke","f":"read""#, r#""type":"invok","f":"read""#, 1);
    let garbage = write(&directory, "garbage.jsonl", &garbage);
    run(&["check", &garbage]).exits(65).says("garbage.jsonl").says("line 3").says("invok");
    let twice = VALID.replacen(r#""process":0,"type":"ok""#, r#""process":0,"type":"invoke""#, 1);
    let twice = write(&directory, "twice.jsonl", &twice);
    run(&["check", &twice]).exits(65).says("line 2").says("process 0");
    run(&["check", "/nowhere/at/all"]).exits(65).says("/nowhere/at/all");
    run(&["report", "/nowhere/at/all"]).exits(65).says("/nowhere/at/all");
    let plan = write(&directory, "plan.toml", "nodes = \"many\"\n");
    run(&["run", "--plan", &plan]).exits(65).says("plan.toml").says("nodes");
}

#[test]
fn a_panic_is_a_failure_of_the_harness_and_never_a_verdict() {
    run(&["panic"]).exits(3).says("a bug in stormproof");
}

#[test]
fn results_that_cannot_be_written_are_a_failure_of_the_harness() {
    let directory = scratch("no-results");
    let file = write(&directory, "file", "");
    let results = format!("{file}/results");
    run(&["run", "--nodes", "1", "--time-limit", "1", "--results", &results]).exits(3).says(&file);
}

#[test]
fn a_reader_that_goes_away_ends_nothing_but_the_printing() {
    let directory = scratch("closed-pipe");
    let stale = VALID.replace(r#""value":1}"#, r#""value":2}"#);
    let stale = stale.replacen(r#""value":2}"#, r#""value":1}"#, 2);
    let (valid, invalid) =
        (write(&directory, "valid.jsonl", VALID), write(&directory, "invalid.jsonl", &stale));
    for (arguments, code) in [
        (&["list", "faults"][..], 0),
        (&["list", "workloads"], 0),
        (&["list", "bugs"], 0),
        (&["plan", "--seed", "1"], 0),
        (&["plan", "--seed", "1", "--toml"], 0),
        (&["--help"], 0),
        (&["run", "--help"], 0),
        (&["check", &valid], 0),
        (&["check", &valid, "--json"], 0),
        (&["check", &invalid], 1),
        (&["shrink", &invalid], 1),
        (&["doctor"], 0),
        (&["doctor", "--json"], 0),
        (&["run", "--nodes", "0"], 64),
        (&["report", "/nowhere"], 65),
    ] {
        for only_standard_output in [true, false] {
            let (reader, writer) = std::io::pipe().expect("a pipe can be made");
            drop(reader);
            let mut command = common::stormproof();
            command.args(arguments);
            if !only_standard_output {
                command.stderr(writer.try_clone().expect("it can be held twice"));
            }
            command.stdout(writer);
            common::finished(command.output().expect("the binary starts")).exits(code);
        }
    }
}

#[test]
fn lists_name_what_flags_take() {
    run(&["list", "workloads"]).exits(0).says("register");
    run(&["list", "faults"]).exits(0).says("partition").says("kill").says("pause");
    run(&["list", "compositions"])
        .exits(0)
        .says("power-fails-again")
        .says("disk+power; weight 3")
        .says("tears them");
    run(&["list", "bugs"]).exits(0).says("stale-read").says("ignore-tokens");
    run(&["list", "models"]).exits(0).says("register");
    run(&["list", "targets"]).exits(0).says("bundled");
}

#[test]
fn a_seed_always_gives_the_same_plan_and_a_plan_can_be_run_from_its_file() {
    let first = run(&["plan", "--seed", "42"]).exits(0).says("partition");
    assert_eq!(first.out, run(&["plan", "--seed", "42"]).out);
    assert_ne!(first.out, run(&["plan", "--seed", "43"]).out);
    let toml = run(&["plan", "--seed", "42", "--toml"]).exits(0).out;
    let file = write(&scratch("plan"), "plan.toml", &toml);
    assert_eq!(run(&["plan", "--plan", &file]).exits(0).out, first.out);
}

#[test]
fn compositions_of_a_user_are_drawn_into_the_plan() {
    let directory = scratch("compositions");
    let mine = "[[composition]]\nname = \"slow-and-paused\"\nabout = \"\"\n\
                [[composition.fault]]\nat = 0\nlasts = \"2.0..3.0\"\nfamily = \"cpu\"\n\
                aim = \"all\"\npercent = 5\n[[composition.fault]]\nat = \"0.5..1.5\"\n\
                lasts = 1\nfamily = \"pause\"\naim = \"follower\"\n";
    let flags = ["plan", "--seed", "1", "--faults", "cpu,pause", "--profile", "composed"];
    let plan = |more: &[&str]| run(&[&flags[..], more].concat());
    let file = write(&directory, "mine.toml", mine);
    let drawn = plan(&["--compositions", &file]).exits(0);
    let drawn = drawn.says("5 % of a processor for all nodes").says("pause a follower");
    // What was drawn stands in the plan, which tells the file too.
    let toml = plan(&["--compositions", &file, "--toml"]).exits(0).says("compositions = ");
    let saved = write(&directory, "plan.toml", &toml.out);
    assert_eq!(run(&["plan", "--plan", &saved]).exits(0).out, drawn.out);

    let bad = write(&directory, "bad.toml", &mine.replace("percent = 5", "percent = 500"));
    let refused = plan(&["--compositions", &bad]).exits(65);
    refused.says("bad.toml: composition slow-and-paused: fault 1, in a cluster of 3: percent");
    plan(&["--compositions", "/nowhere/at/all"]).exits(65).says("/nowhere/at/all");
}

#[test]
fn a_lone_fault_is_a_whole_plan_and_flags_beside_it_count_more() {
    // As the README shows it.
    let fault = "[[fault]]\nat = 5.0              # seconds after the load began\nlasts = 2.5\n\
                 family = \"disk\"\naim = \"leader\"\ntrouble = \"slow-fsync\"\ndelay_ms = 50\n";
    assert!(include_str!("../../../README.md").contains("[[fault]]\nat = 5.0"));
    let file = write(&scratch("lone-fault"), "plan.toml", fault);
    let plan = run(&["plan", "--plan", &file]).exits(0).says("5 nodes · register · disk · 1 fault");
    plan.says("5.0 s for 2.5 s: fsync 50 ms slower at the leader");
    let fewer = run(&["plan", "--plan", &file, "--nodes", "3", "--seed", "9"]).exits(0);
    fewer.says("3 nodes").says("seed 9").says("1 fault in 60 s");
    run(&["plan", "--plan", &file, "--nodes", "99"]).exits(64).says("1..=50");
    run(&["run", "--plan", &file, "--lab", "none"]).exits(64).says("plan.toml").says("--lab none");
}

/// Runs the doctor with journals of its own, of which the one of a process that is gone says `what`.
fn clean_after(name: &str, what: &str) -> (common::Finished, std::path::PathBuf) {
    let state = scratch(name);
    let directory = state.join("stormproof/journal");
    std::fs::create_dir_all(&directory).expect("a scratch directory can be made");
    // Process 1 was not started in the first tick of the machine's life.
    write(&directory, "1-0.jsonl", &format!("{{\"intent\":{{\"id\":1,{what}}}}}\n"));
    let mut doctor = common::stormproof();
    doctor.args(["doctor", "--clean"]).env("XDG_STATE_HOME", &state);
    (common::finished(doctor.output().expect("the binary starts")), directory.join("1-0.jsonl"))
}

#[test]
fn what_a_killed_run_left_and_is_gone_is_forgotten() {
    let nowhere = r#""what":"mount","path":"/no/such/mount""#;
    let (doctor, journal) = clean_after("clean-gone", nowhere);
    doctor.exits(0);
    assert!(!journal.exists());
}

#[test]
fn what_cannot_be_removed_is_named_and_a_failure_of_the_harness() {
    let foreign = r#""what":"cgroup","path":"/tmp""#;
    let (doctor, journal) = clean_after("clean-foreign", foreign);
    doctor.exits(3).says("cannot remove cgroup /tmp, of process 1");
    assert!(journal.exists(), "it is tried again the next time");
}

#[test]
fn a_fault_that_cannot_be_meant_is_refused_with_its_place_in_the_plan() {
    let directory = scratch("nonsense");
    let sound = run(&["plan", "--seed", "1", "--faults", "none", "--toml"]).exits(0).out;
    let kill = "[[fault]]\nat = 1.0\nlasts = 1.0\nfamily = \"kill\"\naim = \"one\"\n";
    let check = |second: &str, what: &str| {
        let entry = format!("[[fault]]\nat = 2.0\nlasts = 1.0\n{second}\n");
        let plan = write(&directory, "plan.toml", &format!("{sound}\n{kill}\n{entry}"));
        for command in ["plan", "run"] {
            let refused = run(&[command, "--plan", &plan]).exits(65);
            refused.says("plan.toml").says("fault 2 of the schedule").says(what);
        }
    };
    check("family = \"clock\"\naim = \"one\"\nerror = \"drift\"\nrate = 1.5", "not 1.5");
    check("family = \"power\"\naim = \"all\"\nsector = 100", "512 or 4096 bytes, not 100");
    check("family = \"pause\"\naim = \"everybody\"", "everybody");
    check("family = \"cpu\"\naim = \"one\"\npercent = 200.0", "200");
    check("family = \"disk\"\naim = \"one\"\ntrouble = \"failing\"\npercent = 200.0", "200");
    check("family = \"packet\"\naim = \"one\"\ndirection = \"into\"\nloss_percent = 200.0", "200");
    check("family = \"earthquake\"", "earthquake");
    check("family = \"kill\"\naim = \"one\"\nshape = \"bridge\"", "shape");
}

#[test]
fn what_contradicts_itself_is_wrong_usage() {
    run(&["run", "--faults", "kill,none"]).exits(64).says("--faults none stands alone");
    run(&["plan", "--faults", "none,all"]).exits(64).says("--faults none stands alone");
    run(&["plan", "--faults", "none", "--seed", "1"]).exits(0).says("0 faults");
    let ports = run(&["up", "--port", "65535"]).exits(64);
    ports.says("--port 65535 leaves no ports for 3 nodes: the last would have 65637");
    run(&["up", "--port", "0"]).exits(64).says("--port");
}
