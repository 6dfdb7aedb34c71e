//! Workflow commands by which GitHub shows failures beside a job.

use super::CiReport;
use crate::conclusion::Conclusion;

/// A line for each run that did not pass, the worst first, since GitHub shows only the first ten of
/// a step: `::error` for a broken promise and a failure of the harness, `::warning` for what is
/// unknown, and where some of the runs are missing.
pub fn github_annotations(report: &CiReport) -> String {
    let missing = report.incomplete.as_ref().map(|reason| command("warning", &report.name, reason));
    let lines = report.not_passed().into_iter().map(|run| {
        let level = match run.conclusion {
            Conclusion::Unknown => "warning",
            _ => "error",
        };
        let title = format!("{}: {}", run.conclusion.word().to_uppercase(), run.name());
        let again = run.command.as_ref().map(|command| format!("\nagain: {command}"));
        command(level, &title, &format!("{}{}", run.headline(), again.unwrap_or_default()))
    });
    lines.chain(missing).collect()
}

fn command(level: &str, title: &str, message: &str) -> String {
    let data = |text: &str| text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A");
    let title = data(title).replace(':', "%3A").replace(',', "%2C");
    format!("::{level} title={title}::{}\n", data(message))
}
