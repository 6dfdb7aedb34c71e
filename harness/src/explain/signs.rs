//! The signs of a run: everything of it that can be there or not.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use checker::history::EventType;
use faults::order::OrderLog;
use results::event::NodeChange;
use results::loaded_run::LoadedRun;
use results::metrics::{FaultInterval, RunOperation, fault_intervals};
use results::run_directory::NODES;
use results::summary::Finding;

use super::template::template;

/// No more different lines of one run are looked at: a log without any form would have no end.
const MOST_FORMS: usize = 20_000;

/// The numbers of new leaders that are looked at.
const LEADERS: [usize; 4] = [2, 4, 8, 16];

/// Of the errors that one operation met, so many are told.
const MOST_ERRORS: usize = 4;

/// The signs of a run. Each is a sentence, with numbers and names of nodes left out. Messages have
/// some only if their order was recorded.
pub(crate) fn of_run(
    run: &LoadedRun,
    findings: &[Finding],
    order: Option<&OrderLog>,
) -> BTreeSet<String> {
    let mut signs = BTreeSet::new();
    let faults = fault_intervals(&run.history);
    for fault in &faults {
        of_fault(fault, &mut signs);
    }
    let mut leaders = BTreeSet::new();
    for event in &run.node_events {
        match &event.change {
            NodeChange::Role { role, term, .. } if role == "leader" => {
                leaders.insert((*term, event.node.clone()));
            }
            NodeChange::Role { role, .. } => signs.extend([format!("role: a node became {role}")]),
            NodeChange::Exited { status } => signs.extend([format!("process: ended, {status}")]),
            NodeChange::VoteRefused { reason: Some(reason), .. } => {
                signs.insert(format!("vote: refused, {reason}"));
            }
            NodeChange::TimeoutNow { to: Some(_), .. } => {
                signs.insert("role: a leader handed over".to_owned());
            }
            _ => {}
        }
    }
    for count in LEADERS.into_iter().filter(|count| leaders.len() >= *count) {
        signs.insert(format!("role: leaders came {count} times or more"));
    }
    let mut of_term: BTreeMap<u64, usize> = BTreeMap::new();
    leaders.iter().for_each(|(term, _)| *of_term.entry(*term).or_default() += 1);
    if of_term.values().any(|leaders| *leaders > 1) {
        signs.insert("role: two nodes said that they lead in one term".to_owned());
    }
    for finding in findings {
        signs.insert(format!("finding: {}", template(&finding.text)));
    }
    for operation in run.history.operations.iter() {
        of_attempts(operation, &mut signs);
    }
    if let Some(order) = order {
        of_messages(order, &faults, &mut signs);
    }
    of_logs(&run.path, &mut signs);
    signs
}

/// The errors that the attempts of one operation met, in order: none of one that met none.
fn of_attempts(operation: RunOperation<'_>, signs: &mut BTreeSet<String>) {
    let mut errors: Vec<&str> = operation.attempts().filter_map(|attempt| attempt.error).collect();
    errors.dedup();
    if errors.is_empty() {
        return;
    }
    let left_out = errors.len() > MOST_ERRORS;
    errors.truncate(MOST_ERRORS);
    let errors = errors.into_iter().map(template).collect::<Vec<_>>().join(", then ");
    let and_more = if left_out { " and more" } else { "" };
    let outcome = match operation.outcome() {
        EventType::Ok => "was answered",
        EventType::Fail => "failed",
        EventType::Info | EventType::Invoke => "has no outcome",
    };
    signs.insert(format!("client: {} met {errors}{and_more}, and {outcome}", operation.f()));
}

/// The signs of what went between the nodes, and of what they did right before each fault that hit
/// them.
fn of_messages(order: &OrderLog, faults: &[FaultInterval], signs: &mut BTreeSet<String>) {
    let kinds = order.kinds_between_nodes();
    signs.extend(kinds.into_iter().map(|kind| format!("messages: {}", template(kind))));
    let before = order.before_faults();
    for fault in faults.iter().filter(|fault| fault.took_effect()) {
        let Some(done) = before.get(&fault.fault) else { continue };
        let family = fault.family.name();
        let done: Vec<String> = done.iter().map(|it| template(it)).collect();
        for pair in done.windows(2) {
            signs.insert(format!("messages: {}, then {}, then {family}", pair[0], pair[1]));
        }
        if let Some(last) = done.last() {
            signs.insert(format!("messages: {last}, then {family}"));
            signs.insert(format!("messages: {last}, then fault {} ({family})", fault.fault));
        }
    }
}

fn of_fault(fault: &FaultInterval, signs: &mut BTreeSet<String>) {
    let (family, words) = (fault.family.name(), template(&fault.name));
    if !fault.took_effect() {
        let outcome = fault.outcome_name();
        signs.insert(format!("fault {}: {family}, {words}: {outcome}", fault.fault));
        return;
    }
    signs.insert(format!("fault {}: {family}, {words}: took effect", fault.fault));
    signs.insert(format!("fault: any of {family}"));
    let Some(facts) = &fault.facts else { return };
    for node in &fault.nodes {
        if let Some(role) = facts.roles.get(node) {
            signs.insert(format!("fault: {family} hit a node that was {role}"));
        }
    }
    for other in &facts.others_on {
        signs.insert(format!("fault: {family} while {other} was on"));
    }
}

