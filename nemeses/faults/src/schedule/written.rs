//! Schedules that a person wrote: read with errors that name the entry, and looked over for nonsense.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::Error;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::{Entry, Schedule};
use crate::fault::{
    Clock, ClockCondition, ClockError, Disk, Family, Fault, Packet, Partition, PowerCut, Trouble,
};

/// The fields of every fault.
const COMMON: [&str; 5] = ["id", "at", "lasts", "pick", "family"];

/// The further fields of a family's faults.
fn fields(family: Family) -> &'static [&'static str] {
    match family {
        Family::Partition => &["shape", "cut_ms", "whole_ms"],
        Family::Packet => &[
            "aim",
            "direction",
            "clients",
            "ramp",
            "delay_ms",
            "jitter_ms",
            "loss_percent",
            "duplicate_percent",
            "reorder_percent",
            "corrupt_percent",
            "rate_kbit",
        ],
        Family::Kill => &["aim", "rhythm"],
        Family::Pause => &["aim"],
        Family::Cpu => &["aim", "percent"],
        Family::Clock => &["aim", "error", "by_ms", "every_ms", "rate"],
        Family::Disk => {
            &["aim", "trouble", "delay_ms", "jitter_ms", "kib_per_second", "percent", "after_kib"]
        }
        Family::Power => &["aim", "keep_percent", "sector"],
        Family::Corruption => &["aim", "damage", "file"],
        Family::Leadership => &["to"],
        Family::Membership => &["aim", "change"],
        Family::Maintenance => &["aim", "work"],
    }
}

/// Reads the entries of a schedule, for `#[serde(deserialize_with)]`. An entry without `id` gets its
/// place in the list, counted from 1, one without `pick` gets 0.
///
/// # Errors
/// On the first entry that lacks a field, has one too many or a value that is none, with its place.
pub fn read_entries<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<Entry>, D::Error> {
    let written = Vec::<BTreeMap<String, Value>>::deserialize(from)?;
    let mut entries = Vec::with_capacity(written.len());
    for (mut fields, place) in written.into_iter().zip(1u32..) {
        fields.entry("id".to_owned()).or_insert(place.into());
        fields.entry("pick".to_owned()).or_insert(0.into());
        let entry = read_entry(fields)
            .map_err(|what| D::Error::custom(format!("fault {place} of the schedule: {what}")))?;
        entries.push(entry);
    }
    Ok(entries)
}

/// Reads one entry, whose every field is written.
pub(super) fn read_entry(written: BTreeMap<String, Value>) -> Result<Entry, String> {
    let family = written.get("family").ok_or("missing field `family`")?;
    let family = family.as_str().ok_or("`family` is a name")?;
    let family: Family = family.parse().map_err(|unknown| format!("{unknown}"))?;
    let known = || COMMON.iter().chain(fields(family));
    for field in written.keys() {
        if !known().any(|known| known == field) {
            let known = fields(family).join(", ");
            return Err(format!("a {family} fault has no field `{field}`; it has {known}"));
        }
    }
    let entry = serde_json::to_value(written).and_then(serde_json::from_value);
    entry.map_err(|error| error.to_string())
}

/// What is wrong with a schedule, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Nonsense {
    /// Which entry, counted from 1.
    pub place: usize,
    /// The entry as a phrase.
    pub entry: String,
    /// What is wrong with it.
    pub what: String,
}

impl fmt::Display for Nonsense {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { place, entry, what } = self;
        write!(out, "fault {place} of the schedule ({entry}): {what}")
    }
}

impl std::error::Error for Nonsense {}

/// The longest delay that anybody can mean, in milliseconds: a minute.
const LONGEST_DELAY_MS: f64 = 60_000.0;
/// The shortest beat of what comes and goes, in milliseconds: one step takes about as long.
const SHORTEST_BEAT_MS: u32 = 10;
/// The farthest that a clock may jump, in milliseconds: ten years.
const FARTHEST_JUMP_MS: i64 = 10 * 365 * 24 * 3600 * 1000;

