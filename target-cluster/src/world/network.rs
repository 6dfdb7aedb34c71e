//! The links between nodes: they delay, lose, repeat, and let one message overtake another.

use std::ops::Range;
use std::time::Duration;

/// The ways of all links.
#[derive(Debug, Clone, PartialEq)]
pub struct NetworkPlan {
    /// The time that a message takes.
    pub latency: Range<Duration>,
    /// The time that a late message, or a second copy, takes more.
    pub lateness: Range<Duration>,
    /// The share of messages that are lost.
    pub loss: f64,
    /// The share that comes twice.
    pub repeat: f64,
    /// The share that comes late.
    pub late: f64,
    /// The share of requests of clients that are lost, and of the replies to them.
    pub client_loss: f64,
}

/// The links between so many nodes, each in one direction.
#[derive(Debug)]
pub(super) struct Network {
    nodes: usize,
    links: Vec<Link>,
}

/// A link.
#[derive(Debug, Clone, Default)]
struct Link {
    /// The number of faults that cut it.
    cuts: u32,
    /// The number of messages sent.
    sent: u64,
    /// The number of the last message sent that arrived, counted from 1.
    latest: u64,
}

impl Network {
    /// Links that are whole.
    pub(super) fn new(nodes: usize) -> Network {
        Network { nodes, links: vec![Link::default(); nodes * nodes] }
    }

    /// The position of a link.
    pub(super) fn link(&self, from: usize, to: usize) -> usize {
        from * self.nodes + to
    }

    /// True if nothing passes.
    pub(super) fn is_cut(&self, link: usize) -> bool {
        self.links[link].cuts > 0
    }

    /// A message is sent; returns its number on that link.
    pub(super) fn send(&mut self, link: usize) -> u64 {
        let link = &mut self.links[link];
        link.sent += 1;
        link.sent
    }

    /// A message arrives; true if one that was sent later had arrived before.
    pub(super) fn arrives(&mut self, link: usize, number: u64) -> bool {
        let latest = &mut self.links[link].latest;
        let overtaken = number < *latest;
        *latest = number.max(*latest);
        overtaken
    }

    /// Each link for which `chosen` says so, by sender and receiver, is cut once more or once less.
    pub(super) fn cut(&mut self, cut: bool, chosen: impl Fn(usize, usize) -> bool) {
        for from in 0..self.nodes {
            for to in 0..self.nodes {
                if from != to && chosen(from, to) {
                    let cuts = &mut self.links[from * self.nodes + to].cuts;
                    *cuts = if cut { *cuts + 1 } else { cuts.saturating_sub(1) };
                }
            }
        }
    }

    /// Every link is whole.
    pub(super) fn heal(&mut self) {
        self.links.iter_mut().for_each(|link| link.cuts = 0);
    }
}
