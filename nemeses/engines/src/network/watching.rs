//! Watches on the messages between nodes, which our own switch sees.

use std::collections::BTreeMap;

use super::lab_network::Network;
use super::shaping::working_switch;
use crate::watches::Tally;
use faults::host::HostError;
use faults::trigger::MessageWatch;

impl Network {
    /// Returns whether a watch would see messages.
    pub(crate) fn check_watch(&self, watch: &MessageWatch) -> Result<(), HostError> {
        if self.switch().is_none() {
            let why = "the kernel's bridge carries messages here, where they are not seen; with \
                       faults of the family packet our own switch carries them";
            return Err(HostError::Unavailable(why.to_owned()));
        }
        let mut ends = watch.from.iter().chain(&watch.to);
        match ends.find(|end| self.member(end).is_none()) {
            Some(unknown) => Err(HostError::Failed(format!("no node {unknown}"))),
            None => working_switch(self).map(drop),
        }
    }

    /// From now on has a watch see the messages on its links.
    pub(crate) fn watch(&self, watch: &MessageWatch, tally: &Tally) {
        let is_meant =
            |from: &String, to: &String| watch.from.contains(from) && watch.to.contains(to);
        let links: BTreeMap<_, _> = self
            .links()
            .filter(|(link, ..)| is_meant(&link.from, &link.to))
            .map(|(link, from, to)| ((from, to), link))
            .collect();
        if let Some(switch) = self.switch() {
            switch.watch(watch, links, tally);
        }
    }

    /// Has the watch of this number see nothing more. What it holds goes on if it has ended.
    pub(crate) fn forget_watch(&self, number: u32) {
        if let Some(switch) = self.switch() {
            switch.forget_watch(number);
        }
    }
}