impl Schedule {
    /// Looks a schedule over for a cluster of `nodes`.
    ///
    /// # Errors
    /// On the first entry that cannot be meant.
    pub fn validate(&self, nodes: usize) -> Result<(), Nonsense> {
        let mut ids = std::collections::BTreeSet::new();
        for (entry, place) in self.entries.iter().zip(1..) {
            let refuse = |what: String| Err(Nonsense { place, entry: entry.to_string(), what });
            if !ids.insert(entry.id) {
                return refuse(format!("the id {} was given before", entry.id));
            }
            if entry.lasts.is_zero() {
                return refuse("it lasts no time".to_owned());
            }
            if let Err(what) = possible(&entry.fault, nodes) {
                return refuse(what);
            }
        }
        Ok(())
    }
}

/// Whether a fault can be meant for a cluster of `nodes`.
fn possible(fault: &Fault, nodes: usize) -> Result<(), String> {
    if fault.aim().is_some_and(|aim| aim.count(nodes) == 0) {
        return Err(format!("of {nodes} nodes it has nobody to aim at"));
    }
    match fault {
        Fault::Partition(partition) => possible_partition(partition, nodes),
        Fault::Packet(packet) => possible_packet(packet, nodes),
        Fault::Cpu(cpu) => percent("percent", cpu.percent).and_then(|()| {
            if cpu.percent > 0.0 { Ok(()) } else { Err("percent must be above 0".to_owned()) }
        }),
        Fault::Clock(Clock { error, .. }) => possible_clock(error),
        Fault::Disk(Disk { trouble, .. }) => possible_disk(trouble),
        Fault::Power(power) => {
            let PowerCut { keep_percent, sector } = power.cut;
            percent("keep_percent", keep_percent)?;
            if PowerCut::SECTORS.contains(&sector) {
                return Ok(());
            }
            Err(format!("sector is 512 or 4096 bytes, not {sector}"))
        }
        Fault::Leadership(_) | Fault::Membership(_) if nodes < 2 => {
            Err("a single node has no other to hand anything to".to_owned())
        }
        _ => Ok(()),
    }
}

fn possible_partition(partition: &Partition, nodes: usize) -> Result<(), String> {
    let Partition { shape, cut_ms, whole_ms } = *partition;
    let least = shape.smallest_cluster();
    if nodes < least {
        return Err(format!("it takes {least} nodes, there are {nodes}"));
    }
    if (cut_ms == 0) != (whole_ms == 0) {
        return Err("flaky links need both cut_ms and whole_ms".to_owned());
    }
    if partition.is_flaky() && cut_ms.min(whole_ms) < SHORTEST_BEAT_MS {
        return Err(format!("cut_ms and whole_ms are at least {SHORTEST_BEAT_MS}"));
    }
    Ok(())
}

fn possible_packet(packet: &Packet, nodes: usize) -> Result<(), String> {
    let condition = &packet.condition;
    delay("delay_ms", condition.delay_ms)?;
    delay("jitter_ms", condition.jitter_ms)?;
    percent("loss_percent", condition.loss_percent)?;
    percent("duplicate_percent", condition.duplicate_percent)?;
    percent("reorder_percent", condition.reorder_percent)?;
    percent("corrupt_percent", condition.corrupt_percent)?;
    if condition.rate_kbit == Some(0) {
        return Err("rate_kbit must be above 0; a partition cuts links".to_owned());
    }
    if condition.is_neutral() {
        return Err("nothing happens to the packets; say delay_ms, loss_percent…".to_owned());
    }
    if nodes < 2 && !packet.clients {
        return Err("a single node has links with clients only; say clients = true".to_owned());
    }
    Ok(())
}

