//! One state of the whole: nodes, network, clients, and what must be remembered to judge them.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use cluster::core::{Entry, RoleName};

use super::clients::{Clients, Progress};
use super::fingerprint::fingerprint;
use super::member::Known;
use super::message::{Network, name};

/// A promise that was broken on the way to a state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Breach {
    /// Two leaders in one term.
    ElectionSafety,
    /// A leader overwrote or removed entries of its own log.
    LeaderAppendOnly,
    /// Two logs agree in an entry but not in what precedes it.
    LogMatching,
    /// A leader lacks what was committed in an earlier term.
    LeaderCompleteness,
    /// Two nodes committed different entries at one index.
    StateMachineSafety,
    /// An assertion of the core failed.
    Assertion,
}

impl Breach {
    fn bit(self) -> u8 {
        1 << self as u8
    }
}

/// All that was ever committed.
#[derive(Debug, Default)]
pub(crate) struct Committed {
    /// The entries in order, each with the term of the node that first knew it to be committed.
    pub entries: Vec<(Arc<Entry>, u64)>,
    /// Stands for all of them.
    pub fingerprint: u64,
}

impl Committed {
    /// These and more.
    pub(crate) fn with(&self, more: &[Arc<Entry>], term: u64) -> Arc<Committed> {
        let mut entries = self.entries.clone();
        entries.extend(more.iter().map(|entry| (Arc::clone(entry), term)));
        Arc::new(Committed { fingerprint: fingerprint(&entries), entries })
    }
}

/// A state of cluster and clients.
#[derive(Clone)]
pub(crate) struct State {
    /// The nodes in order.
    pub members: Vec<Arc<Known>>,
    /// The number of nodes to which something has happened: the first ones.
    pub touched: usize,
    /// The messages that may arrive.
    pub network: Arc<Network>,
    /// The clients.
    pub clients: Arc<Clients>,
    /// The leader that each term had, from term 1 on, by position.
    pub leaders: Vec<Option<u8>>,
    /// All that was ever committed.
    pub committed: Arc<Committed>,
    /// The crashes yet to come.
    pub crashes: u8,
    /// The heartbeats yet to be due.
    pub heartbeats: u8,
    /// The leaders that may yet step down by themselves.
    pub step_downs: u8,
    /// The transfers yet to be asked for.
    pub transfers: u8,
    /// The promises broken, as bits.
    breaches: u8,
    /// The assertion that failed.
    pub panic: Option<Arc<str>>,
    /// The situations that arose in the last step, as bits. Two states that differ only in these are
    /// one.
    pub situations: u32,
}

impl State {
    /// The state in which nothing has happened yet.
    pub(crate) fn first(
        members: Vec<Arc<Known>>,
        clients: Arc<Clients>,
        [crashes, heartbeats, step_downs, transfers]: [u8; 4],
    ) -> State {
        State {
            members,
            touched: 0,
            network: Arc::default(),
            clients,
            leaders: Vec::new(),
            committed: Arc::default(),
            crashes,
            heartbeats,
            step_downs,
            transfers,
            breaches: 0,
            panic: None,
            situations: 0,
        }
    }

    /// True if that promise was kept so far.
    pub(crate) fn keeps(&self, breach: Breach) -> bool {
        self.breaches & breach.bit() == 0
    }

    /// Notes a broken promise.
    pub(crate) fn note(&mut self, breach: Breach, is_broken: bool) {
        if is_broken {
            self.breaches |= breach.bit();
        }
    }

    /// The number of nodes whose disk has stalled; each has yet to crash.
    pub(crate) fn stalled(&self) -> usize {
        self.members.iter().filter(|member| member.stalled).count()
    }

    /// Numbers that stand for all that makes it another state.
    fn identity(&self) -> impl Iterator<Item = u64> {
        let small = [
            u64::from(self.crashes),
            u64::from(self.heartbeats),
            u64::from(self.step_downs),
            u64::from(self.transfers),
            u64::from(self.breaches),
            self.touched as u64,
        ];
        let small = small.into_iter().fold(0, |all, one| all << 8 | one);
        let leaders = self
            .leaders
            .iter()
            .fold(1, |all, leader| all << 4 | leader.map_or(0, |leader| u64::from(leader) + 1));
        let parts = [
            small,
            leaders,
            self.network.fingerprint,
            self.clients.fingerprint,
            self.committed.fingerprint,
        ];
        self.members.iter().map(|member| member.fingerprint).chain(parts)
    }
}

impl PartialEq for State {
    fn eq(&self, other: &State) -> bool {
        self.identity().eq(other.identity())
    }
}

impl Hash for State {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        self.identity().for_each(|number| hasher.write_u64(number));
    }
}

impl fmt::Display for Known {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let status = self.node.status();
        let terms: Vec<u64> = self.node.log().entries().iter().map(|entry| entry.term).collect();
        write!(f, "{} in term {}, log {terms:?}", status.role, status.term)?;
        write!(f, ", committed {}", status.commit)?;
        if self.stalled {
            let durable: Vec<u64> =
                self.durable.log.entries().iter().map(|entry| entry.term).collect();
            write!(f, "; its disk has stalled with term {}", self.durable.term)?;
            if let Some(vote) = &self.durable.vote {
                write!(f, ", vote for {vote}")?;
            }
            write!(f, ", log {durable:?}")?;
        }
        Ok(())
    }
}

/// For stateright's explorer: one line a node, a message, a client.
impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, member) in self.members.iter().enumerate() {
            writeln!(f, "{}: {member}", name(position))?;
        }
        for message in &self.network.messages {
            writeln!(f, "may arrive: {message}")?;
        }
        for (position, progress) in self.clients.progress.iter().enumerate() {
            if *progress != (Progress::Ready { attempt: 1 }) {
                let seen = self.clients.seen[position];
                writeln!(
                    f,
                    "c{}: {progress:?} {}",
                    position + 1,
                    match seen {
                        Some(seen) => format!("{seen:?}"),
                        None => String::new(),
                    }
                )?;
            }
        }
        if let Some(panic) = &self.panic {
            writeln!(f, "an assertion failed: {panic}")?;
        }
        Ok(())
    }
}

/// True if the node leads.
pub(crate) fn leads(member: &Known) -> bool {
    member.node.status().role == RoleName::Leader
}
