//! Architectures for which there is no code yet: clock faults say why they are not done.

use std::convert::Infallible;
use std::io;

use nix::errno::Errno;
use nix::unistd::Pid;

use crate::supervision::{Listener, Question};
use faults::fault::ClockCondition;
use faults::host::{ClockSeen, HostError};

/// Lets nothing happen.
pub(crate) fn trace_me() -> Result<(), Errno> {
    Ok(())
}

/// Says why there are no clocks.
pub(crate) fn give_clocks(
    _pid: Pid,
    _condition: &ClockCondition,
) -> io::Result<Result<NodeClock, String>> {
    let here = std::env::consts::ARCH;
    Ok(Err(format!("clocks are patched on x86_64 only, this is {here}")))
}

/// There are none.
#[derive(Debug)]
pub(crate) struct Deadlines(Infallible);

impl Deadlines {
    /// Cannot be called.
    pub(crate) fn new(_pid: i32, clock: NodeClock) -> Self {
        match clock.0 {}
    }

    /// Cannot be called.
    pub(crate) fn correct(&mut self, _question: &Question, _listener: &Listener) {
        match self.0 {}
    }
}

/// There is none.
#[derive(Debug, Clone)]
pub(crate) struct NodeClock(Infallible);

impl NodeClock {
    /// Cannot be called.
    pub(crate) fn set(&self, _condition: &ClockCondition) -> Result<ClockSeen, HostError> {
        match self.0 {}
    }

    /// Cannot be called.
    pub(crate) fn read(&self) -> Result<ClockSeen, HostError> {
        match self.0 {}
    }
}
