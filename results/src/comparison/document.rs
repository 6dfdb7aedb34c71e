//! The page as a whole.

use checker::verdict::Verdict;
use maud::{Markup, html};

use super::differences::{FaultPair, Figure, FlagDifference, Side, fault_pairs, figures};
use super::timelines::Timelines;
use crate::metrics::FaultInterval;
use crate::page::lanes::{self, Lanes};
use crate::page::panel::{Column, panel, table, tall_table, verdict};
use crate::page::shell::Page;
use crate::report::families::sign;
use crate::words;

const STYLE: &str = include_str!("page/comparison.css");
const SCRIPTS: [&str; 1] = [include_str!("page/comparison.js")];

/// The page of two runs, of whose plans these flags differ.
pub fn html(one: &Side<'_>, other: &Side<'_>, flags: &[FlagDifference]) -> String {
    let sides = [one, other];
    let all = sides.map(lanes_of);
    let lanes = [&all[0], &all[1]];
    let timelines = Timelines::of(sides, lanes);
    let pairs = fault_pairs(lanes[0], lanes[1]);
    let page = Page {
        title: format!("{} · {}", one.id(), other.id()),
        name: html! { a href="/" { "index" } " · two runs side by side" },
        body: html! {
            header { (head(sides, flags, &pairs)) }
            main {
                (verdicts(sides))
                (timelines.panel())
                (figures_panel(&figures(sides, lanes)))
                (flags_panel(flags))
                (faults_panel(&pairs, sides, lanes))
            }
            footer { "Times are seconds since the load of each run began." }
        },
        style: &[lanes::STYLE, STYLE].concat(),
        data: Some(("comparison-data", timelines.data())),
        scripts: &SCRIPTS,
    };
    page.text()
}

fn lanes_of(side: &Side<'_>) -> Lanes {
    let events = &side.run.node_events;
    let mut heard: Vec<String> = events.iter().map(|event| event.node.clone()).collect();
    heard.sort();
    heard.dedup();
    let nodes = side.summary().map_or(heard, |summary| summary.run.nodes.clone());
    Lanes::of(&side.run.history, &nodes, events)
}

/// Both verdicts, and what differs in a sentence.
fn head(sides: [&Side<'_>; 2], flags: &[FlagDifference], pairs: &[FaultPair<'_>]) -> Markup {
    let differing = pairs.iter().filter(|pair| pair.differs()).count() as u64;
    let plans = match flags {
        [] => "Both plans have the same flags".to_owned(),
        flags => format!("Their plans differ in {}", words::counted(flags.len() as u64, "flag")),
    };
    let faults = match (pairs.len() as u64, differing) {
        _ if !sides.iter().all(|side| side.has_history()) => {
            "their faults cannot be compared without both histories".to_owned()
        }
        (0, _) => "neither has faults".to_owned(),
        (all, 0) => format!("all {} came to the same", words::counted(all, "fault")),
        (all, some) => {
            format!(
                "{} of {} came to something else",
                words::count(some),
                words::counted(all, "fault")
            )
        }
    };
    html! {
        div.two-sides {
            @for (name, side) in ["A", "B"].iter().zip(sides) {
                @let worst = side.summary().map(|summary| summary.verdict);
                div class={ "decision " (words::verdict(worst.unwrap_or(Verdict::Unknown))) } {
                    p.badge { (name) " " @if let Some(worst) = worst { (verdict(worst)) } @else { "not judged" } }
                    div {
                        p { a href={ (side.address) "report.html" } { (side.id()) } }
                        p.blame { (sentence(side)) }
                    }
                }
            }
        }
        h1.differences { (plans) "; " (faults) "." }
    }
}

fn sentence(side: &Side<'_>) -> String {
    match side.summary() {
        Some(summary) => words::headline(&summary.sentence).0,
        None => "It ended before it was judged; `stormproof check` judges it.".to_owned(),
    }
}