/// The forms of the lines of all logs, each by its file, whichever node wrote it.
fn of_logs(run: &Path, signs: &mut BTreeSet<String>) {
    let nodes = std::fs::read_dir(run.join(NODES)).into_iter().flatten().flatten();
    let mut forms = BTreeSet::new();
    let mut folders: Vec<_> = nodes.map(|node| node.path()).collect();
    folders.sort();
    for folder in folders {
        let files = std::fs::read_dir(&folder).into_iter().flatten().flatten();
        let mut files: Vec<_> = files.map(|file| file.path()).collect();
        files.retain(|file| file.extension().is_some_and(|extension| extension == "log"));
        files.sort();
        for file in files {
            let name = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            // A log that cannot be read has no lines.
            let Ok(log) = File::open(&file) else { continue };
            for line in BufReader::new(log).split(b'\n').map_while(Result::ok) {
                let form = template(&String::from_utf8_lossy(&line));
                if !form.is_empty() && forms.len() < MOST_FORMS {
                    forms.insert(format!("{name}: {form}"));
                }
            }
        }
    }
    signs.extend(forms);
}

#[cfg(test)]
mod tests {
    use checker::history::{Attempt, Event, Process};
    use faults::order::{Crossing, FaultOrder, FaultPoint};
    use results::event::{NodeEvent, Vote};
    use serde_json::json;

    use super::*;

    fn fault(number: u32, family: &str, outcome: &str) -> Event {
        let value = json!({
            "fault": number, "stage": "inject", "outcome": outcome,
            "name": format!("{family} the leader (n1)"), "nodes": ["n1"],
            "facts": {"roles": {"n1": "leader"}, "others_on": ["kill"]},
        });
        Event::new(Process::Nemesis, EventType::Info, family, value)
    }

    fn retried() -> [Event; 2] {
        let client = Process::Client(3);
        let invoke = Event::new(client, EventType::Invoke, "write", json!(1));
        let mut ok = Event::new(client, EventType::Ok, "write", json!(1));
        ok.attempts = [Some("timeout"), Some("timeout"), Some("not_leader: n3 leads"), None]
            .map(|error| Attempt {
                node: "n1".to_owned(),
                start: 1,
                end: 2,
                error: error.map(str::to_owned),
                definite: error.map(|_| false),
            })
            .into();
        [invoke, ok]
    }

    #[test]
    fn a_run_shows_its_faults_by_role_its_nodes_and_the_forms_of_its_logs() {
        let path = std::env::temp_dir().join(format!("stormproof-signs-{}", std::process::id()));
        for (node, line) in [("n1", "n1 voted in term 3"), ("n2", "n2 voted in term 14")] {
            std::fs::create_dir_all(path.join(NODES).join(node)).expect("it can be made");
            let log = path.join(NODES).join(node).join("stdout.log");
            std::fs::write(log, format!("{line}\n")).expect("it can be written");
        }
        let event = |change| NodeEvent { time: 1, node: "n1".to_owned(), change, at: None };
        let leads = |term| NodeChange::Role { role: "leader".to_owned(), term, leader: None };
        let (vote, reason) = (Vote { term: 4, pre: false }, Some("log-behind".to_owned()));
        let refused = NodeChange::VoteRefused { to: "n2".to_owned(), vote, after: 9, reason };
        let run = LoadedRun {
            path: path.clone(),
            plan: None,
            summary: None,
            history: [fault(1, "pause", "installed"), fault(2, "power", "skipped")]
                .into_iter()
                .chain(retried())
                .collect(),
            node_events: vec![event(leads(3)), event(leads(4)), event(refused)],
            notes: Vec::new(),
        };
        let mut order = OrderLog::new(["n1", "n2"].map(str::to_owned).into());
        let what = order.word("/raft/request-vote");
        order.note(10, Crossing::Message { from: 1, to: 2, what });
        order.note(20, Crossing::Sync { node: 1 });
        for fault in [1, 2] {
            order.note(30, Crossing::Fault { fault, moment: FaultPoint::Beginning });
            order.note_fault(fault, FaultOrder { hit: [1].into(), ..FaultOrder::default() });
        }
        let text = "n3 stopped by itself (exit code 74)".to_owned();
        let finding = Finding { node: "n3".to_owned(), seconds: 1.0, text, log: Vec::new() };
        let signs: Vec<String> = of_run(&run, &[finding], Some(&order)).into_iter().collect();
        assert_eq!(
            signs,
            [
                "client: write met timeout, then not_leader: <node> leads, and was answered",
                "fault 1: pause, pause the leader (<node>): took effect",
                "fault 2: power, power the leader (<node>): skipped",
                "fault: any of pause",
                "fault: pause hit a node that was leader",
                "fault: pause while kill was on",
                "finding: <node> stopped by itself (exit code <n>)",
                "messages: /raft/request-vote",
                "messages: /raft/request-vote from the node that it hit to another node, then an \
                 fsync of the node that it hit, then pause",
                "messages: an fsync of the node that it hit, then fault 1 (pause)",
                "messages: an fsync of the node that it hit, then pause",
                "role: leaders came 2 times or more",
                "stdout: <node> voted in term <n>",
                "vote: refused, log-behind",
            ]
        );
        std::fs::remove_dir_all(&path).expect("it can be removed");
    }
}
