//! The commands that each node applied, for the audit of idempotency.

use results::applied_log::AppliedLogWriter;

use super::BoxFuture;

/// Asks nodes what their state machines did with the commands of their logs. Asked when a run is
/// over and nothing is in flight.
pub trait Auditor: Send + Sync {
    /// Writes to `log` everything that the node at that position applied in the life of its present
    /// process, as far as it still knows.
    ///
    /// # Errors
    /// When it does not tell, or what it tells cannot be written.
    fn applied<'a>(
        &'a self,
        node: usize,
        log: &'a mut AppliedLogWriter,
    ) -> BoxFuture<'a, anyhow::Result<()>>;
}
