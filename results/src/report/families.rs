//! The letters of the families of faults, by which they differ without colours.

use maud::{Markup, html};

use crate::metrics::FaultInterval;

/// The letter of a family. Of one that this page does not know, it is the first of its name.
pub(super) fn letter(family: &str) -> String {
    let known = match family {
        "partition" => "P",
        "packet" => "N",
        "kill" => "K",
        "pause" => "S",
        "cpu" => "U",
        "clock" => "C",
        "disk" => "D",
        "power" => "W",
        "corruption" => "X",
        "leadership" => "L",
        "membership" => "M",
        "maintenance" => "T",
        other => return other.chars().take(1).flat_map(char::to_uppercase).collect(),
    };
    known.to_owned()
}

/// The sign of a family, as the timeline draws it.
pub(super) fn sign(family: &str) -> Markup {
    html! { span.family data-family=(family) aria-hidden="true" { b { (letter(family)) } } }
}

/// The name of a fault with the sign of its family.
pub(super) fn named(fault: &FaultInterval) -> Markup {
    html! { (sign(&fault.family)) (fault.name) }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::letter;

    #[test]
    fn every_family_has_a_letter_of_its_own() {
        let families = [
            "partition",
            "packet",
            "kill",
            "pause",
            "cpu",
            "clock",
            "disk",
            "power",
            "corruption",
            "leadership",
            "membership",
            "maintenance",
        ];
        let letters: BTreeSet<String> = families.iter().map(|family| letter(family)).collect();
        assert_eq!(letters.len(), families.len());
        assert_eq!(letter("quantum"), "Q");
        assert_eq!(letter(""), "");
    }
}
