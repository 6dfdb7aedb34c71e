//! The faults of each packet on a link with a condition: decided here from the condition, a stream
//! of random numbers and the time, and done by the carrier.

use std::ops::Range;
use std::time::{Duration, Instant};

use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};

use faults::fault::LinkCondition;

/// A packet that is to be overtaken waits so much longer: long enough for those behind it on a
/// busy link, short beside a heartbeat.
pub(crate) const REORDER_HOLD: Duration = Duration::from_millis(5);
/// A narrow link has room for what it carries in so long; what comes then is lost, as in a router.
/// Longer queues would be delays that the plan did not ask for.
const RATE_QUEUE: Duration = Duration::from_secs(1);

/// Decides for one link.
#[derive(Debug)]
pub(super) struct Shaper {
    condition: LinkCondition,
    random: ChaCha8Rng,
    /// When a narrow link has sent all that it was given.
    free_at: Option<Instant>,
    /// When the last packet that keeps its place goes out.
    last_due: Option<Instant>,
}

impl Shaper {
    /// For the link of this number, whose packets meet the same chances in every run.
    pub(super) fn new(number: usize) -> Self {
        Self {
            condition: LinkCondition::default(),
            random: ChaCha8Rng::seed_from_u64(number as u64),
            free_at: None,
            last_due: None,
        }
    }

    /// Sets the condition from the next packet on, at `now`. Packets on their way go out as
    /// [`Shaper::hurried`] says, and new ones keep their places behind them.
    pub(super) fn set(&mut self, condition: LinkCondition, now: Instant) {
        self.condition = condition;
        if condition.rate_kbit.is_none() {
            self.free_at = None;
        }
        self.last_due = self.last_due.map(|due| self.hurried(now, due));
    }

    /// When a packet goes out that came at `came` and was due at `due` when conditions changed: no
    /// later than if it came now, so that at once nothing is left of a longer delay that is over. A
    /// narrow link has its queue to send first.
    pub(super) fn hurried(&self, came: Instant, due: Instant) -> Instant {
        match self.condition.rate_kbit {
            Some(_) => due,
            None => {
                due.min(came + milliseconds(self.condition.delay_ms + self.condition.jitter_ms))
            }
        }
    }

    pub(super) fn is_neutral(&self) -> bool {
        self.condition.is_neutral()
    }

    /// Returns whether faults differ by packet. A mere delay is the same for all packets that a
    /// frame stands for.
    pub(super) fn tells_packets_apart(&self) -> bool {
        let delayed = LinkCondition {
            delay_ms: self.condition.delay_ms,
            jitter_ms: self.condition.jitter_ms,
            ..LinkCondition::default()
        };
        self.condition != delayed
    }

    /// Decides whether the next packet is lost.
    pub(super) fn loses(&mut self) -> bool {
        self.happens(self.condition.loss_percent)
    }

    /// Decides whether it arrives twice.
    pub(super) fn duplicates(&mut self) -> bool {
        self.happens(self.condition.duplicate_percent)
    }

    /// Decides whether a bit of it is flipped.
    pub(super) fn corrupts(&mut self) -> bool {
        self.happens(self.condition.corrupt_percent)
    }

    /// One number of a range that is not empty.
    pub(super) fn pick(&mut self, range: Range<usize>) -> usize {
        self.random.random_range(range)
    }

    /// When a packet goes out that came at `now` and takes `bytes` on a wire. None when the link is
    /// full.
    pub(super) fn due(&mut self, now: Instant, bytes: usize) -> Option<Instant> {
        let sent = match self.condition.rate_kbit {
            None => now,
            Some(kilobits) => {
                let free_at = self.free_at.map_or(now, |free_at| free_at.max(now));
                if free_at - now > RATE_QUEUE {
                    return None;
                }
                let sent = free_at + time_of(bytes, kilobits);
                self.free_at = Some(sent);
                sent
            }
        };
        let jitter = self.condition.jitter_ms * self.random.random::<f64>();
        let due = sent + milliseconds(self.condition.delay_ms + jitter);
        let due = self.last_due.map_or(due, |last| last.max(due));
        if self.happens(self.condition.reorder_percent) {
            return Some(due + REORDER_HOLD);
        }
        self.last_due = Some(due);
        Some(due)
    }

    fn happens(&mut self, percent: f64) -> bool {
        percent > 0.0 && self.random.random::<f64>() * 100.0 < percent
    }
}

/// The time that a link of so many kilobits a second takes for so many bytes.
fn time_of(bytes: usize, kilobits: u64) -> Duration {
    // A link of no rate at all would never be free again; that is what a cut is for.
    Duration::from_secs_f64(bytes as f64 * 8.0 / (kilobits.max(1) as f64 * 1e3))
}

