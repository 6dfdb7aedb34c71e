//! A question to the service, which is asked on a thread of its own: an answer may take seconds, and
//! the next fault must not wait for it.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use faults::host::{Administrator, HostError, Request};

/// The administrator of the service, if it has one.
pub(crate) fn asked(
    administrator: &Option<Arc<dyn Administrator>>,
) -> Result<&Arc<dyn Administrator>, HostError> {
    let missing = || HostError::Unavailable("this target cannot be asked to".to_owned());
    administrator.as_ref().ok_or_else(missing)
}

/// A request to the service, and its answer once it has come.
pub(crate) struct PendingRequest {
    incoming: Receiver<Result<Duration, HostError>>,
    answer: Option<Result<Duration, HostError>>,
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
                Request::Transfer(to) => administrator.transfer(to),
                Request::Maintain(node, work) => administrator.maintain(node, *work),
            };
            // Nobody waits for it any more when the run is over.
            let _ = say.send(done.map(|()| start.elapsed()));
        };
        let thread = std::thread::Builder::new().name("request".to_owned());
        thread.spawn(ask).map_err(|error| HostError::Failed(error.to_string()))?;
        Ok(Self { incoming, answer: None })
    }

    /// The answer, if it has come.
    pub(crate) fn answer(&mut self) -> Option<Result<Duration, HostError>> {
        self.wait_until(Instant::now())
    }

    /// The answer, if it comes by then.
    pub(crate) fn wait_until(&mut self, end: Instant) -> Option<Result<Duration, HostError>> {
        if self.answer.is_none() {
            let left = end.saturating_duration_since(Instant::now());
            self.answer = self.incoming.recv_timeout(left).ok();
        }
        self.answer.clone()
    }
}
