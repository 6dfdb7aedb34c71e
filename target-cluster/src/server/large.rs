//! Work that grows with what clients send or ask for.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::spawn_blocking;

/// The size, in bytes of JSON, above which work is not done in the midst of other requests: less takes
/// about a millisecond.
pub(super) const LARGE: usize = 64 * 1024;

/// The most bytes that large answers take together, from their encoding until they are read, estimated.
const ANSWERS_MAX: usize = 512 * 1024 * 1024;

/// The bytes of one permit.
const UNIT: usize = 1024;

/// The memory for large answers.
#[derive(Debug, Clone)]
pub(super) struct LargeAnswers(Arc<Semaphore>);

/// Memory that an answer takes, until this is dropped.
#[derive(Debug, Clone)]
pub(super) struct Reserved {
    _permit: Arc<OwnedSemaphorePermit>,
}

impl LargeAnswers {
    /// All of it is free.
    pub(super) fn new() -> LargeAnswers {
        LargeAnswers(Arc::new(Semaphore::new(ANSWERS_MAX / UNIT)))
    }

    /// Reserves memory for an answer of about so many bytes, unless others take it. One that is larger
    /// than all of it gets it when there are no others.
    pub(super) fn reserve(&self, bytes: usize) -> Option<Reserved> {
        let units = bytes.min(ANSWERS_MAX).div_ceil(UNIT);
        let units = u32::try_from(units).expect("there are fewer units than that");
        let permit = Arc::clone(&self.0).try_acquire_many_owned(units).ok()?;
        Some(Reserved { _permit: Arc::new(permit) })
    }
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_beyond_the_memory_for_them_have_to_wait() {
        let memory = LargeAnswers::new();
        let third = memory.reserve(ANSWERS_MAX / 3).expect("there is room");
        assert!(memory.reserve(ANSWERS_MAX).is_none());
        let _other = memory.reserve(ANSWERS_MAX / 2).expect("there is room");
        assert!(memory.reserve(ANSWERS_MAX / 3).is_none());
        drop(third);
        assert!(memory.reserve(ANSWERS_MAX / 3).is_some());
        assert!(LargeAnswers::new().reserve(usize::MAX).is_some(), "even the largest is read");
    }
}
