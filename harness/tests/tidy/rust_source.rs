//! Rust sources with code, comments and texts told apart.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use crate::tree;

/// A Rust source.
pub struct Source {
    pub path: String,
    pub text: String,
    /// The text with blanks for comments and for what stands in quotes, at the same places.
    pub code: String,
    /// The text with blanks for all but comments, at the same places.
    pub comments: String,
}

/// All of the tree, read once.
pub fn sources() -> &'static [Source] {
    static SOURCES: LazyLock<Vec<Source>> = LazyLock::new(|| {
        tree::files(&["rs"]).into_iter().map(|file| Source::new(file.path, file.text)).collect()
    });
    &SOURCES
}

/// The part of the text that a character belongs to.
#[derive(Clone, Copy, PartialEq)]
enum Part {
    Code,
    Comment,
    Quoted,
}

impl Source {
    pub fn new(path: String, text: String) -> Self {
        let characters: Vec<char> = text.chars().collect();
        let parts = parts(&characters);
        let only = |part: Part| {
            let pairs = characters.iter().zip(&parts);
            pairs.map(|(it, of)| if *of == part || *it == '\n' { *it } else { ' ' }).collect()
        };
        Self { path, code: only(Part::Code), comments: only(Part::Comment), text }
    }

    /// The name of the file.
    pub fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or(&self.path)
    }

    /// The folder of the file, with a slash behind.
    pub fn folder(&self) -> &str {
        self.path.strip_suffix(self.name()).unwrap_or_default()
    }

    /// The code without the items below `#[cfg(test)]`.
    pub fn without_tests(&self) -> String {
        let mut code = self.code.clone();
        while let Some(start) = code.find("#[cfg(test)]") {
            let end = start + item_length(&code[start..]);
            let blank: String =
                code[start..end].chars().map(|it| if it == '\n' { '\n' } else { ' ' }).collect();
            code.replace_range(start..end, &blank);
        }
        code
    }
}

/// The files that are compiled for tests, benches and examples only.
pub fn test_files(sources: &[Source]) -> BTreeSet<String> {
    let mut modules = Vec::new();
    for source in sources {
        let inner = match source.name() {
            "mod.rs" | "lib.rs" | "main.rs" => source.folder().to_owned(),
            name => format!("{}{}/", source.folder(), name.trim_end_matches(".rs")),
        };
        for (start, _) in source.code.match_indices("#[cfg(test)]") {
            let item = &source.code[start..start + item_length(&source.code[start..])];
            let Some((_, module)) = item.rsplit_once("mod ") else { continue };
            if let Some(name) = module.strip_suffix(';') {
                modules.extend([format!("{inner}{name}.rs"), format!("{inner}{name}/")]);
            }
        }
    }
    let outside = ["/tests/", "/benches/", "/examples/", "checker/fuzz/"];
    let of_tests = |path: &String| {
        outside.iter().any(|part| path.contains(part))
            || modules.iter().any(|module| path.starts_with(module.as_str()))
    };
    sources.iter().map(|source| source.path.clone()).filter(of_tests).collect()
}

/// The length of the item at the beginning of some code, its attributes included.
fn item_length(code: &str) -> usize {
    let mut depth = 0;
    for (at, character) in code.char_indices() {
        match character {
            '{' | '[' | '(' => depth += 1,
            '}' | ']' | ')' => {
                depth -= 1;
                if depth == 0 && character == '}' {
                    return at + 1;
                }
            }
            ';' if depth == 0 => return at + 1,
            _ => {}
        }
    }
    code.len()
}

fn parts(text: &[char]) -> Vec<Part> {
    let mut parts = Vec::with_capacity(text.len());
    while parts.len() < text.len() {
        let at = parts.len();
        let rest = &text[at..];
        let in_word = at > 0 && (text[at - 1].is_alphanumeric() || text[at - 1] == '_');
        let (part, length) = match rest {
            ['/', '/', ..] => (Part::Comment, until(rest, 0, &['\n'])),
            ['/', '*', ..] => (Part::Comment, block_comment(rest)),
            ['"', ..] => (Part::Quoted, quoted(rest, '"')),
            ['\'', '\\', ..] | ['\'', _, '\'', ..] => (Part::Quoted, quoted(rest, '\'')),
            ['r', '"' | '#', ..] if !in_word => raw(rest),
            ['b' | 'c', 'r', '"' | '#', ..] if !in_word => {
                let (part, length) = raw(&rest[1..]);
                (part, length + 1)
            }
            _ => (Part::Code, 1),
        };
        // The quotes themselves are code, so that something stands there.
        let quotes = if part == Part::Quoted { [at, at + length - 1] } else { [usize::MAX; 2] };
        let end = (at + length).min(text.len());
        parts.extend((at..end).map(|it| if quotes.contains(&it) { Part::Code } else { part }));
    }
    parts
}

/// The length up to an end that begins at `from` or later, without it.
fn until(text: &[char], from: usize, end: &[char]) -> usize {
    let found = text[from..].windows(end.len()).position(|window| window == end);
    found.map_or(text.len(), |at| from + at)
}

fn block_comment(text: &[char]) -> usize {
    let (mut depth, mut at) = (0, 0);
    while at < text.len() {
        match text[at..] {
            ['/', '*', ..] => (depth, at) = (depth + 1, at + 2),
            ['*', '/', ..] => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            break;
        }
    }
    at
}

fn quoted(text: &[char], quote: char) -> usize {
    let mut at = 1;
    while at < text.len() && text[at] != quote {
        at += if text[at] == '\\' { 2 } else { 1 };
    }
    at + 1
}

/// A raw text, or a raw name.
fn raw(text: &[char]) -> (Part, usize) {
    let hashes = text[1..].iter().take_while(|it| **it == '#').count();
    if text.get(1 + hashes) != Some(&'"') {
        return (Part::Code, 1);
    }
    let end: Vec<char> = std::iter::once('"').chain(std::iter::repeat_n('#', hashes)).collect();
    (Part::Quoted, until(text, 2 + hashes, &end) + end.len())
}

#[test]
fn code_comments_and_texts_are_told_apart() {
    let text = r###"let a = "x // y"; // "z" unsafe
let b = r#"q"r"#; /* o /* i */ o */ let c = '"'; fn f<'a>() {} 'x' b"y\"" done"###;
    let source = Source::new(String::new(), text.into());
    assert_eq!(
        source.code.split_whitespace().collect::<Vec<_>>().join(" "),
        r#"let a = " "; let b = r #; let c = ' '; fn f<'a>() {} ' ' b" " done"#,
    );
    assert_eq!(
        source.comments.split_whitespace().collect::<Vec<_>>().join(" "),
        "// \"z\" unsafe /* o /* i */ o */",
    );
}

#[test]
fn items_of_tests_are_left_out() {
    let text = "a(); #[cfg(test)] use x; b(); #[cfg(test)] mod t { fn f() {} } c();";
    let source = Source::new(String::new(), text.into());
    let left = source.without_tests();
    assert_eq!(left.split_whitespace().collect::<Vec<_>>(), ["a();", "b();", "c();"]);
}
