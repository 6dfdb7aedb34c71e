//! Everything that CI is told, before it has a form.

use crate::conclusion::{Conclusion, Part};
use crate::night::{Comparison, Night, NightRun, State};
use crate::summary::Summary;
use crate::verdict_text;
use crate::words;

/// A run, or all runs of a night.
#[derive(Debug, Clone, PartialEq)]
pub struct CiReport {
    /// The run or the night: its id.
    pub name: String,
    /// When it began, in UTC, as RFC 3339; empty if it is not known.
    pub started: String,
    /// The time that it took, in seconds.
    pub seconds: f64,
    /// The runs that ended.
    pub runs: Vec<CiRun>,
    /// The reason for which some of the runs are missing; none if all were made.
    pub incomplete: Option<String>,
    /// Other things that a reader should know of it as a whole.
    pub remarks: Vec<String>,
}

/// A run that ended, as a case of a test.
#[derive(Debug, Clone, PartialEq)]
pub struct CiRun {
    /// The target, with its version or setting where a night has several.
    pub target: String,
    /// The workload.
    pub workload: String,
    /// The profile of the faults; of a run by itself, their families.
    pub profile: String,
    /// The seed.
    pub seed: u64,
    /// The conclusion about it.
    pub conclusion: Conclusion,
    /// The part of the verdict that failed, if one did.
    pub failed: Option<Part>,
    /// True if this machine had no time for the run.
    pub starved: bool,
    /// The time that it took, in seconds.
    pub seconds: f64,
    /// The verdict in a sentence, or the failure of the harness.
    pub sentence: String,
    /// The details, on several lines: counterexample, the nodes in the end, gaps. Empty where no more
    /// is known.
    pub details: String,
    /// The command that makes the same run again.
    pub command: Option<String>,
    /// The directory of the run, as seen from where CI looks.
    pub directory: Option<String>,
}

impl CiReport {
    /// A report about what has not come to an end, so that nothing else is taken for its result.
    pub fn unfinished(name: &str) -> CiReport {
        CiReport {
            name: name.to_owned(),
            started: String::new(),
            seconds: 0.0,
            runs: Vec::new(),
            incomplete: Some(
                "stormproof did not come to its end; what it printed says more".to_owned(),
            ),
            remarks: Vec::new(),
        }
    }

    /// The report of a run by itself, whose directory is this.
    pub fn of_run(summary: &Summary, directory: &str) -> CiReport {
        CiReport::of_runs(&summary.run.id, [(summary, directory)], None)
    }

    /// The report of runs of a plan, each with its directory, and the reason for which others are
    /// missing.
    pub fn of_runs<'a>(
        name: &str,
        runs: impl IntoIterator<Item = (&'a Summary, &'a str)>,
        incomplete: Option<String>,
    ) -> CiReport {
        let mut report =
            CiReport { name: name.to_owned(), incomplete, ..CiReport::unfinished(name) };
        for (summary, directory) in runs {
            if report.runs.is_empty() {
                report.started.clone_from(&summary.run.started);
            }
            let case = CiRun::of(summary, directory);
            report.seconds += case.seconds;
            report.runs.push(case);
        }
        report
    }

    /// The report of a night that lies in `folder`; `summary` reads that of a run, if it is kept.
    pub fn of_night(
        night: &Night,
        folder: &str,
        summary: impl Fn(&NightRun) -> Option<Summary>,
    ) -> CiReport {
        let of = |run: &NightRun| {
            let cell = night.cell_of(run);
            let name = |of: fn(&crate::night::Cell) -> &String| {
                cell.map(|cell| of(cell).clone()).unwrap_or_default()
            };
            let conclusion = run.conclusion();
            let details = match conclusion {
                Conclusion::Valid => None,
                _ => summary(run).map(|summary| details(&summary)),
            };
            CiRun {
                target: name(|cell| &cell.target),
                workload: name(|cell| &cell.workload),
                profile: name(|cell| &cell.profile),
                seed: run.seed,
                conclusion,
                failed: run.failed_part(),
                starved: run.starved,
                seconds: run.seconds,
                sentence: sentence(run.failure.as_deref(), &run.sentence, conclusion),
                details: details.unwrap_or_default(),
                command: run.command.clone(),
                directory: run.directory.as_ref().map(|directory| format!("{folder}/{directory}")),
            }
        };
        let worse = night.comparison.iter().flat_map(Comparison::worse);
        let worse = worse.map(|it| format!("worse than the nights before: {it}"));
        let about = night.remarks.iter().filter(|remark| remark.run.is_none());
        let ended = night.ended.clone();
        let (incomplete, ended) = match (night.state, night.runs.is_empty()) {
            (State::Ended, false) => (None, ended),
            (State::GoesOn, _) => (Some("the night goes on, or was killed".to_owned()), None),
            _ => (Some(ended.unwrap_or_else(|| "runs of it are missing".to_owned())), None),
        };
        CiReport {
            name: night.id.clone(),
            started: night.started.clone(),
            seconds: night.seconds,
            runs: night.runs.iter().map(of).collect(),
            incomplete,
            remarks: worse.chain(about.map(|remark| remark.text.clone())).chain(ended).collect(),
        }
    }

    /// The conclusion about all: Unknown at best as long as some of the runs are missing.
    pub fn conclusion(&self) -> Conclusion {
        let missing = self.incomplete.as_ref().map(|_| Conclusion::Unknown);
        Conclusion::of_all(self.runs.iter().map(|run| run.conclusion).chain(missing))
    }

    /// The number of runs that came to this.
    pub fn count(&self, conclusion: Conclusion) -> usize {
        self.runs.iter().filter(|run| run.conclusion == conclusion).count()
    }

    /// The runs that did not pass, the worst first.
    pub fn not_passed(&self) -> Vec<&CiRun> {
        let mut runs: Vec<&CiRun> =
            self.runs.iter().filter(|run| run.conclusion != Conclusion::Valid).collect();
        runs.sort_by_key(|run| std::cmp::Reverse(run.conclusion));
        runs
    }
}

