//! What the clients of a run are like, as plans hold it.

use std::fmt;
use std::time::Duration;

use anyhow::Result;
use serde::{Deserialize, Serialize};
use workloads::ValueSizes;
use workloads::clients::{ClientPlan, Fixed, Routing};

use crate::exit::usage;

/// How long a client may wait or keep trying, in seconds. Its last operation is waited for.
const SHORTEST_TIME: f64 = 0.001;
const LONGEST_TIME: f64 = 600.0;

/// What the clients are like, besides how many they are, how fast, and on how many keys.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ClientMix {
    /// Which of them are pinned to a node.
    pub routing: Routing,
    /// How long they keep trying, in seconds. Where these are fewer than the clients, they are
    /// taken in turn.
    pub deadlines: Vec<f64>,
    /// How long one request may take, in seconds.
    pub attempt_timeout: f64,
    /// What sizes written values have, where the workload can write any value.
    pub values: ValueSizes,
}

impl Default for ClientMix {
    /// What stormproof's clients are when nothing is drawn.
    fn default() -> Self {
        ClientMix::of(&ClientPlan::draw(0, 1, &Fixed::usual()))
    }
}

impl ClientMix {
    /// What a plan of clients says besides their number, rate and keys.
    pub fn of(plan: &ClientPlan) -> Self {
        let mut deadlines: Vec<f64> = plan.deadlines.iter().map(Duration::as_secs_f64).collect();
        if deadlines.iter().all(|deadline| *deadline == deadlines[0]) {
            deadlines.truncate(1);
        }
        ClientMix {
            routing: plan.routing,
            deadlines,
            attempt_timeout: plan.attempt_timeout.as_secs_f64(),
            values: plan.values,
        }
    }

    /// The deadline of each of so many clients.
    pub fn deadlines(&self, clients: usize) -> Vec<Duration> {
        let seconds = self.deadlines.iter().cycle().take(clients);
        seconds.map(|seconds| Duration::from_secs_f64(*seconds)).collect()
    }

    /// The flags that fix what differs from what was drawn; none when flags cannot say it.
    pub fn flags(&self, drawn: &ClientMix) -> Option<String> {
        let mut flags = String::new();
        if self.routing != drawn.routing {
            flags.push_str(&format!(" --routing {}", self.routing));
        }
        if self.deadlines != drawn.deadlines {
            let [deadline] = self.deadlines[..] else { return None };
            flags.push_str(&format!(" --deadline {deadline}"));
        }
        if self.attempt_timeout != drawn.attempt_timeout {
            flags.push_str(&format!(" --attempt-timeout {}", self.attempt_timeout));
        }
        if self.values != drawn.values {
            flags.push_str(&format!(" --values {}", self.values));
        }
        Some(flags)
    }

    /// Says what cannot be about it.
    ///
    /// # Errors
    /// On the first impossible figure.
    pub fn validate(&self) -> Result<()> {
        let possible = |seconds: f64| (SHORTEST_TIME..=LONGEST_TIME).contains(&seconds);
        if self.deadlines.is_empty() || !self.deadlines.iter().all(|it| possible(*it)) {
            return Err(usage("--deadline is 1 ms to 10 min"));
        }
        if !possible(self.attempt_timeout) {
            return Err(usage("--attempt-timeout is 1 ms to 10 min"));
        }
        Ok(())
    }
}

/// `clients half · deadlines 0.5+3+10 s · attempts 0.4 s · values numbers`.
impl fmt::Display for ClientMix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ClientMix { routing, deadlines, attempt_timeout, values } = self;
        let mut classes = deadlines.clone();
        classes.sort_by(f64::total_cmp);
        classes.dedup();
        let classes: Vec<String> = classes.iter().map(f64::to_string).collect();
        write!(f, "clients {routing} · deadlines {} s · ", classes.join("+"))?;
        write!(f, "attempts {attempt_timeout} s · values {values}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(seed: u64) -> ClientMix {
        ClientMix::of(&ClientPlan::draw(seed, 10, &Fixed::default()))
    }

    #[test]
    fn a_plan_gives_back_the_clients_that_were_drawn() {
        for seed in 0..50 {
            let plan = ClientPlan::draw(seed, 10, &Fixed::default());
            let mix = ClientMix::of(&plan);
            assert_eq!(mix.deadlines(10), plan.deadlines);
            let text = toml::to_string(&mix).expect("TOML");
            assert_eq!(toml::from_str::<ClientMix>(&text).expect("its own words"), mix, "{text}");
        }
    }

    #[test]
    fn flags_name_what_was_not_drawn_and_nothing_else() {
        for seed in 0..50 {
            let drawn = drawn(seed);
            assert_eq!(drawn.flags(&drawn).as_deref(), Some(""));
        }
        let usual = ClientMix::default();
        let slow = ClientMix { deadlines: vec![7.5], ..usual.clone() };
        assert_eq!(slow.flags(&usual).as_deref(), Some(" --deadline 7.5"));
        let mixed = ClientMix { deadlines: vec![7.5, 3.0], ..usual.clone() };
        assert_eq!(mixed.flags(&usual), None, "one flag cannot say two deadlines");
    }

    #[test]
    fn impossible_figures_are_refused() {
        let usual = ClientMix::default();
        assert!(usual.validate().is_ok());
        for deadlines in [vec![], vec![0.0], vec![-1.0], vec![3.0, f64::NAN], vec![1e9]] {
            assert!(ClientMix { deadlines, ..usual.clone() }.validate().is_err());
        }
        assert!(ClientMix { attempt_timeout: 0.0, ..usual }.validate().is_err());
    }
}
