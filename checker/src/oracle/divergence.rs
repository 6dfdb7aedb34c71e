//! The divergence check: members of one cluster that have applied the same must hold the same.
//!
//! Every member is asked for all that it holds once the cluster has healed and nothing is in
//! flight. It sees what no answer showed: a member that skipped an entry (etcd#13766) serves right
//! answers as long as no client reads that key through it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::history::{EventType, OperationRef, Operations};
use crate::lattice::Verdict;
use crate::oracle::kept::MAX_KEPT;
use crate::words::{at, counted};

/// The content of one member.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Contents {
    /// The member.
    pub node: String,
    /// The last entry of the log that it has applied, if it tells. Only members that are equally
    /// far are compared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub position: Option<u64>,
    /// The revision that its state counts, such as etcd's; equal at equal positions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<u64>,
    /// A digest of its whole store, its past included, to be compared with others; equal at
    /// equal positions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// Everything it holds, by name.
    pub held: BTreeMap<String, Held>,
}

/// The content under one name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Held {
    /// The value as text, for people; two that differ must differ as text.
    pub value: String,
    /// The version at which it was written, if the service tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<u64>,
}

/// The result of the comparison.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct DivergenceReport {
    /// The members that were compared, in order of their names.
    pub members: Vec<MemberFigures>,
    /// The number of names under which some member holds something.
    pub names: u64,
    /// The number of these in which the members differ.
    pub differing: u64,
    /// The first of these by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub differences: Vec<Difference>,
    /// The difference, or what was not compared, in one sentence; none if there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sentence: Option<String>,
}

/// One member in figures.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct MemberFigures {
    /// The member.
    pub node: String,
    /// The last entry of the log that it has applied.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub position: Option<u64>,
    /// The revision that its state counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<u64>,
    /// A digest of its whole store.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// Under how many names it holds something.
    pub names: u64,
}

/// A name under which members hold different things.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Difference {
    /// The name.
    pub name: String,
    /// The content of each of the compared members under it, in order; none if there is none.
    pub held: Vec<Option<Held>>,
    /// The operations that wrote it, as far as versions or tokens tell, each in a few words.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub written_by: Vec<String>,
}

/// Compares what members hold; none if fewer than two told. `operations` tell who wrote what
/// differs.
pub fn compare(contents: &[Contents], operations: &Operations) -> Option<DivergenceReport> {
    if contents.len() < 2 {
        return None;
    }
    let mut contents: Vec<&Contents> = contents.iter().collect();
    contents.sort_by(|one, other| one.node.cmp(&other.node));
    let figures = |it: &&Contents| MemberFigures {
        node: it.node.clone(),
        position: it.position,
        revision: it.revision,
        digest: it.digest.clone(),
        names: it.held.len() as u64,
    };
    let members = contents.iter().map(figures).collect();
    let empty = DivergenceReport {
        members,
        names: 0,
        differing: 0,
        differences: Vec::new(),
        sentence: None,
    };
    if contents.iter().any(|it| it.position != contents[0].position) {
        let far = |it: &&Contents| match it.position {
            Some(position) => format!("{} up to {position}", it.node),
            None => format!("{} does not say", it.node),
        };
        let far: Vec<String> = contents.iter().map(far).collect();
        let why = format!(
            "what the members hold was not compared: they had not applied the same entries ({})",
            far.join(", ")
        );
        return Some(DivergenceReport { sentence: Some(why), ..empty });
    }
    let names: BTreeSet<&String> = contents.iter().flat_map(|it| it.held.keys()).collect();
    let differs = |name: &&&String| {
        let first = contents[0].held.get(**name);
        contents.iter().any(|it| it.held.get(**name) != first)
    };
    let differing: Vec<&String> = names.iter().filter(differs).copied().collect();
    let differences = differing.iter().take(MAX_KEPT).map(|name| {
        let held: Vec<_> = contents.iter().map(|it| it.held.get(*name).cloned()).collect();
        let written_by = writers(name, &held, operations);
        Difference { name: (*name).clone(), held, written_by }
    });
    let report = DivergenceReport {
        names: names.len() as u64,
        differing: differing.len() as u64,
        differences: differences.collect(),
        ..empty
    };
    let sentence = report.diverged();
    Some(DivergenceReport { sentence, ..report })
}

/// The operations that wrote one of these: whose answer has the version of one, or whose token the
/// name is.
fn writers(name: &str, held: &[Option<Held>], operations: &Operations) -> Vec<String> {
    let versions: BTreeSet<u64> = held.iter().flatten().filter_map(|held| held.version).collect();
    let wrote = |operation: &OperationRef<'_>| {
        let by_version = operation.outcome() == EventType::Ok
            && operation.version().is_some_and(|version| versions.contains(&version))
            && operation.key().is_some_and(|key| name.starts_with(key));
        by_version || operation.token().is_some_and(|token| name.ends_with(token))
    };
    let told = |operation: OperationRef<'_>| {
        let on = operation.key().map_or_else(String::new, |key| format!(" of {key}"));
        format!(
            "process {}: {}{on} {}, {}",
            operation.process(),
            operation.f(),
            operation.input(),
            at(operation.start(), operation.invoked())
        )
    };
    operations.iter().filter(wrote).take(MAX_KEPT).map(told).collect()
}