impl CiRun {
    /// The case of a run by itself.
    fn of(summary: &Summary, directory: &str) -> CiRun {
        let run = &summary.run;
        let profile = match run.faults.is_empty() {
            true => "no faults".to_owned(),
            false => run.faults.join("+"),
        };
        CiRun {
            target: run.target.clone(),
            workload: run.workload.clone(),
            profile,
            seed: run.seed,
            conclusion: summary.conclusion(),
            failed: summary.failed_part(),
            starved: false,
            seconds: summary.phases.iter().map(|(_, seconds)| seconds).sum(),
            sentence: sentence(summary.failure.as_deref(), &summary.sentence, summary.conclusion()),
            details: details(summary),
            command: Some(run.command.clone()),
            directory: Some(directory.to_owned()),
        }
    }

    /// Its name: `etcd-3.5.1 · register · power · seed 5`.
    pub fn name(&self) -> String {
        let CiRun { target, workload, profile, seed, .. } = self;
        format!("{target} · {workload} · {profile} · seed {seed}")
    }

    /// The sentence, with the state of this machine where that matters.
    pub fn headline(&self) -> String {
        let starved = if self.starved { " (this machine was starved)" } else { "" };
        format!("{}{starved}", self.sentence)
    }

    /// All that is known of it, on several lines, with the command that makes it again.
    pub fn text(&self) -> String {
        let mut text = format!("{}\n", self.headline());
        if !self.details.is_empty() {
            text.push_str(&format!("\n{}\n", self.details.trim_matches('\n')));
        }
        if let Some(command) = &self.command {
            text.push_str(&format!("\nagain: {command}\n"));
        }
        if let Some(directory) = &self.directory {
            text.push_str(&format!("left in: {directory}\n"));
        }
        text
    }
}

/// The sentence of the verdict, unless the harness failed and the history proves nothing.
fn sentence(failure: Option<&str>, verdict: &str, conclusion: Conclusion) -> String {
    match (failure, conclusion) {
        (Some(failure), Conclusion::HarnessFailure) => format!("the harness failed: {failure}"),
        _ => verdict.to_owned(),
    }
}

/// The counterexample in words, and both halves of the verdict with what is not known.
fn details(summary: &Summary) -> String {
    let Summary { safety, liveness, .. } = summary;
    let mut text = verdict_text::proof(safety, &summary.sentence, None);
    let mut line = |name: &str, value: &str| text += &format!("{name}: {value}\n");
    line("safety", &format!("{} by {}", words::verdict(safety.verdict), safety.algorithm));
    line("liveness", &format!("{}: {}", words::verdict(liveness.verdict), liveness.sentence));
    for node in &liveness.nodes {
        line(&node.node, node.answer.as_deref().unwrap_or("was not asked"));
    }
    summary.findings.iter().for_each(|finding| line("finding", &finding.text));
    summary.coverage.gaps.iter().for_each(|gap| line("untested", gap));
    if let Some(failure) = &summary.failure {
        line("the harness failed", failure);
    }
    text
}
