//! The conditions and counts of each link, shared by the owner of the switch and the thread that
//! carries.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use faults::fault::LinkCondition;
use faults::host::LinkCounts;

/// Every directed link between ports. A cut holds from the next frame on, on its way in or out.
#[derive(Debug)]
pub(super) struct Links {
    ports: usize,
    /// By sender, then receiver.
    links: Vec<LinkState>,
    /// By sender, then receiver.
    conditions: Mutex<Vec<LinkCondition>>,
    /// Rises when conditions change.
    revision: AtomicU64,
}

/// One directed link.
#[derive(Debug, Default)]
pub(super) struct LinkState {
    cut: AtomicBool,
    dropped: AtomicU64,
    pub(super) passed: AtomicU64,
    pub(super) bytes: AtomicU64,
    pub(super) delayed: AtomicU64,
    delayed_us: AtomicU64,
    pub(super) lost: AtomicU64,
    pub(super) duplicated: AtomicU64,
    pub(super) reordered: AtomicU64,
    pub(super) corrupted: AtomicU64,
    pub(super) overflowed: AtomicU64,
}

impl LinkState {
    /// Returns whether a frame passes the cut; one that does not is counted.
    pub(super) fn passes(&self) -> bool {
        let cut = self.cut.load(Ordering::Relaxed);
        if cut {
            count(&self.dropped);
        }
        !cut
    }

    /// Counts a frame that was held back.
    pub(super) fn held_for(&self, time: Duration) {
        count(&self.delayed);
        self.delayed_us.fetch_add(time.as_micros() as u64, Ordering::Relaxed);
    }

    /// Counts a frame that went out.
    pub(super) fn passed(&self, bytes: usize) {
        count(&self.passed);
        self.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    fn counts(&self) -> LinkCounts {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        LinkCounts {
            passed: read(&self.passed),
            bytes: read(&self.bytes),
            delayed: read(&self.delayed),
            delayed_us: read(&self.delayed_us),
            lost: read(&self.lost),
            duplicated: read(&self.duplicated),
            reordered: read(&self.reordered),
            corrupted: read(&self.corrupted),
            overflowed: read(&self.overflowed),
        }
    }
}

/// One more.
pub(super) fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

impl Links {
    pub(super) fn new(ports: usize) -> Self {
        let count = ports * ports;
        Self {
            ports,
            links: (0..count).map(|_| LinkState::default()).collect(),
            conditions: Mutex::new(vec![LinkCondition::default(); count]),
            revision: AtomicU64::new(0),
        }
    }

    /// The place of a link in every list of links.
    pub(super) fn index(&self, from: usize, to: usize) -> usize {
        assert!(from < self.ports && to < self.ports, "no link {from} → {to}");
        from * self.ports + to
    }

    pub(super) fn link(&self, from: usize, to: usize) -> &LinkState {
        &self.links[self.index(from, to)]
    }

    pub(super) fn set_cut(&self, from: usize, to: usize, cut: bool) {
        self.link(from, to).cut.store(cut, Ordering::Relaxed);
    }

    pub(super) fn dropped(&self, from: usize, to: usize) -> u64 {
        self.link(from, to).dropped.load(Ordering::Relaxed)
    }

    pub(super) fn counts(&self, from: usize, to: usize) -> LinkCounts {
        self.link(from, to).counts()
    }

    /// Gives every link its condition, all at once.
    pub(super) fn set_conditions(&self, condition: impl Fn(usize, usize) -> LinkCondition) {
        let mut conditions = self.conditions.lock().expect("no holder panics");
        for from in 0..self.ports {
            for to in 0..self.ports {
                conditions[self.index(from, to)] = condition(from, to);
            }
        }
        self.revision.fetch_add(1, Ordering::Release);
    }

    /// The conditions and their revision, where it is another than `known`.
    pub(super) fn conditions_since(&self, known: u64) -> Option<(u64, Vec<LinkCondition>)> {
        if self.revision.load(Ordering::Acquire) == known {
            return None;
        }
        let conditions = self.conditions.lock().expect("no holder panics");
        Some((self.revision.load(Ordering::Acquire), conditions.clone()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_is_cut_in_one_direction_and_counts_what_it_drops() {
        let links = Links::new(3);
        links.set_cut(0, 2, true);
        assert!(!links.link(0, 2).passes());
        assert!(!links.link(0, 2).passes());
        assert!(links.link(2, 0).passes());
        assert!(links.link(0, 1).passes());
        assert_eq!(links.dropped(0, 2), 2);
        assert_eq!(links.dropped(2, 0), 0);
    }

    #[test]
    fn conditions_are_new_once() {
        let links = Links::new(2);
        assert_eq!(links.conditions_since(0), None);
        let slow = LinkCondition { delay_ms: 1.0, ..Default::default() };
        links.set_conditions(|from, _| if from == 1 { slow } else { LinkCondition::default() });
        let (revision, conditions) = links.conditions_since(0).expect("they changed");
        let neutral = LinkCondition::default();
        assert_eq!(conditions, [neutral, neutral, slow, slow]);
        assert_eq!(links.conditions_since(revision), None);
    }
}
