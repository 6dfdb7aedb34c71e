//! Words: how docs begin, what they avoid, and names that the field has a better word for.

use crate::rust_source::{Source, sources};
use crate::tree::Complaints;

/// No paragraph of a doc comment begins with these, and no item of a list.
const BEGINNINGS: [&str; 7] = ["What", "Whether", "How", "Who", "Where", "Why", "Whose"];

/// Words that make a reader who learnt English at school stop.
const AVOIDED: [&str; 3] = ["nobody", "whatever", "whoever"];

/// Names of types and modules, each with the word that the field has for it.
const REPLACED: &[(&str, &str)] = &[
    ("Storm", "nemesis runner, or run"),
    ("Blow", "fault"),
    ("Scene", "composition"),
    ("Bag", "shuffle bag"),
    ("Room", "cluster limits"),
    ("Excuses", "expected exits"),
    ("Told", "a name of its own: client outcome, journal state…"),
    ("Sighting", "online verdict"),
    ("Standing", "online verdict, state"),
    ("Moment", "event index, event time"),
    ("Deed", "op"),
    ("Act", "op, interval"),
    ("Timed", "interval"),
    ("Claims", "version semantics"),
    ("Claim", "kept evidence"),
    ("Handling", "element effect"),
    ("Keeping", "element effect"),
    ("Keeper", "element effect"),
    ("Puts", "insert"),
    ("Shows", "observe"),
    ("Takes", "remove"),
    ("Fate", "element outcome, reachability, apply result"),
    ("TellingSums", "unique subset sums"),
    ("Possession", "lock intervals"),
    ("Gate", "request interceptor"),
    ("Clerk", "delay thread"),
    ("Turns", "CPU throttle"),
    ("Reins", "process group"),
    ("Leash", "throttle"),
    ("Trouble", "disk fault"),
    ("Rhythm", "pattern"),
    ("Beat", "step"),
    ("Upkeep", "maintenance"),
    ("Ties", "parent link"),
    ("Stage", "role"),
    ("Heard", "HTTP response"),
    ("Facts", "report data, cluster snapshot"),
    ("Look", "probe"),
    ("Nonsense", "unparseable"),
];

/// The lines of doc comments without their signs, with their numbers.
fn doc_lines(source: &Source) -> impl Iterator<Item = (usize, &str)> {
    (1..).zip(source.comments.lines()).filter_map(|(line, comment)| {
        let comment = comment.trim_start();
        // Four strokes are a comment again.
        let doc = comment.strip_prefix("///").filter(|rest| !rest.starts_with('/'));
        Some((line, doc.or(comment.strip_prefix("//!"))?.trim()))
    })
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|it: char| !(it.is_alphanumeric() || it == '_')).filter(|word| !word.is_empty())
}

#[test]
fn docs_begin_with_the_noun_or_the_verb() {
    let mut complaints = Complaints::new(
        "docs begin with a question",
        "name the thing: `The outcome of …`, `Returns …`, `True if …`, `The number of …`",
    );
    for source in sources() {
        let mut above = (0, "");
        for (line, doc) in doc_lines(source) {
            let first = doc.trim_start_matches(['-', '*', ' ']);
            let goes_on = above.0 + 1 == line && !above.1.is_empty() && first == doc;
            above = (line, doc);
            if goes_on {
                continue;
            }
            if let Some(word) = words(first).next().filter(|word| BEGINNINGS.contains(word))
                && first.starts_with(word)
                // A question that is asked is one.
                && !doc.ends_with('?')
            {
                complaints.at(&source.path, line, doc);
            }
        }
    }
    complaints.none();
}

#[test]
fn docs_say_things_plainly() {
    let mut complaints = Complaints::new(
        "a doc comment has a word to avoid",
        "`no client`, `no other process`; `everything that`, `any`; `the caller`, `a user who`",
    );
    for source in sources() {
        for (line, doc) in doc_lines(source) {
            // Names of the program, such as a user's, are as they are.
            let prose = doc.split('`').step_by(2);
            let found =
                prose.flat_map(words).find(|word| AVOIDED.contains(&word.to_lowercase().as_str()));
            if let Some(word) = found {
                complaints.at(&source.path, line, word);
            }
        }
    }
    complaints.none();
}

#[test]
fn names_are_the_field_s_words() {
    let mut complaints = Complaints::new(
        "a name is not the field's word",
        "take the field's word; a new one stands in ARCHITECTURE.md's glossary first",
    );
    for source in sources() {
        for (line, code) in (1..).zip(source.code.lines()) {
            let pairs = words(code).zip(words(code).skip(1));
            for (keyword, name) in pairs {
                let is = |word: &str| match keyword {
                    "struct" | "enum" | "trait" | "type" => name == word,
                    "mod" => [snake(word), snake(word) + "s"].contains(&name.to_owned()),
                    _ => false,
                };
                if let Some((word, instead)) = REPLACED.iter().find(|(word, _)| is(word)) {
                    complaints.at(&source.path, line, format!("{word}; say {instead}"));
                }
            }
        }
    }
    complaints.none();
}

/// The name of a type as the name of a module.
fn snake(name: &str) -> String {
    let mut snake = String::new();
    for character in name.chars() {
        if character.is_uppercase() && !snake.is_empty() {
            snake.push('_');
        }
        snake.extend(character.to_lowercase());
    }
    snake
}
