//! Faults that find more together than alone.

use rand::RngExt;
use rand::rngs::ChaCha8Rng;

use super::draw::{Streams, milliseconds};
use super::{ClusterLimits, MOMENT, between, weighted};
use crate::fault::{
    Aim, Clock, ClockError, Cpu, Direction, Disk, Family, Fault, Kill, Leadership, LinkCondition,
    Packet, Partition, Pause, Power, PowerCut, Rhythm, Shape, Trouble,
};

/// A fault with its place on the timeline.
#[derive(Debug, Clone)]
pub(super) struct Planned {
    /// When it begins, in seconds: of a composition after the composition, on the timeline after the
    /// load.
    pub begins: f64,
    /// For how many seconds it lasts.
    pub lasts: f64,
    /// The seed of what is left open until it fires.
    pub pick: u32,
    /// What happens.
    pub fault: Fault,
}

/// A composition of faults, named after what happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Composition {
    /// fsync is slow everywhere, and then the power fails: what was acknowledged too early is lost.
    PowerFailsInSlowFsync,
    /// Large writes take long, and the leader is killed in the middle of one.
    KilledInSlowWrite,
    /// The leader hears late, hands over and stops: what it takes up when it continues is old.
    SlowLeaderPaused,
    /// The leader is parted from its majority, and its wall clock jumps: a lease measured on it
    /// seems young.
    PartedLeaderOutOfTime,
    /// Nodes are killed while they elect.
    KilledInElection,
    /// Nodes lose power while they elect: a vote that was not durable is given twice.
    PowerFailsInElection,
    /// Power fails in the middle of writes and tears them, and soon after the nodes are back it
    /// fails again: what was written in between must have gone behind what was whole.
    PowerFailsAgain,
    /// Followers elect while fsync is slow, lose their power, and elect again without the one they
    /// elected: a vote that was not durable is given twice.
    ElectionForgotten,
    /// The leader is parted, deposed, and paused before it hears of it.
    FormerLeaderPaused,
    /// A node crashes again and again behind flaky links.
    CrashLoopBehindFlakyLinks,
    /// The leader's disk stalls, and then nobody hears it any more.
    StalledLeaderParted,
    /// The leader hears later and later while its wall clock strobes.
    RampAndStrobe,
    /// Followers have no time to follow, and then nobody leads.
    LeaderKilledAmongSlowFollowers,
    /// Nodes are restarted one after the other over links that lose packets.
    RollingRestartOverLossyLinks,
    /// A disk takes no more writes, and then its node is restarted.
    KilledOnFullDisk,
}

/// How often each is drawn, elections most.
pub(super) const COMPOSITIONS: [(Composition, u32); 15] = [
    (Composition::PowerFailsInSlowFsync, 3),
    (Composition::KilledInSlowWrite, 1),
    (Composition::SlowLeaderPaused, 2),
    (Composition::PartedLeaderOutOfTime, 3),
    (Composition::KilledInElection, 2),
    (Composition::PowerFailsInElection, 3),
    (Composition::PowerFailsAgain, 3),
    (Composition::ElectionForgotten, 5),
    (Composition::FormerLeaderPaused, 2),
    (Composition::CrashLoopBehindFlakyLinks, 1),
    (Composition::StalledLeaderParted, 2),
    (Composition::RampAndStrobe, 1),
    (Composition::LeaderKilledAmongSlowFollowers, 1),
    (Composition::RollingRestartOverLossyLinks, 1),
    (Composition::KilledOnFullDisk, 1),
];

