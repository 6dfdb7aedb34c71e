//! The form of a line of a log without what differs from time to time: numbers, ids, names of nodes.

/// Longer forms are cut, in letters.
const LONGEST: usize = 150;

/// An id in hexadecimal has at least so many digits.
const ID: usize = 7;

/// The form of a line: `node n3 voted in term 12` is `node <node> voted in term <n>`.
pub(crate) fn template(line: &str) -> String {
    let mut form = String::new();
    let mut rest = line.trim();
    while let Some(first) = rest.chars().next() {
        if !first.is_alphanumeric() {
            let colours = rest.strip_prefix("\u{1b}[").and_then(|rest| rest.split_once('m'));
            if let Some((_, after)) = colours {
                rest = after;
                continue;
            }
            form.push(first);
            rest = &rest[first.len_utf8()..];
            continue;
        }
        let end = rest.find(|it: char| !it.is_alphanumeric() && it != '_').unwrap_or(rest.len());
        push_word(&mut form, &rest[..end]);
        rest = &rest[end..];
    }
    // Times, addresses and versions are numbers with signs between.
    for sign in [".", ":", "-", "T", "/"] {
        let pair = format!("<n>{sign}<n>");
        while form.contains(&pair) {
            form = form.replace(&pair, "<n>");
        }
    }
    match form.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &form[..end]),
        None => form,
    }
}

fn push_word(form: &mut String, word: &str) {
    let is_digit = |it: char| it.is_ascii_digit();
    if !word.contains(is_digit) {
        form.push_str(word);
        return;
    }
    let is_id = word.len() >= ID
        && word.chars().all(|it| it.is_ascii_hexdigit())
        && word.contains(|it: char| it.is_ascii_alphabetic());
    if is_id {
        form.push_str("<id>");
        return;
    }
    if word.strip_prefix('n').is_some_and(|rest| !rest.is_empty() && rest.chars().all(is_digit)) {
        form.push_str("<node>");
        return;
    }
    let mut rest = word;
    while !rest.is_empty() {
        let end = rest.find(is_digit).unwrap_or(rest.len());
        form.push_str(&rest[..end]);
        rest = &rest[end..];
        let after = rest.trim_start_matches(is_digit);
        if after.len() < rest.len() {
            form.push_str("<n>");
        }
        rest = after;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_has_neither_numbers_nor_ids() {
        let check = |line: &str, expect: &str| assert_eq!(template(line), expect);
        check("node n3 voted for n12 in term 12", "node <node> voted for <node> in term <n>");
        check(
            "[8421] 2025/11/29 18:01:02.123456 [INF] listening on 10.77.0.3:7000",
            "[<n>] <n> <n> [INF] listening on <n>",
        );
        check(
            r#"{"level":"warn","ts":"2025-11-29T18:01:02.123Z","id":"8e9e05c52164694d","took":"1.2s"}"#,
            r#"{"level":"warn","ts":"<n>Z","id":"<id>","took":"<n>s"}"#,
        );
        check("\u{1b}[31mERROR\u{1b}[0m segment seg_0007 is torn", "ERROR segment seg_<n> is torn");
        check("facade decade added", "facade decade added");
        check("  token r1a2286fc20f-2:2:318  ", "token r<n>a<n>fc<n>f-<n>");
        assert_eq!(template(&"a ".repeat(200)).chars().count(), 151);
    }
}
