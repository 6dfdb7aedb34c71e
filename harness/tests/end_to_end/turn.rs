//! The turns of clusters: as many at once as a machine carries without one starving another.

use std::num::NonZero;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

/// The places that are taken, and who waits for some: first come, first served.
struct Line {
    taken: usize,
    /// The number that the next one gets who comes.
    last: usize,
    /// The number of the one who is next.
    first: usize,
}

static LINE: Mutex<Line> = Mutex::new(Line { taken: 0, last: 0, first: 0 });
static MOVED: Condvar = Condvar::new();

fn line() -> MutexGuard<'static, Line> {
    LINE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The places of this machine: a cluster under test leaves a processor idle most of the time.
fn all_places() -> usize {
    2 * thread::available_parallelism().map_or(1, NonZero::get) + 1
}

/// The places of one cluster, which others get when this is dropped.
pub struct Turn(usize);

impl Drop for Turn {
    fn drop(&mut self) {
        line().taken -= self.0;
        MOVED.notify_all();
    }
}

/// Waits for a place beside other clusters.
pub fn turn() -> Turn {
    wait_for(1)
}

/// Waits for nearly half of the machine: for what needs much of it, or measures short times.
pub fn wide_turn() -> Turn {
    wait_for(all_places() / 2)
}

fn wait_for(places: usize) -> Turn {
    let mut waiting = line();
    let number = waiting.last;
    waiting.last += 1;
    let must_wait = |line: &mut Line| line.first < number || line.taken + places > all_places();
    let mut line = MOVED.wait_while(waiting, must_wait).unwrap_or_else(PoisonError::into_inner);
    line.first += 1;
    line.taken += places;
    MOVED.notify_all();
    Turn(places)
}

/// Does the same with each of these, each in a turn of its own.
pub fn by_turns<T: Sync>(all: &[T], one: impl Fn(&T) + Sync) {
    thread::scope(|scope| {
        for it in all {
            let one = &one;
            scope.spawn(move || {
                let _turn = turn();
                one(it);
            });
        }
    });
}
