//! The clients of a run, as plans hold them.

use std::fmt;
use std::time::Duration;

use clap::Args;
use serde::Serialize;
use workloads::ValueSizes;
use workloads::clients::{ClientPlan, Routing};
use workloads::retry::{Backoff, RetryPolicy};

use super::values::seconds;

/// The group of these flags in `--help`.
const CLIENTS: &str = "The clients";

/// The shortest and the longest time that a client may wait or keep trying, in seconds. Its last
/// operation is waited for.
const SHORTEST_WAIT: f64 = 0.001;
const LONGEST_WAIT: f64 = 600.0;

/// The clients besides their number, rate and keys: flags, and the table `[clients]` of
/// `plan.toml`. An empty one is drawn from the seed.
#[derive(Debug, Clone, PartialEq, Args, Serialize)]
pub(crate) struct Clients {
    /// Which clients begin each operation at a node of their own: half, pinned (all) or roaming
    /// (none) [default: drawn]
    #[arg(long, help_heading = CLIENTS)]
    pub routing: Option<Routing>,
    /// The time after which a client gives up; several, separated by commas, are taken in turn
    /// [default: drawn, 500ms, 3s or 10s for each]
    #[arg(long = "deadline", help_heading = CLIENTS, value_name = "TIME", value_delimiter = ',',
        value_parser = seconds(SHORTEST_WAIT, LONGEST_WAIT))]
    pub deadlines: Vec<f64>,
    /// The time that a client waits for one answer [default: drawn, 200ms, 400ms or 1.2s]
    #[arg(long, help_heading = CLIENTS, value_name = "TIME",
        value_parser = seconds(SHORTEST_WAIT, LONGEST_WAIT))]
    pub attempt_timeout: Option<f64>,
    /// The waits before a client tries again: random (they double from 10ms on, and each is drawn),
    /// even (they double, alike for all clients) or none (10ms each time)
    #[arg(long, help_heading = CLIENTS, default_value = "random")]
    #[serde(skip_serializing_if = "is_usual")]
    pub backoff: Backoff,
    /// The longest of these waits
    #[arg(long, help_heading = CLIENTS, value_name = "TIME", default_value = "300ms",
        value_parser = seconds(SHORTEST_WAIT, LONGEST_WAIT))]
    #[serde(skip_serializing_if = "is_usual_longest")]
    pub longest_backoff: f64,
    /// The values that are written: numbers; BYTES for strings of which one in a hundred may be so
    /// long, one in ten up to 1 kB and the others up to 32 bytes; all:BYTES for strings of that
    /// length alone [default: drawn]
    #[arg(long, help_heading = CLIENTS, value_name = "SIZES")]
    pub values: Option<ValueSizes>,
}

/// True of the backoff of clients that were not told.
fn is_usual(backoff: &Backoff) -> bool {
    *backoff == Backoff::default()
}

/// True of the longest wait of clients that were not told, in seconds.
fn is_usual_longest(wait: &f64) -> bool {
    Duration::from_secs_f64(*wait) == RetryPolicy::default().longest_backoff
}

impl Clients {
    /// The clients of a plan in which nothing is left to be drawn.
    pub fn of(plan: &ClientPlan) -> Self {
        let mut deadlines: Vec<f64> = plan.deadlines.iter().map(Duration::as_secs_f64).collect();
        // They are taken in turn, so what repeats itself is said once.
        let repeats =
            |period: &usize| deadlines.iter().zip(&deadlines[*period..]).all(|(a, b)| a == b);
        let period = (1..deadlines.len()).find(repeats).unwrap_or(deadlines.len());
        deadlines.truncate(period);
        Clients {
            routing: Some(plan.routing),
            deadlines,
            attempt_timeout: Some(plan.attempt_timeout.as_secs_f64()),
            backoff: plan.backoff,
            longest_backoff: plan.longest_backoff.as_secs_f64(),
            values: Some(plan.values),
        }
    }

    /// The same clients as `drawn`, but for what is written here.
    pub fn over(&self, drawn: ClientPlan) -> ClientPlan {
        let clients = drawn.clients();
        let deadlines = match &self.deadlines[..] {
            [] => drawn.deadlines,
            written => {
                let in_turn = written.iter().cycle().take(clients);
                in_turn.map(|seconds| Duration::from_secs_f64(*seconds)).collect()
            }
        };
        let attempt_timeout = self.attempt_timeout.map(Duration::from_secs_f64);
        ClientPlan {
            routing: self.routing.unwrap_or(drawn.routing),
            deadlines,
            attempt_timeout: attempt_timeout.unwrap_or(drawn.attempt_timeout),
            backoff: self.backoff,
            longest_backoff: Duration::from_secs_f64(self.longest_backoff),
            values: self.values.unwrap_or(drawn.values),
            ..drawn
        }
    }
}

/// `clients half · deadlines 0.5+3+10 s · attempts 0.4 s · values numbers`, of a resolved plan.
impl fmt::Display for Clients {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = |value: Option<String>| value.unwrap_or_else(|| "drawn".to_owned());
        let mut classes = self.deadlines.clone();
        classes.sort_by(f64::total_cmp);
        classes.dedup();
        let classes: Vec<String> = classes.iter().map(f64::to_string).collect();
        let routing = word(self.routing.map(|routing| routing.to_string()));
        let attempts = word(self.attempt_timeout.map(|seconds| seconds.to_string()));
        let values = word(self.values.map(|values| values.to_string()));
        write!(f, "clients {routing} · deadlines {} s · ", classes.join("+"))?;
        write!(f, "attempts {attempts} s · values {values}")?;
        if !is_usual(&self.backoff) {
            write!(f, " · backoff {}", self.backoff)?;
        }
        if !is_usual_longest(&self.longest_backoff) {
            write!(f, " · waits up to {} s", self.longest_backoff)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_gives_back_the_clients_that_were_drawn() {
        for seed in 0..50 {
            let drawn = ClientPlan::draw(seed, 10);
            assert_eq!(Clients::of(&drawn).over(ClientPlan::draw(seed + 1, 10)), {
                let ClientPlan { keys, rate, .. } = ClientPlan::draw(seed + 1, 10);
                ClientPlan { keys, rate, ..drawn }
            });
        }
    }

    #[test]
    fn several_deadlines_are_taken_in_turn() {
        let written = Clients {
            routing: None,
            deadlines: vec![0.5, 3.0],
            attempt_timeout: None,
            backoff: Backoff::None,
            longest_backoff: 1.5,
            values: None,
        };
        let plan = written.over(ClientPlan::draw(1, 3));
        assert_eq!(plan.deadlines, [0.5, 3.0, 0.5].map(Duration::from_secs_f64));
        let drawn = ClientPlan::draw(1, 3);
        let (backoff, longest_backoff) = (Backoff::None, Duration::from_millis(1500));
        let deadlines = plan.deadlines.clone();
        assert_eq!(plan, ClientPlan { deadlines, backoff, longest_backoff, ..drawn });
        assert_eq!(Clients::of(&plan).deadlines, [0.5, 3.0]);
    }
}
