//! The same work for each of many things, on several threads.

use std::collections::VecDeque;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, mpsc};

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

/// Does `work` for every item that `next` gives, on several threads beside the caller's, and has the
/// caller's `take` the results in the order of the items. Only a few items are under way at a time.
///
/// # Errors
/// The first of `take`; nothing is taken after it.
pub(crate) fn in_order<T: Send, R: Send, E>(
    threads: NonZeroUsize,
    mut next: impl FnMut() -> Option<T>,
    work: impl Fn(T) -> R + Sync,
    mut take: impl FnMut(R) -> Result<(), E>,
) -> Result<(), E> {
    let threads = threads.get();
    if threads == 1 {
        while let Some(item) = next() {
            take(work(item))?;
        }
        return Ok(());
    }
    let work = &work;
    std::thread::scope(|scope| {
        // Each worker gets every so-many-th item. At a time there is one item more than workers:
        // while the result of one is taken, all have something to do.
        let mut workers = Vec::new();
        for _ in 0..threads {
            let (give, given) = mpsc::channel::<T>();
            let (tell, told) = mpsc::channel::<R>();
            scope.spawn(move || {
                // Who met an error wants nothing more.
                given.iter().map(work).try_for_each(|result| tell.send(result)).ok()
            });
            workers.push((give, told));
        }
        let mut under_way = VecDeque::new();
        let result = |worker: usize| workers[worker].1.recv().expect("the worker does its work");
        for worker in (0..threads).cycle() {
            let Some(item) = next() else { break };
            workers[worker].0.send(item).expect("the worker waits for it");
            under_way.push_back(worker);
            if under_way.len() > threads
                && let Some(worker) = under_way.pop_front()
            {
                take(result(worker))?;
            }
        }
        under_way.into_iter().try_for_each(|worker| take(result(worker)))
    })
}
