//! The nodes of a run: where they live, what they print, and how they end.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result};
use checker::oracle::version::VersionSemantics;
use engines::LocalHost;
use engines::node_process::{NodeListener, NodeOutput, NodeSpec, OwnClock};
use faults::fault::Engine;
use faults::trigger::TriggerKind;
use results::applied_log::AppliedLogWriter;
use results::event::NodeChange;
use results::node_logs;
use results::summary::{Finding, NodeAtEnd, NodeLog};
use tokio::sync::Notify;
use tokio::task::JoinSet;
use workloads::Workload;

use super::expected_exits::ExpectedExits;
use super::reach;
use super::recorder::Recorder;
use super::standard_output::StandardOutput;
use crate::lab::{Commands, ForeignNodes, LabInUse};
use crate::plan::Plan;
use crate::targets::{Auditor, Client, Dumper, Member, Target};

/// A node's process that ended although it was not killed.
#[derive(Debug, Clone)]
pub struct Exit {
    /// The node.
    pub node: String,
    /// `exit code 1`, `signal SIGSEGV`…
    pub status: String,
    /// Seconds since the run started.
    pub seconds: f64,
    /// The fault that left it nothing better to do, if there was one.
    pub allowed_by: Option<String>,
    /// The folder of its logs.
    pub folder: PathBuf,
    /// The last lines of each of them at that moment.
    pub logs: Vec<NodeLog>,
}

/// The members of the cluster under test.
pub struct Cluster {
    /// In order of their names.
    pub members: Vec<Member>,
    exits: Arc<Exits>,
    /// The nodes that may end by themselves, as the nemesis runner says.
    pub expected: Arc<ExpectedExits>,
    /// The promises of the target about the versions that it answers.
    pub versions: Option<VersionSemantics>,
    /// True if the nodes are not ours, and so are not their logs.
    elsewhere: bool,
    /// Asks the nodes what they applied.
    auditor: Option<Arc<dyn Auditor>>,
    /// Asks the members what they hold.
    pub(super) dumper: Option<Arc<dyn Dumper>>,
}

/// Exits that stormproof did not ask for.
#[derive(Default)]
struct Exits {
    seen: Mutex<Vec<Exit>>,
    /// The nodes among them that were not started again.
    down: Mutex<BTreeSet<String>>,
    news: Notify,
}

/// A node that ended by itself is not started again if it was not within this time, in which every
/// fault that is about to start it has done so.
const DOWN_FOR_GOOD: Duration = Duration::from_secs(10);

impl Cluster {
    /// Gives every node its place and its directory; nothing is started yet.
    ///
    /// # Errors
    /// When the network cannot be made, no port is free or a directory cannot be made.
    pub fn build(
        plan: &Plan,
        target: Arc<dyn Target>,
        lab: &LabInUse,
        recorder: &Arc<Recorder>,
    ) -> Result<(Cluster, LocalHost)> {
        let families = plan.families();
        let folder_of =
            |name: &str| recorder.with_directory(|directory| directory.node_directory(name));
        let (links, members) = lab.connect(plan, target.peer_ports(), folder_of)?;
        let ours = if lab.elsewhere { &[] } else { &members[..] };
        for Member { data, .. } in ours {
            std::fs::create_dir_all(data)
                .with_context(|| format!("cannot make {}", data.display()))?;
        }
        let own_clock = match families.iter().any(|family| family.engine() == Engine::Clocks) {
            true => target.own_clock(),
            false => OwnClock::No,
        };
        let spec = |node: usize| {
            let spec = members[node].spec(target.launch(&members, node))?;
            Ok(NodeSpec { own_clock, ..spec })
        };
        let specs: Result<Vec<_>> = (0..ours.len()).map(spec).collect();
        let specs = specs?;
        let administrator = target.administrator(&members)?;
        let (auditor, dumper) = (target.auditor(&members)?, target.dumper(&members)?);
        let versions = target.versions();
        let exits = Arc::new(Exits::default());
        let expected = Arc::new(ExpectedExits::default());
        let folder = |member: &Member| (member.name.clone(), member.folder.clone());
        let ear = Ear {
            recorder: recorder.clone(),
            target: target.clone(),
            exits: exits.clone(),
            expected: expected.clone(),
            folders: members.iter().map(folder).collect(),
            output: StandardOutput::of(&members),
        };
        let listener: NodeListener = Arc::new(move |node, output| ear.hear(node, output));
        let mut host = links.host(listener).context("cannot start nodes")?;
        if let Some(administrator) = administrator {
            host = host.with_administrator(administrator);
        }
        specs.into_iter().for_each(|spec| host.add_node(spec));
        if plan.asks_for_each_fault() {
            host.let_changes_overlap();
        }
        let spare = members.iter().rev().take(target.spare());
        spare.for_each(|member| host.set_no_member(&member.name));
        if lab.elsewhere {
            let of_any = |it: &Workload| target.client(&members, "", it.model).ok();
            let client = workloads::ALL.iter().find_map(of_any).context("it has no workload")?;
            let commands = Commands::of(&plan.by)?;
            if let Some(foreign) = ForeignNodes::new(commands, &members, client) {
                host = host.with_elsewhere(Box::new(foreign));
            }
            members.iter().for_each(|member| host.add_foreign_node(&member.name));
        }
        let waits_for_disks = plan.trigger_kinds().contains(&TriggerKind::Disk);
        let orders_disks = plan.keeps_order() && lab.can_see(TriggerKind::Disk, &*target).is_ok();
        if waits_for_disks || orders_disks || families.iter().any(|family| family.needs_own_disk())
        {
            for (member, seed) in members.iter().zip(plan.seed..) {
                host.mount_disk(&member.name, &member.data, seed)
                    .with_context(|| format!("cannot give {} a disk of its own", member.name))?;
            }
        }
        for (node, member) in ours.iter().enumerate() {
            target
                .prepare(&members, node)
                .with_context(|| format!("cannot prepare {}", member.name))?;
        }
        let elsewhere = lab.elsewhere;
        let cluster = Cluster { members, exits, expected, versions, elsewhere, auditor, dumper };
        Ok((cluster, host))
    }

