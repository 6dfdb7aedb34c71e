//! The texts of a simulation, for people.

use cluster::world::{Situation, Situations, Violation};

use super::seed_run::Ended;
use super::settings::Settings;
use super::shrinking::shrink;
use crate::printing::out;

/// The lines of a trace that are shown without being asked for more: what led to the end.
const TAIL: usize = 80;

/// Prints the promise that a seed breaks, the fewest faults and operations with which it does, and
/// the command that brings it back. Returns its end with these.
pub fn print_failure(
    seed: u64,
    violation: &Violation,
    settings: &Settings,
    whole: bool,
    command: &str,
) -> Ended {
    out!("seed {seed} breaks {violation}");
    let shrunk = shrink(seed, settings);
    let (all, faults) = shrunk.faults;
    let (begun, operations) = shrunk.operations;
    out!("shrunk to {faults} of {all} faults by chance and {operations} of {begun} operations:");
    let trace = &shrunk.ended.trace;
    let lines: Vec<&String> = trace.iter().filter(|line| whole || !is_routine(line)).collect();
    let skipped = if whole { 0 } else { lines.len().saturating_sub(TAIL) };
    if skipped > 0 {
        out!("  … {skipped} lines before; --trace shows all");
    }
    for line in &lines[skipped..] {
        out!("  {line}");
    }
    if let Some(last) = &shrunk.ended.violation {
        out!("{last}");
    }
    out!("again: {command}");
    shrunk.ended
}

/// True of lines that stand between all others and say that all is well.
fn is_routine(line: &str) -> bool {
    [": heartbeat ", " heartbeat ", " heard (", "responds: heard"]
        .iter()
        .any(|it| line.contains(it))
}

/// Prints how often each situation was reached, those that never were last.
pub fn print_situations(situations: &Situations) {
    let width = Situation::ALL.map(|situation| situation.name().len()).into_iter().max();
    let width = width.unwrap_or(0);
    for situation in Situation::ALL {
        let count = situations.count(situation);
        if count > 0 {
            out!("  {:width$}  {count}", situation.name());
        }
    }
    for situation in situations.never() {
        out!("  {:width$}  never", situation.name());
    }
}
