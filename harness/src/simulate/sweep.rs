//! Many seeds on all cores.

use std::ops::Range;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use cluster::world::{Situations, Violation};

use super::seed_run::{Only, run_seed};
use super::settings::Settings;

/// The outcome of a range of seeds.
#[derive(Debug, Default)]
pub struct Swept {
    /// The number of seeds that ended.
    pub seeds: u64,
    /// The first seed that broke a promise. Every one before it has ended.
    pub failed: Option<(u64, Violation)>,
    /// The seeds that the checker could not judge within its budget.
    pub unknown: u64,
    /// The situations that they reached.
    pub situations: Situations,
    /// The operations that were answered.
    pub answered: u64,
    /// The simulated time that passed.
    pub simulated: Duration,
    /// The real time that passed.
    pub took: Duration,
}

/// Runs seeds until all have ended, one has failed, or `deadline` is over. After each seed
/// `progress` hears how many have ended.
pub fn sweep(
    seeds: Range<u64>,
    settings: &Settings,
    deadline: Option<Duration>,
    progress: &(dyn Fn(u64) + Sync),
) -> Swept {
    let begin = Instant::now();
    let next = AtomicU64::new(seeds.start);
    // No seed behind the first that failed needs to run.
    let end = AtomicU64::new(seeds.end);
    let swept = Mutex::new(Swept::default());
    let work = || {
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            let over = deadline.is_some_and(|deadline| begin.elapsed() >= deadline);
            if seed >= end.load(Ordering::Relaxed) || over {
                return;
            }
            let ended = run_seed(seed, settings, &Only::default(), false);
            let mut swept = swept.lock().expect("no thread panics while it counts");
            swept.seeds += 1;
            swept.unknown += u64::from(ended.unknown);
            swept.answered += ended.answered();
            swept.simulated += ended.time;
            swept.situations.add(&ended.situations);
            if let Some(violation) = ended.violation
                && swept.failed.as_ref().is_none_or(|(first, _)| seed < *first)
            {
                end.fetch_min(seed, Ordering::Relaxed);
                swept.failed = Some((seed, violation));
            }
            progress(swept.seeds);
        }
    };
    let threads = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(work);
        }
    });
    let mut swept = swept.into_inner().expect("no thread panics while it counts");
    swept.took = begin.elapsed();
    swept
}
