//! Nodes by a name that a plan gives them.

use std::collections::{BTreeMap, BTreeSet};

/// The nodes that a fault is [`on`](super::Entry::on).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Named<'a> {
    /// The name.
    pub word: &'a str,
    /// Set for all nodes but those.
    pub all_but: bool,
}

impl<'a> Named<'a> {
    /// Reads what stands in a plan: `deposed`, `n2`, `seen`, `all but deposed`.
    pub fn read(text: &'a str) -> Self {
        match text.strip_prefix("all but ") {
            Some(word) => Self { word: word.trim(), all_but: true },
            None => Self { word: text, all_but: false },
        }
    }

    /// The nodes of a cluster that it means, when `given` are the names given so far; none where no
    /// node has the name.
    pub fn nodes(
        self,
        nodes: &[String],
        given: &BTreeMap<String, BTreeSet<String>>,
    ) -> Option<BTreeSet<String>> {
        let one = || nodes.iter().find(|node| *node == self.word).map(|it| [it.clone()].into());
        let named = given.get(self.word).cloned().or_else(one)?;
        match self.all_but {
            false => Some(named),
            true => Some(nodes.iter().filter(|node| !named.contains(*node)).cloned().collect()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_means_what_was_given_it_a_node_or_all_others() {
        let nodes = ["n1", "n2", "n3"].map(str::to_owned);
        let given = BTreeMap::from([("slow".to_owned(), BTreeSet::from(["n3".to_owned()]))]);
        let check = |text: &str, expected: Option<&[&str]>| {
            let expected = expected.map(|all| all.iter().map(|it| (*it).to_owned()).collect());
            assert_eq!(Named::read(text).nodes(&nodes, &given), expected, "{text}");
        };
        check("slow", Some(&["n3"]));
        check("all but slow", Some(&["n1", "n2"]));
        check("n2", Some(&["n2"]));
        check("all but n2", Some(&["n1", "n3"]));
        check("fast", None);
        check("all but fast", None);
    }
}
