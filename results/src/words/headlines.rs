//! Long texts as a headline with the rest below it.

/// The number of characters that a headline has at most.
const LONGEST: usize = 400;

/// A text as a headline: its first line, and the rest if there is one. Of a text without lines that
/// is too long, the whole is the rest. Logs and stack traces reach a page inside of such texts.
pub(crate) fn headline(text: &str) -> (String, Option<&str>) {
    let text = text.trim();
    let (first, rest) = match text.split_once('\n') {
        Some((first, rest)) => (first.trim_end(), Some(rest.trim_end())),
        None => (text, None),
    };
    // Such as `the end of stderr.log:`, of which the rest is not behind it any more.
    let first = first.trim_end_matches(':');
    match first.char_indices().nth(LONGEST) {
        Some((cut, _)) => (format!("{}…", first[..cut].trim_end()), Some(text)),
        None => (first.to_owned(), rest),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_headline_is_one_line_and_not_too_long() {
        assert_eq!(headline("all is well"), ("all is well".into(), None));
        let crash = "n1 ended by itself; the end of stderr.log:\n  panicked\n  0: main\n";
        let crashed = "n1 ended by itself; the end of stderr.log".into();
        assert_eq!(headline(crash), (crashed, Some("  panicked\n  0: main")));
        let long = "ü".repeat(500);
        let (cut, whole) = headline(&long);
        assert_eq!((cut.chars().count(), whole), (LONGEST + 1, Some(&*long)));
    }
}
