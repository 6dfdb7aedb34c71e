//! The service itself as an engine: it is asked to hand over, to work on its stores, to remove and to
//! add members. Its answers come while other faults go on.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use faults::host::{Added, Host, HostError, MembersAround, Request};

use super::local::{LocalHost, LocalNode};
use super::pending_request::{Answer, PendingRequest};

/// Calls of an administrator end by themselves before that.
const REQUEST_PATIENCE: Duration = Duration::from_secs(60);

/// The membership of a node in its cluster, as far as faults changed it.
#[derive(Debug, PartialEq)]
pub(super) enum MembershipState {
    Member,
    /// The service was asked to remove it and has not answered.
    Leaving,
    /// Taken out, or perhaps. It has to be added before it starts.
    Removed,
    /// Added. It starts without what its life before has left.
    Anew(Added),
    /// Runs and does not vote, or perhaps. It has to be promoted in the end.
    Learner,
}

impl LocalHost {
    /// Asks the service, and waits for the answer as long as the host's patience is.
    pub(super) fn ask_service(&mut self, request: &Request) -> Result<Option<Duration>, HostError> {
        let until = self.look_end(REQUEST_PATIENCE);
        if self.requests.get_mut(request).is_some_and(|pending| pending.answer().is_none()) {
            return Err(HostError::Unavailable(format!("it is being asked to {request} already")));
        }
        let missing = || HostError::Unavailable("this target cannot be asked to".to_owned());
        let administrator = Arc::clone(self.administrator.as_ref().ok_or_else(missing)?);
        // One that is refused here leaves the answer to the last.
        self.begin_membership(request)?;
        self.requests.remove(request);
        let pending = PendingRequest::begin(administrator, request.clone())?;
        self.requests.entry(request.clone()).or_insert(pending).wait_until(until);
        self.service_answer(request)
    }

    /// The answer of the service, once it has come; what follows from it for a node is done then.
    pub(super) fn service_answer(
        &mut self,
        request: &Request,
    ) -> Result<Option<Duration>, HostError> {
        let never = || HostError::Failed(format!("nothing asked the target to {request}"));
        let Some(answer) = self.requests.get_mut(request).ok_or_else(never)?.answer() else {
            return Ok(None);
        };
        match request {
            Request::Remove(node) => self.end_removal(node, &answer)?,
            Request::Add(node) => self.end_addition(node, &answer),
            Request::Demote(node) => self.end_demotion(node, &answer),
            Request::Promote(node) => self.end_promotion(node, &answer),
            Request::Transfer(_) | Request::Maintain(..) => {}
        }
        answer.map(|answer| Some(answer.took))
    }

    /// The members before and after a change that was done.
    pub(super) fn members_told(&mut self, request: &Request) -> Option<MembersAround> {
        self.requests.get_mut(request)?.answer()?.ok()?.members
    }

    /// Has a node that was removed added again, so that it can start; members are left alone.
    ///
    /// # Errors
    /// `Unavailable` while that is not answered, or with what keeps it out at the moment.
    pub(super) fn let_join(&mut self, name: &str) -> Result<(), HostError> {
        let unavailable = |why: &str| Err(HostError::Unavailable(why.to_owned()));
        if self.membership_is(name, &MembershipState::Leaving) {
            // Only for what follows from it.
            let _ = self.service_answer(&Request::Remove(name.to_owned()));
            if self.membership_is(name, &MembershipState::Leaving) {
                return unavailable("it is being removed");
            }
        }
        if !self.membership_is(name, &MembershipState::Removed) {
            return Ok(());
        }
        let add = Request::Add(name.to_owned());
        if let Ok(Some(_)) = self.service_answer(&add) {
            return Ok(());
        }
        let until = self.look_end(REQUEST_PATIENCE);
        let mut asked = self.requests.get_mut(&add);
        let waits = asked.as_mut().is_some_and(|asked| asked.answer().is_none());
        let answer = match asked.filter(|_| waits) {
            Some(asked) => {
                asked.wait_until(until);
                self.service_answer(&add)
            }
            None => self.ask_service(&add),
        };
        match answer? {
            Some(_) => Ok(()),
            None => unavailable("it is being added"),
        }
    }

