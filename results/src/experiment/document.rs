//! The page of one experiment or of several.

use checker::verdict::Verdict;
use maud::{Markup, html};

use super::figures::{ExperimentFigures, claim_word};
use super::plot::plot;
use crate::page::panel::{Column, table};
use crate::page::shell::Page;
use crate::words;

const STYLE: &str = include_str!("page/experiment.css");

/// The page of these experiments; `about` says when and on which machine they were carried out.
pub fn html(experiments: &[ExperimentFigures], about: &str) -> String {
    let title = match experiments {
        [one] => format!("experiment {}", one.name),
        _ => "experiments".to_owned(),
    };
    let page = Page {
        name: title.clone(),
        title,
        body: html! {
            @if experiments.len() != 1 { header { (contents(experiments)) } }
            main {
                @for experiment in experiments { (section(experiment)) }
            }
            footer { (about) }
        },
        style: STYLE,
        data: None,
        scripts: &[],
    };
    page.text()
}

/// The sign and the word for a verdict about a claim.
fn holds(verdict: Verdict) -> Markup {
    html! {
        span aria-hidden="true" { (words::verdict_sign(verdict)) } " " (claim_word(verdict))
    }
}

fn contents(experiments: &[ExperimentFigures]) -> Markup {
    let held = experiments.iter().filter(|it| it.verdict() == Verdict::Valid).count();
    let worst = experiments.iter().map(ExperimentFigures::verdict).max();
    let worst = worst.unwrap_or(Verdict::Unknown);
    html! {
        div class={ "decision " (words::verdict(worst)) } {
            p.badge { (held) " of " (experiments.len()) }
            div {
                h1 { "Raft by experiments: so many of these claims hold, as measured on real processes" }
                ol.contents {
                    @for experiment in experiments {
                        li {
                            a href={ "#" (experiment.name) } { (experiment.name) }
                            ": " (experiment.claim) " — " b { (holds(experiment.verdict())) }
                        }
                    }
                }
            }
        }
    }
}

fn section(experiment: &ExperimentFigures) -> Markup {
    let verdict = experiment.verdict();
    let numbers = experiment.heads.iter().map(|head| Column::Number(head));
    let columns: Vec<Column<'_>> = [Column::Text("arm")].into_iter().chain(numbers).collect();
    let rows = html! {
        @for row in &experiment.table {
            tr {
                th scope="row" { (row.arm) }
                @for cell in &row.cells { td.number { (cell) } }
            }
        }
    };
    html! {
        section.experiment id=(experiment.name) aria-labelledby={ (experiment.name) "-title" } {
            div class={ "decision " (words::verdict(verdict)) } {
                p.badge { (holds(verdict)) }
                div {
                    h1 id={ (experiment.name) "-title" } { (experiment.claim) }
                    p.blame { (experiment.conclusion) }
                }
            }
            p { (experiment.about) }
            (plot(&experiment.drawn, &experiment.plot, experiment.band.as_deref()))
            ul.parts aria-label="the parts of the claim" {
                @for check in &experiment.checks {
                    li class=(words::verdict(check.verdict)) {
                        b { (holds(check.verdict)) }
                        span { (check.sentence) }
                    }
                }
            }
            (table(&columns, rows))
            p.again { (experiment.runs) " To make it again: " code { (experiment.command) } }
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::figures::{Check, PlotRow, Spread, TableRow};
    use super::*;

    pub(in super::super) fn sample() -> ExperimentFigures {
        ExperimentFigures {
            name: "leader-crash".to_owned(),
            claim: "a crash costs an election".to_owned(),
            about: "The leader is killed.".to_owned(),
            conclusion: "0.6 s at 400 ms.".to_owned(),
            checks: vec![Check { verdict: Verdict::Valid, sentence: "0.6 s < 0.8 s".to_owned() }],
            drawn: "seconds without writes".to_owned(),
            plot: vec![PlotRow {
                arm: "3 nodes & 400 ms".to_owned(),
                values: vec![0.5, 0.6, 0.7],
                median: Some(Spread { value: 0.6, low: 0.5, high: None }),
                band: Some((0.4, 0.8)),
            }],
            band: Some("one to two election timeouts".to_owned()),
            heads: vec!["without writes".to_owned()],
            table: vec![TableRow {
                arm: "3 nodes & 400 ms".to_owned(),
                cells: vec!["0.6".to_owned()],
            }],
            runs: "3 runs.".to_owned(),
            command: "stormproof experiment leader-crash".to_owned(),
        }
    }

    #[test]
    fn a_page_tells_claim_verdict_figures_and_command() {
        let page = html(&[sample()], "2 processors");
        for text in [
            "a crash costs an election",
            "✓</span> holds",
            "0.6 s &lt; 0.8 s",
            "3 nodes &amp; 400 ms: median 0.6 of 3 values",
            "stormproof experiment leader-crash",
            "2 processors",
        ] {
            assert!(page.contains(text), "no {text:?} in {page}");
        }
        assert!(!page.contains("claims hold"), "one experiment needs no contents");
    }

    #[test]
    fn a_page_of_several_begins_with_which_claims_hold() {
        let mut failed = sample();
        failed.name = "pre-vote".to_owned();
        failed.checks[0].verdict = Verdict::Invalid;
        let page = html(&[sample(), failed], "");
        assert!(page.contains("1 of 2") && page.contains("href=\"#pre-vote\""), "{page}");
        assert!(page.contains("does not hold"));
    }
}