fn verdicts(sides: [&Side<'_>; 2]) -> Markup {
    let of = |part: fn(&crate::summary::Summary) -> (Verdict, String)| {
        sides.map(|side| side.summary().map(part))
    };
    let headline = |text: &str| words::headline(text).0;
    let parts = [
        (
            "safety",
            of(|it| (it.safety.verdict, it.safety.sentence().unwrap_or_default().to_owned())),
        ),
        ("liveness", of(|it| (it.liveness.verdict, it.liveness.sentence.clone()))),
        ("coverage", of(|it| (it.coverage.verdict, it.coverage.gaps.join(" ")))),
    ];
    let rows = html! {
        @for (name, both) in parts {
            @let [one, other] = &both;
            @let differs = one.as_ref().map(|it| it.0) != other.as_ref().map(|it| it.0);
            tr.differs[differs] {
                th scope="row" { (name) (marked(differs)) }
                @for part in [one, other] {
                    @match part {
                        Some((worst, sentence)) => {
                            td class=(words::verdict(*worst)) {
                                span.pill { (verdict(*worst)) }
                                small { (headline(sentence)) }
                            }
                        }
                        None => { td.muted { "not judged" } }
                    }
                }
            }
        }
    };
    let columns = [Column::Text("part"), Column::Text("A"), Column::Text("B")];
    panel("verdicts", "Verdicts", table(&columns, rows))
}

/// The mark of a row whose sides differ, so that colour is not the only one.
fn marked(differs: bool) -> Markup {
    html! { @if differs { " " b.mark title="differs" { "≠" span.spoken { "differs" } } } }
}

fn figures_panel(figures: &[Figure]) -> Markup {
    let rows = html! {
        @for Figure { name, one, other } in figures {
            tr {
                th scope="row" { (name) }
                td.number { (one) }
                td.number { (other) }
            }
        }
    };
    let columns = [Column::Text("figure"), Column::Number("A"), Column::Number("B")];
    panel("figures", "Figures", table(&columns, rows))
}

fn flags_panel(flags: &[FlagDifference]) -> Markup {
    let value = |value: &Option<String>| value.clone().unwrap_or_else(|| "–".to_owned());
    let rows = html! {
        @for flag in flags {
            tr {
                th scope="row" { code { (flag.flag) } }
                td { code { (value(&flag.one)) } }
                td { code { (value(&flag.other)) } }
            }
        }
    };
    let content = html! {
        @if flags.is_empty() { p.empty { "The plans have the same flags." } } @else {
            (table(&[Column::Text("flag"), Column::Text("A"), Column::Text("B")], rows))
        }
    };
    panel("flags", "Flags that differ", content)
}

fn faults_panel(pairs: &[FaultPair<'_>], sides: [&Side<'_>; 2], lanes: [&Lanes; 2]) -> Markup {
    let kept = sides.map(Side::has_history);
    let differs = |pair: &FaultPair<'_>| kept == [true; 2] && pair.differs();
    let rows = html! {
        @for pair in pairs {
            @let either = pair.one.or(pair.other);
            @if let Some(fault) = either {
                tr.differs[differs(pair)] {
                    th scope="row" {
                        (sign(fault.family.name())) "#" (fault.fault) " " (fault.family.name())
                        (marked(differs(pair)))
                    }
                    @for (at, fault) in [pair.one, pair.other].into_iter().enumerate() {
                        @match (fault, kept[at]) {
                            (Some(fault), _) => { (fault_cell(fault, lanes[at])) }
                            (None, true) => { td.muted { "none" } }
                            (None, false) => { td.muted { "not kept" } }
                        }
                    }
                }
            }
        }
    };
    let columns = [Column::Text("fault"), Column::Text("A"), Column::Text("B")];
    let content = html! {
        @if pairs.is_empty() { p.empty { "No faults are recorded." } } @else {
            (tall_table("faults", &columns, rows))
        }
    };
    panel("faults", "Faults", content)
}

fn fault_cell(fault: &FaultInterval, lanes: &Lanes) -> Markup {
    let at = fault.start as f64 - lanes.load_start as f64;
    html! {
        td {
            (fault.name)
            small {
                b { (fault.outcome_name()) } " at " (format!("{:.1} s", at / 1e9))
                @if let Some(end) = fault.end.filter(|_| fault.was_attempted()) {
                    ", for " (words::duration(end.saturating_sub(fault.start)))
                }
            }
            @if let Some(reason) = fault.reason() { small { (reason) } }
        }
    }
}
