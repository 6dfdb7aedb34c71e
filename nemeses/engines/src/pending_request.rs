//! A question to the service, which is asked on a thread of its own: an answer may take seconds, and
//! the next fault must not wait for it.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use faults::host::{Added, Administrator, HostError, MembersAround, Request};

/// The answer of a service.
pub(crate) type Answer = Result<Done, HostError>;

/// That the service did what it was asked for.
#[derive(Debug, Clone)]
pub(crate) struct Done {
    /// The time that it took.
    pub took: Duration,
    /// The node that was added again, if one was.
    pub added: Option<Added>,
    /// The members before and after a change of them, if the service tells.
    pub members: Option<MembersAround>,
}

/// A request to the service, and its answer once it has come.
pub(crate) struct PendingRequest {
    incoming: Receiver<Answer>,
    answer: Option<Answer>,
}

impl PendingRequest {
    /// Asks. The thread ends with its call, which ends by itself.
    pub(crate) fn begin(
        administrator: Arc<dyn Administrator>,
        request: Request,
    ) -> Result<Self, HostError> {
        let (say, incoming) = channel();
        let ask = move || {
            let start = Instant::now();
            let done = match &request {
                Request::Transfer(to) => administrator.transfer(to).map(|()| (None, None)),
                Request::Maintain(node, work) => {
                    administrator.maintain(node, *work).map(|()| (None, None))
                }
                Request::Remove(node) => administrator.remove(node).map(|it| (None, it)),
                Request::Add(node) => administrator.add(node).map(|it| (Some(it), None)),
                Request::Demote(node) => administrator.demote(node).map(|it| (None, it)),
                Request::Promote(node) => administrator.promote(node).map(|it| (None, it)),
            };
            let took = start.elapsed();
            // Nobody waits for it any more when the run is over.
            let _ = say.send(done.map(|(added, members)| Done { took, added, members }));
        };
        let thread = std::thread::Builder::new().name("request".to_owned());
        thread.spawn(ask).map_err(|error| HostError::Failed(error.to_string()))?;
        Ok(Self { incoming, answer: None })
    }

    /// The answer, if it has come.
    pub(crate) fn answer(&mut self) -> Option<Answer> {
        self.wait_until(Instant::now())
    }

    /// The answer, if it comes by then.
    pub(crate) fn wait_until(&mut self, end: Instant) -> Option<Answer> {
        if self.answer.is_none() {
            let left = end.saturating_duration_since(Instant::now());
            self.answer = self.incoming.recv_timeout(left).ok();
        }
        self.answer.clone()
    }
}