    /// Makes sure that something listens at every address of a cluster that runs already.
    ///
    /// # Errors
    /// The addresses where nothing does.
    pub async fn ensure_reachable(&self) -> Result<()> {
        if self.elsewhere { reach::ensure_reachable(&self.members).await } else { Ok(()) }
    }

    /// Waits until some process ends although it was not killed and no fault expected it.
    pub async fn unexpected_exit(&self) -> Exit {
        loop {
            let news = self.exits.news.notified();
            if let Some(exit) = self.first_unexpected_exit() {
                return exit;
            }
            news.await;
        }
    }

    /// The first process that ended although it was not killed and no fault expected it.
    pub fn first_unexpected_exit(&self) -> Option<Exit> {
        self.exits.seen().iter().find(|exit| exit.allowed_by.is_none()).cloned()
    }

    /// Waits until so many processes have ended by themselves that no majority of the nodes is left,
    /// and nothing starts them again; returns the nodes.
    pub async fn down_for_good(&self, recorder: &Recorder) -> BTreeSet<String> {
        let most = (self.members.len() - 1) / 2;
        let mut since = None;
        loop {
            tokio::time::sleep(Duration::from_millis(500)).await;
            let now = recorder.elapsed();
            // Of one whose fault is on, it is known that it will be started.
            let is_left_down = |node: &String| self.expected.reason(node, now).is_none();
            let down: BTreeSet<_> =
                self.exits.down().iter().filter(|it| is_left_down(it)).cloned().collect();
            if down.len() <= most {
                since = None;
            } else if now.saturating_sub(*since.get_or_insert(now)) >= DOWN_FOR_GOOD {
                return down;
            }
        }
    }

    /// The findings about the target besides its verdict: processes that ended by
    /// themselves because of a fault.
    pub fn findings(&self) -> Vec<Finding> {
        let excused = |exit: &Exit| {
            let Exit { node, status, seconds, allowed_by, logs, .. } = exit;
            let fault = allowed_by.as_ref()?;
            let text = format!("{node} ended by itself ({status}) at {seconds:.1} s: {fault}");
            let log = lines_of(logs);
            Some(Finding { node: node.clone(), seconds: *seconds, text, log })
        };
        self.exits.seen().iter().filter_map(excused).collect()
    }

    /// The message when the cluster never agreed on a leader, with the last answers of its nodes.
    pub fn never_healthy(
        &self,
        limit: Duration,
        answers: &[NodeAtEnd],
        client: &dyn Client,
    ) -> String {
        let seconds = limit.as_secs_f64();
        let mut text = format!("the nodes were not ready within {seconds} s (--ready-limit)");
        for NodeAtEnd { node, answer, .. } in answers {
            text.push_str(&format!("; {node} {}", answer.as_deref().unwrap_or("was not asked")));
        }
        if let Some(exchange) = client.last_exchange() {
            text.push_str(&format!("; the last look:\n{exchange}"));
        }
        let ours = if self.elsewhere { &[] } else { &self.members[..] };
        for member in ours {
            let folder = &member.folder;
            let logs = end_of_logs(folder, &node_logs::of_folder(folder));
            text.push_str(&format!("\n{}:{logs}", member.name));
        }
        text
    }

