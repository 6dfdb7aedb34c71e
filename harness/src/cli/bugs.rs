//! The list of the planted bugs as a table.

use cluster::bugs::{Bug, Group, Reach};

/// The planted bugs by the part of the protocol that they break, two lines each.
pub(super) fn table() -> String {
    let width = |of: fn(Bug) -> usize| Bug::ALL.into_iter().map(of).max().unwrap_or(0);
    let names = width(|bug| bug.name().len());
    let faults = width(|bug| families(bug).len());
    let row = |name: &str, kind: &str, exposed_by: &str, reach: &str, source: &str| {
        format!("  {name:names$}  {kind:8}  {exposed_by:faults$}  {reach:14}  {source}")
    };
    let mut lines = vec![row("name", "breaks", "exposed by", "reached by", "found in")];
    let mut group: Option<Group> = None;
    for bug in Bug::ALL {
        if group.replace(bug.group()) != Some(bug.group()) {
            lines.push(format!("\n{}", bug.group()));
        }
        let (kind, reach) = (bug.kind().to_string(), bug.reach().to_string());
        lines.push(row(bug.name(), &kind, &families(bug), &reach, bug.source()));
        lines.push(format!("      {}", bug.summary()));
    }
    lines.push(format!(
        "\nWhat {} reach: stormproof run --bug NAME --faults FAMILIES, with --profile composed for \
         several.",
        Reach::Faults
    ));
    lines.join("\n")
}

/// The families of faults that expose a bug.
fn families(bug: Bug) -> String {
    bug.exposed_by().join(",")
}

#[cfg(test)]
mod tests {
    use cluster::bugs::Bug;
    use faults::fault::Family;

    use super::table;

    #[test]
    fn the_families_that_expose_a_bug_exist() {
        for bug in Bug::ALL {
            for name in bug.exposed_by() {
                assert!(name.parse::<Family>().is_ok(), "{bug} names {name}");
            }
        }
    }

    #[test]
    fn the_table_can_be_read() {
        insta::assert_snapshot!(table());
    }
}
