//! The turns of clusters: as many at once as a machine carries without one starving another.

use std::num::NonZero;
use std::sync::{Condvar, Mutex, PoisonError};
use std::thread;

/// The places that are taken, and the clusters that wait for all of them.
#[derive(Default)]
struct Taken {
    places: usize,
    wait_for_all: usize,
}

static TAKEN: Mutex<Taken> = Mutex::new(Taken { places: 0, wait_for_all: 0 });
static FREED: Condvar = Condvar::new();

/// The places of this machine: a cluster under test leaves a processor idle most of the time.
fn places() -> usize {
    thread::available_parallelism().map_or(1, NonZero::get) + 1
}

/// The places of one cluster, which others get when this is dropped.
pub struct Turn(usize);

impl Drop for Turn {
    fn drop(&mut self) {
        TAKEN.lock().unwrap_or_else(PoisonError::into_inner).places -= self.0;
        FREED.notify_all();
    }
}

/// Waits for a place beside other clusters.
pub fn turn() -> Turn {
    let taken = TAKEN.lock().unwrap_or_else(PoisonError::into_inner);
    let is_full = |taken: &mut Taken| taken.places >= places() || taken.wait_for_all > 0;
    let mut taken = FREED.wait_while(taken, is_full).unwrap_or_else(PoisonError::into_inner);
    taken.places += 1;
    Turn(1)
}

/// Waits for the whole machine: for what measures short times, or asks that something be done soon.
pub fn alone() -> Turn {
    let mut taken = TAKEN.lock().unwrap_or_else(PoisonError::into_inner);
    taken.wait_for_all += 1;
    let is_used = |taken: &mut Taken| taken.places > 0;
    let mut taken = FREED.wait_while(taken, is_used).unwrap_or_else(PoisonError::into_inner);
    taken.wait_for_all -= 1;
    taken.places = places();
    Turn(places())
}

/// Does the same with each of these, two at once, each in a turn of its own.
pub fn by_turns<T: Sync>(all: &[T], one: impl Fn(&T) + Sync) {
    let (left, right) = all.split_at(all.len() / 2);
    let some = |some: &[T]| {
        for it in some {
            let _turn = turn();
            one(it);
        }
    };
    thread::scope(|scope| {
        scope.spawn(|| some(left));
        some(right);
    });
}
