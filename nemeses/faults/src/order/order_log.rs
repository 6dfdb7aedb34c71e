//! The sequence of gates that a run went through.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::before_fault::before;
use super::crossing::{CLIENTS, Crossing, End, FaultPoint, InWords, Word};
use super::regular::{at_rest, regular};

/// The gates that a log keeps, the last ones: some minutes of a busy cluster, and three megabytes.
pub const MOST_GATES: usize = 1_000_000;

/// A gate that something went through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Passed {
    /// When, in microseconds since the start of the run.
    pub at: u64,
    /// The gate.
    pub gate: Crossing,
}

/// The facts about a fault that its gates do not say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FaultOrder {
    /// The nodes that it hit.
    pub hit: BTreeSet<End>,
    /// True if their processes ended by it.
    pub ends_them: bool,
    /// Its family.
    pub family: Word,
}

/// The gates that a run went through, in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OrderLog {
    /// The names of the nodes, by number.
    pub(super) nodes: Vec<String>,
    pub(super) words: Words,
    pub(super) passed: VecDeque<Passed>,
    pub(super) faults: BTreeMap<u32, FaultOrder>,
    /// The words of messages that nodes send while no client asks for anything.
    pub(super) at_rest: BTreeSet<Word>,
    /// The gates before the first that is kept.
    pub(super) lost: u64,
    /// The last fault before the run failed, if that is known. No part of the file: the verdict
    /// says it.
    pub(super) decisive: Option<u32>,
    /// True if the failure is about operations that this fault left in doubt.
    pub(super) of_doubt: bool,
}

/// Words by number.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Words {
    pub list: Vec<String>,
    numbers: BTreeMap<String, Word>,
}

/// All more than that are one word.
const MOST_WORDS: usize = 10_000;

impl Words {
    /// The first part of a word: of `read k3` the kind of operation.
    pub fn kind(&self, word: Word) -> Option<&str> {
        self.list.get(usize::from(word)).and_then(|word| word.split(' ').next())
    }

    pub fn number(&mut self, word: &str) -> Word {
        if let Some(number) = self.numbers.get(word) {
            return *number;
        }
        let word = if self.list.len() >= MOST_WORDS { "" } else { word };
        if let Some(number) = self.numbers.get(word) {
            return *number;
        }
        let number = self.list.len() as Word;
        self.list.push(word.to_owned());
        self.numbers.insert(word.to_owned(), number);
        number
    }
}

impl OrderLog {
    /// A log of a run of these nodes.
    pub fn new(nodes: Vec<String>) -> Self {
        Self { nodes, ..Self::default() }
    }

    /// An empty log of the same nodes in which words have the same numbers.
    #[must_use]
    pub fn emptied(&self) -> Self {
        Self { words: self.words.clone(), ..Self::new(self.nodes.clone()) }
    }

    /// The number of a word, which is a new one where nothing had that word before.
    pub fn word(&mut self, word: &str) -> Word {
        self.words.number(word)
    }

    /// The number of a node.
    pub fn end(&self, node: &str) -> Option<End> {
        let place = self.nodes.iter().position(|name| name == node)?;
        End::try_from(place + 1).ok()
    }

    /// The number of nodes.
    pub fn node_count(&self) -> usize {
        self.nodes.len()
    }

    /// Notes that something went through a gate.
    pub fn note(&mut self, at: u64, gate: Crossing) {
        if self.passed.len() == MOST_GATES {
            self.passed.pop_front();
            self.lost += 1;
        }
        self.passed.push_back(Passed { at, gate });
    }

    /// Takes what has been noted so far for what nodes do while no client asks for anything, and
    /// begins the order anew.
    pub fn begin(&mut self) {
        self.at_rest = at_rest(self);
        self.passed.clear();
        self.lost = 0;
    }

    /// Notes the facts about a fault.
    pub fn note_fault(&mut self, fault: u32, facts: FaultOrder) {
        self.faults.insert(fault, facts);
    }

    /// The same log of a run that failed: `at`, in microseconds since its load began, is the first
    /// time at which that could be seen, and `of_doubt` says that it is about operations which the fault
    /// before it had left in doubt.
    #[must_use]
    pub fn that_failed(mut self, at: u64, of_doubt: bool) -> Self {
        let decisive = self.begun().find(|(_, begun)| *begun <= at).map(|(fault, _)| fault);
        self.decisive = decisive;
        self.of_doubt = of_doubt;
        self
    }

    /// The fault of this log whose moment one of that number and family is to have. Of the family of
    /// the fault that was followed by the failure, all have the moment of that one, so that a run is
    /// as many tries as it has such faults. Else it is the same fault, or the last of its family that
    /// the run came to.
    pub(super) fn model_of(&self, fault: u32, family: Word) -> Option<u32> {
        let is_alike = |its: &u32| self.faults.get(its).is_some_and(|it| it.family == family);
        let same = || self.begun().any(|(its, _)| its == fault).then_some(fault);
        let last = || self.begun().map(|(its, _)| its).find(is_alike);
        self.decisive.filter(is_alike).or_else(same).or_else(last)
    }

