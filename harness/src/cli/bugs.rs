//! The list of the planted bugs as a table.

use cluster::bugs::{Bug, Group, Reach};

/// The planted bugs by the part of the protocol that they break, each with the run that catches it.
pub(super) fn table() -> String {
    let names = Bug::ALL.into_iter().map(|bug| bug.name().len()).max().unwrap_or(0);
    let row = |name: &str, kind: &str, source: &str| format!("  {name:names$}  {kind:8}  {source}");
    let mut lines = vec![row("name", "breaks", "found in")];
    let mut group: Option<Group> = None;
    for bug in Bug::ALL {
        if group.replace(bug.group()) != Some(bug.group()) {
            lines.push(format!("\n{}", bug.group()));
        }
        lines.push(row(bug.name(), &bug.kind().to_string(), bug.source()));
        lines.push(format!("      {}", bug.summary()));
        lines.push(match bug.reach() {
            Reach::Faults(flags) => format!("      stormproof run --bug {bug} {flags}"),
            Reach::Simulator => format!("      stormproof simulate --bug {bug}"),
        });
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::table;

    #[test]
    fn the_table_can_be_read() {
        insta::assert_snapshot!(table());
    }
}
