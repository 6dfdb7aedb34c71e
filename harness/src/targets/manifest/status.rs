//! The status of nodes, in their own words, and whom they mean when they name a leader.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::Result;
use serde_json::Value;

use super::answer::{Place, Reading, Test};
use super::order::{Inquiry, Prepared};
use super::request::{HttpResponse, Parts, Question};
use super::schema;
use super::source::Source;
use super::step::SetUp;
use super::template::text_of;
use super::timers::time;
use crate::targets::{LogProgress, Member, NodeStatus};

/// The question to a node for its state.
#[derive(Debug)]
pub struct Status {
    /// The question, with the set-ups that are made before it.
    pub asked: Prepared,
    ready: Test,
    /// The time within which all nodes of a fresh cluster are ready.
    pub ready_within: Option<Duration>,
    leader: Option<Reading>,
    leads: Option<Test>,
    term: Option<Place>,
    /// True if nodes agree that name the same leader, in whichever terms.
    pub terms_may_differ: bool,
    id: Option<Place>,
    /// The position up to which its log is committed.
    pub commit: Option<Place>,
    /// The position up to which it has applied the log.
    pub applied: Option<Place>,
}

impl Status {
    /// Understands `[status]`, where what set-ups keep may stand.
    ///
    /// # Errors
    /// On the first thing that is wrong.
    pub fn compile(
        source: &Source<'_>,
        status: &schema::Status,
        set_ups: &[SetUp],
    ) -> Result<Status> {
        let schema::Status { request, headers, json, body, .. } = status;
        let place = |text: &Option<schema::Text>| {
            text.as_ref().map(|text| Place::compile(source, text)).transpose()
        };
        if let (Some(_), Some(leads)) = (&status.leader, &status.leads) {
            let what = "leader names who leads, leads says whether this node does: one of them";
            return Err(source.error(leads.span(), what));
        }
        let names = SetUp::kept_without_key(set_ups);
        let question = Question::compile(source, &Parts { request, headers, json, body }, &names)?;
        let test =
            |test: &Option<_>| test.as_ref().map(|test| Test::compile(source, test)).transpose();
        Ok(Status {
            asked: Prepared::of(Inquiry::Request(question), Vec::new(), set_ups),
            ready: test(&status.ready)?.unwrap_or_else(Test::success),
            ready_within: status
                .ready_within
                .as_ref()
                .map(|limit| time(source, limit))
                .transpose()?,
            leader: status.leader.as_ref().map(|it| Reading::compile(source, it)).transpose()?,
            leads: test(&status.leads)?,
            term: place(&status.term)?,
            terms_may_differ: status.terms_may_differ,
            id: place(&status.id)?,
            commit: place(&status.commit)?,
            applied: place(&status.applied)?,
        })
    }

    /// The complaint about an answer that names no leader, if it is one.
    pub fn names_nobody(&self) -> Option<String> {
        match (&self.leader, &self.leads) {
            (Some(named), _) => Some(format!("it names no leader at {}", named.place().name())),
            (None, Some(_)) => Some("by now no node leads, as leads would have it".into()),
            (None, None) => None,
        }
    }

    /// The progress of the log of a node that answered so, as far as it tells.
    pub fn progress(&self, heard: &HttpResponse) -> Option<LogProgress> {
        let commit = self.commit.as_ref()?.number(heard)?;
        let applied = self.applied.as_ref().and_then(|place| place.number(heard));
        Some(LogProgress { commit, applied })
    }

    /// Returns true if it names the leader.
    pub fn knows_leader(&self) -> bool {
        self.leader.is_some() || self.leads.is_some()
    }
}

/// The nodes of a cluster, and what is known of who is who and who leads.
#[derive(Debug)]
pub struct Roster {
    names: Vec<String>,
    /// The addresses of each.
    addresses: Vec<Vec<SocketAddr>>,
    /// Positions by what nodes call themselves.
    ids: Mutex<BTreeMap<String, usize>>,
    /// The last that said it leads, with its term.
    leading: Mutex<Option<(u64, usize)>>,
}

impl Roster {
    /// Of that cluster.
    pub fn new(cluster: &[Member]) -> Roster {
        let addresses = |member: &Member| {
            let doors = member.peers.iter().flat_map(|door| [door.listen, door.advertised]);
            [member.listens, member.for_clients].into_iter().chain(doors).collect()
        };
        Roster {
            names: cluster.iter().map(|member| member.name.clone()).collect(),
            addresses: cluster.iter().map(addresses).collect(),
            ids: Mutex::default(),
            leading: Mutex::default(),
        }
    }

    /// The name by which others call that node, if it has told one.
    pub fn id_of(&self, node: usize) -> Option<String> {
        let ids = lock(&self.ids);
        ids.iter().find(|(_, known)| **known == node).map(|(id, _)| id.clone())
    }

