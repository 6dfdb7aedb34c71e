//! The same work at once in several places.

use std::io;

/// Does the same to each item at once, on a thread each, and returns what came of it in order.
pub(super) fn in_parallel<I: Send, T: Send>(
    items: impl Iterator<Item = I>,
    action: impl Fn(I) -> io::Result<T> + Sync,
) -> io::Result<Vec<T>> {
    let action = &action;
    std::thread::scope(|scope| {
        let threads: Vec<_> = items.map(|item| scope.spawn(move || action(item))).collect();
        let results = threads
            .into_iter()
            .map(|thread| thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        // All are joined before the first error is returned.
        results.collect::<Vec<_>>().into_iter().collect()
    })
}
