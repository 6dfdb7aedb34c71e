//! Verdicts and counterexamples as text, for terminals and logs.

use std::path::PathBuf;

use checker::verdict::{Analysis, Verdict};

use crate::counterexample_text::counterexample;
use crate::metrics::FaultIntervals;
use crate::summary::Summary;
use crate::words;

/// The number of lines of each log that a terminal shows; the page has more.
const LOG_LINES: usize = 3;

/// The files that came of a run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Saved {
    /// The path of the page, if it was written.
    pub page: Option<PathBuf>,
    /// The reasons for which a file could not be written.
    pub unwritten: Vec<String>,
}

/// The verdict of a run with what a person wants to know at once. `ended` counts the operations that
/// ended ok, fail and info.
pub fn run(
    summary: &Summary,
    ended: [u64; 3],
    faults: &FaultIntervals,
    saved: &Saved,
    colour: bool,
) -> String {
    let Summary { safety, liveness, run, .. } = summary;
    let mut text = format!("{}  {}\n", badge(summary.verdict, colour), summary.sentence);
    text += &proof(safety, &summary.sentence, Some(faults));
    let mut line = |name: &str, value: &str| text += &format!("  {name:<10} {value}\n");
    let [ok, fail, info] = ended;
    line("operations", &format!("ok {ok} · fail {fail} · info {info}"));
    let outcomes = faults.outcome_counts().into_iter();
    let outcomes: Vec<String> = outcomes.map(|(name, count)| format!("{count} {name}")).collect();
    if !outcomes.is_empty() {
        line("faults", &outcomes.join(" · "));
    }
    if let Some(order) = &summary.order {
        line("order", &order.to_string());
    }
    if let Some(end) = &summary.ended_early {
        line("load", &words::ended_early(end));
    }
    // The values may have a legal order, and what is not known may be something else.
    line(
        "safety",
        &match (safety.verdict, safety.sentence()) {
            (Verdict::Unknown, Some(sentence)) => format!("unknown: {sentence}"),
            (verdict, _) => format!("{} by {}", words::verdict(verdict), safety.algorithm),
        },
    );
    let oracles = [
        ("versions", safety.versions.as_ref().map(words::versions)),
        ("tokens", safety.audit.as_ref().map(words::tokens)),
        ("members", safety.divergence.as_ref().map(words::members)),
        ("elements", safety.accounting.as_ref().map(words::elements)),
    ];
    for (name, words) in oracles {
        words.iter().for_each(|words| line(name, words));
    }
    line("liveness", &format!("{}: {}", words::verdict(liveness.verdict), liveness.sentence));
    for (name, words) in summary.availability.iter().flat_map(words::availability) {
        line(name, &words);
    }
    for node in &liveness.nodes {
        line(&node.node, node.answer.as_deref().unwrap_or("was not asked"));
        for log in &node.logs {
            let from = log.lines.len().saturating_sub(LOG_LINES);
            for text in &log.lines[from..] {
                line("", &format!("  {}: {text}", log.file));
            }
        }
    }
    summary.findings.iter().for_each(|finding| line("finding", &finding.text));
    for known in &run.known {
        line("known", &words::known_after(known, summary.verdict, faults.iter()));
    }
    summary.coverage.gaps.iter().for_each(|gap| line("untested", gap));
    summary.coverage.notes.iter().for_each(|note| line("coverage", note));
    for (family, engine) in &run.engines {
        line("engine", &format!("{family} by {engine}"));
    }
    for (what, reason) in &run.skipped {
        line("left out", &format!("{what}: {reason}"));
    }
    line("again", &run.command);
    if let Some(page) = &saved.page {
        line("report", &page.display().to_string());
    }
    saved.unwritten.iter().for_each(|why| line("not saved", why));
    text
}