    /// The faults that began, the last one first, each with its time.
    fn begun(&self) -> impl Iterator<Item = (u32, u64)> {
        self.passed.iter().rev().filter_map(|passed| match passed.gate {
            Crossing::Fault { fault, moment: FaultPoint::Beginning } => Some((fault, passed.at)),
            _ => None,
        })
    }

    /// The gates in order.
    pub fn passed(&self) -> impl DoubleEndedIterator<Item = &Passed> {
        self.passed.iter()
    }

    /// The number of gates that are kept.
    pub fn len(&self) -> usize {
        self.passed.len()
    }

    /// Returns true if it has no gate.
    pub fn is_empty(&self) -> bool {
        self.passed.is_empty()
    }

    /// The crossings of the nodes that each fault hit right before it, in order and in words without names:
    /// `re /raft/append-entries from another node to the node that it hit`.
    pub fn before_faults(&self) -> BTreeMap<u32, Vec<String>> {
        let regular = regular(self);
        let before_fault = |(fault, facts): (&u32, &FaultOrder)| {
            let name = |end: End| match facts.hit.contains(&end) {
                true => "the node that it hit".to_owned(),
                false => "another node".to_owned(),
            };
            let nodes: Vec<String> = (1..).map(name).take(self.nodes.len()).collect();
            let in_words =
                |gate| InWords { gate, nodes: &nodes, words: &self.words.list }.to_string();
            let pattern = before(self, *fault, &regular)?.pattern;
            Some((*fault, pattern.into_iter().map(in_words).collect()))
        };
        self.faults.iter().filter_map(before_fault).collect()
    }

    /// The kinds of messages that went from node to node: their paths, and the sizes of those that
    /// are not HTTP.
    pub fn kinds_between_nodes(&self) -> BTreeSet<&str> {
        let between_nodes = self.passed.iter().filter_map(|passed| match passed.gate {
            Crossing::Message { from, to, what } if from != CLIENTS && to != CLIENTS => Some(what),
            _ => None,
        });
        let kinds: BTreeSet<Word> = between_nodes.collect();
        kinds
            .into_iter()
            .filter_map(|kind| self.words.list.get(usize::from(kind)))
            .map(String::as_str)
            .collect()
    }

    /// A gate in words.
    pub fn in_words(&self, gate: Crossing) -> String {
        InWords { gate, nodes: &self.nodes, words: &self.words.list }.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_gates_are_kept_and_the_others_counted() {
        let mut log = OrderLog::new(vec!["n1".to_owned()]);
        for at in 0..MOST_GATES as u64 + 3 {
            log.note(at, Crossing::Sync { node: 1 });
        }
        assert_eq!((log.len(), log.lost, log.passed().next().unwrap().at), (MOST_GATES, 3, 3));
    }

    #[test]
    fn faults_have_the_moment_of_the_one_that_the_failure_followed() {
        let (kill, pause, stop) = (0, 1, 2);
        let mut log = OrderLog::new(vec!["n1".to_owned()]);
        for (at, fault, family) in [(10, 1, kill), (20, 2, pause), (30, 3, kill), (40, 4, kill)] {
            log.note(at, Crossing::Fault { fault, moment: FaultPoint::Beginning });
            log.note_fault(fault, FaultOrder { family, ..FaultOrder::default() });
        }
        let models = |log: &OrderLog| {
            [(1, kill), (2, pause), (4, kill), (5, kill), (6, stop)]
                .map(|(fault, family)| log.model_of(fault, family))
        };
        assert_eq!(models(&log), [Some(1), Some(2), Some(4), Some(4), None]);
        let failed = log.clone().that_failed(35, false);
        assert_eq!(models(&failed), [Some(3), Some(2), Some(3), Some(3), None]);
        let at_once = log.clone().that_failed(5, false);
        assert_eq!(models(&at_once), models(&log));
    }

    #[test]
    fn gates_read_as_words() {
        let mut log = OrderLog::new(vec!["n1".to_owned(), "n2".to_owned()]);
        let what = log.word("re /kv");
        assert_eq!(log.word("re /kv"), what);
        let answer = Crossing::Message { from: 2, to: CLIENTS, what };
        assert_eq!(log.in_words(answer), "re /kv from n2 to the clients");
        assert_eq!(log.in_words(Crossing::Sync { node: 1 }), "an fsync of n1");
    }

    #[test]
    fn what_came_before_a_fault_is_told_without_names() {
        let mut log = OrderLog::new(["n1", "n2"].map(str::to_owned).into());
        let what = log.word("/raft/append-entries");
        log.note(10, Crossing::Sync { node: 2 });
        log.note(20, Crossing::Message { from: 2, to: 1, what });
        log.note(30, Crossing::Message { from: CLIENTS, to: 1, what });
        log.note(40, Crossing::Fault { fault: 7, moment: FaultPoint::Beginning });
        log.note_fault(7, FaultOrder { hit: [2].into(), ..FaultOrder::default() });
        log.note_fault(8, FaultOrder::default());
        let before = [
            "an fsync of the node that it hit",
            "/raft/append-entries from the node that it hit to another node",
        ];
        assert_eq!(log.before_faults(), [(7, before.map(str::to_owned).into())].into());
        assert_eq!(log.kinds_between_nodes(), ["/raft/append-entries"].into());
    }
}
