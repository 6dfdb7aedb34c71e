//! Randomness by name instead of by order: each question has a number that nothing else changes.
//!
//! A stream of random numbers gives every later question another answer as soon as one is left out.
//! Here the n-th question about a subject gets the same answer, no matter what was asked of others, so
//! that a fault can be taken out of a simulation, or a message more be sent, and the rest stays
//! about as it was. That is what makes shrinking possible.

use std::ops::Range;
use std::time::Duration;

/// The subject of a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Purpose {
    /// The time that a message takes.
    Latency = 1,
    /// The loss of a message.
    Loss,
    /// A second copy of a message.
    Repeat,
    /// A message that comes long after its time.
    Late,
    /// The time that a late message, or the copy of one, takes more.
    Lateness,
    /// The time that a request of a client or its answer takes.
    ClientLatency,
    /// The loss of a request of a client or of its answer.
    ClientLoss,
    /// The time that a barrier takes.
    Barrier,
    /// A barrier that takes long.
    Stall,
    /// The time that such a barrier takes more.
    StallTime,
    /// A fault that follows a situation.
    Trigger,
    /// The sectors that survive a power failure.
    Sector,
    /// The time that a turn of the loop waits.
    Turn,
    /// The time until the next step of a node that has more to apply.
    Apply,
    /// A fault of the schedule.
    Schedule,
    /// The bit that is damaged.
    Damage,
    /// The time that a step of writing a snapshot takes.
    Save,
}

/// Answers by seed, purpose, subject and number.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Dice {
    seed: u64,
}

impl Dice {
    /// The dice of a seed.
    pub(crate) fn new(seed: u64) -> Dice {
        Dice { seed: mix(seed ^ 0x5717_6d12_0f5e_ed01) }
    }

    /// A word of random bits: the output function of SplitMix64, twice.
    pub(crate) fn word(&self, purpose: Purpose, subject: usize, number: u64) -> u64 {
        let place = (purpose as u64) << 56 | (subject as u64) << 40;
        mix(mix(self.seed ^ place).wrapping_add(number.wrapping_mul(0x9e37_79b9_7f4a_7c15)))
    }

    /// True with that probability.
    pub(crate) fn hits(&self, chance: f64, purpose: Purpose, subject: usize, number: u64) -> bool {
        chance > 0.0 && unit(self.word(purpose, subject, number)) < chance
    }

    /// A time in the range.
    pub(crate) fn time(
        &self,
        range: &Range<Duration>,
        purpose: Purpose,
        subject: usize,
        number: u64,
    ) -> Duration {
        let spread = range.end.saturating_sub(range.start).as_nanos() as u64;
        if spread == 0 {
            return range.start;
        }
        let product = u128::from(self.word(purpose, subject, number)) * u128::from(spread);
        range.start + Duration::from_nanos((product >> 64) as u64)
    }
}

/// A number from 0 to 1.
fn unit(word: u64) -> f64 {
    (word >> 11) as f64 / (1_u64 << 53) as f64
}

fn mix(mut word: u64) -> u64 {
    word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ (word >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_questions_share_an_answer_and_shares_are_as_asked() {
        let dice = Dice::new(7);
        let mut words: Vec<u64> = (0..1_000)
            .flat_map(|number| {
                let word = move |purpose, subject| dice.word(purpose, subject, number);
                [word(Purpose::Loss, 0), word(Purpose::Loss, 1), word(Purpose::Late, 0)]
            })
            .collect();
        words.sort_unstable();
        words.dedup();
        assert_eq!(words.len(), 3_000);
        let hits = (0..10_000).filter(|number| dice.hits(0.1, Purpose::Loss, 3, *number)).count();
        assert!((900..1_100).contains(&hits), "{hits}");
        let range = Duration::from_millis(2)..Duration::from_millis(5);
        let times: Vec<_> =
            (0..1_000).map(|number| dice.time(&range, Purpose::Latency, 0, number)).collect();
        assert!(times.iter().all(|time| range.contains(time)));
        assert!(times.iter().any(|time| *time > Duration::from_micros(4_900)));
    }
}
