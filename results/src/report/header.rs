//! The first screen: what was decided, why, about what, and how to see it again.

use checker::history::EventType;
use checker::verdict::Verdict;
use maud::{Markup, html};

use super::counterexample::faults_at_the_time;
use super::report_data::ReportData;
use crate::event::Phase;
use crate::page::panel;
use crate::words;

pub(super) fn header(data: &ReportData<'_>) -> Markup {
    let summary = data.summary;
    let (sentence, rest) = words::headline(&summary.sentence);
    html! {
        div class={ "decision " (words::verdict(summary.verdict)) } {
            p.badge { (panel::verdict(summary.verdict)) }
            div {
                h1 { (sentence) }
                @if let Some(sentence) = faults_at_the_time(data) { p.blame { (sentence) } }
                (panel::excerpt(rest))
            }
        }
        (facts_line(data))
        (tiles(data))
        (checks(data))
        div.command {
            span { "run it again" }
            code #command { (summary.run.command) }
            button #copy type="button" { "copy" }
        }
    }
}

/// The run on one line.
fn facts_line(data: &ReportData<'_>) -> Markup {
    let run = &data.summary.run;
    let limit = words::seconds(run.time_limit_seconds);
    let load = match (run.stopped_early_seconds, &data.summary.ended_early) {
        (Some(at), _) => {
            format!("{limit} of load asked for, stopped early at {}", words::seconds(at))
        }
        (None, Some(end)) => words::ended_early(end),
        (None, None) => format!("{limit} of load"),
    };
    html! {
        ul.facts {
            li { (run.target) " " (run.target_version) }
            li { (words::counted(run.nodes.len() as u64, "node")) }
            li { (run.workload) " workload" }
            li {
                @if run.faults.is_empty() { "no faults" } @else { (run.faults.join(" + ")) }
            }
            li { "seed " (run.seed) }
            li { (load) }
            li { "started " (run.started) }
            @if let Some(bug) = &run.bug {
                li.bug { span aria-hidden="true" { "◆" } " planted bug: " (bug) }
            }
        }
    }
}

/// The figures that show how hard the run was and how close it came.
fn tiles(data: &ReportData<'_>) -> Markup {
    let with = |outcome| data.operations.iter().filter(|o| o.outcome() == outcome).count() as u64;
    let total = data.operations.iter().len() as u64;
    let share = |outcome| words::share(with(outcome), total);
    let outcomes = format!(
        "{} ok · {} fail · {} info",
        share(EventType::Ok),
        share(EventType::Fail),
        share(EventType::Info)
    );
    let (in_effect, others) = fault_figures(data);
    let findings = &data.summary.findings;
    html! {
        dl.tiles {
            (tile("operations", &words::count(total), &outcomes))
            @if let Some((rate, asked)) = rate(data) { (tile("ok a second", &rate, &asked)) }
            (tile("faults in effect", &in_effect, &others))
            @if let Some(worst) = data.recoveries.iter().max_by_key(|it| it.longest_gap) {
                @let during = format!("during “{}”", data.faults[worst.fault].name);
                (tile("longest without an ok", &words::duration(worst.longest_gap), &during))
            }
            @if let Some(most) = data.operations.iter().max_by_key(|it| it.attempts().len()) {
                @let of = format!("{} by process {}", most.f(), most.process());
                (tile("most attempts of one", &words::count(most.attempts().len() as u64), &of))
            }
            @if let Some(order) = &data.summary.order {
                @let share = words::share(order.in_order, order.gates);
                (tile("in the recorded order", &share, &order.to_string()))
            }
            @if let Some(first) = findings.first() {
                div.finding {
                    dt { "findings about the target" }
                    dd {
                        a href="#findings" { (words::count(findings.len() as u64)) }
                        small { (words::headline(&first.text).0) }
                    }
                }
            }
        }
    }
}

fn tile(name: &str, figure: &str, remark: &str) -> Markup {
    html! { div { dt { (name) } dd { (figure) small { (remark) } } } }
}