/// How long after the leader is parted an election is likely to be on, in seconds.
const ELECTION: (f64, f64) = (0.05, 0.6);
/// A slow fsync that power may well fail in, in milliseconds.
const SLOW_FSYNC_MS: (f64, f64) = (50.0, 500.0);
/// A slow fsync that what was written before the links of a node are cut is still in when its power
/// fails, and a whole election too, in milliseconds.
const LINGERING_FSYNC_MS: (f64, f64) = (1_500.0, 3_000.0);
/// Of a hundred unsynced sectors so many survive a power failure that tears writes.
const TORN_PERCENT: [(u32, u32); 3] = [(20, 1), (50, 2), (80, 1)];
/// A jump of the clock that makes any lease look young or old, in milliseconds.
const LARGE_JUMP_MS: (f64, f64) = (2_000.0, 60_000.0);

/// Who votes in an election, mostly.
const VOTERS: [(Aim, u32); 4] =
    [(Aim::Follower, 3), (Aim::Minority, 3), (Aim::Majority, 2), (Aim::All, 1)];
/// Whose disks are slow when power fails.
const MOST_DISKS: [(Aim, u32); 2] = [(Aim::All, 2), (Aim::Majority, 1)];
/// Who loses power so that the others have lost it too.
const MANY: [(Aim, u32); 2] = [(Aim::All, 3), (Aim::Majority, 1)];
const POWER: [(Aim, u32); 5] =
    [(Aim::Leader, 2), (Aim::One, 1), (Aim::Minority, 2), (Aim::Majority, 3), (Aim::All, 3)];

impl Composition {
    /// Whether it makes sense in a cluster of this size with this budget.
    pub fn fits(self, limits: &ClusterLimits) -> bool {
        match self {
            Self::PowerFailsInSlowFsync | Self::KilledInSlowWrite | Self::KilledOnFullDisk => {
                limits.nodes >= 1
            }
            // What a majority kept cannot be lost.
            Self::PowerFailsAgain => {
                limits.nodes >= 1 && Aim::Majority.count(limits.nodes) <= limits.most_down
            }
            Self::ElectionForgotten => {
                limits.nodes >= 3 && Aim::Followers.count(limits.nodes) <= limits.most_down
            }
            _ => limits.nodes >= 3,
        }
    }

