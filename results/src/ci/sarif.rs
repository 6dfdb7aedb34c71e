//! SARIF 2.1.0 (OASIS), the form of code scanning.

use serde_json::{Value, json};

use super::{CiReport, CiRun};
use crate::conclusion::{Conclusion, Part};

/// The rules: a name, and the sentence about it.
const RULES: [(&str, &str); 4] = [
    ("safety", "The history of the clients has a legal order, and no acknowledged write is lost"),
    ("liveness", "The service answers again in time once all faults are undone"),
    ("availability", "The service keeps what is promised of it under faults"),
    ("unknown", "The run judged something: an unknown verdict is no pass"),
];

/// The runs that did not pass as results, a failure of the harness as a notification of the tool.
///
/// A result has the same fingerprint in every night in which the same target, workload and profile
/// break the same promise. Its place is the `verdict.json` of the run, since the source of the
/// service is not known.
pub fn sarif(report: &CiReport) -> String {
    let not_passed = report.not_passed();
    let of = |broken: bool| {
        let runs = not_passed
            .iter()
            .filter(move |run| (run.conclusion == Conclusion::HarnessFailure) == broken);
        runs.copied()
    };
    let mut notifications: Vec<Value> =
        of(true).map(|run| notification(&format!("{}: {}", run.name(), run.headline()))).collect();
    notifications.extend(report.incomplete.iter().map(|reason| notification(reason)));
    let rules: Vec<Value> = RULES
        .iter()
        .map(|(id, about)| json!({ "id": id, "name": id, "shortDescription": { "text": about } }))
        .collect();
    let log = json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "stormproof",
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "rules": rules,
            } },
            "automationDetails": { "id": format!("stormproof/{}", report.name) },
            "invocations": [{
                "executionSuccessful": notifications.is_empty(),
                "toolExecutionNotifications": notifications,
            }],
            "results": of(false).map(result).collect::<Vec<_>>(),
        }],
    });
    format!("{log:#}\n")
}

fn notification(text: &str) -> Value {
    json!({ "level": "error", "message": { "text": text } })
}

fn result(run: &CiRun) -> Value {
    let rule = run.failed.map_or("unknown", Part::name);
    let index = RULES.iter().position(|(id, _)| *id == rule);
    let level = if run.failed.is_some() { "error" } else { "warning" };
    let place = match &run.directory {
        Some(directory) => format!("{directory}/verdict.json"),
        None => "night.json".to_owned(),
    };
    let cell = format!("{}/{}/{}", run.target, run.workload, run.profile);
    json!({
        "ruleId": rule,
        "ruleIndex": index,
        "level": level,
        "message": { "text": format!("{}\n\n{}", run.name(), run.text()) },
        "locations": [{
            "physicalLocation": {
                "artifactLocation": { "uri": uri(&place) },
                "region": { "startLine": 1 },
            },
            "logicalLocations": [{ "fullyQualifiedName": cell, "kind": "module" }],
        }],
        "partialFingerprints": { "stormproofCell/v1": format!("{cell}/{rule}") },
        "properties": {
            "seed": run.seed,
            "seconds": run.seconds,
            "command": run.command,
        },
    })
}

/// The path as a relative reference of RFC 3986.
fn uri(path: &str) -> String {
    let mut uri = String::with_capacity(path.len());
    for byte in path.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'-' | b'.' | b'_' | b'~' => {
                uri.push(byte.into());
            }
            byte => uri.push_str(&format!("%{byte:02X}")),
        }
    }
    uri
}
