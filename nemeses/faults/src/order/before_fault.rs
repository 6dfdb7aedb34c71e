//! The moment of a fault: what the nodes that it hit did right before it.

use std::collections::BTreeSet;

use super::crossing::{CLIENTS, Crossing, End, FaultPoint, Word};
use super::order_log::{OrderLog, Passed};

/// The gates of a moment: about as many as one operation takes at a node.
const MOST: usize = 8;

/// Gates longer before are of another moment, in microseconds.
const LONGEST: u64 = 300_000;

/// The last that was seen before a fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Before {
    /// The last gates before it at the nodes that it hit.
    pub pattern: Vec<Crossing>,
    /// Gates to the nodes that the fault ended, after they had done their last: they did nothing
    /// with that any more.
    pub in_vain: BTreeSet<Crossing>,
    /// The kinds of operations that clients had sent to those nodes before the last of these gates, and
    /// that were not answered: what the fault leaves in doubt.
    pub open: BTreeSet<String>,
    /// The place in the log of the beginning of the fault.
    pub place: usize,
    /// When it began.
    pub at: u64,
}

/// Returns true if a gate is one that can be waited for, and held.
pub(super) fn can_wait(gate: Crossing, regular: &BTreeSet<Word>) -> bool {
    match gate {
        // Calls stand for what clients send, and their answers for what is sent to them.
        Crossing::Message { from: CLIENTS, .. } | Crossing::Message { to: CLIENTS, .. } => false,
        Crossing::Message { what, .. } => !regular.contains(&what),
        Crossing::Sync { .. } | Crossing::Call { .. } => true,
        Crossing::Answered { .. } | Crossing::Refused { .. } | Crossing::Fault { .. } => false,
    }
}

/// Returns true if a gate can be a part of a moment: calls come too often to say when it is.
pub(super) fn is_of_moments(gate: Crossing, regular: &BTreeSet<Word>) -> bool {
    match gate {
        Crossing::Call { .. } => false,
        Crossing::Answered { .. } => true,
        _ => can_wait(gate, regular),
    }
}

/// The moment at which a fault began; none where the log does not have it.
pub(super) fn before(log: &OrderLog, fault: u32, regular: &BTreeSet<Word>) -> Option<Before> {
    let beginning = Crossing::Fault { fault, moment: FaultPoint::Beginning };
    let begun = Crossing::Fault { fault, moment: FaultPoint::Begun };
    let place = log.passed.iter().position(|passed| passed.gate == beginning)?;
    let at = log.passed[place].at;
    let facts = log.faults.get(&fault).cloned().unwrap_or_default();
    let is_hit = |end: End| facts.hit.is_empty() || facts.hit.contains(&end);
    // A node does what it does until the fault has reached it.
    let doing = |passed: &Passed| {
        let does = |end: End| !facts.hit.is_empty() && is_hit(end);
        match passed.gate {
            Crossing::Answered { node, .. } => does(node),
            gate => gate.doer().is_some_and(does),
        }
    };
    let meanwhile = log.passed.range(place..).take_while(|passed| passed.gate != begun);
    let meanwhile = meanwhile.filter(|passed| doing(passed));
    let mut gates: Vec<Passed> = log.passed.range(..place).chain(meanwhile).copied().collect();
    gates.retain(|passed| {
        is_of_moments(passed.gate, &BTreeSet::new())
            && passed.at + LONGEST >= at
            && passed.gate.nodes().any(is_hit)
    });
    // Of each the last one; and a heartbeat only where it is the last thing of all.
    let mut seen = BTreeSet::new();
    let mut is_last = true;
    for place in (0..gates.len()).rev() {
        let gate = gates[place].gate;
        let is_regular = !is_of_moments(gate, regular);
        is_last &= is_regular;
        if !seen.insert(gate) || is_regular && !is_last {
            gates.remove(place);
        }
    }
    let mut in_vain = BTreeSet::new();
    if facts.ends_them {
        let last = gates.iter().rposition(doing).map_or(0, |place| place + 1);
        let behind = gates.split_off(last);
        in_vain.extend(behind.iter().map(|passed| passed.gate));
    }
    gates.drain(..gates.len().saturating_sub(MOST));
    let open = match gates.last() {
        Some(last) => open_calls(log, log.passed.range(..place), last.at, &facts.hit),
        None => BTreeSet::new(),
    };
    let pattern = gates.iter().map(|passed| passed.gate).collect();
    Some(Before { pattern, in_vain, open, place, at })
}