    /// Says that a node is no member yet: it has to be added before it starts for the first time.
    pub fn set_no_member(&mut self, name: &str) {
        if let Some(known) = self.nodes.get_mut(name) {
            known.membership = MembershipState::Removed;
        }
    }

    /// Lets the service be asked for a change while a member does not vote yet: changes that follow each
    /// other so closely were asked for one by one.
    pub fn let_changes_overlap(&mut self) {
        self.changes_overlap = true;
    }

    fn membership_is(&self, node: &str, state: &MembershipState) -> bool {
        self.nodes.get(node).is_some_and(|known| known.membership == *state)
    }

    /// Notes that the membership of a node is about to change.
    ///
    /// # Errors
    /// When it cannot now.
    fn begin_membership(&mut self, request: &Request) -> Result<(), HostError> {
        let (node, state) = match request {
            Request::Remove(node) => (node, MembershipState::Leaving),
            Request::Demote(node) => (node, MembershipState::Learner),
            _ => return Ok(()),
        };
        if let Some(other) = self.former_members().first() {
            // A node that joins has to know all the others.
            return Err(HostError::Unavailable(format!("{other} is no member at the moment")));
        }
        if let Some(other) = self.learners().first().filter(|_| !self.changes_overlap) {
            // Of those that vote, a majority has to be left.
            return Err(HostError::Unavailable(format!("{other} does not vote at the moment")));
        }
        self.requests.remove(&Request::Add(node.clone()));
        self.requests.remove(&Request::Promote(node.clone()));
        if let Some(known) = self.nodes.get_mut(node) {
            known.membership = state;
        }
        Ok(())
    }

    /// Ends the process of a node that is no member any more, or may be none.
    fn end_removal(&mut self, node: &str, answer: &Answer) -> Result<(), HostError> {
        if !self.membership_is(node, &MembershipState::Leaving) {
            return Ok(());
        }
        let Some(known) = self.nodes.get_mut(node) else { return Ok(()) };
        if matches!(answer, Err(HostError::Unavailable(_))) {
            known.membership = MembershipState::Member;
            return Ok(());
        }
        known.membership = MembershipState::Removed;
        // One that never ran has nothing to end.
        let runs = known.process.is_some();
        for (_, dead) in self.kill(&[node.to_owned()].into()) {
            if runs {
                dead?;
            }
        }
        Ok(())
    }

    /// Takes those that were promoted for learners again: what they were asked to leave by may have been
    /// carried out late, since nothing takes a request back whose answer did not come.
    pub(super) fn doubt_promoted(&mut self) {
        for (name, node) in &mut self.nodes {
            let promoted = self.requests.remove(&Request::Promote(name.clone()));
            if promoted.is_some() && node.membership == MembershipState::Member {
                node.membership = MembershipState::Learner;
            }
        }
    }

    fn end_addition(&mut self, node: &str, answer: &Answer) {
        if self.membership_is(node, &MembershipState::Removed)
            && let (Some(known), Ok(done)) = (self.nodes.get_mut(node), answer)
            && let Some(added) = &done.added
        {
            known.membership = MembershipState::Anew(added.clone());
        }
    }

    /// A node that was not demoted votes as before.
    fn end_demotion(&mut self, node: &str, answer: &Answer) {
        if matches!(answer, Err(HostError::Unavailable(_))) {
            self.end_learning(node);
        }
    }

    fn end_promotion(&mut self, node: &str, answer: &Answer) {
        if answer.is_ok() {
            self.end_learning(node);
        }
    }

    fn end_learning(&mut self, node: &str) {
        if self.membership_is(node, &MembershipState::Learner)
            && let Some(known) = self.nodes.get_mut(node)
        {
            known.membership = MembershipState::Member;
        }
    }
}

