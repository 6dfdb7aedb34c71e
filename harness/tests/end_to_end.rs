//! Whole runs with real processes, as a user starts them. Each test says what it skipped and why
//! when the machine cannot do what it needs.

mod common;

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use common::{Finished, finished, run, scratch, stormproof};
use serde_json::Value;

/// Clusters take turns: two at once starve each other on a small machine.
fn alone() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whether this machine has the namespace lab; prints why not.
fn has_namespaces() -> bool {
    let doctor = run(&["doctor", "--json"]);
    let probes: Value = serde_json::from_str(&doctor.out).expect("doctor --json prints JSON");
    let works = probes["labs"]["netns"] == true;
    if !works {
        eprintln!("skipped: no namespaces here; stormproof doctor says why");
    }
    works
}

fn is_root() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
    status.lines().any(|line| line.starts_with("Uid:\t0\t"))
}

/// The run directory that `latest` names.
fn latest(results: &Path) -> PathBuf {
    results.join("latest").canonicalize().expect("a run leaves a link to itself")
}

fn verdict(results: &Path) -> Value {
    let text = std::fs::read_to_string(latest(results).join("verdict.json"));
    serde_json::from_str(&text.expect("a run leaves its verdict")).expect("which is JSON")
}

/// Injected faults by outcome, as `family outcome`.
fn outcomes(results: &Path) -> Vec<String> {
    let history = std::fs::read_to_string(latest(results).join("history.jsonl"));
    let history = history.expect("a run leaves its history");
    history
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).expect("every line is an event"))
        .filter(|event| event["process"] == "nemesis" && event["type"] == "info")
        .filter(|event| event["value"]["stage"] == "inject")
        .map(|event| {
            let outcome = event["value"]["outcome"].as_str().unwrap_or("?");
            format!("{} {outcome}", event["f"].as_str().unwrap_or("?"))
        })
        .collect()
}

fn short_run(results: &Path, more: &[&str]) -> Finished {
    let results = results.display().to_string();
    let mut arguments = vec!["run", "--time-limit", "12s", "--seed", "7", "--results", &results];
    arguments.extend(more);
    run(&arguments)
}

/// A run that must be valid, with everything a user is promised.
fn assert_a_whole_run(results: &Path, families: &[&str]) {
    let directory = latest(results);
    for file in ["plan.toml", "history.jsonl", "verdict.json", "report.html"] {
        assert!(directory.join(file).is_file(), "no {file} in {}", directory.display());
    }
    let page = std::fs::read_to_string(directory.join("report.html")).expect("readable");
    assert!(page.contains("VALID"), "the page does not tell the verdict");
    let outcomes = outcomes(results);
    for family in families {
        let installed = format!("{family} installed");
        assert!(outcomes.contains(&installed), "no {installed} among {outcomes:?}");
    }
    let indeterminate: Vec<_> =
        outcomes.iter().filter(|outcome| outcome.ends_with("indeterminate")).collect();
    assert!(indeterminate.is_empty(), "{indeterminate:?} of {outcomes:?}");
}

#[test]
fn a_run_with_iptables_is_valid_and_every_fault_is_seen_to_bite() {
    let _turn = alone();
    let iptables = Command::new("iptables").arg("--version").output();
    if !has_namespaces() || iptables.is_err() {
        eprintln!("skipped: needs namespaces and iptables");
        return;
    }
    let results = scratch("iptables");
    short_run(&results, &["--partition-engine", "iptables"]).exits(0).says("VALID");
    assert_a_whole_run(&results, &["partition", "kill", "pause"]);
    let engine = verdict(&results)["run"]["engines"]["partition"].clone();
    assert!(engine.as_str().is_some_and(|engine| engine.starts_with("iptables")), "{engine}");
}

#[test]
fn a_run_with_the_switch_is_valid_and_every_fault_is_seen_to_bite() {
    let _turn = alone();
    if !has_namespaces() {
        return;
    }
    let results = scratch("switch");
    short_run(&results, &["--partition-engine", "switch"]).exits(0).says("VALID");
    assert_a_whole_run(&results, &["partition", "kill", "pause"]);
    assert_eq!(verdict(&results)["run"]["engines"]["partition"], "switch");
    // A saved run is judged again from its directory, and its page written again.
    let directory = latest(&results).display().to_string();
    run(&["check", &directory]).exits(0).says("VALID");
    run(&["report", &directory]).exits(0).says("report.html");
}

