//! The end of all faults: everything is undone, and every node runs again.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use faults::host::{Host, HostError, NodeState, Request};

use super::runner::{NemesisRunner, PAUSE, UNDO_AGAIN};

/// The time that members which were removed may take to come back once everything is undone: a
/// cluster may need several elections before it can add one.
const COME_BACK_WITHIN: Duration = Duration::from_secs(30);

impl<H: Host> NemesisRunner<H> {
    /// Starts each node at its time after now.
    ///
    /// # Errors
    /// When the process of one cannot be made.
    pub fn start(&mut self, starts: &[(Duration, String)]) -> Result<()> {
        let begin = self.recorder.elapsed();
        for (at, node) in starts {
            std::thread::sleep((begin + *at).saturating_sub(self.recorder.elapsed()));
            self.start_nodes(&[node.clone()].into())?;
        }
        Ok(())
    }

    /// Undoes every fault that is on and starts every node that is down.
    ///
    /// # Errors
    /// When a fault cannot be undone, a node cannot be started or a part of the lab died: then
    /// nothing can be asked of the cluster.
    pub fn recover(&mut self) -> Result<()> {
        self.nemesis.host_mut().set_patience(None);
        let begin = Instant::now();
        loop {
            for id in self.nemesis.undo_order() {
                // An answer of the service comes in time, or the question ends by itself. It may need
                // nodes that ended by themselves.
                while !self.nemesis.is_ready_to_end(id) && begin.elapsed() < COME_BACK_WITHIN {
                    self.start_ended_nodes()?;
                    std::thread::sleep(PAUSE);
                }
                self.undo(id)?;
            }
            let still_on: Vec<u32> = self.nemesis.active().map(|(id, _)| id).collect();
            if still_on.is_empty() {
                break;
            }
            // A member that was removed may need several elections to be added again.
            if begin.elapsed() > COME_BACK_WITHIN {
                bail!("the faults {still_on:?} could not be undone");
            }
            std::thread::sleep(UNDO_AGAIN);
        }
        if let Err(error) = self.nemesis.host_mut().check_sound() {
            bail!("the lab is not sound: {error}");
        }
        let begin = Instant::now();
        loop {
            match self.start_ended_nodes()?.into_iter().next() {
                None => break,
                Some((node, why)) if begin.elapsed() > COME_BACK_WITHIN => {
                    bail!("{node} cannot come back: {why}")
                }
                Some(_) => std::thread::sleep(UNDO_AGAIN),
            }
        }
        self.nemesis.host_mut().doubt_members();
        while self.nemesis.restore_members(&BTreeSet::new()) {
            if begin.elapsed() > COME_BACK_WITHIN {
                let host = self.nemesis.host_mut();
                let no_voters = &host.former_members() | &host.learners();
                let Some(node) = no_voters.into_iter().next() else { break };
                let why = host.answer(&Request::Promote(node.clone())).err();
                let why = why.map_or_else(|| "no answer".to_owned(), |why| why.to_string());
                bail!("{node} cannot vote again: {why}");
            }
            std::thread::sleep(PAUSE);
        }
        self.note_joined();
        Ok(())
    }

    /// Kills every process but those of the nodes in `spared`, and starts them again.
    ///
    /// # Errors
    /// When one cannot be started.
    pub fn restart_all(&mut self, spared: &BTreeSet<String>) -> Result<()> {
        let nodes = self.nodes.iter().filter(|node| !spared.contains(*node)).cloned().collect();
        for (node, killed) in self.nemesis.host_mut().kill(&nodes) {
            if let Err(error) = killed {
                self.recorder.note(format!("could not kill {node}: {error}"));
            }
        }
        match self.start_nodes(&nodes)?.into_iter().next() {
            None => Ok(()),
            Some((node, why)) => bail!("{node} cannot come back: {why}"),
        }
    }

    /// The nodes whose files were damaged: they cannot be asked to serve.
    pub fn damaged(&self) -> &BTreeSet<String> {
        self.nemesis.damaged()
    }

    /// Starts, as a supervisor would, every node that is down although no fault holds it down: one
    /// that a fault gave reason to end. Tells which cannot come back yet, and why.
    pub(super) fn start_ended_nodes(&mut self) -> Result<BTreeMap<String, String>> {
        let held = self.nemesis.active().filter_map(|(_, action)| action.holds_down());
        let held: BTreeSet<String> = held.flatten().cloned().collect();
        let down = self.stopped_nodes();
        self.start_nodes(&down.difference(&held).cloned().collect())
    }

    pub(super) fn stopped_nodes(&self) -> BTreeSet<String> {
        let host = self.nemesis.host();
        let stopped = self.nodes.iter().filter(|node| host.state(node) == NodeState::Stopped);
        stopped.cloned().collect()
    }

    /// Starts these nodes; those that run are left alone. Returns those that cannot be started
    /// yet, with the reason: removed members that cannot be added at the time.
    pub(super) fn start_nodes(
        &mut self,
        nodes: &BTreeSet<String>,
    ) -> Result<BTreeMap<String, String>> {
        let mut put_off = BTreeMap::new();
        for (node, started) in self.nemesis.host_mut().start(nodes) {
            match started {
                Ok(_) => {}
                Err(HostError::Unavailable(why)) => drop(put_off.insert(node, why)),
                Err(error) => bail!("cannot start {node}: {error}"),
            }
        }
        Ok(put_off)
    }
}