    /// The families that it takes.
    pub fn families(self) -> &'static [Family] {
        match self {
            Self::PowerFailsInSlowFsync | Self::PowerFailsAgain => &[Family::Disk, Family::Power],
            Self::KilledInSlowWrite | Self::KilledOnFullDisk => &[Family::Disk, Family::Kill],
            Self::SlowLeaderPaused => &[Family::Packet, Family::Leadership, Family::Pause],
            Self::PartedLeaderOutOfTime => &[Family::Partition, Family::Clock],
            Self::KilledInElection | Self::CrashLoopBehindFlakyLinks => {
                &[Family::Partition, Family::Kill]
            }
            Self::PowerFailsInElection => &[Family::Partition, Family::Power],
            Self::ElectionForgotten => &[Family::Partition, Family::Disk, Family::Power],
            Self::FormerLeaderPaused => &[Family::Partition, Family::Pause],
            Self::StalledLeaderParted => &[Family::Disk, Family::Partition],
            Self::RampAndStrobe => &[Family::Packet, Family::Clock],
            Self::LeaderKilledAmongSlowFollowers => &[Family::Cpu, Family::Kill],
            Self::RollingRestartOverLossyLinks => &[Family::Packet, Family::Kill],
        }
    }

    /// Draws its faults. Times come from the scene's stream, everything else from each family's
    /// own.
    pub fn draw(
        self,
        limits: &ClusterLimits,
        scene: &mut ChaCha8Rng,
        streams: &mut Streams,
    ) -> Vec<Planned> {
        let mut seconds = |least, most| between(least, most, scene);
        let mut parts = Vec::new();
        let mut add = |begins: f64, lasts: f64, pick: u32, fault: Fault| {
            parts.push(Planned { begins, lasts, pick, fault });
        };
        match self {
            Self::PowerFailsInSlowFsync => {
                let slow = seconds(1.0, 4.0);
                let (pick, trouble, random) = slow_fsync(streams);
                let aim = limits.aim(&MOST_DISKS, random);
                add(0.0, slow, pick, Fault::Disk(Disk { aim, trouble }));
                let (begins, off) = (slow * seconds(0.3, 0.95), seconds(0.2, 1.5));
                let (pick, random) = drawn(streams, Family::Power);
                let aim = limits.aim_down(&POWER, random);
                let cut = PowerCut::draw(random);
                add(begins, off, pick, Fault::Power(Power { aim, cut }));
            }
            Self::KilledInSlowWrite => {
                let slow = seconds(1.0, 3.0);
                let (pick, random) = drawn(streams, Family::Disk);
                let trouble = Trouble::slow(random);
                add(0.0, slow, pick, Fault::Disk(Disk { aim: Aim::Leader, trouble }));
                let (begins, down) = (slow * seconds(0.3, 0.95), seconds(0.1, 1.0));
                let (pick, _) = drawn(streams, Family::Kill);
                add(begins, down, pick, Fault::Kill(Kill::once(Aim::Leader)));
            }
            Self::SlowLeaderPaused => {
                let slow = seconds(1.5, 4.0);
                let (pick, random) = drawn(streams, Family::Packet);
                let condition = LinkCondition::delay(random);
                add(0.0, slow, pick, into_leader(condition, random.random_bool(0.3)));
                let (pick, _) = drawn(streams, Family::Leadership);
                let handed_over = slow * seconds(0.2, 0.5);
                let to = Aim::Follower;
                add(handed_over, MOMENT, pick, Fault::Leadership(Leadership { to }));
                let (pick, _) = drawn(streams, Family::Pause);
                let begins = handed_over + seconds(0.02, 0.5);
                let aim = Aim::Leader;
                add(begins, seconds(0.2, 2.5), pick, Fault::Pause(Pause { aim }));
            }
            Self::PartedLeaderOutOfTime => {
                let parted = seconds(2.5, 5.0);
                let (pick, random) = drawn(streams, Family::Partition);
                add(0.0, parted, pick, parting(random));
                let (pick, random) = drawn(streams, Family::Clock);
                // Back, mostly: what was young stays young.
                let sign = if random.random_bool(0.75) { -1.0 } else { 1.0 };
                let by_ms = (sign * between(LARGE_JUMP_MS.0, LARGE_JUMP_MS.1, random)) as i64;
                let (aim, error) = (Aim::Leader, ClockError::Jump { by_ms });
                add(seconds(0.03, 0.3), parted, pick, Fault::Clock(Clock { aim, error }));
            }
            Self::KilledInElection => {
                let (pick, random) = drawn(streams, Family::Partition);
                add(0.0, seconds(0.8, 2.5), pick, parting(random));
                let (pick, random) = drawn(streams, Family::Kill);
                let kill = Kill::once(limits.aim_down(&VOTERS, random));
                let (begins, down) = (seconds(ELECTION.0, ELECTION.1), seconds(0.05, 0.8));
                add(begins, down, pick, Fault::Kill(kill));
            }
            Self::PowerFailsInElection => {
                let (pick, random) = drawn(streams, Family::Partition);
                add(0.0, seconds(0.8, 2.5), pick, parting(random));
                let (pick, random) = drawn(streams, Family::Power);
                let (aim, cut) = (limits.aim_down(&VOTERS, random), PowerCut::draw(random));
                let (begins, off) = (seconds(ELECTION.0, ELECTION.1), seconds(0.1, 0.8));
                add(begins, off, pick, Fault::Power(Power { aim, cut }));
            }
            Self::PowerFailsAgain => {
                let slow = seconds(1.2, 2.4);
                let (pick, fsync) = lingering_fsync(streams);
                add(0.0, slow, pick, fsync);
                let random = streams.of(Family::Power);
                let aim = limits.aim_down(&MANY, random);
                let keep = f64::from(weighted(&TORN_PERCENT, |_| true, random));
                let sector = PowerCut::SECTORS[random.random_range(0..PowerCut::SECTORS.len())];
                let (first, off) = (slow * seconds(0.5, 0.95), seconds(0.1, 0.4));
                let again = first + off + seconds(1.2, 2.5);
                for (begins, keep_percent) in [(first, keep), (again, 0.0)] {
                    let (pick, cut) = (random.random(), PowerCut { keep_percent, sector });
                    add(begins, off, pick, Fault::Power(Power { aim, cut }));
                }
            }
            Self::ElectionForgotten => {
                // The leader is parted, and another elected before the power fails.
                let elected = seconds(1.3, 1.8);
                let random = streams.of(Family::Partition);
                let parted = Fault::Partition(Partition::steady(Shape::IsolateLeader));
                let (pick, again, later) = (random.random(), random.random(), random.random());
                add(0.0, elected + 0.1, pick, parted.clone());
                // The disks are idle by then: what is asked for from now on stays volatile.
                let (pick, slow) = lingering_fsync(streams);
                add(seconds(0.2, 0.3), elected - 0.1, pick, slow);
                let (pick, random) = drawn(streams, Family::Power);
                let (aim, cut) =
                    (Aim::Followers, PowerCut { keep_percent: 0.0, ..PowerCut::draw(random) });
                let off = seconds(0.2, 0.4);
                add(elected, off, pick, Fault::Power(Power { aim, cut }));
                // Whoever was elected hears and tells nothing until the others have elected, and
                // may lead again when those are parted in turn.
                let (begins, lasts) = (elected + 0.02, off + seconds(1.5, 2.0));
                add(begins, lasts, again, parted.clone());
                add(begins + lasts + 0.2, seconds(1.0, 1.3), later, parted);
            }
            Self::FormerLeaderPaused => {
                let parted = seconds(1.5, 3.0);
                let (pick, _) = drawn(streams, Family::Partition);
                let isolate = Partition::steady(Shape::IsolateLeader);
                add(0.0, parted, pick, Fault::Partition(isolate));
                let (pick, _) = drawn(streams, Family::Pause);
                let (begins, aim) = (parted * seconds(0.7, 0.95), Aim::FormerLeader);
                add(begins, seconds(0.5, 2.5), pick, Fault::Pause(Pause { aim }));
            }
            Self::CrashLoopBehindFlakyLinks => {
                let flaky = seconds(1.5, 4.0);
                let (pick, random) = drawn(streams, Family::Partition);
                let mut beat = || between(30.0, 300.0, random).round() as u32;
                let (cut_ms, whole_ms) = (beat(), beat());
                let links = Partition { shape: Shape::IsolateOne, cut_ms, whole_ms };
                add(0.0, flaky, pick, Fault::Partition(links));
                let (pick, random) = drawn(streams, Family::Kill);
                let aim = weighted(&[(Aim::Follower, 2), (Aim::Leader, 1)], |_| true, random);
                let kill = Kill { aim, rhythm: Rhythm::Loop };
                add(seconds(0.05, 0.5), flaky, pick, Fault::Kill(kill));
            }
            Self::StalledLeaderParted => {
                let stalled = seconds(1.0, 3.0);
                let (pick, _) = drawn(streams, Family::Disk);
                let disk = Disk { aim: Aim::Leader, trouble: Trouble::StalledFsync };
                add(0.0, stalled, pick, Fault::Disk(disk));
                let (pick, random) = drawn(streams, Family::Partition);
                add(seconds(0.1, 0.8), seconds(1.0, 3.0), pick, parting(random));
            }
            Self::RampAndStrobe => {
                let lasts = seconds(2.0, 5.0);
                let (pick, random) = drawn(streams, Family::Packet);
                add(0.0, lasts, pick, into_leader(LinkCondition::delay(random), true));
                let (pick, random) = drawn(streams, Family::Clock);
                let aim = limits.aim(&[(Aim::Leader, 2), (Aim::All, 1)], random);
                let error = ClockError::strobe(random);
                add(seconds(0.1, 0.5), lasts, pick, Fault::Clock(Clock { aim, error }));
            }
            Self::LeaderKilledAmongSlowFollowers => {
                let slow = seconds(1.5, 4.0);
                let (pick, random) = drawn(streams, Family::Cpu);
                let percent = between(2.0, 20.0, random).round();
                add(0.0, slow, pick, Fault::Cpu(Cpu { aim: Aim::All, percent }));
                let (pick, _) = drawn(streams, Family::Kill);
                let begins = slow * seconds(0.2, 0.7);
                add(begins, seconds(0.1, 1.5), pick, Fault::Kill(Kill::once(Aim::Leader)));
            }
            Self::RollingRestartOverLossyLinks => {
                let lasts = seconds(0.4, 0.8) * limits.nodes as f64;
                let (pick, random) = drawn(streams, Family::Packet);
                let loss_percent = between(1.0, 20.0, random).round();
                let condition = LinkCondition { loss_percent, ..LinkCondition::default() };
                let (aim, direction) = (Aim::All, Direction::Both);
                let lossy = Packet { aim, direction, clients: false, ramp: false, condition };
                add(0.0, lasts, pick, Fault::Packet(lossy));
                let (pick, _) = drawn(streams, Family::Kill);
                let kill = Kill { aim: Aim::All, rhythm: Rhythm::Rolling };
                add(0.05, lasts, pick, Fault::Kill(kill));
            }
            Self::KilledOnFullDisk => {
                let full = seconds(0.5, 2.0);
                let (pick, random) = drawn(streams, Family::Disk);
                let after_kib = between(1.0, 128.0, random).round() as u64;
                let trouble = Trouble::Full { after_kib };
                add(0.0, full, pick, Fault::Disk(Disk { aim: Aim::Leader, trouble }));
                let (pick, _) = drawn(streams, Family::Kill);
                let begins = full * seconds(0.5, 0.95);
                add(begins, seconds(0.1, 1.0), pick, Fault::Kill(Kill::once(Aim::Leader)));
            }
        }
        for part in &mut parts {
            part.begins = milliseconds(part.begins).as_secs_f64();
        }
        parts
    }
}