fn possible_clock(error: &ClockError) -> Result<(), String> {
    match *error {
        ClockError::Jump { by_ms } | ClockError::Strobe { by_ms, .. }
            if by_ms == 0 || by_ms.checked_abs().is_none_or(|by| by > FARTHEST_JUMP_MS) =>
        {
            Err(format!("a clock jumps by something, ten years at most, not by {by_ms} ms"))
        }
        ClockError::Strobe { every_ms, .. } if every_ms < SHORTEST_BEAT_MS => {
            Err(format!("every_ms is at least {SHORTEST_BEAT_MS}, not {every_ms}"))
        }
        ClockError::Drift { rate } if !ClockCondition::RATES.contains(&rate) => {
            Err(format!("a rate is from 0.9 to 1.1, not {rate}"))
        }
        ClockError::Drift { rate: 1.0 } => Err("at rate 1 a clock goes right".to_owned()),
        _ => Ok(()),
    }
}

fn possible_disk(trouble: &Trouble) -> Result<(), String> {
    match *trouble {
        Trouble::Slow { delay_ms, jitter_ms } | Trouble::SlowFsync { delay_ms, jitter_ms } => {
            delay("delay_ms", delay_ms)?;
            delay("jitter_ms", jitter_ms)?;
            if delay_ms + jitter_ms > 0.0 { Ok(()) } else { Err("it is not slower".to_owned()) }
        }
        Trouble::Narrow { kib_per_second: 0 } => Err("kib_per_second must be above 0".to_owned()),
        Trouble::Failing { percent: of_hundred } => {
            percent("percent", of_hundred)?;
            if of_hundred > 0.0 { Ok(()) } else { Err("percent must be above 0".to_owned()) }
        }
        _ => Ok(()),
    }
}

fn percent(name: &str, value: f64) -> Result<(), String> {
    if (0.0..=100.0).contains(&value) {
        return Ok(());
    }
    Err(format!("{name} is from 0 to 100, not {value}"))
}

