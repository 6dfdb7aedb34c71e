//! The first screen: what was decided, why, about what, and how to see it again.

use checker::history::EventType;
use checker::verdict::Verdict;

use super::counterexample::faults_at_the_time;
use super::facts::Facts;
use super::markup::Markup;
use super::units;
use crate::words;

pub(super) fn header(facts: &Facts<'_>) -> Markup {
    let summary = facts.summary;
    let mut out = Markup::new();
    out.raw("<div class=\"decision ").text(words::verdict(summary.verdict)).raw("\">");
    out.raw("<p class=\"badge\"><span aria-hidden=\"true\">");
    out.text(units::verdict_sign(summary.verdict)).raw("</span> ");
    out.text(words::verdict(summary.verdict)).raw("</p><div><h1>");
    out.text(&summary.sentence).raw("</h1>");
    if let Some(sentence) = faults_at_the_time(facts) {
        out.raw("<p class=\"blame\">").text(sentence).raw("</p>");
    }
    out.raw("</div></div>");
    out.piece(facts_line(facts)).piece(tiles(facts)).piece(checks(facts)).piece(command(facts));
    out
}

/// What was run, on one line.
fn facts_line(facts: &Facts<'_>) -> Markup {
    let run = &facts.summary.run;
    let mut out = Markup::new();
    out.raw("<ul class=\"facts\">");
    let mut fact = |text: String| {
        out.raw("<li>").text(text).raw("</li>");
    };
    fact(format!("{} {}", run.target, run.target_version));
    fact(words::counted(run.nodes.len() as u64, "node"));
    fact(format!("{} workload", run.workload));
    if run.faults.is_empty() {
        fact("no faults".to_owned());
    } else {
        fact(run.faults.join(" + "));
    }
    fact(format!("seed {}", run.seed));
    fact(match run.stopped_early_seconds {
        None => format!("{} of load", units::seconds(run.time_limit_seconds)),
        Some(at) => format!(
            "{} of load asked for, stopped early at {}",
            units::seconds(run.time_limit_seconds),
            units::seconds(at)
        ),
    });
    fact(format!("started {}", run.started));
    if let Some(bug) = &run.bug {
        out.raw("<li class=\"bug\"><span aria-hidden=\"true\">◆</span> planted bug: ");
        out.text(bug).raw("</li>");
    }
    out.raw("</ul>");
    out
}

/// The figures that tell how hard the run was and how close it came.
fn tiles(facts: &Facts<'_>) -> Markup {
    let mut out = Markup::new();
    out.raw("<dl class=\"tiles\">");
    let mut tile = |name: &'static str, figure: String, remark: String| {
        out.raw("<div><dt>").text(name).raw("</dt><dd>").text(figure).raw("<small>");
        out.text(remark).raw("</small></dd></div>");
    };
    let with = |outcome| facts.operations.iter().filter(|o| o.outcome() == outcome).count() as u64;
    let total = facts.operations.len() as u64;
    let (ok, fail, info) = (with(EventType::Ok), with(EventType::Fail), with(EventType::Info));
    tile(
        "operations",
        words::count(total),
        format!(
            "{} ok · {} fail · {} info",
            share(ok, total),
            share(fail, total),
            share(info, total)
        ),
    );
    if let Some(load) = facts.phases.iter().find(|phase| phase.name == "load") {
        let seconds = (load.end - load.start) as f64 / 1e9;
        let during = facts.operations.iter().filter_map(|operation| operation.completion);
        let during = during.filter(|c| c.kind == EventType::Ok && c.time <= load.end).count();
        let rate = if seconds > 0.0 { during as f64 / seconds } else { 0.0 };
        let asked = facts.summary.run.rate.map_or_else(
            || format!("{} clients, closed loop", facts.summary.run.concurrency),
            |rate| format!("of {} asked for", words::count(rate.round() as u64)),
        );
        tile("ok a second", words::count(rate.round() as u64), asked);
    }
    let (in_effect, remark) = fault_figures(facts);
    tile("faults in effect", in_effect, remark);
    if let Some(worst) = facts.recoveries.iter().max_by_key(|recovery| recovery.longest_gap) {
        let during = format!("during “{}”", facts.faults[worst.fault].name);
        tile("longest without an ok", units::duration(worst.longest_gap), during);
    }
    if let Some(most) = facts.operations.iter().max_by_key(|operation| operation.attempts().len()) {
        let of = format!("{} by process {}", most.invocation.f, most.invocation.process);
        tile("most attempts of one", words::count(most.attempts().len() as u64), of);
    }
    let findings = &facts.summary.findings;
    if let Some(first) = findings.first() {
        let count = words::count(findings.len() as u64);
        out.raw("<div class=\"finding\"><dt>findings about the target</dt><dd>");
        out.raw("<a href=\"#findings\">").text(count).raw("</a><small>").text(&first.text);
        out.raw("</small></dd></div>");
    }
    out.raw("</dl>");
    out
}

