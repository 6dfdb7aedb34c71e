//! The tests, each run with every lab and user it is about.

use std::collections::BTreeSet;
use std::fs;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use stormproof_engines::doctor::Probe;
use stormproof_engines::process_tree::Lab;

use crate::DOCTOR;
use crate::leaving::{killed_at_random, running_left_alone};
use crate::watching::{
    HANGS_AFTER, NOTHING_LEFT_WITHIN, Namespaces, RemoveScratch, User, Watched, code,
    interfaces_and_mounts, is_this_program, kill, parent, program_for, scratch,
};

/// The result of a test: it ran, or it could not be run here.
pub enum Ran {
    Yes,
    Skipped(String),
}

/// A name, what is done, and the labs that it is about.
type Test = (&'static str, fn(User, Lab) -> Ran, &'static [Lab]);

/// Those that look at the whole machine, so that nothing else may happen on it.
const ALONE: &[Test] = &[
    ("the_outer_process_ends_as_the_controller_did", ends_alike, &BOTH),
    ("a_signal_reaches_the_controller_exactly_once", signals_once, &BOTH),
    ("an_interrupt_of_the_terminal_spares_the_nodes", nodes_spared, &BOTH),
    ("killing_the_outer_process_leaves_nothing", outer_killed, &BOTH),
    ("killing_the_guard_leaves_nothing", guard_killed, &BOTH),
    ("killing_the_controller_leaves_nothing", controller_killed, &BOTH),
    ("killing_the_guard_as_it_starts_leaves_nothing", guard_killed_at_once, &BOTH),
    ("processors_are_limited_and_freed", |user, lab| inside_checks(user, lab, "processors"), &BOTH),
    ("cleaning_leaves_alone_who_runs", running_left_alone, &BOTH),
    ("the_doctor_tries_everything_and_agrees_with_the_lab", doctor_agrees, &[Lab::Namespaces]),
];

/// Those that look at their own labs only. They wait most of the time, and do so side by side.
const TOGETHER: &[Test] = &[
    ("killing_any_of_them_at_any_moment_leaves_nothing", killed_at_random, &BOTH),
    (
        "nodes_are_started_paused_and_killed_as_told",
        |user, lab| inside_checks(user, lab, "nodes"),
        &BOTH,
    ),
    (
        "links_are_cut_and_healed_by_every_engine",
        |user, lab| inside_checks(user, lab, "links"),
        &[Lab::Namespaces],
    ),
    (
        "packets_meet_the_trouble_that_was_asked_for",
        |user, lab| inside_checks(user, lab, "packets"),
        &[Lab::Namespaces],
    ),
    (
        "messages_are_seen_and_held_on_their_links",
        |user, lab| inside_checks(user, lab, "messages"),
        &[Lab::Namespaces],
    ),
    (
        "links_of_clients_are_cut_and_troubled_too",
        |user, lab| inside_checks(user, lab, "clients"),
        &[Lab::Namespaces],
    ),
    (
        "proxies_cut_what_nodes_of_the_loopback_say",
        |user, lab| inside_checks(user, lab, "proxies"),
        &[Lab::Loopback],
    ),
    (
        "a_nemesis_injects_and_undoes_real_faults",
        |user, lab| inside_checks(user, lab, "nemesis"),
        &BOTH,
    ),
];

const BOTH: [Lab; 2] = [Lab::Namespaces, Lab::Loopback];

/// Runs the tests whose names hold one of `filters`; all when there is none.
pub fn run(filters: &[&str]) -> ExitCode {
    let _removes = RemoveScratch;
    // What cargo passes to every test program is not for this one.
    let filters: Vec<_> = filters.iter().filter(|filter| !filter.starts_with('-')).collect();
    let wanted =
        |name: &str| filters.is_empty() || filters.iter().any(|part| name.contains(**part));
    for test in ALONE {
        run_with_all(test, wanted);
    }
    std::thread::scope(|scope| {
        for test in TOGETHER {
            scope.spawn(|| run_with_all(test, wanted));
        }
    });
    ExitCode::SUCCESS
}

