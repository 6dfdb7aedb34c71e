//! A question to the service, which is asked on a thread of its own: an answer may take seconds, and
//! the next fault must not wait for it.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use faults::host::{Administrator, HostError, Request};

/// The answer of a service.
pub(crate) type Answer = Result<Done, HostError>;

/// That the service did what it was asked for.
#[derive(Debug, Clone)]
pub(crate) struct Done {
    /// The time that it took.
    pub took: Duration,
    /// The place of the data that a node which was added again left in its life before.
    pub left: Option<PathBuf>,
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
                Request::Transfer(to) => administrator.transfer(to).map(|()| None),
                Request::Maintain(node, work) => administrator.maintain(node, *work).map(|()| None),
                Request::Remove(node) => administrator.remove(node).map(|()| None),
                Request::Add(node) => administrator.add(node).map(Some),
            };
            // Nobody waits for it any more when the run is over.
            let _ = say.send(done.map(|left| Done { took: start.elapsed(), left }));
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