fn delay(name: &str, value: f64) -> Result<(), String> {
    if (0.0..=LONGEST_DELAY_MS).contains(&value) {
        return Ok(());
    }
    Err(format!("{name} is from 0 to {LONGEST_DELAY_MS}, not {value}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schedule::{Compositions, Profile, ScheduleOptions};

    fn read(fault: &str) -> Result<Schedule, String> {
        let text = format!("[[fault]]\nat = 1\nlasts = 2.5\n{fault}");
        toml::from_str(&text).map_err(|error| error.to_string())
    }

    fn check_refused(fault: &str, what: &str) {
        let error = read(fault).expect_err(fault);
        assert!(error.contains("fault 1 of the schedule") && error.contains(what), "{error}");
    }

    fn check_nonsense(fault: &str, what: &str) {
        let nonsense = read(fault).expect(fault).validate(5).expect_err(fault).to_string();
        assert!(nonsense.starts_with("fault 1 of the schedule (1.0 s for 2.5 s"), "{nonsense}");
        assert!(nonsense.contains(what), "{nonsense}");
    }

    #[test]
    fn a_person_need_write_only_what_matters() {
        for fault in [
            "family = \"partition\"\nshape = \"isolate-leader\"",
            "family = \"partition\"\nshape = \"isolate-one\"\ncut_ms = 80\nwhole_ms = 120",
            "family = \"packet\"\naim = \"leader\"\ndirection = \"into\"\ndelay_ms = 50",
            "family = \"kill\"\naim = \"one\"",
            "family = \"kill\"\naim = \"all\"\nrhythm = \"rolling\"",
            "family = \"pause\"\naim = \"former-leader\"",
            "family = \"cpu\"\naim = \"follower\"\npercent = 5",
            "family = \"clock\"\naim = \"leader\"\nerror = \"jump\"\nby_ms = -5000",
            "family = \"disk\"\naim = \"all\"\ntrouble = \"slow-fsync\"\ndelay_ms = 50",
            "family = \"disk\"\naim = \"all\"\ntrouble = \"stalled-fsync\"",
            "family = \"power\"\naim = \"majority\"",
            "family = \"corruption\"\naim = \"one\"\ndamage = \"bit-flip\"\nfile = \"wal\"",
            "family = \"leadership\"\nto = \"follower\"",
            "family = \"membership\"\naim = \"one\"\nchange = \"remove\"",
        ] {
            let schedule = read(fault).expect(fault);
            assert_eq!(schedule.validate(5), Ok(()), "{fault}");
            let entry = &schedule.entries[0];
            assert_eq!((entry.id, entry.pick), (1, 0));
        }
    }

    #[test]
    fn errors_name_the_entry_and_what_there_is_instead() {
        check_refused("family = \"kil\"\naim = \"one\"", "there are partition, packet, kill");
        check_refused("aim = \"one\"", "missing field `family`");
        check_refused("family = \"kill\"\naim = \"boss\"", "unknown variant `boss`");
        check_refused("family = \"kill\"", "missing field `aim`");
        check_refused("family = \"pause\"\naim = \"one\"\nrhythm = \"loop\"", "no field `rhythm`");
        check_refused(
            "family = \"packet\"\naim = \"one\"\ndirection = \"into\"\njiter_ms = 5",
            "no field `jiter_ms`; it has aim, direction",
        );
        check_refused(
            "family = \"clock\"\naim = \"one\"\nerror = \"drift\"",
            "missing field `rate`",
        );
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        let clock = |rest: &str| format!("family = \"clock\"\naim = \"one\"\n{rest}");
        check_nonsense(&clock("error = \"drift\"\nrate = 1.5"), "0.9 to 1.1");
        check_nonsense(&clock("error = \"jump\"\nby_ms = 0"), "by something");
        check_nonsense(&clock("error = \"strobe\"\nby_ms = 9\nevery_ms = 1"), "at least 10");
        check_nonsense("family = \"power\"\naim = \"one\"\nsector = 1000", "512 or 4096");
        check_nonsense("family = \"power\"\naim = \"one\"\nkeep_percent = 101", "0 to 100");
        check_nonsense("family = \"cpu\"\naim = \"one\"\npercent = 0", "above 0");
        check_nonsense("family = \"packet\"\naim = \"one\"\ndirection = \"into\"", "nothing");
        check_nonsense(
            "family = \"packet\"\naim = \"one\"\ndirection = \"into\"\nloss_percent = -1",
            "0 to 100",
        );
        check_nonsense("family = \"partition\"\nshape = \"bridge\"\ncut_ms = 50", "both");
        check_nonsense(
            "family = \"disk\"\naim = \"one\"\ntrouble = \"slow\"\ndelay_ms = 1e9",
            "from 0 to 60000",
        );
        let two = "family = \"kill\"\naim = \"one\"\n[[fault]]\nid = 1\nat = 9\nlasts = 1\n\
                   family = \"kill\"\naim = \"one\"";
        let nonsense = read(two).unwrap().validate(5).unwrap_err();
        assert_eq!((nonsense.place, nonsense.what.as_str()), (2, "the id 1 was given before"));
        let majority = read("family = \"kill\"\naim = \"minority\"").unwrap();
        assert!(majority.validate(2).unwrap_err().what.contains("nobody"));
    }

    #[test]
    fn every_drawn_schedule_makes_sense_and_every_field_of_it_is_known() {
        for profile in Profile::all() {
            for nodes in [1, 2, 3, 5, 7] {
                for seed in 0..20 {
                    let schedule = Schedule::draw(&ScheduleOptions {
                        nodes,
                        families: Family::ALL.into(),
                        seed,
                        time_limit: std::time::Duration::from_secs(60),
                        profile,
                        budget: None,
                        compositions: Compositions::default(),
                    });
                    assert_eq!(schedule.validate(nodes), Ok(()), "{profile}, {nodes} nodes");
                    let text = toml::to_string(&schedule).unwrap();
                    assert_eq!(toml::from_str::<Schedule>(&text).unwrap(), schedule);
                }
            }
        }
    }
}