fn milliseconds(milliseconds: f64) -> Duration {
    Duration::try_from_secs_f64(milliseconds / 1e3).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PACKETS: usize = 10_000;

    fn shaper(condition: LinkCondition) -> Shaper {
        let mut shaper = Shaper::new(1);
        shaper.set(condition, Instant::now());
        shaper
    }

    #[test]
    fn a_delay_is_kept_and_jitter_only_adds_and_keeps_the_order() {
        let mut shaper =
            shaper(LinkCondition { delay_ms: 10.0, jitter_ms: 5.0, ..Default::default() });
        assert!(!shaper.tells_packets_apart());
        let start = Instant::now();
        let mut last = start;
        let (mut least, mut most) = (Duration::MAX, Duration::ZERO);
        for index in 0..PACKETS {
            let now = start + Duration::from_millis(20) * index as u32;
            let due = shaper.due(now, 100).expect("it has room");
            assert!(due >= last, "packet {index} overtakes");
            last = due;
            (least, most) = (least.min(due - now), most.max(due - now));
        }
        let bounds = Duration::from_millis(10)..=Duration::from_millis(15);
        assert!(bounds.contains(&least) && bounds.contains(&most), "{least:?} to {most:?}");
        assert!(most - least > Duration::from_millis(4), "it varies: {least:?} to {most:?}");
    }

    #[test]
    fn a_rate_is_never_exceeded_and_its_queue_is_bounded() {
        let mut shaper = shaper(LinkCondition { rate_kbit: Some(8), ..Default::default() });
        let now = Instant::now();
        // 8 kbit/s are 1,000 bytes a second: the second packet waits for the first, and so on.
        let due: Vec<_> = (0..12).map_while(|_| shaper.due(now, 100)).collect();
        let expected: Vec<_> = (1..=11).map(|tenths| Duration::from_millis(100 * tenths)).collect();
        assert_eq!(due.iter().map(|due| *due - now).collect::<Vec<_>>(), expected);
        let later = now + Duration::from_secs(5);
        let due = shaper.due(later, 100).expect("it has room again");
        assert_eq!(due - later, Duration::from_millis(100), "it saves no time up");
    }

    #[test]
    fn chances_are_those_asked_for() {
        let mut shaper = shaper(LinkCondition {
            loss_percent: 10.0,
            duplicate_percent: 1.0,
            corrupt_percent: 50.0,
            ..Default::default()
        });
        assert!(shaper.tells_packets_apart());
        let mut share = |what: fn(&mut Shaper) -> bool| {
            let count = (0..PACKETS).filter(|_| what(&mut shaper)).count();
            count as f64 * 100.0 / PACKETS as f64
        };
        // The stream is fixed, so these hold always or never.
        assert!((share(Shaper::loses) - 10.0).abs() < 1.0);
        assert!((share(Shaper::duplicates) - 1.0).abs() < 0.5);
        assert!((share(Shaper::corrupts) - 50.0).abs() < 2.0);
        assert!(!(0..PACKETS).any(|_| Shaper::new(1).loses()));
    }

    #[test]
    fn a_reordered_packet_goes_out_after_the_one_behind_it() {
        let mut shaper =
            shaper(LinkCondition { reorder_percent: 30.0, delay_ms: 1.0, ..Default::default() });
        let start = Instant::now();
        let times: Vec<_> = (0..100).filter_map(|_| shaper.due(start, 100)).collect();
        assert_eq!(times.len(), 100);
        let overtaken = times.windows(2).filter(|pair| pair[0] > pair[1]).count();
        assert!(overtaken > 10, "{overtaken}");
        assert!(times.iter().all(|due| *due - start >= Duration::from_millis(1)));
    }

    #[test]
    fn a_delay_that_shrinks_leaves_nothing_behind_and_lets_nobody_overtake() {
        let mut shaper = shaper(LinkCondition { delay_ms: 100.0, ..Default::default() });
        let start = Instant::now();
        let first = shaper.due(start, 100).expect("it has room");
        let now = start + Duration::from_millis(3);
        shaper.set(LinkCondition { delay_ms: 10.0, ..Default::default() }, now);
        let first = shaper.hurried(start, first);
        assert_eq!(first, start + Duration::from_millis(10));
        let second = shaper.due(now, 100).expect("it has room");
        assert_eq!(second, now + Duration::from_millis(10));
        shaper.set(LinkCondition::default(), now);
        assert!(shaper.hurried(start, first) <= now && shaper.hurried(now, second) <= now);
    }
}
