//! A summary in Markdown, such as GitHub shows beside a job.

use std::collections::BTreeMap;

use super::{CiReport, CiRun};
use crate::conclusion::Conclusion;
use crate::words::counted;

/// The most runs of which all is told. A job's summary on GitHub has at most a mebibyte.
const TOLD: usize = 20;

/// The most letters of a run's details.
const LONGEST: usize = 20_000;

/// The summary: the conclusion, a table of the cells, and the runs that did not pass.
pub fn markdown(report: &CiReport) -> String {
    let word = report.conclusion().word().to_uppercase();
    let mut text = format!("## {word}: stormproof {}\n\n", plain(&report.name));
    if let Some(reason) = &report.incomplete {
        text += &format!("Not all runs were made: {}\n\n", plain(reason));
    }
    let count = |conclusion| report.count(conclusion);
    text += &format!(
        "{} in {:.0} s: {} invalid, {}, {} unknown, {} valid.\n\n",
        counted(report.runs.len() as u64, "run"),
        report.seconds,
        count(Conclusion::Invalid),
        counted(count(Conclusion::HarnessFailure) as u64, "harness failure"),
        count(Conclusion::Unknown),
        count(Conclusion::Valid)
    );
    text += "| target | workload | profile | runs | invalid | harness failure | unknown | valid |\n\
             | --- | --- | --- | ---: | ---: | ---: | ---: | ---: |\n";
    let mut cells: BTreeMap<[&str; 3], Vec<Conclusion>> = BTreeMap::new();
    for run in &report.runs {
        let cell = [run.target.as_str(), &run.workload, &run.profile];
        cells.entry(cell).or_default().push(run.conclusion);
    }
    for (cell, runs) in cells {
        let of = |conclusion| runs.iter().filter(|it| **it == conclusion).count();
        text += &format!(
            "| {} | {} | {} | {} | {} |\n",
            cell.map(plain).join(" | "),
            runs.len(),
            of(Conclusion::Invalid),
            of(Conclusion::HarnessFailure),
            format_args!("{} | {}", of(Conclusion::Unknown), of(Conclusion::Valid)),
        );
    }
    let not_passed = report.not_passed();
    not_passed.iter().take(TOLD).for_each(|run| text += &told(run));
    if not_passed.len() > TOLD {
        text += &format!("\nand {} more that did not pass\n", not_passed.len() - TOLD);
    }
    for remark in &report.remarks {
        text += &format!("\n{}\n", plain(remark));
    }
    text
}

fn told(run: &CiRun) -> String {
    let word = run.conclusion.word().to_uppercase();
    let mut text = format!("\n### {word}: {}\n\n{}\n", plain(&run.name()), plain(&run.headline()));
    if !run.details.is_empty() {
        let details = run.details.trim_matches('\n');
        let shown: String = details.chars().take(LONGEST).collect();
        let block = block("text", &shown);
        text += &format!("\n<details><summary>Details</summary>\n\n{block}\n</details>\n");
    }
    if let Some(command) = &run.command {
        text += &format!("\n{}", block("sh", command));
    }
    if let Some(directory) = &run.directory {
        text += &format!("\nLeft in {}\n", plain(directory));
    }
    text
}

/// Text between fences that it does not hold itself.
fn block(kind: &str, text: &str) -> String {
    let mut fence = "```".to_owned();
    while text.contains(&fence) {
        fence.push('`');
    }
    format!("{fence}{kind}\n{text}\n{fence}\n")
}

/// Text that is no markup, on one line.
fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\\' | '`' | '*' | '_' | '|' | '<' | '>' | '[' | ']' | '#' | '~' => {
                plain.push('\\');
                plain.push(character);
            }
            '&' => plain.push_str("&amp;"),
            '\n' | '\r' => plain.push(' '),
            _ => plain.push(character),
        }
    }
    plain
}
