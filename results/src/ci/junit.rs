//! JUnit's XML, in the part that both Surefire's schema and that of Jenkins' xUnit plugin allow.

use super::{CiReport, CiRun};
use crate::conclusion::{Conclusion, Part};

/// The runs as one `<testsuite>`, with a `<testcase>` for each.
///
/// A failed promise is a `<failure>`; a run of unknown outcome and a failure of the harness are an
/// `<error>`, since neither says that the service passed. So is it that some of the runs are missing.
pub fn junit(report: &CiReport) -> String {
    let count = |conclusion| report.count(conclusion);
    let errors = count(Conclusion::Unknown) + count(Conclusion::HarnessFailure);
    let missing = report.incomplete.iter().count();
    let mut xml = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    xml += &format!(
        "<testsuite name={} tests=\"{}\" failures=\"{}\" errors=\"{}\" skipped=\"0\" \
         time=\"{:.3}\">\n",
        quoted(&format!("stormproof {}", report.name)),
        report.runs.len() + missing,
        count(Conclusion::Invalid),
        errors + missing,
        report.seconds,
    );
    let remarks = report.remarks.iter().map(|text| ("remark", text.as_str()));
    let properties: Vec<(&str, &str)> =
        [("started", report.started.as_str())].into_iter().chain(remarks).collect();
    xml += "  <properties>\n";
    for (name, value) in properties {
        xml += &format!("    <property name={} value={}/>\n", quoted(name), quoted(value));
    }
    xml += "  </properties>\n";
    if let Some(message) = &report.incomplete {
        xml += &format!(
            "  <testcase classname=\"stormproof\" name={} time=\"0.000\">\n    \
             <error type=\"unknown\" message={}>{}</error>\n  </testcase>\n",
            quoted(&report.name),
            quoted(message),
            escaped(message)
        );
    }
    report.runs.iter().for_each(|run| xml += &case(run));
    xml + "</testsuite>\n"
}

fn case(run: &CiRun) -> String {
    // Dots part packages.
    let plain = |text: &str| text.replace('.', "_");
    let class = format!("stormproof.{}.{}", plain(&run.target), plain(&run.workload));
    let name = format!("{} · seed {}", run.profile, run.seed);
    let head = format!(
        "  <testcase classname={} name={} time=\"{:.3}\"",
        quoted(&class),
        quoted(&name),
        run.seconds
    );
    let (element, kind) = match (run.conclusion, run.failed) {
        (Conclusion::Valid, _) => {
            let command = run.command.as_ref().map(|command| format!("again: {command}\n"));
            let text = escaped(&command.unwrap_or_default());
            return format!("{head}>\n    <system-out>{text}</system-out>\n  </testcase>\n");
        }
        (Conclusion::Invalid, part) => ("failure", part.map_or("verdict", Part::name)),
        (conclusion, _) => ("error", conclusion.word()),
    };
    format!(
        "{head}>\n    <{element} type={} message={}>{}</{element}>\n  </testcase>\n",
        quoted(kind),
        quoted(&run.headline()),
        escaped(&run.text())
    )
}

/// An attribute's value with its quotes.
fn quoted(text: &str) -> String {
    let text = escaped(text).replace('"', "&quot;");
    // Else a reader makes spaces of them.
    format!("\"{}\"", text.replace('\n', "&#10;").replace('\t', "&#9;"))
}

/// The text of an element. XML has no way to say some control characters, such as the escape with
/// which a log begins a colour.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '\r' => escaped.push_str("&#13;"),
            '\n' | '\t' => escaped.push(character),
            '\u{0}'..'\u{20}' | '\u{fffe}' | '\u{ffff}' => escaped.push('\u{fffd}'),
            _ => escaped.push(character),
        }
    }
    escaped
}
