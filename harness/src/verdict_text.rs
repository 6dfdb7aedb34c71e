//! Verdicts and counterexamples as text, for terminals and logs.

use std::fmt::Write;

use checker::history::EventType;
use checker::oracle::audit::AuditReport;
use checker::oracle::divergence::DivergenceReport;
use checker::oracle::version::VersionReport;
use checker::verdict::{Counterexample, Verdict};
use results::words::{self, counted};

/// `12,345 answers compared, none contradicts another`.
pub fn versions(report: &VersionReport) -> String {
    let compared = format!("{} compared", counted(report.answers, "answer"));
    let eras = match report.new_eras {
        0 => String::new(),
        eras => format!(", {}", counted(eras, "new era")),
    };
    match report.contradictions {
        0 => format!("{compared}, none contradicts another{eras}"),
        some => format!("{compared}, {}{eras}", counted(some, "contradiction")),
    }
}

/// `12,345 tokens, none seen to break its promise, 12 not known exactly`.
pub fn tokens(report: &AuditReport) -> String {
    let unknown: u64 = report.unobservable.iter().map(|unobservable| unobservable.tokens).sum();
    let unknown = match unknown {
        0 => String::new(),
        some => format!(", {some} not known exactly"),
    };
    let tokens = counted(report.tokens, "token");
    match report.broken {
        0 => format!("{tokens}, none seen to break its promise{unknown}"),
        broken => format!("{tokens}, {broken} broke their promise{unknown}"),
    }
}

/// What the members held in the end, in a few words.
pub fn members(report: &DivergenceReport) -> String {
    match &report.sentence {
        Some(sentence) => sentence.clone(),
        None => format!("{} hold the same", counted(report.members.len() as u64, "member")),
    }
}

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
            true => format!("{:.3} s", operation.start as f64 / 1e9),
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
