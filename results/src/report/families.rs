//! The signs of the families of faults, by which they differ without colours: each has a letter of
//! its own.

use faults::fault::Family;
use maud::{Markup, html};

use crate::metrics::FaultInterval;

/// The letter of a family. Of one that this version does not know, it is the first of its name.
fn letter(family: &str) -> String {
    match family.parse::<Family>() {
        Ok(family) => family.letter().to_string(),
        Err(_) => family.chars().take(1).flat_map(char::to_uppercase).collect(),
    }
}

/// The sign of a family, as the timeline draws it.
pub(crate) fn sign(family: &str) -> Markup {
    html! { span.family data-family=(family) aria-hidden="true" { b { (letter(family)) } } }
}

/// The name of a fault with the sign of its family.
pub(crate) fn named(fault: &FaultInterval) -> Markup {
    html! { (sign(fault.family.name())) (fault.name) }
}

#[cfg(test)]
mod tests {
    use faults::fault::Family;

    use super::letter;

    #[test]
    fn every_family_has_a_colour_and_a_texture_in_style_and_script() {
        let style = include_str!("../page/style.css");
        let script = include_str!("page/families.js");
        for family in Family::ALL {
            let colours = style.matches(&format!(" --{family}: #")).count();
            assert_eq!(colours, 3, "{family}: light, dark by choice, dark by the system");
            assert!(style.contains(&format!(".family[data-family=\"{family}\"]")), "{family}");
            assert!(script.contains(&format!(" {family}: \"")), "{family}");
        }
    }

    #[test]
    fn what_is_no_family_has_a_letter_too() {
        assert_eq!(letter("packet"), "N");
        assert_eq!(letter("quantum"), "Q");
        assert_eq!(letter(""), "");
    }
}
