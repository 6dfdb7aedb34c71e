//! The plans of arms, as a person would write them.

use std::fmt::Write as _;

/// Clients at a time: enough that one which waits for a dead node holds up no other.
const CLIENTS: usize = 16;

/// A plan in the making. Everything that a run would draw is fixed, so that arms differ in what they are
/// about alone.
#[derive(Debug, Clone)]
pub(super) struct RunPlan {
    head: String,
    clients: String,
    settings: String,
    faults: String,
}

impl RunPlan {
    /// A load of this workload on so many nodes, for so many seconds, at a rate that any machine can do.
    pub fn new(nodes: usize, workload: &str, seconds: f64) -> RunPlan {
        let mut head = format!("nodes = {nodes}\nworkload = \"{workload}\"\n");
        let _ = write!(head, "time_limit = {seconds:?}\nconcurrency = {CLIENTS}\nkeys = 4\n");
        let clients = "routing = \"roaming\"\ndeadlines = [10.0]\nattempt_timeout = 0.2\n\
                       values = \"numbers\"\n";
        let (settings, faults) = (String::new(), String::new());
        RunPlan { head, clients: clients.to_owned(), settings, faults }.line("rate = 200.0")
    }

    /// A line more, such as `bug = "stale-read"`; a later line for a key takes the place of an earlier one.
    pub fn line(mut self, line: &str) -> RunPlan {
        self.head = replaced(&self.head, line);
        self
    }

    /// The same of the clients, such as `routing = "pinned"`.
    pub fn client(mut self, line: &str) -> RunPlan {
        self.clients = replaced(&self.clients, line);
        self
    }

    /// A setting of the nodes.
    pub fn set(mut self, name: &str, value: &str) -> RunPlan {
        let _ = writeln!(self.settings, "{name} = \"{value}\"");
        self
    }

    /// A fault at `at` seconds, which lasts so many; `fields` are lines of TOML.
    pub fn fault(mut self, at: f64, lasts: f64, fields: &str) -> RunPlan {
        let _ = writeln!(self.faults, "[[fault]]\nat = {at:?}\nlasts = {lasts:?}\n{fields}");
        self
    }

    /// The plan as TOML.
    pub fn toml(self) -> String {
        let RunPlan { mut head, clients, settings, faults } = self;
        if faults.is_empty() && !head.contains("composition") {
            head.push_str("faults = [\"none\"]\n");
        }
        if !settings.is_empty() {
            head = format!("{head}[settings]\n{settings}");
        }
        format!("{head}[clients]\n{clients}{faults}")
    }
}

/// The fields of a fault by which every packet between these nodes and the others takes so many
/// milliseconds longer.
pub(super) fn delayed(aim: &str, milliseconds: f64) -> String {
    format!(
        "family = \"packet\"\naim = \"{aim}\"\ndirection = \"both\"\ndelay_ms = {milliseconds:?}"
    )
}

/// The fields of a hand-over of the leadership to a node, by name.
pub(super) fn handed_to(node: &str) -> String {
    format!("family = \"leadership\"\nto = \"follower\"\non = \"{node}\"")
}

/// 24 clients write as fast as they are answered, for seven seconds over links with that round trip, in
/// milliseconds. Where entries go one by one, an answer takes a second.
pub(super) fn over_delayed_links(nodes: usize, round_trip: f64) -> RunPlan {
    let plan = RunPlan::new(nodes, "set", 7.5).line("rate = 0.0").line("concurrency = 24");
    let plan = plan.client("attempt_timeout = 5.0");
    plan.fault(0.2, 7.0, &delayed("all", round_trip / 2.0))
}

/// Lines with one more, in the place of that for the same key.
fn replaced(lines: &str, line: &str) -> String {
    let key = line.split(" = ").next().unwrap_or(line);
    let kept = lines.lines().filter(|it| it.split(" = ").next() != Some(key));
    kept.chain([line]).flat_map(|line| [line, "\n"]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{Rate, Written};

    #[test]
    fn it_says_everything_that_would_be_drawn() {
        let plan = RunPlan::new(5, "set", 9.5).line("rate = 50.0").set("off", "pre-vote");
        let plan = plan.client("attempt_timeout = 1.5");
        let text = plan.fault(1.0, 0.5, "family = \"kill\"\naim = \"leader\"").toml();
        let plan =
            Written::from_toml(&text).and_then(|written| written.resolve()).expect("it is a plan");
        assert_eq!((plan.nodes, plan.time_limit, plan.schedule.len()), (5, 9.5, 1));
        assert_eq!(plan.rate, Rate::PerSecond(50.0));
        assert_eq!(plan.clients.attempt_timeout, Some(1.5));
        assert_eq!(plan.settings, [("off".to_owned(), "pre-vote".to_owned())]);
        assert!(!plan.is_drawn(), "its faults are spelled out");
    }
}
