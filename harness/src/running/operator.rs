//! Carries out what is pressed: the faults of buttons, through the nemesis, in the thread that has the
//! cluster.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use engines::LocalHost;
use faults::fault::Action;
use faults::host::{Host, HostError, Request};
use faults::nemesis::Nemesis;
use faults::outcome::Outcome;
use faults::record::{FaultRecord, FaultStage, Happened};
use faults::schedule::Roles;
use results::report::Control;

use super::buttons::{Button, Press};
use super::record::Record;
use crate::printing::out;

/// Looks at effects and questions to the service take no longer: the cluster's thread has other work. An
/// answer that has not come by then is looked for again.
const PATIENCE: Duration = Duration::from_millis(300);

/// The time that the way out may take: a node that was removed joins, catches up and votes.
const WAY_OUT: Duration = Duration::from_secs(6);

/// Between two looks on it.
const PAUSE: Duration = Duration::from_millis(20);

/// The last sentences that the page can show.
const LOG: usize = 20;

/// The disks of the nodes.
pub(crate) enum SlowDisks {
    /// They are the fault engine's.
    Can,
    /// They are not, for this reason.
    Cannot(String),
}

/// The buttons, as the page shows them, and what was done last.
#[derive(Debug, Clone, Default)]
pub(crate) struct Shown {
    pub(super) controls: BTreeMap<String, BTreeMap<&'static str, Control>>,
    pub(super) log: VecDeque<String>,
}

/// The one who presses buttons at a cluster.
pub(crate) struct Operator {
    nemesis: Nemesis<LocalHost>,
    record: Arc<Record>,
    nodes: Vec<String>,
    disks: SlowDisks,
    /// A node that was killed starts again after this time.
    restart_after: Duration,
    on: BTreeMap<Press, On>,
    /// The nodes that wait to be added for the first time.
    joining: BTreeSet<String>,
    next: u32,
    shown: Arc<Mutex<Shown>>,
}

/// A fault that is on.
struct On {
    id: u32,
    /// When it ends by itself.
    until: Option<Instant>,
    /// True once it is being undone.
    ends: bool,
}

impl Operator {
    /// Of these nodes.
    pub fn new(
        host: LocalHost,
        record: Arc<Record>,
        nodes: Vec<String>,
        disks: SlowDisks,
        restart_after: Duration,
    ) -> Operator {
        let nemesis = Nemesis::new(host);
        let (on, joining, shown) = Default::default();
        let mut operator =
            Operator { nemesis, record, nodes, disks, restart_after, on, joining, next: 1, shown };
        operator.show();
        operator
    }

    /// The buttons, as the page shows them.
    pub fn shown(&self) -> Arc<Mutex<Shown>> {
        Arc::clone(&self.shown)
    }