/// The kinds of operations that were sent to these nodes, or to any if there are none, before a time,
/// and neither answered nor refused by the end of `passed`.
pub(super) fn open_calls<'a>(
    log: &OrderLog,
    passed: impl DoubleEndedIterator<Item = &'a Passed>,
    before: u64,
    nodes: &BTreeSet<End>,
) -> BTreeSet<String> {
    let mut seen = BTreeSet::new();
    let recent = passed.rev().take_while(|passed| passed.at + LONGEST >= before);
    let open = recent.filter_map(|passed| match passed.gate {
        Crossing::Answered { client, .. } | Crossing::Refused { client, .. } => {
            seen.insert(client);
            None
        }
        // A client has one operation at a time, of which this is the last attempt.
        Crossing::Call { client, node, what } => {
            let is_last = seen.insert(client);
            let is_its = nodes.is_empty() || nodes.contains(&node);
            (is_last && is_its && passed.at < before).then_some(what)
        }
        _ => None,
    });
    open.filter_map(|what| log.words.kind(what)).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::super::order_log::FaultOrder;
    use super::*;

    const APPEND: Word = 0;
    const ANSWER: Word = 1;

    fn message(from: End, to: End, what: Word) -> Crossing {
        Crossing::Message { from, to, what }
    }

    fn log(gates: &[(u64, Crossing)], ends_them: bool) -> OrderLog {
        let mut log = OrderLog::new(["n1", "n2", "n3"].map(str::to_owned).into());
        log.word("append");
        log.word("re append");
        gates.iter().for_each(|(at, gate)| log.note(*at, *gate));
        log.note_fault(7, FaultOrder { hit: [1].into(), ends_them, family: 0 });
        log
    }

    #[track_caller]
    fn check(
        gates: &[(u64, Crossing)],
        ends_them: bool,
        pattern: &[Crossing],
        in_vain: &[Crossing],
    ) -> Before {
        let before = before(&log(gates, ends_them), 7, &BTreeSet::new()).unwrap();
        assert_eq!(before.pattern, pattern);
        assert_eq!(before.in_vain, in_vain.iter().copied().collect());
        before
    }

    const BEGINNING: Crossing = Crossing::Fault { fault: 7, moment: FaultPoint::Beginning };
    const BEGUN: Crossing = Crossing::Fault { fault: 7, moment: FaultPoint::Begun };

    #[test]
    fn a_moment_is_what_the_node_did_last_and_not_what_came_to_it_in_vain() {
        let sync = Crossing::Sync { node: 1 };
        let gates = [
            (1_000, Crossing::Sync { node: 1 }),
            (990_000, Crossing::Call { client: 0, node: 1, what: APPEND }),
            (990_100, message(CLIENTS, 1, 9)),
            (990_300, sync),
            (990_350, Crossing::Sync { node: 3 }),
            (990_400, message(1, 2, APPEND)),
            (990_500, message(2, 1, ANSWER)),
            (990_600, BEGINNING),
            (990_650, message(3, 2, APPEND)),
            (990_700, BEGUN),
            (990_800, message(1, 3, APPEND)),
        ];
        let answer = message(2, 1, ANSWER);
        let ended = check(&gates, true, &[sync, message(1, 2, APPEND)], &[answer]);
        assert_eq!((ended.place, ended.at), (7, 990_600));
        assert_eq!(ended.open, ["append".to_owned()].into(), "its client was not answered");
        let mut answered = gates.to_vec();
        answered.insert(6, (990_450, Crossing::Answered { client: 0, node: 1, what: 0 }));
        assert_eq!(before(&log(&answered, true), 7, &BTreeSet::new()).unwrap().open, [].into());
        check(&gates, false, &[sync, message(1, 2, APPEND), answer], &[]);

        // It came before the node had done its last, which the fault had not reached.
        let mut late = gates;
        late[8] = (990_650, message(1, 3, APPEND));
        let all = [sync, message(1, 2, APPEND), answer, message(1, 3, APPEND)];
        check(&late, true, &all, &[]);
        let quiet = before(&log(&gates, true), 7, &[APPEND].into()).unwrap();
        assert_eq!(quiet.pattern, [sync], "heartbeats count only where nothing else follows");
    }

    #[test]
    fn a_fault_that_is_not_in_the_log_has_no_moment() {
        assert_eq!(before(&log(&[], false), 7, &BTreeSet::new()), None);
        let alone = before(&log(&[(5, BEGINNING)], false), 7, &BTreeSet::new()).unwrap();
        assert_eq!(alone.pattern, []);
    }
}
