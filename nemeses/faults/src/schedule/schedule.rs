//! A schedule, and one fault of it.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::seconds;
use super::{Named, read_entries};
use crate::fault::Fault;
use crate::trigger::{Observed, Place, Trigger};

/// Every fault of a run, in the order in which they fire.
///
/// In TOML each is a table `[[fault]]`; [`Schedule`] holds nothing else, so a person can write one.
/// `at`, `lasts`, `family` and what its family asks for are all that a person must say:
///
/// ```toml
/// [[fault]]
/// at = 5
/// lasts = 2.5
/// family = "disk"
/// aim = "all"
/// trouble = "slow-fsync"
/// delay_ms = 50
///
/// [[fault]]
/// at = 6.2
/// lasts = 1
/// family = "power"
/// aim = "majority"
/// ```
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Schedule {
    /// The faults, by the time they fire.
    #[serde(rename = "fault", default, deserialize_with = "read_entries")]
    pub entries: Vec<Entry>,
}

/// One fault with its time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// Names the fault in the history and when it is undone; unique in a schedule, ascending, with
    /// gaps where a family was left out.
    pub id: u32,
    /// When it fires, after the load began; with a [trigger](Self::when), when it begins to wait for
    /// that. In files: seconds, to the millisecond.
    #[serde(with = "seconds")]
    pub at: Duration,
    /// The time that it lasts until it is undone. In files: seconds, to the millisecond.
    #[serde(with = "seconds")]
    pub lasts: Duration,
    /// Seed of the choices that are left until it fires, such as which node is "one node".
    pub pick: u32,
    /// The name by which later faults may aim at the nodes that it hits. In files: `as`.
    #[serde(rename = "as", default, skip_serializing_if = "Option::is_none")]
    pub named: Option<String>,
    /// The nodes that it hits: by the name which an earlier fault [gave](Self::named) them, by that
    /// of a node, as `seen` those at which its trigger was seen (`receiver` is who a message was
    /// for), or `all but` any of these. Its own aim counts only where no fault gave the name. In
    /// files: `on`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on: Option<String>,
    /// The moment at which it begins; none where its time says that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<Trigger>,
    /// The fault.
    #[serde(flatten)]
    pub fault: Fault,
}

impl Entry {
    /// The names of nodes that it goes by, be they given by a fault or not.
    pub fn names_used(&self) -> impl Iterator<Item = &str> {
        let on = self.on.as_deref().map(|on| Named::read(on).word);
        let observed = self.when.as_ref().map(|trigger| &trigger.observed);
        let fault = observed.and_then(|observed| match observed {
            Observed::Fault { named, .. } => Some(named.as_str()),
            _ => None,
        });
        let places = observed.into_iter().flat_map(Observed::places);
        let places = places.filter_map(|place| match place {
            Place::Named(name) => Some(name.as_str()),
            _ => None,
        });
        on.into_iter().chain(fault).chain(places)
    }

    /// When it is undone, after the load began; with a trigger, when it is at the latest.
    pub fn ends(&self) -> Duration {
        let waits = self.when.as_ref().map_or(Duration::ZERO, |trigger| trigger.within);
        self.at + waits + self.lasts
    }
}

/// `12.4 s for 3.1 s: partition, isolate the leader`
impl fmt::Display for Entry {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (at, lasts) = (self.at.as_secs_f64(), self.lasts.as_secs_f64());
        match &self.when {
            None => write!(out, "{at:.1} s for {lasts:.1} s: {}", self.fault)?,
            Some(trigger) => {
                let until = (self.at + trigger.within).as_secs_f64();
                write!(
                    out,
                    "{at:.1} to {until:.1} s, at {trigger}, for {lasts:.1} s: {}",
                    self.fault
                )?;
            }
        }
        match (&self.on, &self.named) {
            (Some(name), None) => write!(out, ", on {name}"),
            (Some(name), Some(named)) => write!(out, ", on {name}, named {named}"),
            (None, Some(name)) => write!(out, ", named {name}"),
            (None, None) => Ok(()),
        }
    }
}

/// One line for each fault.
impl fmt::Display for Schedule {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.entries.iter().try_for_each(|entry| writeln!(out, "{entry}"))
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Compositions, Profile, ScheduleOptions};
    use super::*;
    use crate::fault::{Aim, Family, Kill, Partition, Shape};
    use crate::trigger::TriggerKind;

    fn example() -> Schedule {
        let at = Duration::from_millis(12_400);
        let lasts = Duration::from_millis(3_100);
        let isolate = Fault::Partition(Partition::steady(Shape::IsolateLeader));
        let kill = Fault::Kill(Kill::once(Aim::One));
        Schedule {
            entries: vec![
                Entry {
                    id: 1,
                    at,
                    lasts,
                    pick: 7,
                    named: None,
                    on: None,
                    when: None,
                    fault: isolate,
                },
                Entry {
                    id: 4,
                    at: at * 2,
                    lasts: lasts / 10,
                    pick: u32::MAX,
                    named: None,
                    on: None,
                    when: None,
                    fault: kill,
                },
            ],
        }
    }

    #[test]
    fn a_schedule_reads_as_one_line_a_fault() {
        assert_eq!(
            example().to_string(),
            "12.4 s for 3.1 s: partition, isolate the leader\n24.8 s for 0.3 s: kill one node\n"
        );
    }

    #[test]
    fn a_schedule_is_toml_that_a_person_can_read_and_write() {
        let text = toml::to_string(&example()).unwrap();
        let first = "[[fault]]\nid = 1\nat = 12.4\nlasts = 3.1\npick = 7\n\
                     family = \"partition\"\nshape = \"isolate-leader\"\n";
        assert!(text.starts_with(first), "{text}");
        assert_eq!(toml::from_str::<Schedule>(&text).unwrap(), example());
        assert_eq!(toml::from_str::<Schedule>("").unwrap(), Schedule::default());
    }

    #[test]
    fn a_drawn_schedule_survives_toml_and_json() {
        for seed in 0..50 {
            let schedule = Schedule::draw(&ScheduleOptions {
                nodes: 5,
                families: Family::ALL.into(),
                seed,
                time_limit: Duration::from_secs(60),
                profile: Profile::Brutal,
                budget: None,
                compositions: Compositions::default(),
                only: Vec::new(),
                avoided: Vec::new(),
                triggers: TriggerKind::ALL.into(),
                timers: Default::default(),
                abilities: Default::default(),
            });
            let text = toml::to_string(&schedule).unwrap();
            assert_eq!(toml::from_str::<Schedule>(&text).unwrap(), schedule);
            let text = serde_json::to_string(&schedule).unwrap();
            assert_eq!(serde_json::from_str::<Schedule>(&text).unwrap(), schedule);
        }
    }

    #[test]
    fn a_time_that_is_no_time_is_refused() {
        for at in ["-1.0", "nan", "inf", "1e300"] {
            let text = format!(
                "[[fault]]\nid = 1\nat = {at}\nlasts = 1.0\npick = 1\n\
                 family = \"kill\"\naim = \"one\"\n"
            );
            assert!(toml::from_str::<Schedule>(&text).is_err(), "{at}");
        }
    }
}
