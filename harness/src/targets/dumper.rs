//! The contents of each member, for the divergence check.

use checker::oracle::divergence::Contents;

use super::BoxFuture;

/// Asks members for all that they hold, each for its own, however stale. Asked when a run is over
/// and nothing is in flight.
pub trait Dumper: Send + Sync {
    /// Everything that the member at that position holds, with how far it has applied the log.
    ///
    /// # Errors
    /// When it does not tell.
    fn contents(&self, node: usize) -> BoxFuture<'_, anyhow::Result<Contents>>;
}
