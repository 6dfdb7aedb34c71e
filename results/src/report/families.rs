//! Signs by which families of faults are told apart without colours: each has a letter of its own.

use faults::fault::Family;

use super::markup::Markup;

/// The letter of a family. Of one that this version does not know, it is the first of its name.
fn letter(family: &str) -> String {
    match family.parse::<Family>() {
        Ok(family) => family.letter().to_string(),
        Err(_) => family.chars().take(1).flat_map(char::to_uppercase).collect(),
    }
}

/// The sign of a family, as the timeline draws it.
pub(super) fn sign(family: &str) -> Markup {
    let mut out = Markup::new();
    out.raw("<span class=\"family\" data-family=\"").text(family);
    out.raw("\" aria-hidden=\"true\"><b>").text(letter(family)).raw("</b></span>");
    out
}

#[cfg(test)]
mod tests {
    use super::letter;

    #[test]
    fn what_is_no_family_has_a_letter_too() {
        assert_eq!(letter("packet"), "N");
        assert_eq!(letter("quantum"), "Q");
        assert_eq!(letter(""), "");
    }
}