/// The judgement of a saved run by its history, beside what the run itself had found.
pub fn again(summary: &Summary, before: &Summary, faults: &FaultIntervals, colour: bool) -> String {
    let Summary { safety, liveness, coverage, run, ended_early, .. } = summary;
    let mut text = format!("{}  {}\n", badge(summary.verdict, colour), summary.sentence);
    text += &proof(safety, &summary.sentence, Some(faults));
    let mut line = |name: &str, value: &str| text += &format!("  {name:<10} {value}\n");
    let verdict = words::verdict(safety.verdict);
    line("safety", &format!("{verdict}: {}", scope(safety)));
    let oracles = [
        safety.versions.as_ref().map(ToString::to_string),
        safety.audit.as_ref().map(ToString::to_string),
        safety.divergence.as_ref().map(ToString::to_string),
        safety.accounting.as_ref().map(words::elements),
    ];
    oracles.iter().flatten().for_each(|oracle| line("", oracle));
    let of_the_run = "as the run found it";
    let verdict = words::verdict(liveness.verdict);
    line("liveness", &format!("{verdict}, {of_the_run}: {}", liveness.sentence));
    if let Some((verdict, sentence)) = summary.availability.as_ref().and_then(words::promised) {
        let verdict = words::verdict(verdict);
        line("available", &format!("{verdict}, {of_the_run}: {sentence}"));
    }
    for known in &run.known {
        line("known", &words::known_after(known, summary.verdict, faults.iter()));
    }
    coverage.gaps.iter().for_each(|gap| line("untested", &format!("{gap}, {of_the_run}")));
    if let Some(end) = ended_early {
        line("load", &words::ended_early(end));
    }
    if let Some(failure) = &summary.failure {
        line("failure", &format!("the harness failed then: {failure}"));
    }
    let verdict = words::verdict(before.verdict).to_uppercase();
    let same = before.verdict == summary.verdict && before.sentence == summary.sentence;
    match same {
        true => line("the run", &format!("had said the same: {verdict}")),
        false => line("the run", &format!("had said {verdict}: {}", before.sentence)),
    }
    text
}

/// The size of what was judged, and the work that it took.
fn scope(analysis: &Analysis) -> String {
    format!(
        "{} on {}, {} in {}",
        words::counted(analysis.operations, "operation"),
        words::counted(analysis.keys, "key"),
        analysis.algorithm,
        words::counted(analysis.steps, "step")
    )
}

/// The judgement of a history.
pub fn analysis(analysis: &Analysis, colour: bool) -> String {
    let badge = badge(analysis.verdict, colour);
    let scope = scope(analysis);
    let mut text = match (&analysis.counterexample, analysis.sentence()) {
        (Some(_), Some(sentence)) => {
            format!("{badge}  {sentence}\n{}  {scope}\n", proof(analysis, sentence, None))
        }
        (_, Some(sentence)) => format!("{badge}  {sentence} ({scope})\n"),
        (_, None) => format!("{badge}  {scope}\n"),
    };
    let oracles = [
        analysis.versions.as_ref().map(ToString::to_string),
        analysis.audit.as_ref().map(ToString::to_string),
        analysis.divergence.as_ref().map(ToString::to_string),
        analysis.accounting.as_ref().map(words::elements),
    ];
    for oracle in oracles.into_iter().flatten() {
        text += &format!("  {oracle}\n");
    }
    text
}

/// The verdict in capitals, in colour on a terminal.
pub fn badge(verdict: Verdict, colour: bool) -> String {
    let code = match verdict {
        Verdict::Valid => 32,
        Verdict::Unknown => 33,
        Verdict::Invalid => 31,
    };
    let word = words::verdict(verdict).to_uppercase();
    if colour { format!("\x1b[1;{code}m{word}\x1b[0m") } else { word }
}

/// The counterexample of an analysis below the headline, with its own sentence if that is another.
pub(crate) fn proof(
    analysis: &Analysis,
    headline: &str,
    faults: Option<&FaultIntervals>,
) -> String {
    let Some(found) = &analysis.counterexample else { return String::new() };
    let sentence = match found.sentence == headline {
        true => String::new(),
        false => format!("{}\n\n", found.sentence),
    };
    format!("\n{sentence}{}\n", counterexample(found, faults))
}