/// How many faults had an effect, and what came of the others.
fn fault_figures(facts: &Facts<'_>) -> (String, String) {
    let with = |outcome: &str| {
        facts.faults.iter().filter(|fault| fault.outcome_name() == outcome).count() as u64
    };
    let others: Vec<String> = ["indeterminate", "skipped", "unreported"]
        .into_iter()
        .filter(|outcome| with(outcome) > 0)
        .map(|outcome| format!("{} {outcome}", words::count(with(outcome))))
        .collect();
    let remark = match (facts.faults.is_empty(), others.is_empty()) {
        (true, _) => "none was injected".to_owned(),
        (false, true) => "every one that was injected".to_owned(),
        (false, false) => format!("besides {}", others.join(" · ")),
    };
    (words::count(with("installed")), remark)
}

/// A share in percent that never rounds something to nothing.
fn share(part: u64, whole: u64) -> String {
    let percent = if whole == 0 { 0.0 } else { part as f64 * 100.0 / whole as f64 };
    if part > 0 && percent < 0.1 {
        return "<0.1 %".to_owned();
    }
    if part < whole && percent > 99.9 {
        return ">99.9 %".to_owned();
    }
    format!("{percent:.1} %")
}

/// Safety, liveness and coverage, each with its own verdict.
fn checks(facts: &Facts<'_>) -> Markup {
    let summary = facts.summary;
    let safety = &summary.safety;
    let mut out = Markup::new();
    out.raw("<ul class=\"checks\">");

    let order = match safety.verdict {
        Verdict::Valid => "All of it has a legal order.",
        Verdict::Invalid if safety.counterexample.is_some() => {
            "No legal order explains what the clients saw."
        }
        // Of values alone there may be one.
        Verdict::Invalid => safety.sentence().unwrap_or("A promise was broken."),
        Verdict::Unknown => safety.reason.as_deref().unwrap_or("Not decided."),
    };
    let took = summary.phases.iter().find(|(phase, _)| phase == "check");
    let why = format!(
        "{}, {} of model {}, judged by {} in {}{}.",
        words::counted(safety.operations, "operation"),
        words::counted(safety.keys, "key"),
        safety.model,
        safety.algorithm,
        words::counted(safety.steps, "step"),
        took.map_or_else(String::new, |(_, seconds)| format!(", {}", units::seconds(*seconds))),
    );
    out.piece(check("Safety", safety.verdict, order, &why));

    let liveness = &summary.liveness;
    let probe = units::seconds(liveness.probe_lateness_seconds);
    let recovery = liveness.recovery_seconds.map_or_else(
        || format!("Own probe late by at most {probe}."),
        |seconds| {
            let recovery = units::seconds(seconds);
            format!("Served again after {recovery}; own probe late by at most {probe}.")
        },
    );
    out.piece(check("Liveness", liveness.verdict, &liveness.sentence, &recovery));

    let coverage = &summary.coverage;
    let gaps = match coverage.gaps.as_slice() {
        [] if summary.run.faults.is_empty() => "Every kind of operation succeeded.".to_owned(),
        [] => "Every kind of operation succeeded, and faults took effect.".to_owned(),
        gaps => gaps.join(" "),
    };
    out.piece(check("Coverage", coverage.verdict, &gaps, ""));
    out.raw("</ul>");
    out
}

fn check(name: &'static str, verdict: Verdict, sentence: &str, detail: &str) -> Markup {
    let mut out = Markup::new();
    out.raw("<li class=\"").text(words::verdict(verdict)).raw("\"><h2>").text(name);
    out.raw(" <span class=\"pill\"><span aria-hidden=\"true\">").text(units::verdict_sign(verdict));
    out.raw("</span> ").text(words::verdict(verdict)).raw("</span></h2><p>").text(sentence);
    out.raw("</p>");
    if !detail.is_empty() {
        out.raw("<p class=\"muted\">").text(detail).raw("</p>");
    }
    out.raw("</li>");
    out
}

fn command(facts: &Facts<'_>) -> Markup {
    let mut out = Markup::new();
    out.raw("<div class=\"command\"><span>run it again</span><code id=\"command\">");
    out.text(&facts.summary.run.command);
    out.raw("</code><button type=\"button\" id=\"copy\">copy</button></div>");
    out
}