impl DivergenceReport {
    /// Invalid if members differ, Unknown if they were not compared.
    pub fn verdict(&self) -> Verdict {
        match &self.sentence {
            None => Verdict::Valid,
            Some(_) if self.differ() => Verdict::Invalid,
            Some(_) => Verdict::Unknown,
        }
    }

    /// Returns whether members that were compared differ.
    fn differ(&self) -> bool {
        let compared = self.members.iter().all(|it| it.position == self.members[0].position);
        compared && (self.differing > 0 || self.revisions_differ() || self.digests_differ())
    }

    /// The difference between members in one sentence; none if there is none.
    fn diverged(&self) -> Option<String> {
        if !self.differ() {
            return None;
        }
        let at = match self.members[0].position {
            Some(position) => format!(" although all had applied entry {position}"),
            None => String::new(),
        };
        let mut parts = Vec::new();
        if self.revisions_differ() {
            let of_each = self.members.iter().filter_map(|member| {
                Some(format!("{} is at revision {}", member.node, member.revision?))
            });
            parts.push(of_each.collect::<Vec<_>>().join(", "));
        } else if self.digests_differ() {
            parts.push("what they make of their stores differs".to_owned());
        }
        if let Some(first) = self.differences.first() {
            let each = self.members.iter().zip(&first.held).map(|(member, held)| match held {
                Some(Held { value, .. }) => format!("{} holds {}", member.node, short(value)),
                None => format!("{} holds nothing", member.node),
            });
            let each: Vec<String> = each.collect();
            let count = counted(self.differing, "name");
            parts.push(format!(
                "they differ in {count}, first in {}: {}",
                first.name,
                each.join(", ")
            ));
        }
        Some(format!("the members diverged{at}: {}", parts.join("; ")))
    }

    fn digests_differ(&self) -> bool {
        self.members.iter().any(|member| member.digest != self.members[0].digest)
    }

    fn revisions_differ(&self) -> bool {
        self.members.iter().any(|member| member.revision != self.members[0].revision)
    }
}

/// The beginning of a long value.
fn short(value: &str) -> String {
    const LONGEST: usize = 60;
    match value.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &value[..end]),
        None => value.to_owned(),
    }
}

impl fmt::Display for DivergenceReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.sentence {
            Some(sentence) => write!(f, "members: {sentence}"),
            None => {
                let members = counted(self.members.len() as u64, "member");
                write!(f, "members: {members} hold the same {}", counted(self.names, "name"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::read;

    fn member(node: &str, position: u64, held: &[(&str, &str, u64)]) -> Contents {
        let held = held.iter().map(|(name, value, version)| {
            ((*name).to_owned(), Held { value: (*value).to_owned(), version: Some(*version) })
        });
        let (held, position) = (held.collect(), Some(position));
        Contents { node: node.into(), position, revision: position, digest: None, held }
    }

    fn operations() -> Operations {
        let file = br#"
{"index":0,"time":10,"process":4,"type":"invoke","f":"write","key":"x","value":1,"token":"t:4:0"}
{"index":1,"time":20,"process":4,"type":"ok","f":"write","key":"x","value":1,"token":"t:4:0","version":7}
"#;
        read(&file[..]).expect("well formed").operations
    }

    #[test]
    fn the_same_contents_are_valid_in_any_order() {
        let members = [member("n2", 9, &[("x", "1", 7)]), member("n1", 9, &[("x", "1", 7)])];
        let report = compare(&members, &operations()).expect("two told");
        assert_eq!((report.verdict(), report.names), (Verdict::Valid, 1));
        assert_eq!(report.members[0].node, "n1");
    }

    #[test]
    fn a_write_that_a_member_skipped_is_shown_with_who_made_it() {
        let members = [member("n1", 9, &[("x", "1", 7)]), member("n2", 9, &[])];
        let report = compare(&members, &operations()).expect("two told");
        assert_eq!((report.verdict(), report.differing), (Verdict::Invalid, 1));
        let sentence = report.sentence.as_ref().expect("something is wrong");
        assert!(sentence.contains("first in x: n1 holds 1, n2 holds nothing"), "{sentence}");
        assert_eq!(report.differences[0].written_by, ["process 4: write of x 1, at 0.000 s"]);
    }

    #[test]
    fn a_counter_that_differs_is_enough() {
        let mut behind = member("n2", 9, &[]);
        behind.revision = Some(8);
        let report = compare(&[member("n1", 9, &[]), behind], &operations()).expect("two told");
        assert_eq!(report.verdict(), Verdict::Invalid);
    }

    #[test]
    fn members_that_are_not_equally_far_are_not_compared() {
        let members = [member("n1", 9, &[("x", "1", 7)]), member("n2", 8, &[])];
        let report = compare(&members, &operations()).expect("two told");
        assert_eq!((report.verdict(), report.differing), (Verdict::Unknown, 0));
        assert_eq!(
            report.sentence.as_deref(),
            Some(
                "what the members hold was not compared: they had not applied the same entries (n1 \
                 up to 9, n2 up to 8)"
            )
        );
        assert!(compare(&members[..1], &operations()).is_none());
    }
}
