//! Commands: each that a document shows is one that the program takes.

use clap::Command;
use stormproof::internal::grammar;

use crate::book;
use crate::documents::{blocks, spans};
use crate::tree::{self, Complaints, File};

/// The documents with commands, beside the pages of the book.
const DOCUMENTS: [&str; 4] = [
    "README.md",
    "CONTRIBUTING.md",
    "harness/examples/targets/README.md",
    "harness/examples/nights/README.md",
];

/// Every document with commands.
fn documents() -> Vec<File> {
    DOCUMENTS.into_iter().map(tree::read).chain(book::pages()).collect()
}

/// Flags of cargo, which documents name as well.
const OF_CARGO: [&str; 3] = ["--bench", "--list", "--exact"];

/// The command lines of a document, each with its line.
fn command_lines(file: &File) -> Vec<(usize, String)> {
    let mut found: Vec<(usize, String)> = Vec::new();
    let mut goes_on = false;
    for (line, text) in blocks(file, "sh") {
        // A comment behind a command.
        let text = text.split(" #").next().unwrap_or_default();
        let (text, more) = match text.strip_suffix('\\') {
            Some(text) => (text, true),
            None => (text, false),
        };
        match found.last_mut().filter(|_| goes_on) {
            Some((_, command)) => command.push_str(text),
            None => found.push((line, text.to_owned())),
        }
        goes_on = more;
    }
    found.extend(spans(file));
    found
}

/// The words that a command line gives to stormproof, once for each `\|` in it.
fn arguments(command: &str) -> Vec<Vec<String>> {
    // Its output may go to a file.
    let words = command.split_whitespace().take_while(|word| *word != ">");
    let words: Vec<&str> = words.collect();
    let words = match words[..] {
        ["stormproof", ..] => &words[1..],
        ["cargo", "run", ..] => match words.iter().position(|word| *word == "--") {
            // Of a program with a name of its own, or with a target that this build has not got.
            Some(at) if words[..at].iter().any(|it| ["--bin", "--example"].contains(it)) => &[],
            Some(at) if words[..at].contains(&"nats") && !cfg!(feature = "nats") => &[],
            Some(at) => &words[at + 1..],
            None => &[],
        },
        _ => &[],
    };
    if words.is_empty() {
        return Vec::new();
    }
    let mut all = vec![vec!["stormproof".to_owned()]];
    for word in words {
        let choices: Vec<&str> = word.split("\\|").collect();
        all = all
            .iter()
            .flat_map(|line| {
                choices.iter().map(|choice| [line.clone(), vec![(*choice).to_owned()]].concat())
            })
            .collect();
    }
    all
}

/// A value of the flag before it for each `NAME`.
fn with_names(grammar: &Command, mut line: Vec<String>) -> Vec<String> {
    for at in 2..line.len() {
        if line[at] == "NAME"
            && let Some(command) = grammar.find_subcommand(&line[1])
            && let Some(flag) =
                command.get_arguments().find(|it| it.get_long() == line[at - 1].strip_prefix("--"))
            && let Some(value) = flag.get_possible_values().first()
        {
            line[at] = value.get_name().to_owned();
        }
    }
    line
}

/// The commands of a workflow for CI, on one line each, with a value for each of its variables.
fn workflow_commands(file: &File) -> Vec<(usize, String)> {
    let mut commands: Vec<(usize, String)> = Vec::new();
    // The indent of the step whose folded text goes on.
    let mut folded = None;
    for (line, text) in file.lines() {
        let indent = text.len() - text.trim_start().len();
        if let (Some(step), Some((_, command))) = (folded, commands.last_mut())
            && indent > step
        {
            command.push_str(text.trim());
            command.push(' ');
            continue;
        }
        folded = None;
        if let Some(command) = text.trim_start().strip_prefix("- run: ") {
            let begun = if command == ">-" { "" } else { command };
            folded = (command == ">-").then_some(indent);
            commands.push((line, begun.to_owned()));
        }
    }
    let filled = |command: String| {
        let command = command.replace("${{ matrix.shard }}", "1").replace('"', "");
        let command = command.replace("$GITHUB_RUN_NUMBER", "7");
        command.replace("target/release/stormproof", "stormproof")
    };
    commands.into_iter().map(|(line, command)| (line, filled(command))).collect()
}

#[test]
fn commands_of_the_workflow_parse() {
    let grammar = grammar();
    let workflow = tree::read("harness/examples/nights/github.yml");
    let mut parsed = Vec::new();
    for (line, command) in workflow_commands(&workflow) {
        for arguments in arguments(&command) {
            grammar
                .clone()
                .try_get_matches_from(&arguments)
                .unwrap_or_else(|error| panic!("github.yml:{line}: `{command}`: {error}"));
            parsed.push(arguments[1].clone());
        }
    }
    assert_eq!(parsed, ["nightly", "merge"], "the test no longer sees them");
}

#[test]
fn shown_commands_parse() {
    let mut complaints = Complaints::new(
        "a document shows a command that stormproof does not take",
        "write it as `stormproof --help` says, or give the program what the document promises",
    );
    let grammar = grammar();
    let mut count = 0;
    for document in documents() {
        for (line, command) in command_lines(&document) {
            for arguments in arguments(&command) {
                // The name of the program, which is not run.
                if arguments.len() == 1 {
                    continue;
                }
                count += 1;
                let arguments = with_names(&grammar, arguments);
                if let Err(error) = grammar.clone().try_get_matches_from(&arguments)
                    && error.use_stderr()
                {
                    let error = error.to_string();
                    let first = error.lines().next().unwrap_or_default();
                    complaints.at(
                        &document.path,
                        line,
                        format!("`{}`: {first}", arguments.join(" ")),
                    );
                }
            }
        }
    }
    assert!(count >= 30, "only {count} commands were found: the test no longer sees them");
    complaints.none();
}

#[test]
fn named_flags_exist() {
    let mut complaints = Complaints::new(
        "a document names a flag that no command has",
        "name it as `stormproof help COMMAND` does",
    );
    let grammar = grammar();
    let mut flags = Vec::new();
    for command in grammar.get_subcommands().flat_map(|it| it.get_subcommands().chain([it])) {
        flags.extend(command.get_arguments().filter_map(|flag| flag.get_long()));
    }
    for document in documents() {
        for (line, span) in spans(&document) {
            let flag = span.split(|it: char| it != '-' && !it.is_alphanumeric()).next();
            let Some(flag) = flag.filter(|flag| flag.starts_with("--")) else { continue };
            if !flags.contains(&&flag[2..]) && !OF_CARGO.contains(&flag) {
                complaints.at(&document.path, line, flag);
            }
        }
    }
    complaints.none();
}
