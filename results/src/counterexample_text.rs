//! A counterexample as text: one operation a line, with the faults of the time.

use std::fmt::Write;

use checker::history::EventType;
use checker::verdict::{Counterexample, Operation};

use crate::metrics::{FaultInterval, FaultIntervals};
use crate::words;

/// The width of the intervals, in characters.
const WIDTH: usize = 48;

/// The heading of the intervals.
const ORDER: &str = "from invocation to completion, in true order";

/// A line of the table: its interval, and what stands beside it.
struct Row {
    mark: char,
    bar: String,
    what: String,
    nodes: String,
    began: String,
    remark: String,
}

/// A counterexample as intervals on a common line, with the nodes that answered and the faults that
/// were on. Without `faults` nothing is known of them, and nothing is said.
///
/// Positions are by rank in the history: a gap of seconds would hide intervals of milliseconds,
/// and Jepsen's plain logs have no times at all.
pub fn counterexample(counterexample: &Counterexample, faults: Option<&FaultIntervals>) -> String {
    let scale = Scale::of(&counterexample.operations);
    let began = if scale.timed { "began at" } else { "began with" };
    let heading = Row {
        mark: ' ',
        bar: ORDER.to_owned(),
        what: "operation".to_owned(),
        nodes: "node".to_owned(),
        began: began.to_owned(),
        remark: String::new(),
    };
    let on: Vec<&FaultInterval> = faults
        .iter()
        .flat_map(|faults| faults.iter())
        .filter(|fault| fault.overlaps(scale.from, scale.to))
        .collect();
    let mut rows = vec![heading];
    rows.extend(on.iter().map(|fault| scale.fault(fault)));
    let operations = counterexample.operations.iter().enumerate();
    rows.extend(operations.map(|(position, operation)| {
        let mark = if counterexample.culprits.contains(&position) { '✗' } else { ' ' };
        let remark = counterexample.remarks.get(position).cloned().unwrap_or_default();
        Row { mark, remark, ..scale.operation(operation) }
    }));
    let mut text = table(&rows);
    if let Some(faults) = faults.filter(|_| on.is_empty()) {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "  {}", no_fault(faults, scale.from));
    }
    text
}

/// The lines of a table whose columns are as wide as their longest text; a column in which no row but
/// the heading has a text is left out.
fn table(rows: &[Row]) -> String {
    let width =
        |column: &dyn Fn(&Row) -> &str| match rows[1..].iter().all(|it| column(it).is_empty()) {
            true => 0,
            false => rows.iter().map(|row| column(row).chars().count()).max().unwrap_or(0),
        };
    let (nodes, began) = (width(&|row| &row.nodes), width(&|row| &row.began));
    let what = rows
        .iter()
        .filter(|row| !row.bar.contains('═'))
        .map(|row| row.what.chars().count())
        .max()
        .unwrap_or(0);
    let mut text = String::new();
    for Row { mark, bar, what: name, nodes: of, began: at, remark } in rows {
        // The name of a fault may reach into the next column.
        let name = match (bar.contains('═'), nodes) {
            (_, 0) => format!("{name:<what$}"),
            (true, _) => format!("{name:<width$}", width = what + 2 + nodes),
            (false, _) => format!("{name:<what$}  {of:<nodes$}"),
        };
        let line = format!("{mark} {bar:<bars$} {name}  {at:>began$}  {remark}", bars = WIDTH + 2);
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{}", line.trim_end());
    }
    text
}

/// The moments of a counterexample on a line.
struct Scale {
    timed: bool,
    /// The indices of invocations and completions with their times, in order.
    moments: Vec<(u64, u64)>,
    from: u64,
    to: u64,
}

impl Scale {
    fn of(operations: &[Operation]) -> Scale {
        let mut moments: Vec<(u64, u64)> = operations
            .iter()
            .flat_map(|it| [Some((it.invoked, it.start)), it.completed.zip(it.end)])
            .flatten()
            .collect();
        moments.sort_unstable();
        let times = || moments.iter().map(|(_, time)| *time);
        let (from, to) = (times().min().unwrap_or(0), times().max().unwrap_or(0));
        Scale { timed: operations.iter().any(|it| it.start > 0), moments, from, to }
    }

    fn column(&self, rank: usize) -> usize {
        rank * (WIDTH - 1) / self.moments.len().max(1)
    }

    fn of_index(&self, index: u64) -> usize {
        self.column(self.moments.partition_point(|(other, _)| *other < index))
    }

    fn of_time(&self, time: u64) -> usize {
        self.column(self.moments.partition_point(|(_, other)| *other < time))
    }

    fn operation(&self, operation: &Operation) -> Row {
        let start = self.of_index(operation.invoked);
        let (end, tail) = match operation.completed {
            Some(end) => (self.of_index(end).max(start + 1), ']'),
            None => (WIDTH, '…'),
        };
        let doubt = if operation.outcome == EventType::Info { " (unknown)" } else { "" };
        Row {
            mark: ' ',
            bar: format!("{}[{}{tail}", " ".repeat(start), "─".repeat(end - start - 1)),
            what: format!("p{} {}{doubt}", operation.process, words::operation(operation)),
            nodes: nodes(operation),
            began: match self.timed {
                true => words::moment(operation.start),
                false => format!("event {}", operation.invoked),
            },
            remark: String::new(),
        }
    }

    /// A fault that was on meanwhile.
    fn fault(&self, fault: &FaultInterval) -> Row {
        let start = self.of_time(fault.start);
        let end = fault.end.map_or(WIDTH, |end| self.of_time(end)).max(start + 1);
        let undone = match fault.end {
            Some(end) => format!("undone at {}", words::moment(end)),
            None => "not undone".to_owned(),
        };
        let doubt = match fault.took_effect() {
            true => String::new(),
            false => format!("{}, ", fault.outcome_name()),
        };
        Row {
            mark: ' ',
            bar: format!("{}{}", " ".repeat(start), "═".repeat(end - start)),
            what: format!("fault: {}", fault.name),
            nodes: String::new(),
            began: words::moment(fault.start),
            remark: format!("{doubt}{undone}"),
        }
    }
}

/// The node that answered; else those that were asked, in doubt.
fn nodes(operation: &Operation) -> String {
    if let Some(node) = &operation.node {
        return node.clone();
    }
    let mut asked: Vec<String> = Vec::new();
    for attempt in &operation.attempts {
        let node = format!("{}?", attempt.node);
        if !asked.contains(&node) {
            asked.push(node);
        }
    }
    asked.join(" ")
}

/// That no fault was on from a moment on, and which was the last.
fn no_fault(faults: &FaultIntervals, from: u64) -> String {
    let before = faults.iter().filter(|fault| fault.was_attempted());
    let ended = before.filter_map(|fault| Some((fault.end?, fault)));
    match ended.filter(|(end, _)| *end < from).max_by_key(|(end, _)| *end) {
        None => "no fault had been on by that time".to_owned(),
        Some((end, fault)) => format!(
            "no fault was on at that time; the last, {}, had been undone {} earlier",
            fault.name,
            words::duration(from - end)
        ),
    }
}
