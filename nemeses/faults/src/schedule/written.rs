//! Schedules that a person wrote: read with errors that name the entry, and looked over for
//! nonsense.

use std::collections::BTreeMap;

use serde::de::Error;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::{Entry, Schedule};
use crate::fault::{Family, Fault};

/// The fields of every fault.
const COMMON: [&str; 7] = ["id", "at", "lasts", "pick", "as", "on", "family"];

/// Reads the entries of a schedule, for `#[serde(deserialize_with)]`. An entry without `id` gets
/// its place in the list, counted from 1, one without `pick` gets 0.
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
    let known = || COMMON.iter().chain(family.about().fields);
    for field in written.keys() {
        if !known().any(|known| known == field) {
            let known = family.about().fields.join(", ");
            return Err(format!("a {family} fault has no field `{field}`; it has {known}"));
        }
    }
    let entry = serde_json::to_value(written).and_then(serde_json::from_value);
    entry.map_err(|error| error.to_string())
}

/// The error in a schedule, with its place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("fault {place} of the schedule ({entry}): {what}")]
pub struct InvalidSchedule {
    /// Which entry, counted from 1.
    pub place: usize,
    /// The entry as a phrase.
    pub entry: String,
    /// The error in it.
    pub what: String,
}

impl Schedule {
    /// Looks a schedule over for a cluster of `nodes`.
    ///
    /// # Errors
    /// On the first entry that cannot be meant.
    pub fn validate(&self, nodes: usize) -> Result<(), InvalidSchedule> {
        let mut ids = std::collections::BTreeSet::new();
        for (entry, place) in self.entries.iter().zip(1..) {
            let refuse =
                |what: String| Err(InvalidSchedule { place, entry: entry.to_string(), what });
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

/// Checks that a fault can be meant for a cluster of `nodes`.
fn possible(fault: &Fault, nodes: usize) -> Result<(), String> {
    if fault.aim().is_some_and(|aim| aim.count(nodes) == 0) {
        return Err(format!("of {nodes} nodes it has none to aim at"));
    }
    fault.spec().validate(nodes)
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
        assert!(majority.validate(2).unwrap_err().what.contains("none to aim at"));
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
                        avoided: Vec::new(),
                        timers: Default::default(),
                    });
                    assert_eq!(schedule.validate(nodes), Ok(()), "{profile}, {nodes} nodes");
                    let text = toml::to_string(&schedule).unwrap();
                    assert_eq!(toml::from_str::<Schedule>(&text).unwrap(), schedule);
                }
            }
        }
    }
}