    /// Adds the last lines of their logs to what was heard of nodes. A log that cannot be read has
    /// none.
    pub fn add_logs(&self, nodes: &mut [NodeAtEnd]) {
        for node in nodes {
            let member = self.members.iter().find(|member| member.name == node.node);
            let logs = member.map(|member| node_logs::of_folder(&member.folder));
            node.logs = logs.unwrap_or_default();
        }
    }

    /// Saves what the nodes applied, but for those in `damaged`: what they know may be damaged too.
    /// Nothing is saved of a node that does not answer, which is noted.
    ///
    /// # Errors
    /// When it cannot be written.
    pub async fn save_applied(
        &self,
        damaged: &BTreeSet<String>,
        recorder: &Recorder,
    ) -> Result<()> {
        let Some(auditor) = &self.auditor else { return Ok(()) };
        let mut questions = JoinSet::new();
        for (node, member) in self.members.iter().enumerate() {
            if !damaged.contains(&member.name) {
                let (auditor, name) = (auditor.clone(), member.name.clone());
                let folder =
                    recorder.with_directory(|directory| directory.node_directory(&name))?;
                let mut log = AppliedLogWriter::create(&folder, &name)?;
                questions.spawn(async move {
                    let told = auditor.applied(node, &mut log).await;
                    (name, told.map(|()| log))
                });
            }
        }
        for (name, answer) in questions.join_all().await {
            match answer {
                Ok(log) => log.save()?,
                Err(error) => {
                    recorder.note(format!("{name} does not tell what it applied: {error:#}"))
                }
            }
        }
        Ok(())
    }

    /// Takes what the nodes stored from disks of their own, which are gone with `host`.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn save_disks(&self, host: &LocalHost) -> Result<()> {
        for member in &self.members {
            if let Some(disk) = host.disk(&member.name) {
                let saved = saved_disk(member);
                disk.export(&saved)
                    .with_context(|| format!("cannot save a disk in {}", saved.display()))?;
            }
        }
        Ok(())
    }

    /// Removes what the nodes stored; their logs stay.
    ///
    /// # Errors
    /// When a directory cannot be removed.
    pub fn remove_data(&self) -> Result<()> {
        for member in &self.members {
            for directory in [member.data.clone(), saved_disk(member)] {
                if directory.exists() {
                    std::fs::remove_dir_all(&directory)
                        .with_context(|| format!("cannot remove {}", directory.display()))?;
                }
            }
        }
        Ok(())
    }
}

/// The place where a disk is saved: beside the directory that it was mounted at.
fn saved_disk(member: &Member) -> PathBuf {
    member.data.with_file_name("disk")
}

