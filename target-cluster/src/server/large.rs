//! Work that grows with what clients send or ask for.

use tokio::task::spawn_blocking;

/// The size, in bytes of JSON, above which work is not done in the midst of other requests: less takes
/// about a millisecond.
pub(super) const LARGE: usize = 64 * 1024;

/// Does the work, elsewhere if it is large: meanwhile other requests are served.
///
/// # Panics
/// If the work panics, or the runtime is shutting down.
pub(super) async fn elsewhere_if<T: Send + 'static>(
    large: bool,
    work: impl FnOnce() -> T + Send + 'static,
) -> T {
    if large {
        spawn_blocking(work).await.expect("the work neither panics nor is cancelled")
    } else {
        work()
    }
}