#[test]
fn an_ordinary_user_gets_the_same_run_where_user_namespaces_are_allowed() {
    let _turn = alone();
    if !is_root() {
        eprintln!("skipped: this is no root, so the other tests show it");
        return;
    }
    // Where nobody may read the build directory, nobody cannot run what is in it.
    let place = PathBuf::from("/tmp").join(format!("stormproof-rootless-{}", std::process::id()));
    std::fs::create_dir_all(&place).expect("/tmp is writable");
    let binary = place.join("stormproof");
    std::fs::copy(env!("CARGO_BIN_EXE_stormproof"), &binary).expect("the binary can be copied");
    let as_nobody = |arguments: &[&str]| {
        let mut command = Command::new("setpriv");
        command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]);
        command.arg(&binary).args(arguments).current_dir(&place).output()
    };
    let chown = Command::new("chown").arg("65534:65534").arg(&place).status();
    let probes = as_nobody(&["doctor", "--json"]);
    let works = chown.is_ok()
        && probes.as_ref().is_ok_and(|output| {
            let probes: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
            probes["labs"]["netns"] == true
        });
    if works {
        let output = as_nobody(&["run", "--time-limit", "12s", "--seed", "7", "--results", "runs"]);
        finished(output.expect("it ran before")).exits(0).says("VALID").says("netns");
        assert_a_whole_run(&place.join("runs"), &["partition", "kill", "pause"]);
    } else {
        eprintln!("skipped: an ordinary user gets no namespaces here, or setpriv is missing");
    }
    std::fs::remove_dir_all(&place).expect("what the test made can be removed");
}

#[test]
fn the_loopback_lab_kills_and_pauses_and_says_what_it_left_out() {
    let _turn = alone();
    let results = scratch("loopback");
    short_run(&results, &["--lab", "loopback"]).exits(0).says("VALID").says("partition");
    assert_a_whole_run(&results, &["kill", "pause"]);
    assert_eq!(verdict(&results)["run"]["skipped"][0][0], "partition");
    let asked = short_run(&results, &["--lab", "loopback", "--faults", "partition"]);
    asked.exits(64).says("partition").says("netns");
}

/// A plan of one bug's worst weather, so that catching it is no matter of luck.
fn assert_caught(bug: &str, plan: &str) {
    let _turn = alone();
    if !has_namespaces() {
        return;
    }
    let results = scratch(bug);
    let plan = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/plans").join(plan);
    let plan = plan.display().to_string();
    let results_flag = results.display().to_string();
    run(&["run", "--plan", &plan, "--results", &results_flag]).exits(1).says("INVALID");
    let verdict = verdict(&results);
    let operations = verdict["safety"]["counterexample"]["operations"].as_array();
    let count = operations.expect("an invalid run has a counterexample").len();
    assert!((1..=10).contains(&count), "a counterexample of {count} operations");
    let page = std::fs::read_to_string(latest(&results).join("report.html")).expect("readable");
    assert!(page.contains("INVALID"), "the page does not tell the verdict");
}

#[test]
fn a_leader_that_answers_reads_without_a_majority_is_caught() {
    assert_caught("stale-read", "stale-read.toml");
}

#[test]
fn a_retry_that_is_applied_again_is_caught() {
    assert_caught("ignore-tokens", "ignore-tokens.toml");
}

/// A run in the background.
struct Running {
    child: Child,
    results: PathBuf,
}