/// A family's stream, and the next fault's seed from it.
fn drawn(streams: &mut Streams, family: Family) -> (u32, &mut ChaCha8Rng) {
    let random = streams.of(family);
    (random.random(), random)
}

fn slow_fsync(streams: &mut Streams) -> (u32, Trouble, &mut ChaCha8Rng) {
    let (pick, random) = drawn(streams, Family::Disk);
    let delay_ms = between(SLOW_FSYNC_MS.0, SLOW_FSYNC_MS.1, random).round();
    (pick, Trouble::SlowFsync { delay_ms, jitter_ms: 0.0 }, random)
}

/// What is written anywhere stays volatile for long.
fn lingering_fsync(streams: &mut Streams) -> (u32, Fault) {
    let (pick, random) = drawn(streams, Family::Disk);
    let delay_ms = between(LINGERING_FSYNC_MS.0, LINGERING_FSYNC_MS.1, random).round();
    let trouble = Trouble::SlowFsync { delay_ms, jitter_ms: 0.0 };
    (pick, Fault::Disk(Disk { aim: Aim::All, trouble }))
}

/// The leader no longer hears a majority, which can elect another.
fn parting(random: &mut ChaCha8Rng) -> Fault {
    let shape = weighted(&[(Shape::IsolateLeader, 3), (Shape::IntoLeader, 2)], |_| true, random);
    Fault::Partition(Partition::steady(shape))
}

fn into_leader(condition: LinkCondition, ramp: bool) -> Fault {
    let (aim, direction) = (Aim::Leader, Direction::Into);
    Fault::Packet(Packet { aim, direction, clients: false, ramp, condition })
}
