//! The same work for each of many things, on several threads.

use std::num::NonZeroUsize;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Does `work` for every item, and returns the results in the order of the items. The threads take
/// the items in that order, each as it becomes free.
pub(crate) fn map<T: Sync, R: Send>(
    items: &[T],
    threads: NonZeroUsize,
    work: impl Fn(&T) -> R + Sync,
) -> Vec<R> {
    let next = AtomicUsize::new(0);
    let results = Mutex::new(Vec::from_iter(items.iter().map(|_| None)));
    let run = || {
        while let place = next.fetch_add(1, Ordering::Relaxed)
            && let Some(item) = items.get(place)
        {
            let result = work(item);
            results.lock().expect("no thread panicked")[place] = Some(result);
        }
    };
    std::thread::scope(|scope| {
        for _ in 1..threads.get().min(items.len()) {
            scope.spawn(run);
        }
        run();
    });
    let results = results.into_inner().expect("no thread panicked");
    results.into_iter().map(|result| result.expect("all work was done")).collect()
}
