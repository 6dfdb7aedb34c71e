//! Patterns of file names.

/// Returns true if `pattern` stands for the whole of `path`: a `*` for any run of characters, also
/// none, also across `/`; everything else for itself.
pub fn matches_glob(pattern: &str, path: &str) -> bool {
    let Some((head, mut rest)) = pattern.split_once('*') else { return pattern == path };
    let Some(mut left) = path.strip_prefix(head) else { return false };
    while let Some((part, more)) = rest.split_once('*') {
        // The first place is the best: what follows may then begin anywhere behind it.
        let Some(found) = left.find(part) else { return false };
        left = &left[found + part.len()..];
        rest = more;
    }
    left.ends_with(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_anything_and_the_rest_for_itself() {
        for (pattern, path) in [
            ("log", "log"),
            ("*", ""),
            ("*.wal", "member/wal/0-0.wal"),
            ("member/*", "member/wal/0-0.wal"),
            ("*wal*0*", "member/wal/0-0.wal"),
            ("a*a", "aa"),
            ("**", "x"),
        ] {
            assert!(matches_glob(pattern, path), "{pattern} {path}");
        }
        for (pattern, path) in
            [("log", "log2"), ("*.wal", "0.wal.tmp"), ("a*a", "a"), ("a*b*c", "acb"), ("", "x")]
        {
            assert!(!matches_glob(pattern, path), "{pattern} {path}");
        }
    }
}