/// The number of operations a second that were ok during the load, and the rate asked for.
fn rate(data: &ReportData<'_>) -> Option<(String, String)> {
    let load = data.phases.iter().find(|phase| phase.phase == Phase::Load)?;
    let seconds = (load.end - load.start) as f64 / 1e9;
    let oks = data.operations.iter().filter(|operation| operation.outcome() == EventType::Ok);
    let during = oks.filter(|ok| ok.end().is_some_and(|end| end <= load.end)).count();
    let rate = if seconds > 0.0 { during as f64 / seconds } else { 0.0 };
    let asked = match data.summary.run.rate {
        None => format!("{} clients, closed loop", data.summary.run.concurrency),
        Some(rate) => format!("of {} asked for", words::count(rate.round() as u64)),
    };
    Some((words::count(rate.round() as u64), asked))
}

/// The number of faults that had an effect, and the outcomes of the others.
fn fault_figures(data: &ReportData<'_>) -> (String, String) {
    let with = |outcome: &str| {
        data.faults.iter().filter(|fault| fault.outcome_name() == outcome).count() as u64
    };
    let others: Vec<String> = ["indeterminate", "skipped", "unreported"]
        .into_iter()
        .filter(|outcome| with(outcome) > 0)
        .map(|outcome| format!("{} {outcome}", words::count(with(outcome))))
        .collect();
    let remark = match (data.faults.is_empty(), others.is_empty()) {
        (true, _) => "none was injected".to_owned(),
        (false, true) => "every one that was injected".to_owned(),
        (false, false) => format!("besides {}", others.join(" · ")),
    };
    (words::count(with("installed")), remark)
}

/// Safety, liveness, availability where something was promised, and coverage, each with its own verdict.
fn checks(data: &ReportData<'_>) -> Markup {
    let summary = data.summary;
    let liveness = &summary.liveness;
    let late = words::seconds(liveness.probe_lateness_seconds);
    let recovery = match liveness.recovery_seconds {
        None => format!("Own probe late by at most {late}."),
        Some(seconds) => {
            let recovery = words::seconds(seconds);
            format!("Served again after {recovery}; own probe late by at most {late}.")
        }
    };
    let coverage = &summary.coverage;
    let gaps = match coverage.gaps.as_slice() {
        [] if summary.run.faults.is_empty() => "Every kind of operation succeeded.".to_owned(),
        [] => "Every kind of operation succeeded, and faults took effect.".to_owned(),
        gaps => gaps.join(" "),
    };
    let (order, why) = safety(data);
    let promised = summary.availability.as_ref();
    let promised = promised.and_then(|it| it.verdict.zip(it.sentence.as_deref()));
    html! {
        ul.checks {
            (check("Safety", summary.safety.verdict, order, Some(&why)))
            (check("Liveness", liveness.verdict, &liveness.sentence, Some(&recovery)))
            @if let Some((verdict, sentence)) = promised {
                (check("Availability", verdict, sentence, None))
            }
            (check("Coverage", coverage.verdict, &gaps, None))
        }
    }
}

/// The decision about safety, and what it rests on.
fn safety<'a>(data: &ReportData<'a>) -> (&'a str, String) {
    let safety = &data.summary.safety;
    let order = match safety.verdict {
        Verdict::Valid => "All of it has a legal order.",
        Verdict::Invalid if safety.counterexample.is_some() => {
            "No legal order explains what the clients saw."
        }
        // Of values alone there may be one.
        Verdict::Invalid => safety.sentence().unwrap_or("A promise was broken."),
        Verdict::Unknown => safety.sentence().unwrap_or("Not decided."),
    };
    let took = data.summary.phases.iter().find(|(phase, _)| *phase == Phase::Check);
    let took =
        took.map_or_else(String::new, |(_, seconds)| format!(", {}", words::seconds(*seconds)));
    let why = format!(
        "{}, {} of model {}, judged by {} in {}{took}.",
        words::counted(safety.operations, "operation"),
        words::counted(safety.keys, "key"),
        safety.model,
        safety.algorithm,
        words::counted(safety.steps, "step"),
    );
    (order, why)
}

fn check(name: &str, verdict: Verdict, sentence: &str, detail: Option<&str>) -> Markup {
    let (sentence, rest) = words::headline(sentence);
    html! {
        li class=(words::verdict(verdict)) {
            h2 { (name) " " span.pill { (panel::verdict(verdict)) } }
            p { (sentence) }
            (panel::excerpt(rest))
            @if let Some(detail) = detail { p.muted { (detail) } }
        }
    }
}
