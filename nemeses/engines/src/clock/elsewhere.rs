//! Architectures for which there is no code yet: nodes start as usual, and clock faults say why
//! they are not done.

use std::convert::Infallible;
use std::io;

use super::own_clock::OwnClock;
use faults::fault::ClockCondition;
use faults::host::{ClockSeen, HostError};

/// One process that is about to be started.
#[derive(Debug)]
pub(crate) struct Launch;

impl Launch {
    /// Prepares to start a process; none when it keeps the machine's clocks.
    pub(crate) fn prepare(own_clock: OwnClock) -> io::Result<Option<Self>> {
        Ok((own_clock != OwnClock::No).then_some(Self))
    }

    /// Does nothing.
    pub(crate) fn in_child(&self) -> io::Result<()> {
        Ok(())
    }

    /// Says why there is no clock.
    pub(crate) fn in_parent(
        &self,
        _pid: u32,
        _condition: &ClockCondition,
    ) -> io::Result<Result<NodeClock, String>> {
        let here = std::env::consts::ARCH;
        Ok(Err(format!("clocks are patched on x86_64 only, this is {here}")))
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
