//! The lines in which the nodes of a made-up run tell of an election.

use stormproof_results::event::{AppendSums, NodeChange, NodeEvent, Vote};

use super::run::{MILLISECOND, NODES};

/// The calls of an election that `leader` wins at `time`, and how its appends flow until a second later.
/// Nodes that are cut off answer nothing; the last of the others has the longer log, and refuses.
pub fn calls(time: u64, term: u64, leader: &str, cut_off: &[&str]) -> Vec<NodeEvent> {
    let others: Vec<&str> = NODES.into_iter().filter(|node| *node != leader).collect();
    let near: Vec<&str> = others.iter().copied().filter(|node| !cut_off.contains(node)).collect();
    let mut events = Vec::new();
    let mut tell = |time, node: &str, change| {
        events.push(NodeEvent { time, node: node.to_owned(), change, at: None });
    };
    for (pre, asked) in [(true, time - 159 * MILLISECOND), (false, time - 119 * MILLISECOND)] {
        let vote = Vote { term, pre };
        for node in &others {
            tell(asked, leader, NodeChange::VoteAsked { of: (*node).to_owned(), vote });
        }
        for (place, node) in near.iter().enumerate() {
            let (to, from) = (leader.to_owned(), (*node).to_owned());
            let answered = asked + (place as u64 + 2) * MILLISECOND;
            let received = answered + MILLISECOND / 2;
            if place + 1 == near.len() && near.len() == 4 {
                let reason = Some("log-behind".to_owned());
                tell(answered, node, NodeChange::VoteRefused { to, vote, after: 40, reason });
                tell(received, leader, NodeChange::VoteNotReceived { from, vote });
            } else {
                tell(answered, node, NodeChange::VoteGranted { to, vote, after: 900 });
                tell(received, leader, NodeChange::VoteReceived { from, vote });
            }
        }
    }
    let sums = AppendSums { since: 99_000, calls: 40, entries: 60, ..AppendSums::default() };
    for tenth in 1..=10 {
        let told = time + tenth * 100 * MILLISECOND;
        for node in &others {
            let to = Some((*node).to_owned());
            tell(told, leader, NodeChange::Append(AppendSums { to, ..sums.clone() }));
        }
        for node in &near {
            let from = Some(leader.to_owned());
            let since = 98_000;
            tell(told, node, NodeChange::Append(AppendSums { from, since, ..sums.clone() }));
        }
    }
    events
}