impl LocalNode {
    /// Lets a node that was added find nothing of its life before, and start as one that joins.
    ///
    /// # Errors
    /// When what its life before has left cannot be removed.
    pub(super) fn begin_anew(&mut self) -> Result<(), HostError> {
        let MembershipState::Anew(Added { left, learns }) = &self.membership else { return Ok(()) };
        let removed = match &mut self.disk {
            Some(own) if own.disk.is_at(left) => own.disk.renew(),
            _ => std::fs::remove_dir_all(left),
        };
        match removed {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                let what = format!("cannot remove {}: {error}", left.display());
                return Err(HostError::Failed(what));
            }
            _ => {}
        }
        self.membership = match learns {
            true => MembershipState::Learner,
            false => MembershipState::Member,
        };
        if let Some(anew) = &self.spec.anew_argv {
            self.spec.later_argv = None;
            self.spec.argv = anew.clone();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::sync::Mutex;
    use std::sync::mpsc::{Receiver, channel};

    use faults::host::{Administrator, NodeState};

    use super::super::clock::OwnClock;
    use super::super::node_process::NodeSpec;
    use super::*;

    /// A service that answers when the test lets it.
    struct Slow(Mutex<Receiver<Result<(), HostError>>>);

    impl Slow {
        fn wait(&self) -> Result<(), HostError> {
            let answers = self.0.lock().expect("nothing panicked");
            answers.recv().expect("the test says what is answered")
        }
    }

    impl Administrator for Slow {
        fn transfer(&self, _: &str) -> Result<(), HostError> {
            self.wait()
        }

        fn remove(&self, _: &str) -> Result<Option<MembersAround>, HostError> {
            self.wait().map(|()| None)
        }

        fn add(&self, name: &str) -> Result<Added, HostError> {
            let learns = name == "n2";
            self.wait().map(|()| Added { left: "/nowhere/at-all".into(), learns })
        }

        fn demote(&self, _: &str) -> Result<Option<MembersAround>, HostError> {
            self.wait().map(|()| None)
        }

        fn promote(&self, _: &str) -> Result<Option<MembersAround>, HostError> {
            self.wait().map(|()| Some(MembersAround { before: "n1".into(), after: "n1 n2".into() }))
        }
    }

    /// A host of n1 and n2, neither of which runs.
    fn host(anew: Option<Vec<std::ffi::OsString>>) -> LocalHost {
        let mut host = LocalHost::new(None, Arc::new(|_: &str, _| {})).expect("threads start");
        for name in ["n1", "n2"] {
            host.add_node(NodeSpec {
                name: name.to_owned(),
                argv: ["sleep", "100"].map(Into::into).into(),
                later_argv: Some(["sleep", "200"].map(Into::into).into()),
                anew_argv: anew.clone(),
                env: [].into(),
                cwd: "/".into(),
                log_path: "/dev/null".into(),
                own_clock: OwnClock::No,
            });
        }
        host
    }

    #[test]
    fn one_that_joins_as_a_learner_or_is_demoted_is_no_voter_until_it_is_promoted() {
        let (say, answers) = channel();
        let mut host = host(Some(["sleep", "300"].map(Into::into).into()));
        host.set_no_member("n2");
        let mut host = host.with_administrator(Box::new(Slow(Mutex::new(answers))));
        let node = BTreeSet::from(["n2".to_owned()]);
        let unavailable = |why: &str| HostError::Unavailable(why.to_owned());

        // It was no member at first, joins, and starts as one that never stored anything.
        say.send(Ok(())).expect("it waits");
        assert!(host.start(&node)["n2"].is_ok());
        assert!(host.former_members().is_empty() && host.learners() == node);
        assert_eq!(host.nodes["n2"].spec.argv, ["sleep", "300"]);
        let demote = |name: &str| Request::Demote(name.to_owned());
        assert_eq!(host.ask(&demote("n1")), Err(unavailable("n2 does not vote at the moment")));
        host.let_changes_overlap();
        say.send(Err(unavailable("nobody leads"))).expect("it waits");
        assert_eq!(host.ask(&demote("n1")), Err(unavailable("nobody leads")), "it was asked");
        host.changes_overlap = false;
        say.send(Err(HostError::Failed("no answer".into()))).expect("it waits");
        assert!(host.bring_back(&node), "it is not promoted yet");
        say.send(Ok(())).expect("it waits");
        assert!(!host.bring_back(&node) && host.learners().is_empty());
        let around = host.members_around(&Request::Promote("n2".into())).expect("they are told");
        assert_eq!((&*around.before, &*around.after), ("n1", "n1 n2"));

        // A demotion that is refused changes nothing; one that may have been done is undone.
        say.send(Err(unavailable("nobody leads"))).expect("it waits");
        assert_eq!(host.ask(&demote("n2")), Err(unavailable("nobody leads")));
        assert!(host.learners().is_empty());
        say.send(Err(HostError::Failed("no answer".into()))).expect("it waits");
        assert!(host.ask(&demote("n2")).is_err());
        assert_eq!(host.learners(), node);
        assert_eq!(host.ask(&demote("n2")), Err(unavailable("n2 does not vote at the moment")));
        assert_eq!(host.answer(&demote("n2")), Err(HostError::Failed("no answer".into())));
        say.send(Ok(())).expect("it waits");
        assert!(!host.bring_back(&node) && host.learners().is_empty());

        // In the end it is asked for once more, as is no other.
        host.doubt_members();
        assert_eq!(host.learners(), node);
        say.send(Ok(())).expect("it waits");
        assert!(!host.bring_back(&node) && host.learners().is_empty());
    }

    #[test]
    fn members_leave_and_join_while_nothing_waits_for_the_service() {
        let (say, answers) = channel();
        let mut host = host(None);
        let node = BTreeSet::from(["n1".to_owned()]);
        host.start(&node)["n1"].clone().expect("sleep is everywhere");
        let mut host = host.with_administrator(Box::new(Slow(Mutex::new(answers))));
        host.set_patience(Some(Duration::ZERO));
        let wait = |host: &mut LocalHost, request: &Request| {
            for _ in 0..1000 {
                match host.answer(request) {
                    Ok(None) => std::thread::sleep(Duration::from_millis(5)),
                    answer => return answer.map(|took| took.is_some()),
                }
            }
            panic!("no answer to {request}");
        };
        let is_out = |host: &LocalHost| host.former_members().contains("n1");
        let unavailable = |why: &str| HostError::Unavailable(why.to_owned());
        let remove = Request::Remove("n1".to_owned());

        // The service refuses: it stays a member.
        assert_eq!(host.ask(&remove), Ok(None));
        assert!(is_out(&host), "other faults leave it alone");
        let other = Request::Remove("n2".to_owned());
        assert_eq!(host.ask(&other), Err(unavailable("n1 is no member at the moment")));
        say.send(Err(unavailable("not all the others serve"))).expect("it waits");
        assert_eq!(wait(&mut host, &remove), Err(unavailable("not all the others serve")));
        assert!(!is_out(&host) && host.state("n1") == NodeState::Running);

        // It is removed, refused to join, and joins in the end, as a process of its later lives.
        assert_eq!(host.ask(&remove), Ok(None));
        let pid = host.pid("n1").expect("it runs");
        assert_eq!(host.start(&node)["n1"], Ok(pid), "it is not known to be removed yet");
        say.send(Ok(())).expect("it waits");
        assert_eq!(wait(&mut host, &remove), Ok(true));
        assert_eq!(host.state("n1"), NodeState::Stopped);
        assert_eq!(host.start(&node)["n1"], Err(unavailable("it is being added")));
        say.send(Err(unavailable("no leader"))).expect("it waits");
        let add = Request::Add("n1".to_owned());
        assert_eq!(wait(&mut host, &add), Err(unavailable("no leader")));
        assert_eq!(host.start(&node)["n1"], Err(unavailable("it is being added")), "once more");
        say.send(Ok(())).expect("it waits");
        assert_eq!(wait(&mut host, &add), Ok(true));
        assert!(is_out(&host));
        assert_ne!(host.start(&node)["n1"].clone().expect("it is a member"), pid);
        assert!(!is_out(&host) && host.state("n1") == NodeState::Running);

        // Whoever waits for the service gets its answer in time.
        host.set_patience(None);
        say.send(Ok(())).expect("it waits");
        assert!(matches!(host.ask(&remove), Ok(Some(_))));
        assert_eq!(host.state("n1"), NodeState::Stopped);
        say.send(Ok(())).expect("it waits");
        assert!(host.start(&node)["n1"].is_ok());
    }
}
