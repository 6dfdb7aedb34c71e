//! Schedules that a person wrote: read with errors that name the entry, and looked over for
//! nonsense.

use std::collections::BTreeMap;

use serde::de::Error;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::{Entry, Named, Schedule};
use crate::fault::{Family, Fault};
use crate::trigger::{Observed, Place, Trigger};

/// The fields of every fault.
const COMMON: [&str; 8] = ["id", "at", "lasts", "pick", "as", "on", "when", "family"];

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
            if let Err(what) = self.bound(entry, nodes) {
                return refuse(what);
            }
        }
        Ok(())
    }

    /// Lets go of names that no fault gives any more since something was left out: a fault that went
    /// by one goes by its own aim, and one that waited for such a fault by its time.
    pub fn tie_up(&mut self, nodes: usize) {
        for place in 0..self.entries.len() {
            let entry = &self.entries[place];
            let anywhere = Entry { on: None, ..entry.clone() };
            let any_time = Entry { when: None, ..entry.clone() };
            let neither = Entry { when: None, ..anywhere.clone() };
            let tied = [entry.clone(), anywhere, any_time, neither];
            let tied = tied.into_iter().find(|entry| self.bound(entry, nodes).is_ok());
            self.entries[place] = tied.expect("one without names is bound");
        }
    }

    /// Checks the trigger of an entry, and that every name in it is one of a node or of those that
    /// another fault hits before.
    fn bound(&self, entry: &Entry, nodes: usize) -> Result<(), String> {
        let is_node = |name: &str| (1..=nodes).any(|number| name == format!("n{number}"));
        let gives = |name: &str, other: &Entry| other.named.as_deref() == Some(name);
        let before = |name: &str| {
            let others = self.entries.iter().take_while(|other| other.id != entry.id);
            is_node(name) || others.into_iter().any(|other| gives(name, other))
        };
        let unbound = |name: &str| {
            let later = match self.entries.iter().any(|other| gives(name, other)) {
                true => "; the fault that gives it comes later, or is this one",
                false => "",
            };
            Err(format!("no fault before it hits nodes `as` {name:?}, nor is it a node{later}"))
        };
        if let Some(on) = &entry.on {
            match (Named::read(on), &entry.when) {
                (Named { word: "seen" | "receiver", .. }, None) => {
                    return Err(format!("{on:?} are the nodes of a `when`, and it has none"));
                }
                (Named { word: "receiver", .. }, Some(trigger))
                    if !matches!(trigger.observed, Observed::Message { .. }) =>
                {
                    return Err("only a message has a receiver".to_owned());
                }
                (Named { word: "seen", .. }, Some(trigger)) if !trigger.observed.is_at_a_node() => {
                    return Err(format!("{} is seen at no node", trigger.observed));
                }
                (Named { word: "seen" | "receiver", .. }, Some(_)) => {}
                (Named { word, .. }, _) if !before(word) => return unbound(word),
                _ => {}
            }
        }
        let Some(trigger) = &entry.when else { return Ok(()) };
        trigger.validate()?;
        for place in trigger.observed.places() {
            if let Place::Named(name) = place
                && let Named { word, .. } = Named::read(name)
                && !before(word)
            {
                return unbound(word);
            }
        }
        match &trigger.observed {
            Observed::Fault { named, .. }
                if !self.entries.iter().any(|other| {
                    gives(named, other) && other.id != entry.id && !self.waits_for(other, entry)
                }) =>
            {
                Err(format!("no other fault is called `as` {named:?}, or each waits for the other"))
            }
            _ => Ok(()),
        }
    }

    /// Returns true if a fault begins only once the other did, however many are between them.
    fn waits_for(&self, entry: &Entry, other: &Entry) -> bool {
        let mut left = vec![entry.id];
        let mut known = std::collections::BTreeSet::new();
        while let Some(id) = left.pop() {
            if id == other.id {
                return true;
            }
            if !known.insert(id) {
                continue;
            }
            let waiting = self.entries.iter().find(|entry| entry.id == id);
            let trigger = waiting.and_then(|entry| entry.when.as_ref());
            if let Some(Trigger { observed: Observed::Fault { named, .. }, .. }) = trigger {
                let given = self.entries.iter().filter(|it| it.named.as_ref() == Some(named));
                left.extend(given.map(|entry| entry.id));
            }
        }
        false
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
    use crate::trigger::TriggerKind;

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

    fn check_nonsense_at(fault: &str, what: &str) {
        let nonsense = read(fault).expect(fault).validate(5).expect_err(fault).to_string();
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
    fn a_fault_at_a_moment_says_which_and_may_be_on_what_was_seen() {
        let kill = |rest: &str| format!("family = \"kill\"\naim = \"one\"\n{rest}");
        let disk = "{ seen = \"disk\", call = \"fsync\", node = \"leader\", within = 2 }";
        let schedule = read(&kill(&format!("on = \"seen\"\nwhen = {disk}"))).unwrap();
        assert_eq!(schedule.validate(3), Ok(()));
        let words = "1.0 to 3.0 s, at an fsync at the leader, for 2.5 s: kill one node, on seen";
        assert_eq!(schedule.entries[0].to_string(), words);
        let text = toml::to_string(&schedule).unwrap();
        assert_eq!(toml::from_str::<Schedule>(&text).unwrap(), schedule, "{text}");
        check_refused(&kill("when = { seen = \"sky\" }"), "unknown variant `sky`");
        check_refused(&kill("when = { seen = \"disk\" }"), "missing field `call`");
        check_nonsense_at(&kill("when = { seen = \"log\", line = \"(\" }"), "unclosed group");
    }

    #[test]
    fn the_example_of_the_readme_is_a_schedule() {
        let readme = include_str!("../../../../README.md");
        let section = readme.split("## At the right moment").nth(1).expect("it has one");
        let example = section.split("```toml").nth(1).expect("with an example");
        let example = example.split("```").next().expect("that ends");
        let schedule: Schedule = toml::from_str(example).expect("it reads");
        assert_eq!(schedule.validate(3), Ok(()));
        let words = "5.0 to 13.0 s, at an fsync at the leader that is done, the 3rd time, held for \
                     up to 20 ms, for 1.0 s: power failure of the leader, losing what was not \
                     synced, on seen";
        assert_eq!(schedule.to_string().trim_end(), words);
    }

    #[test]
    fn a_name_is_one_of_a_node_or_of_an_earlier_fault() {
        let kill = |rest: &str| format!("family = \"kill\"\naim = \"one\"\n{rest}");
        let check = |rest: &str, what: &str| {
            let schedule = read(&kill(rest)).expect(rest);
            let refused = schedule.validate(3).expect_err(rest).what;
            assert!(refused.contains(what), "{refused}");
        };
        let message = |from: &str, to: &str| {
            format!("when = {{ seen = \"message\", from = \"{from}\", to = \"{to}\" }}")
        };
        for rest in [
            "on = \"n3\"",
            "on = \"all but n3\"",
            &message("follower", "follower"),
            &message("all but n1", "all but n1"),
        ] {
            assert_eq!(read(&kill(rest)).expect(rest).validate(3), Ok(()));
        }
        check("on = \"n4\"", "no fault before it hits nodes `as` \"n4\", nor is it a node");
        check("on = \"seen\"", "are the nodes of a `when`, and it has none");
        check("on = \"me\"\nas = \"me\"", "the fault that gives it comes later, or is this one");
        let term = "when = { seen = \"term\", node = \"gone\" }";
        check(term, "no fault before it hits nodes `as` \"gone\"");
        check(&message("all but gone", "any"), "no fault before it hits nodes `as` \"gone\"");
        check(&message("leader", "leader"), "no message is from the leader to the leader");
        let service = "on = \"seen\"\nwhen = { seen = \"service\", is = \"silent\" }";
        check(service, "the service falling silent is seen at no node");
        check("on = \"receiver\"\nwhen = { seen = \"term\" }", "only a message has a receiver");
    }

    #[test]
    fn faults_that_wait_for_each_other_are_refused() {
        let waiting = |name: &str, other: &str| {
            format!(
                "[[fault]]\nat = 1\nlasts = 1\nfamily = \"kill\"\naim = \"one\"\nas = {name:?}\n\
                 when = {{ seen = \"fault\", named = {other:?}, is = \"begun\" }}\n"
            )
        };
        let validated = |pairs: &[(&str, &str)]| {
            let text: String = pairs.iter().map(|(name, other)| waiting(name, other)).collect();
            toml::from_str::<Schedule>(&text).expect("it reads").validate(3)
        };
        let circle = validated(&[("a", "b"), ("b", "c"), ("c", "a")]).unwrap_err();
        assert!(circle.what.contains("each waits for the other"), "{circle}");
        assert!(validated(&[("a", "a")]).is_err());
        let missing = validated(&[("a", "b")]).unwrap_err();
        assert!(missing.what.contains("no other fault is called `as` \"b\""), "{missing}");
        let chain = format!(
            "[[fault]]\nat = 1\nlasts = 1\nfamily = \"kill\"\naim = \"one\"\nas = \"first\"\n{}",
            waiting("second", "first")
        );
        assert_eq!(toml::from_str::<Schedule>(&chain).unwrap().validate(3), Ok(()));
    }

    #[test]
    fn what_goes_by_a_name_of_a_family_that_was_left_out_goes_by_its_own_aim_and_time() {
        let text = "[[fault]]\nat = 1\nlasts = 1\nfamily = \"kill\"\naim = \"one\"\non = \"slow\"\n\
                    when = { seen = \"fault\", named = \"slow\", is = \"begun\" }\n\
                    [[fault]]\nat = 2\nlasts = 1\nfamily = \"kill\"\naim = \"one\"\non = \"seen\"\n\
                    when = { seen = \"term\" }\n";
        let mut schedule: Schedule = toml::from_str(text).unwrap();
        let kept = schedule.entries[1].clone();
        schedule.tie_up(3);
        assert_eq!((&schedule.entries[0].on, &schedule.entries[0].when), (&None, &None));
        assert_eq!(schedule.entries[1], kept);
        assert_eq!(schedule.validate(3), Ok(()));
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
                        only: Vec::new(),
                        avoided: Vec::new(),
                        triggers: TriggerKind::ALL.into(),
                        timers: Default::default(),
                        abilities: Default::default(),
                    });
                    assert_eq!(schedule.validate(nodes), Ok(()), "{profile}, {nodes} nodes");
                    let text = toml::to_string(&schedule).unwrap();
                    assert_eq!(toml::from_str::<Schedule>(&text).unwrap(), schedule);
                }
            }
        }
    }
}