impl Exits {
    fn seen(&self) -> MutexGuard<'_, Vec<Exit>> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn down(&self) -> MutexGuard<'_, BTreeSet<String>> {
        self.down.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Exit {
    /// The message about it in one line, with the line of the node's log that tells of it.
    pub fn headline(&self) -> String {
        let Exit { node, status, seconds, logs, .. } = self;
        let ended = format!("{node} ended by itself at {seconds:.1} s ({status})");
        match telling_line(logs) {
            Some(line) => format!("{ended}: {}", line.trim()),
            None => ended,
        }
    }

    /// The message about it, with the last lines of the node's logs.
    pub fn describe(&self) -> String {
        format!("{}{}", self.headline(), end_of_logs(&self.folder, &self.logs))
    }
}

/// The words by which programs tell of their end, the plainest first.
const TELLING: [&str; 6] = ["panic", "fatal", "assert", "abort", "exception", "error"];

/// The line that tells why a process ended: the first of its logs that has the plainest of such
/// words, and else the last one of the first log.
fn telling_line(logs: &[NodeLog]) -> Option<&String> {
    let lines = logs.iter().flat_map(|log| &log.lines);
    let with = |word: &str| lines.clone().find(|line| line.to_lowercase().contains(word));
    let telling = TELLING.iter().find_map(|word| with(word));
    telling.or_else(|| logs.first()?.lines.last())
}

/// The lines of all logs, with the name of its file where there are several.
fn lines_of(logs: &[NodeLog]) -> Vec<String> {
    let lines = |log: &NodeLog| match logs.len() {
        1 => log.lines.clone(),
        _ => log.lines.iter().map(|line| format!("{}: {line}", log.file)).collect::<Vec<_>>(),
    };
    logs.iter().flat_map(lines).collect()
}

/// Takes in what becomes of nodes.
struct Ear {
    recorder: Arc<Recorder>,
    target: Arc<dyn Target>,
    exits: Arc<Exits>,
    expected: Arc<ExpectedExits>,
    /// The folder of each node's logs.
    folders: BTreeMap<String, PathBuf>,
    output: StandardOutput,
}

impl Ear {
    fn hear(&self, node: &str, output: NodeOutput) {
        let report = match output {
            NodeOutput::Started { pid } => {
                self.exits.down().remove(node);
                NodeChange::Started { pid }.into()
            }
            NodeOutput::Line(line) => match self.target.node_report(&line) {
                Some(report) => report,
                None => {
                    if let Err(error) = self.output.keep(node, &line) {
                        self.recorder.note(format!("a line that {node} printed is lost: {error}"));
                    }
                    return;
                }
            },
            NodeOutput::Exited { status, expected } => {
                if !expected {
                    self.note_exit(node, &status);
                }
                NodeChange::Exited { status }.into()
            }
        };
        self.recorder.node(node, report);
    }

    fn note_exit(&self, node: &str, status: &str) {
        let now = self.recorder.elapsed();
        let folder = self.folders.get(node).cloned().unwrap_or_default();
        let exit = Exit {
            node: node.into(),
            status: status.into(),
            seconds: now.as_secs_f64(),
            allowed_by: self.expected.reason(node, now),
            logs: node_logs::of_folder(&folder),
            folder,
        };
        self.exits.seen().push(exit);
        self.exits.down().insert(node.to_owned());
        self.exits.news.notify_waiters();
    }
}

/// The form in which an error shows the last lines of the logs in a node's folder: below its first
/// line, which stays a sentence by itself.
pub fn end_of_logs(folder: &Path, logs: &[NodeLog]) -> String {
    let end = |NodeLog { file, lines }: &NodeLog| {
        format!("\nthe end of {}:\n  {}", folder.join(file).display(), lines.join("\n  "))
    };
    match logs {
        [] => format!("\nit wrote no log in {}", folder.display()),
        logs => logs.iter().map(end).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(file: &str, lines: &[&str]) -> NodeLog {
        NodeLog { file: file.into(), lines: lines.iter().map(|it| (*it).to_owned()).collect() }
    }

    #[test]
    fn failures_show_the_ends_of_all_logs() {
        let (errors, output) = (log("stderr.log", &["one", "two"]), log("stdout.log", &["three"]));
        let shown = end_of_logs("/run/n1".as_ref(), &[errors.clone(), output.clone()]);
        let wanted = "\nthe end of /run/n1/stderr.log:\n  one\n  two\n\
                      the end of /run/n1/stdout.log:\n  three";
        assert_eq!(shown, wanted);
        assert_eq!(lines_of(std::slice::from_ref(&errors)), ["one", "two"]);
        let both = ["stderr.log: one", "stderr.log: two", "stdout.log: three"];
        assert_eq!(lines_of(&[errors, output]), both);
    }

    #[test]
    fn a_crash_is_told_by_the_line_that_tells_of_it() {
        let check_logs = |logs: &[(&str, &[&str])], headline: &str| {
            let exit = Exit {
                node: "n1".into(),
                status: "exit code 101".into(),
                seconds: 12.34,
                allowed_by: None,
                folder: PathBuf::new(),
                logs: logs.iter().map(|(file, lines)| log(file, lines)).collect(),
            };
            assert_eq!(exit.headline(), headline);
            assert_eq!(exit.describe().lines().next(), Some(headline));
        };
        let check = |lines: &[&str], headline: &str| {
            check_logs(&[("stderr.log", lines)], headline);
            check_logs(&[("stderr.log", &["listening"]), ("stdout.log", lines)], headline);
        };
        let ended = "n1 ended by itself at 12.3 s (exit code 101)";
        check_logs(&[], ended);
        check_logs(&[("stderr.log", &["listening", "bye"])], &format!("{ended}: bye"));
        check(
            &[
                "error: slow disk",
                "thread 'main' panicked at log.rs:7:",
                "  0: std::panicking",
                "12: main",
            ],
            &format!("{ended}: thread 'main' panicked at log.rs:7:"),
        );
    }
}