    /// Starts a node that ended by itself, unless a button keeps it down.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start(&mut self, node: &str) -> Result<(), HostError> {
        if self.is_held(node) {
            return Ok(());
        }
        let started = self.nemesis.host_mut().start(&[node.to_owned()].into());
        started.into_values().try_for_each(|it| it.map(drop))
    }

    /// True if a button keeps that node down, or out of the cluster.
    pub fn is_held(&self, node: &str) -> bool {
        self.on.keys().any(|press| press.node == node && press.button.holds_down())
            || self.nemesis.host().former_members().contains(node)
    }

    /// Presses a button: its fault begins, or ends if it was on. `members` are the voters, as far as they
    /// are known.
    ///
    /// # Errors
    /// The reason for which nothing was.
    pub fn press(
        &mut self,
        press: Press,
        members: Option<&BTreeSet<String>>,
    ) -> Result<(), String> {
        if !self.nodes.contains(&press.node) {
            return Err(format!("there is no node {}", press.node));
        }
        self.nemesis.host_mut().set_patience(Some(PATIENCE));
        let done = if let Some(on) = self.on.get_mut(&press) {
            on.ends = true;
            Ok(())
        } else if let Some(why) = self.why_not(press.button) {
            Err(format!("{}: {why}", press.button.on_page().word))
        } else if press.button == Button::Remove && is_none_of(members, &press.node) {
            self.add(&press.node)
        } else {
            self.begin(press)
        };
        if let Err(why) = &done {
            self.log(why.clone());
        }
        self.turn();
        done
    }

    /// A node that was never a member joins: no fault, but what its operator would ask for.
    fn add(&mut self, node: &str) -> Result<(), String> {
        let request = Request::Promote(node.to_owned());
        match self.nemesis.host_mut().ask(&request) {
            Ok(answered) => {
                if answered.is_none() {
                    self.joining.insert(node.to_owned());
                }
                self.log(match answered {
                    Some(_) => format!("{node} was added, and votes"),
                    None => format!("{node} is being added: it votes once it has caught up"),
                });
                Ok(())
            }
            Err(why) => Err(format!("{node} was not added: {why}")),
        }
    }

    fn begin(&mut self, press: Press) -> Result<(), String> {
        let (id, told) = (self.next, press.button.told(&press.node));
        self.next += 1;
        let hit = BTreeSet::from([press.node.clone()]);
        let roles = Roles { hit: Some(&hit), ..Roles::default() };
        let entry = press.button.entry(id);
        let resolved = entry.resolve(&self.nodes, roles);
        let intended = Happened::Intended(FaultStage::Inject, resolved.action().clone());
        self.note(id, &press, intended);
        let injected = self.nemesis.inject(&entry, resolved);
        let outcome = injected.outcome.clone();
        self.note(id, &press, Happened::Injected(injected));
        if let Outcome::Skipped { reason } = outcome {
            return Err(format!("{told}: not done, {reason}"));
        }
        let until = match press.button {
            Button::Kill => Some(Instant::now() + self.restart_after),
            // It is a moment: over as soon as it is answered.
            Button::Lead => Some(Instant::now()),
            _ => None,
        };
        if press.button != Button::Lead {
            let seconds = self.restart_after.as_secs();
            let ends = match press.button {
                Button::Kill => format!("and ends after {seconds} s, or at once by its button"),
                _ => "until its button is pressed again".to_owned(),
            };
            let doubt = outcome.reason().map(|why| format!("; {why}")).unwrap_or_default();
            self.log(format!("{told}: done, {ends}{doubt}"));
        }
        self.on.insert(press, On { id, until, ends: false });
        Ok(())
    }

    /// Goes on with what takes its time: ends what is due, hears what the service has answered.
    pub fn turn(&mut self) {
        self.nemesis.host_mut().set_patience(Some(PATIENCE));
        self.nemesis.proceed();
        let now = Instant::now();
        let due = |on: &On| on.ends || on.until.is_some_and(|until| until <= now);
        let due: Vec<Press> =
            self.on.iter().filter(|(_, on)| due(on)).map(|(press, _)| press.clone()).collect();
        for press in due {
            self.end(&press);
        }
        for node in self.joining.clone() {
            let said = match self.nemesis.host_mut().answer(&Request::Promote(node.clone())) {
                Ok(None) => continue,
                Ok(Some(_)) => format!("{node} was added, and votes"),
                Err(why) => format!("{node} was not added: {why}"),
            };
            self.joining.remove(&node);
            self.log(said);
        }
        self.show();
    }

    /// Undoes the fault of a button, if that can be done by now.
    fn end(&mut self, press: &Press) {
        let Some(on) = self.on.get_mut(press) else { return };
        on.ends = true;
        let id = on.id;
        if !self.nemesis.is_ready_to_end(id) {
            return;
        }
        let now_on = self.nemesis.active().find(|(known, _)| *known == id);
        let action = now_on.map_or(Action::Nothing, |(_, action)| action.clone());
        self.note(id, press, Happened::Intended(FaultStage::Undo, action));
        let Some(undone) = self.nemesis.undo(id) else {
            self.on.remove(press);
            return;
        };
        let (problems, outcome) = (undone.problems.clone(), undone.outcome.clone());
        self.note(id, press, Happened::Undone(undone));
        let told = press.button.told(&press.node);
        if problems.is_empty() {
            self.on.remove(press);
            self.log(match (press.button, outcome) {
                (Button::Lead, Outcome::Installed) => format!("{told}: done"),
                (Button::Lead, outcome) => {
                    format!(
                        "{told}: not done, {}",
                        outcome.reason().unwrap_or("for a reason that was not told")
                    )
                }
                _ => format!("{told}: undone"),
            });
        } else {
            self.log(format!("{told}: not undone yet, {}", problems.join("; ")));
        }
    }

    /// Undoes everything, on the way out: also what takes the service, as far as it answers in time.
    pub fn undo_all(&mut self) {
        let end = Instant::now() + WAY_OUT;
        self.on.values_mut().for_each(|on| on.ends = true);
        while !self.on.is_empty() && Instant::now() < end {
            self.turn();
            std::thread::sleep(PAUSE);
        }
        self.nemesis.undo_all();
    }

    fn note(&self, fault: u32, press: &Press, what: Happened) {
        let (family, name) =
            (press.button.entry(fault).fault.family(), press.button.told(&press.node));
        let nodes = [press.node.clone()].into();
        self.record.fault(FaultRecord { fault, family, name, nodes, what });
    }

    fn log(&mut self, said: String) {
        let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        // What goes on failing is said once.
        if shown.log.back() != Some(&said) {
            out!("{said}");
            shown.log.push_back(said);
        }
        while shown.log.len() > LOG {
            shown.log.pop_front();
        }
    }

    /// The reason for which a button does nothing here.
    fn why_not(&self, button: Button) -> Option<String> {
        match (button, &self.disks) {
            (Button::SlowDisk, SlowDisks::Cannot(why)) => Some(why.clone()),
            _ if self.nodes.len() < 2 && !matches!(button, Button::Kill | Button::Pause) => {
                Some("there is no other node".to_owned())
            }
            _ => None,
        }
    }

    fn show(&mut self) {
        let control = |node: &String, button: Button| {
            let press = Press { button, node: node.clone() };
            let on = self.on.get(&press);
            let joins = button == Button::Remove && self.joining.contains(node);
            let busy = joins || on.is_some_and(|on| on.ends);
            Control { on: on.is_some(), busy, why: self.why_not(button) }
        };
        let of_node = |node: &String| {
            let controls = Button::ALL.map(|button| (button.name(), control(node, button)));
            (node.clone(), BTreeMap::from(controls))
        };
        let controls = self.nodes.iter().map(of_node).collect();
        self.shown.lock().unwrap_or_else(PoisonError::into_inner).controls = controls;
    }
}

/// True if it is known that this node is none of them.
pub(super) fn is_none_of(members: Option<&BTreeSet<String>>, node: &str) -> bool {
    members.is_some_and(|members| !members.contains(node))
}