/// Runs a test in each of its labs, as each user.
fn run_with_all((name, test, labs): &Test, wanted: impl Fn(&str) -> bool) {
    for lab in *labs {
        for user in User::ALL {
            let name = format!("{name} ({lab}, {})", user.name());
            if !wanted(&name) {
                continue;
            }
            let skipped = match can_be(user) {
                Ok(()) => match test(user, *lab) {
                    Ran::Yes => None,
                    Ran::Skipped(why) => Some(why),
                },
                Err(why) => Some(why),
            };
            match skipped {
                None => println!("test {name} ... ok"),
                Some(why) => println!("test {name} ... skipped: {why}"),
            }
        }
    }
}

fn can_be(user: User) -> Result<(), String> {
    match user.command("true").output() {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => Err(String::from_utf8_lossy(&output.stderr).trim().to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

fn no_lab(lab: Lab) -> Ran {
    assert_eq!(lab, Lab::Namespaces, "the loopback lab works everywhere");
    Ran::Skipped("this user cannot have the namespace lab here, see its complaint above".to_owned())
}

fn ends_alike(user: User, lab: Lab) -> Ran {
    let mut exits = Watched::start(user, lab, &["exit", "42"]);
    let Some(status) = exits.wait() else { return no_lab(lab) };
    assert_eq!(code(status), 42);
    let mut dies = Watched::start(user, lab, &["die"]);
    assert_eq!(dies.wait().map(code), Some(128 + 9));
    exits.time_until_nothing_left();
    dies.time_until_nothing_left();
    Ran::Yes
}

fn signals_once(user: User, lab: Lab) -> Ran {
    let mut watched = Watched::start(user, lab, &["count-signals"]);
    let Some(line) = watched.line() else { return no_lab(lab) };
    assert_eq!(line, "ready");
    kill(watched.outer_pid(), 2);
    assert_eq!(watched.line().as_deref(), Some("SIGINT 1"));
    kill(watched.outer_pid(), 15);
    assert_eq!(watched.line().as_deref(), Some("SIGINT 1, SIGTERM 1"));
    assert_eq!(watched.wait().map(code), Some(0));
    Ran::Yes
}

fn nodes_spared(user: User, lab: Lab) -> Ran {
    let mut watched = Watched::start(user, lab, &["hold"]);
    let Some(_) = watched.line() else { return no_lab(lab) };
    let group = |pid: i32| -> i32 {
        let line = fs::read_to_string(format!("/proc/{pid}/stat")).expect("it lives");
        let (_, fields) = line.rsplit_once(')').expect("a name in parentheses");
        fields.split_whitespace().nth(2).expect("a group").parse().expect("a number")
    };
    let outer = watched.outer_pid();
    let own_group: Vec<_> =
        watched.processes().into_iter().filter(|pid| group(*pid) == group(outer)).collect();
    assert_eq!(own_group, [outer], "a terminal's interrupt reaches the outer process alone");
    Ran::Yes
}

/// The processes of a lab that holds nodes with children of their own.
struct Held {
    watched: Watched,
    guard: i32,
    controller: i32,
    namespaces: Namespaces,
    before: (BTreeSet<String>, String),
}

fn hold(user: User, lab: Lab) -> Option<Held> {
    let before = interfaces_and_mounts();
    let mut watched = Watched::start(user, lab, &["hold"]);
    // It tells the namespaces that it made.
    let told = watched.line()?;
    let processes = watched.processes();
    let namespaces = Namespaces::of(processes.iter().copied());
    assert!(namespaces.len() >= told.split_whitespace().count(), "{told}");
    // Others may have fallen to the guard, but they are other programs.
    let child_of = |of: i32| {
        let is_ours = |pid: &i32| parent(*pid) == Some(of) && is_this_program(*pid);
        processes.iter().copied().find(is_ours).expect("it has a child")
    };
    let guard = child_of(watched.outer_pid());
    let controller = child_of(guard);
    // Two nodes: each a shell, its child and one that went its own way.
    assert!(processes.len() >= 3 + 2 * 3, "{processes:?}");
    Some(Held { watched, guard, controller, namespaces, before })
}

impl Held {
    fn check_nothing_left(mut self, lab: Lab, user: User, killed: &str) {
        let took = self.watched.time_until_nothing_left();
        println!("    {lab}, {}: {killed} killed, nothing left after {took:?}", user.name());
        let start = Instant::now();
        while self.namespaces.are_in_use() {
            assert!(start.elapsed() < NOTHING_LEFT_WITHIN, "a namespace is left");
            std::thread::sleep(Duration::from_millis(5));
        }
        drop(self.namespaces);
        let _ = self.watched.wait();
        assert_eq!(interfaces_and_mounts(), self.before);
    }
}

fn outer_killed(user: User, lab: Lab) -> Ran {
    let Some(held) = hold(user, lab) else { return no_lab(lab) };
    kill(held.watched.outer_pid(), 9);
    held.check_nothing_left(lab, user, "outer process");
    Ran::Yes
}

fn guard_killed(user: User, lab: Lab) -> Ran {
    let Some(held) = hold(user, lab) else { return no_lab(lab) };
    kill(held.guard, 9);
    held.check_nothing_left(lab, user, "guard");
    Ran::Yes
}

fn controller_killed(user: User, lab: Lab) -> Ran {
    let Some(held) = hold(user, lab) else { return no_lab(lab) };
    kill(held.controller, 9);
    held.check_nothing_left(lab, user, "controller");
    Ran::Yes
}

/// Kills the guard as soon as the outer process has a child, mostly before the guard has said that
/// it runs: no other one is started in its place.
fn guard_killed_at_once(user: User, lab: Lab) -> Ran {
    if Watched::start(user, lab, &["exit", "0"]).wait().is_none() {
        return no_lab(lab);
    }
    for _ in 0..20 {
        let mut watched = Watched::start(user, lab, &["hold"]);
        let outer = watched.outer_pid();
        let children = format!("/proc/{outer}/task/{outer}/children");
        let start = Instant::now();
        let guard = loop {
            let children = fs::read_to_string(&children).expect("the outer process lives");
            if let Some(guard) = children.split_whitespace().find_map(|pid| pid.parse().ok()) {
                break guard;
            }
            assert!(start.elapsed() < HANGS_AFTER, "it starts no guard");
        };
        let _ = nix::sys::signal::kill(nix::unistd::Pid::from_raw(guard), Signal::SIGKILL);
        watched.time_until_nothing_left();
        assert_eq!(watched.wait().map(code), Some(128 + 9));
    }
    Ran::Yes
}

/// Runs a role that checks for itself, in a directory for its files.
fn inside_checks(user: User, lab: Lab, role: &str) -> Ran {
    let directory = scratch().join(format!("{role} {lab} {}", user.name()));
    let directory = directory.to_str().expect("the temporary directory has a plain name");
    let mut watched = Watched::start(user, lab, &[role, directory]);
    match watched.narrate() {
        None => no_lab(lab),
        Some(status) => {
            assert_eq!(code(status), 0, "{role} failed, see above");
            watched.time_until_nothing_left();
            Ran::Yes
        }
    }
}

fn doctor_agrees(user: User, lab: Lab) -> Ran {
    let start = Instant::now();
    let output = user.command(program_for(user)).arg(DOCTOR).output().expect("the doctor starts");
    let took = start.elapsed();
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stdout).expect("JSON is UTF-8");
    let probes = text.lines().map(|line| serde_json::from_str(line).expect("a probe a line"));
    let probes: Vec<Probe> = probes.collect();
    for probe in &probes {
        let mark = if probe.works { "works" } else { "does not work" };
        println!("    {} {mark}: {}", probe.name, probe.detail);
    }
    println!("    examined in {took:?}");
    let names: BTreeSet<_> = probes.iter().map(|probe| &probe.name).collect();
    assert_eq!(names.len(), probes.len(), "each thing is tried once");
    assert!(probes.iter().all(|probe| !probe.costs.is_empty() && !probe.remedy.is_empty()));
    let works = |name: &str| probes.iter().any(|probe| probe.name == name && probe.works);
    assert!(works("pause and kill"), "the loopback lab works everywhere");
    let has_lab = Watched::start(user, lab, &["exit", "0"]).wait().is_some();
    assert_eq!(works("network, mount and pid namespaces"), has_lab);
    assert_eq!(works("switch"), has_lab);
    Ran::Yes
}