impl Running {
    /// Starts a run and waits until its clients are at work.
    fn start(name: &str, more: &[&str]) -> Self {
        let results = scratch(name);
        let child = stormproof()
            .args(["run", "--time-limit", "60s", "--seed", "7", "--results"])
            .arg(&results)
            .args(more)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary starts");
        let running = Running { child, results };
        running.wait_for("a read that succeeded", |history| history.contains(r#""type":"ok""#));
        running
    }

    fn wait_for(&self, what: &str, seen: impl Fn(&str) -> bool) {
        let begin = Instant::now();
        loop {
            let history = self.results.join("latest/history.jsonl");
            if std::fs::read_to_string(history).is_ok_and(|history| seen(&history)) {
                return;
            }
            assert!(begin.elapsed() < Duration::from_secs(60), "never saw {what}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// The run's processes: the one we started and everything below it.
    fn tree(&self) -> Vec<i32> {
        let mut tree = vec![self.child.id() as i32];
        let mut next = 0;
        while next < tree.len() {
            tree.extend(children(tree[next]));
            next += 1;
        }
        tree
    }
}

fn children(pid: i32) -> Vec<i32> {
    let Ok(tasks) = std::fs::read_dir(format!("/proc/{pid}/task")) else { return Vec::new() };
    tasks
        .flatten()
        .filter_map(|task| std::fs::read_to_string(task.path().join("children")).ok())
        .flat_map(|list| list.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
        .filter_map(|pid| pid.parse().ok())
        .collect()
}

fn is_alive(pid: i32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // A zombie is dead; only its parent has not looked yet.
    stat.rsplit(") ").next().is_some_and(|rest| !rest.is_empty() && !rest.starts_with('Z'))
}

/// The network namespaces that these processes are in, besides our own.
fn network_namespaces(pids: impl IntoIterator<Item = i32>) -> BTreeSet<PathBuf> {
    let of = |pid: &str| std::fs::read_link(format!("/proc/{pid}/ns/net")).ok();
    let ours = of("self");
    let all = pids.into_iter().filter_map(|pid| of(&pid.to_string()));
    all.filter(|namespace| Some(namespace) != ours.as_ref()).collect()
}

fn all_processes() -> Vec<i32> {
    let entries = std::fs::read_dir("/proc").expect("Linux").flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect()
}

fn signal(pid: i32, signal: &str) {
    let status = Command::new("kill").arg(format!("-{signal}")).arg(pid.to_string()).status();
    assert!(status.is_ok_and(|status| status.success()), "cannot signal {pid}");
}

/// Kills one process of the tree (0 the outer one, 1 the guard, 2 the controller) in the middle of
/// a run; one second later nothing may be left.
fn assert_nothing_survives(lab: &str) {
    for victim in 0..3 {
        let mounts = || std::fs::read_to_string("/proc/self/mounts").expect("Linux");
        let mounts_before = mounts();
        let mut running = Running::start(&format!("killed-{lab}-{victim}"), &["--lab", lab]);
        let tree = running.tree();
        assert!(tree.len() >= 3 + 5, "outer, guard, controller and five nodes, not {tree:?}");
        let namespaces = network_namespaces(tree.iter().copied());
        assert_eq!(namespaces.is_empty(), lab == "loopback", "{lab}: {namespaces:?}");
        signal(tree[victim], "KILL");
        std::thread::sleep(Duration::from_secs(1));
        let left: Vec<i32> =
            tree.iter().copied().filter(|&pid| pid != tree[0] && is_alive(pid)).collect();
        assert!(left.is_empty(), "{lab}: after the death of {victim}, {left:?} of {tree:?} live");
        running.child.wait().expect("it is dead");
        assert_eq!(mounts(), mounts_before);
        let left = network_namespaces(all_processes());
        let left: Vec<_> = left.intersection(&namespaces).collect();
        assert!(left.is_empty(), "{lab}: namespaces {left:?} are left");
        let history = std::fs::read_to_string(running.results.join("latest/history.jsonl"));
        assert!(!history.expect("what was recorded is kept").is_empty());
    }
}

#[test]
fn nothing_survives_a_kill_of_any_process_in_the_namespace_lab() {
    let _turn = alone();
    if has_namespaces() {
        assert_nothing_survives("netns");
    }
}

#[test]
fn nothing_survives_a_kill_of_any_process_in_the_loopback_lab() {
    let _turn = alone();
    assert_nothing_survives("loopback");
}

#[test]
fn ctrl_c_heals_saves_and_judges_what_there_is() {
    let _turn = alone();
    for lab in ["auto", "loopback"] {
        let running = Running::start(&format!("ctrl-c-{lab}"), &["--lab", lab]);
        running.wait_for("a fault", |history| history.contains(r#""stage":"inject""#));
        signal(running.child.id() as i32, "INT");
        let results = running.results.clone();
        let output = running.child.wait_with_output().expect("it ends");
        finished(output)
            .exits(0)
            .says("undoing the faults and judging what there is")
            .says("VALID");
        assert!(latest(&results).join("report.html").is_file());
        // The load was to last a minute.
        let phases = verdict(&results)["phases"].clone();
        let load = phases.as_array().and_then(|all| all.iter().find(|phase| phase[0] == "load"));
        let seconds = load.and_then(|load| load[1].as_f64()).expect("the load has a length");
        assert!(seconds < 45.0, "the load went on for {seconds} s");
    }
}

#[test]
fn a_cluster_to_play_with_elects_a_leader_and_ends_with_ctrl_c() {
    let _turn = alone();
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
    let _turn = alone();
    let taken = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
    let port = taken.local_addr().expect("it is bound").port().to_string();
    let up = run(&["up", "--nodes", "1", "--port", &port]).exits(3);
    up.says("n1 did not start").says(&format!("cannot listen on 127.0.0.1:{port}"));
}

#[test]
fn a_full_disk_is_a_failure_of_the_harness_that_keeps_what_was_recorded() {
    let _turn = alone();
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

#[test]
fn leadership_is_handed_over_at_rest_and_over_slow_links() {
    let _turn = alone();
    if !has_namespaces() {
        return;
    }
    let results = scratch("leadership");
    let plan = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/plans/leadership.toml");
    let place = results.display().to_string();
    run(&["run", "--plan", plan, "--results", &place]).exits(0).says("VALID");
    assert_a_whole_run(&results, &["leadership", "packet"]);
    let outcomes = outcomes(&results);
    let handed_over = outcomes.iter().filter(|outcome| *outcome == "leadership installed").count();
    assert_eq!(handed_over, 4, "{outcomes:?}");
    assert_eq!(verdict(&results)["run"]["engines"]["leadership"], "POST /admin/transfer");
}
