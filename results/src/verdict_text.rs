//! Verdicts and counterexamples as text, for terminals and logs.

use std::fmt::Write;

use crate::words;
use checker::history::EventType;
use checker::verdict::{Counterexample, Verdict};

/// The verdict in capitals, in colour on a terminal.
pub fn badge(verdict: Verdict, colour: bool) -> String {
    let code = match verdict {
        Verdict::Valid => 32,
        Verdict::Unknown => 33,
        Verdict::Invalid => 31,
    };
    let word = words::verdict(verdict).to_uppercase();
    if colour { format!("\x1b[1;{code}m{word}\x1b[0m") } else { word }
}

/// A counterexample as intervals on a common line, one operation a line.
///
/// Positions are by rank in the history: a gap of seconds would hide intervals of milliseconds,
/// and Jepsen's plain logs have no times at all.
pub fn counterexample(counterexample: &Counterexample) -> String {
    const WIDTH: usize = 48;
    let operations = &counterexample.operations;
    let timed = operations.iter().any(|operation| operation.start > 0);
    let mut ranks: Vec<u64> = operations
        .iter()
        .flat_map(|operation| [Some(operation.invoked), operation.completed])
        .flatten()
        .collect();
    ranks.sort_unstable();
    let column = |index: u64| {
        let rank = ranks.partition_point(|&other| other < index);
        rank * (WIDTH - 1) / ranks.len().max(1)
    };
    let mut text = String::new();
    for (position, operation) in operations.iter().enumerate() {
        let start = column(operation.invoked);
        let (end, tail) = match operation.completed {
            Some(end) => (column(end).max(start + 1), ']'),
            None => (WIDTH, '…'),
        };
        let bar = format!("{}[{}{tail}", " ".repeat(start), "─".repeat(end - start - 1));
        let mark = if counterexample.culprits.contains(&position) { "✗" } else { " " };
        let remark = counterexample.remarks.get(position).map_or("", String::as_str);
        let place = match timed {
            true => words::moment(operation.start),
            false => format!("event {}", operation.invoked),
        };
        let doubt = if operation.outcome == EventType::Info { " (unknown)" } else { "" };
        let what = format!("p{} {}{doubt}", operation.process, words::operation(operation));
        let line =
            format!("{mark} {bar:<width$} {what:<28} {place:>11}  {remark}", width = WIDTH + 2);
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{}", line.trim_end());
    }
    text
}
