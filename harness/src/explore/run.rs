//! An exploration from start to end, and what it found.

use std::fmt;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use stateright::{Checker, Expectation, HasDiscoveries, Model, Path};

use super::action::Action;
use super::bounds::Bounds;
use super::exploration::Exploration;
use super::message::name;
use super::state::State;

/// The counts of an exploration so far.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Counts {
    /// The states found that differ.
    pub states: usize,
    /// The steps taken between them.
    pub steps: usize,
    /// The most steps from the first state.
    pub depth: usize,
    /// The time it took.
    pub elapsed: Duration,
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.elapsed.as_secs_f64();
        let rate = self.states as f64 / seconds.max(0.001);
        write!(f, "{} states, {} steps, depth {}, ", self.states, self.steps, self.depth)?;
        write!(f, "{seconds:.1} s, {rate:.0} states/s")
    }
}

/// The end of an exploration.
#[derive(Debug)]
pub(crate) struct Findings {
    /// The counts at its end.
    pub counts: Counts,
    /// True if every state within the bounds was looked at.
    pub is_complete: bool,
    /// The promises broken, each with the steps that lead there.
    pub broken: Vec<(&'static str, Vec<String>)>,
    /// The situations met, each with the number of steps to it on one way, not the shortest.
    pub met: Vec<(&'static str, usize)>,
    /// The situations that no state showed.
    pub missing: Vec<&'static str>,
}

/// Explores everything within the bounds, nearest states first, until it is done, a promise is found
/// broken, or the time is over. `progress` is called now and then.
pub(crate) fn explore(
    bounds: Bounds,
    threads: usize,
    time_limit: Option<Duration>,
    mut progress: impl FnMut(Counts),
) -> Findings {
    let start = Instant::now();
    let mut builder = Exploration::new(bounds)
        .checker()
        .threads(threads)
        .finish_when(HasDiscoveries::AnyFailures);
    if let Some(limit) = time_limit {
        builder = builder.timeout(limit);
    }
    let mut checker = builder.spawn_bfs();
    let handles = checker.handles();
    let counts = |checker: &dyn Fn() -> [usize; 3]| {
        let [states, steps, depth] = checker();
        Counts { states, steps, depth, elapsed: start.elapsed() }
    };
    let read = || [checker.unique_state_count(), checker.state_count(), checker.max_depth()];
    while handles.iter().any(|handle| !handle.is_finished()) {
        std::thread::sleep(LOOK_AROUND);
        progress(counts(&read));
    }
    for handle in handles {
        if let Err(panic) = handle.join() {
            std::panic::resume_unwind(panic);
        }
    }
    let counts = counts(&read);
    let mut discoveries = checker.discoveries();
    let mut findings = Findings {
        counts,
        is_complete: time_limit.is_none_or(|limit| counts.elapsed < limit),
        broken: Vec::new(),
        met: Vec::new(),
        missing: Vec::new(),
    };
    for property in checker.model().properties() {
        let path = discoveries.remove(property.name);
        match (property.expectation, path) {
            (Expectation::Sometimes, None) => findings.missing.push(property.name),
            (Expectation::Sometimes, Some(path)) => {
                findings.met.push((property.name, path.into_actions().len()));
            }
            (_, Some(path)) => findings.broken.push((property.name, trace(path))),
            (_, None) => {}
        }
    }
    findings.is_complete &= findings.broken.is_empty();
    findings
}

/// The time between two looks at an exploration.
const LOOK_AROUND: Duration = Duration::from_millis(50);

/// The steps of a path, each with the state of the node that it changed.
fn trace(path: Path<State, Action>) -> Vec<String> {
    let steps = path.into_vec();
    let pairs = steps.iter().zip(steps.iter().skip(1));
    let line = |((before, action), (after, _)): (&(State, Option<Action>), &(State, _))| {
        let action = action.as_ref().expect("only the last state has no action behind it");
        let mut line = action.to_string();
        for (position, member) in after.members.iter().enumerate() {
            if member.fingerprint != before.members[position].fingerprint {
                line += &format!("\n    {} is now {member}", name(position));
            }
        }
        for (client, seen) in after.clients.seen.iter().enumerate() {
            if let Some(seen) = seen.filter(|_| before.clients.seen[client].is_none()) {
                line += &format!("\n    client c{} is answered {seen:?}", client + 1);
            }
        }
        if let Some(panic) = &after.panic {
            line += &format!("\n    an assertion fails: {panic}");
        }
        line
    };
    pairs.map(line).collect()
}

/// Serves stateright's explorer, and does not return. The states are worked out as they are looked
/// at.
pub(crate) fn serve(bounds: Bounds, threads: usize, address: SocketAddr) {
    Exploration::new(bounds).checker().threads(threads).serve(address);
}
