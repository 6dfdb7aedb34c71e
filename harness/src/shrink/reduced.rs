//! A plan as far as a shrink changes it.

use std::collections::BTreeSet;
use std::time::Duration;

use faults::schedule::{Entry, Schedule};
use results::words::counted;
use serde_json::Value;

use crate::plan::{Plan, Rate};
use crate::repeats::short_hash;

/// The time before the first fault: every client has done something by then.
const LEAD: Duration = Duration::from_secs(2);

/// The fields of a fault without which there is none, and those that are not its own.
const ESSENTIAL: [&str; 7] = ["id", "at", "lasts", "pick", "family", "as", "on"];

/// The faults, and the size of everything else.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Reduced {
    /// The faults, with the numbers that they had at first.
    pub faults: Vec<Entry>,
    /// The number of nodes.
    pub nodes: usize,
    /// The number of clients.
    pub clients: usize,
    /// The keys in use at a time.
    pub keys: usize,
    /// Operations a second; 0 for as fast as they go.
    pub rate: f64,
    /// The length of the load.
    pub load: Duration,
}

impl Reduced {
    /// A plan as it is.
    pub fn of(plan: &Plan) -> Reduced {
        let clients = plan.client_plan();
        Reduced {
            faults: plan.schedule.clone(),
            nodes: plan.nodes,
            clients: clients.clients(),
            keys: clients.keys,
            rate: clients.rate.unwrap_or(0.0),
            load: plan.load(),
        }
    }

    /// The same with these faults, and with no more time around them than they need: `after` the last
    /// one has ended the load goes on for so long.
    pub fn with(&self, faults: Vec<Entry>, after: Duration) -> Reduced {
        let mut schedule = Schedule { entries: faults };
        schedule.tie_up(self.nodes);
        let mut faults = schedule.entries;
        let first = faults.iter().map(|fault| fault.at).min().unwrap_or_default();
        let earlier = first.saturating_sub(LEAD);
        faults.iter_mut().for_each(|fault| fault.at -= earlier);
        let end = faults.iter().map(Entry::ends).max().unwrap_or(LEAD);
        Reduced { faults, load: self.load.min(end + after), ..self.clone() }
    }

    /// The same without longer pauses between faults than `pause`.
    pub fn closer(&self, pause: Duration, after: Duration) -> Reduced {
        let mut faults = self.faults.clone();
        faults.sort_by_key(|fault| fault.at);
        let (mut end, mut earlier) = (None::<Duration>, Duration::ZERO);
        for fault in &mut faults {
            fault.at -= earlier;
            if let Some(end) = end {
                let gap = fault.at.saturating_sub(end);
                let less = gap.saturating_sub(pause);
                fault.at -= less;
                earlier += less;
            }
            end = end.max(Some(fault.ends()));
        }
        self.with(faults, after)
    }

    /// Returns true if it makes sense.
    pub fn is_possible(&self) -> bool {
        Schedule { entries: self.faults.clone() }.validate(self.nodes).is_ok()
    }

    /// A name for it that no other has.
    pub fn name(&self) -> String {
        short_hash(&format!("{self:?}"))
    }

    /// The plan with all of that.
    pub fn plan(&self, original: &Plan) -> Plan {
        let mut plan = original.with_schedule_of_its_own(self.faults.clone());
        // Those that run already are as many as they are.
        if plan.addresses.is_empty() {
            plan.nodes = self.nodes;
        }
        plan.concurrency = Some(self.clients);
        plan.keys = Some(self.keys);
        plan.rate = Rate::PerSecond(self.rate);
        plan.time_limit = self.load.as_secs_f64();
        plan
    }

    /// The same with the numbers that its faults would have in a file.
    pub fn numbered_anew(mut self) -> Reduced {
        self.faults.iter_mut().zip(1..).for_each(|(fault, number)| fault.id = number);
        self
    }

    /// Every fault of it that is simpler in one thing, as a whole plan each: one field less.
    pub fn simpler(&self) -> Vec<Reduced> {
        let mut all = Vec::new();
        for (at, fault) in self.faults.iter().enumerate() {
            let Ok(Value::Object(fields)) = serde_json::to_value(fault) else { continue };
            for field in fields.keys().filter(|field| !ESSENTIAL.contains(&field.as_str())) {
                let mut fewer = fields.clone();
                fewer.shift_remove(field);
                if let Ok(simpler) = serde_json::from_value::<Entry>(Value::Object(fewer))
                    && simpler != *fault
                {
                    let mut reduced = self.clone();
                    reduced.faults[at] = simpler;
                    all.push(reduced);
                }
            }
        }
        all
    }

    /// The same without names that no fault uses.
    pub fn without_idle_names(mut self) -> Reduced {
        let used = self.faults.iter().flat_map(Entry::names_used).map(str::to_owned);
        let used: BTreeSet<String> = used.collect();
        for fault in &mut self.faults {
            fault.named = fault.named.take().filter(|name| used.contains(name));
        }
        self
    }

    /// The plan in a sentence.
    pub fn sentence(&self) -> String {
        let faults = match &self.faults[..] {
            [] => "no fault at all".to_owned(),
            faults => {
                let words: Vec<String> = faults
                    .iter()
                    .map(|fault| {
                        let when = fault.when.as_ref().map(|trigger| format!(" at {trigger}"));
                        let when = when.unwrap_or_default();
                        format!("“{}”{when} for {}", fault.fault, seconds(fault.lasts))
                    })
                    .collect();
                words.join(", then ")
            }
        };
        let rate = match self.rate {
            0.0 => "as fast as they go".to_owned(),
            rate => format!("at {rate} operations a second"),
        };
        format!(
            "{faults}, on {} with {} on {} {rate}, in {} of load",
            counted(self.nodes as u64, "node"),
            counted(self.clients as u64, "client"),
            counted(self.keys as u64, "key"),
            seconds(self.load)
        )
    }
}

fn seconds(time: Duration) -> String {
    format!("{} s", time.as_millis() as f64 / 1e3)
}
