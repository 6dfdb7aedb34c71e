//! Runs that are ended before their time.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use crate::background::{Running, signal};
use crate::common::{finished, run, scratch, stormproof};
use crate::support::{has_namespaces, latest, plan_file, run_into, verdict};
use crate::turn::turn;

#[test]
fn ctrl_c_heals_saves_and_judges_what_there_is() {
    let _turn = turn();
    for lab in ["auto", "loopback"] {
        let running = Running::start(
            &format!("ctrl-c-{lab}"),
            &["--time-limit", "60s", "--seed", "7", "--lab", lab],
        );
        // A run none of whose faults was seen to take effect would be Unknown.
        running.wait_for("a fault", |history| history.contains(r#""outcome":"installed""#));
        signal(running.child.id() as i32, "INT");
        let results = running.results.clone();
        let output = running.child.wait_with_output().expect("it ends");
        // It was cut before every family had its turn.
        finished(output)
            .exits(2)
            .says("undoing the faults and judging what there is")
            .says("UNKNOWN  no ")
            .says("; interrupted after ")
            .says("safety     valid by ")
            .says("were never reached");
        assert!(latest(&results).join("report.html").is_file());
        // The load was to last a minute.
        let seconds = load_seconds(&results);
        assert!(seconds < 45.0, "the load went on for {seconds} s");
    }
}

/// Seconds that the load of the newest run lasted.
fn load_seconds(results: &std::path::Path) -> f64 {
    let phases = verdict(results)["phases"].clone();
    let load = phases.as_array().and_then(|all| all.iter().find(|phase| phase[0] == "load"));
    load.and_then(|load| load[1].as_f64()).expect("the load has a length")
}

#[test]
fn a_run_ends_once_it_is_known_to_be_invalid_unless_it_is_to_keep_going() {
    let _turn = turn();
    if !has_namespaces() {
        return;
    }
    let plan = std::fs::read_to_string(plan_file("stale-read.toml")).expect("readable");
    for keep_going in [false, true] {
        let results = scratch(if keep_going { "keep-going" } else { "stop-early" });
        let limit = if keep_going { "10.0\nkeep_going = true" } else { "300.0" };
        let plan = plan.replace("time_limit = 20.0", &format!("time_limit = {limit}"));
        let file = results.with_extension("toml");
        std::fs::write(&file, plan).expect("the plan can be written");
        let ended = run_into(&results, &["--plan", &file.display().to_string()]).exits(1);
        let stopped = &verdict(&results)["run"]["stopped_early_seconds"];
        let page = std::fs::read_to_string(latest(&results).join("report.html"));
        let page_says_so = page.expect("readable").contains("stopped early at");
        if keep_going {
            ended.says("going on at").says("have no legal order");
            assert!(stopped.is_null() && !page_says_so, "{stopped}");
            assert!(load_seconds(&results) > 9.0, "{} s", load_seconds(&results));
        } else {
            ended.says("stopped early at").says("have no legal order");
            assert!(stopped.is_f64() && page_says_so, "{stopped}");
            assert!(load_seconds(&results) < 60.0, "{} s", load_seconds(&results));
        }
        std::fs::remove_file(file).expect("it was written");
    }
}

#[test]
fn a_cluster_to_play_with_elects_a_leader_and_ends_with_ctrl_c() {
    let _turn = turn();
    let port = std::net::TcpListener::bind(("127.0.0.1", 0)).and_then(|free| free.local_addr());
    let port = port.expect("a free port").port().to_string();
    let mut up = stormproof()
        .args(["up", "--nodes", "1", "--port", &port])
        .stdout(Stdio::piped())
        .spawn()
        .expect("the binary starts");
    let out = up.stdout.take().expect("it is piped");
    let mut lines = BufReader::new(out).lines().map(|line| line.expect("text"));
    let leads = lines.find(|line| line.contains("leads in term")).expect("somebody leads");
    assert!(leads.starts_with("n1"), "{leads}");
    signal(up.id() as i32, "INT");
    assert!(up.wait().expect("it ends").success());
}

#[test]
fn a_node_that_dies_at_start_is_shown_with_the_end_of_its_log() {
    let _turn = turn();
    let taken = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
    let port = taken.local_addr().expect("it is bound").port().to_string();
    let up = run(&["up", "--nodes", "1", "--port", &port]).exits(3);
    up.says("n1 did not start").says(&format!("cannot listen on 127.0.0.1:{port}"));
}

#[test]
fn a_full_disk_is_a_failure_of_the_harness_that_keeps_what_was_recorded() {
    let _turn = turn();
    let script = r#"
        mount -t tmpfs -o size=1m none "$1" || exit 77
        "$2" run --time-limit 20s --seed 7 --results "$1"
        code=$?
        test -s "$1/latest/history.jsonl" || code=78
        exit $code"#;
    let results = scratch("full-disk");
    let probe = Command::new("unshare").args(["-Urm", "true"]).status();
    if !probe.is_ok_and(|status| status.success()) {
        eprintln!("skipped: cannot make a mount namespace here");
        return;
    }
    let output = Command::new("unshare")
        .args(["-Urm", "sh", "-c", script, "sh"])
        .arg(&results)
        .arg(env!("CARGO_BIN_EXE_stormproof"))
        .output();
    match output {
        Ok(output) if output.status.code() != Some(77) => {
            finished(output).exits(3).says("No space left on device");
        }
        _ => eprintln!("skipped: cannot mount a small file system here"),
    }
}
