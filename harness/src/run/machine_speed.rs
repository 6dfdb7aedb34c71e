//! The speed of this machine, by the time that a fixed piece of work takes: what runs on machines of
//! different speed, or beside other work, have in common is told apart from what the service does.

use std::hint::black_box;
use std::time::Instant;

/// Some milliseconds on a machine that has nothing else to do: dependent multiplications.
const STEPS: u64 = 2_000_000;

/// The milliseconds that it takes now, to the microsecond. Time that others took of the processor
/// counts as well: it is taken from the nodes too.
pub fn work_ms() -> f64 {
    let begin = Instant::now();
    // SplitMix64 (Steele, Lea and Flood, 2014): each step needs the one before.
    let mut state = 0_u64;
    for _ in 0..STEPS {
        state = black_box(state.wrapping_add(0x9e37_79b9_7f4a_7c15));
        state = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    }
    black_box(state);
    (begin.elapsed().as_secs_f64() * 1e6).round() / 1e3
}