    /// The position of the node that is meant: by its name, an id that it told, an address or a URL
    /// of it, or its number.
    pub fn find(&self, meant: &Value) -> Option<usize> {
        let text = text_of(meant);
        let by_name = self.names.iter().position(|name| *name == text);
        let by_id = || lock(&self.ids).get(&text).copied();
        let by_address = || {
            let authority = text.split_once("://").map_or(text.as_str(), |(_, rest)| rest);
            let address = authority.split('/').next()?.parse().ok()?;
            self.addresses.iter().position(|of_node| of_node.contains(&address))
        };
        let by_number = || {
            let number: usize = text.parse().ok()?;
            (1..=self.names.len()).contains(&number).then(|| number - 1)
        };
        by_name.or_else(by_id).or_else(by_address).or_else(by_number)
    }

    /// The status of the node at that position; none if it is not ready or does not say.
    ///
    /// # Errors
    /// The answer that was not understood.
    pub fn understand(
        &self,
        node: usize,
        status: &Status,
        heard: &HttpResponse,
    ) -> Result<NodeStatus, String> {
        if !status.ready.holds(heard) {
            return Err("that is not ready".into());
        }
        let lacks = |what: &str| format!("it is ready, but there is no {what} in it");
        if let Some(place) = &status.id {
            let id = place.find(heard).ok_or_else(|| lacks("id"))?;
            let mut ids = lock(&self.ids);
            // One that was removed and added again may have another.
            ids.retain(|_, known| *known != node);
            ids.insert(text_of(&id), node);
        }
        let term = match &status.term {
            Some(place) => place.number(heard).ok_or_else(|| lacks("term"))?,
            None => 0,
        };
        let leader = match (&status.leader, &status.leads) {
            (Some(place), _) => {
                // Services leave it out, or say null, nothing or 0, while nobody leads.
                let nobody = |it: &Value| ["null", "", "0"].contains(&text_of(it).as_str());
                let named = place.find(heard).filter(|it| !nobody(it));
                named.map(|named| self.find(&named).ok_or_else(|| unknown(&named))).transpose()?
            }
            (None, Some(leads)) => self.note(node, term, leads.holds(heard)),
            (None, None) => None,
        };
        let leader = leader.map(|leader| self.names[leader].clone());
        Ok(NodeStatus { leader, term })
    }

    /// Notes whether a node says that it leads; returns who said so last, in the highest term.
    fn note(&self, node: usize, term: u64, leads: bool) -> Option<usize> {
        let mut leading = lock(&self.leading);
        match *leading {
            Some((known, _)) if leads && known > term => {}
            _ if leads => *leading = Some((term, node)),
            Some((_, known)) if known == node => *leading = None,
            _ => {}
        }
        leading.map(|(_, leader)| leader)
    }
}

fn unknown(named: &Value) -> String {
    format!("it names {named} as the leader, which is no name, id, address or number of a node yet")
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Each change is one assignment, so nobody leaves anything half done.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn roster() -> Roster {
        let member = |number: u16| {
            let address = ([127, 0, 0, 1], 7000 + number).into();
            Member::at(&format!("n{number}"), address, format!("/nowhere/{number}").into())
        };
        Roster::new(&[member(1), member(2), member(3)])
    }

    #[test]
    fn a_leader_is_known_by_whatever_it_is_called() {
        let roster = roster();
        lock(&roster.ids).insert("8e9e05c52164694d".into(), 1);
        let find = |meant: Value| roster.find(&meant);
        assert_eq!(find(json!("n2")), Some(1));
        assert_eq!(find(json!("8e9e05c52164694d")), Some(1));
        assert_eq!(find(json!("http://127.0.0.1:7002/kv?x=1")), Some(1));
        assert_eq!(find(json!("127.0.0.1:7002")), Some(1));
        assert_eq!(find(json!("127.0.0.1:70021")), None);
        assert_eq!(find(json!(2)), Some(1));
        assert_eq!(find(json!(0)), None);
        assert_eq!(find(json!("n4")), None);
    }

    #[test]
    fn where_nodes_tell_only_their_own_role_the_last_claim_of_the_highest_term_counts() {
        let roster = roster();
        assert_eq!(roster.note(1, 3, false), None);
        assert_eq!(roster.note(0, 3, true), Some(0));
        assert_eq!(roster.note(1, 3, false), Some(0));
        assert_eq!(roster.note(2, 4, true), Some(2));
        assert_eq!(roster.note(0, 3, true), Some(2), "a leader that was deposed and does not know");
        assert_eq!(roster.note(2, 4, false), None);
    }
}
