//! `detection.jsonl`: how runs of a harness came out that looked for a known defect, one a line. The
//! form is open, so that results of any harness stand in one table; `docs/detection-format.md` is
//! its page.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::layout;

/// The version of this form. A reader refuses others.
///
/// A new field that may be missing leaves it as it is; a field that means something else, or that
/// is gone, raises it.
pub const SCHEMA: u32 = 1;

/// The file in the folder of a catalogue.
pub const DETECTION: &str = "detection.jsonl";

/// A run that looked for a defect, or a run of the same kind without one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DetectionRun {
    /// The version of this form.
    pub schema: u32,
    /// The harness with its version, such as `stormproof 0.1.0`.
    pub harness: String,
    /// The service with its version, such as `etcd 3.5.1`.
    pub target: String,
    /// The name of the defect, the same for every harness: of a planted bug, or of an issue such as
    /// `etcd#13766`. Of a control, a name for all runs of its kind.
    pub case: String,
    /// True if the service has the defect. False for a control: all that is found in it is a false
    /// alarm.
    pub defect: bool,
    /// The way in which the harness ran: its flags, or its settings in a few words. Runs of one case
    /// that differ in it stand in rows of their own.
    pub how: String,
    /// The number of the run among those of its row; no two have the same.
    pub run: u64,
    /// True if the harness said that the service is broken, false if it said that it is not; none if
    /// it said neither, or had no time: such a run counts neither way.
    pub found: Option<bool>,
    /// The seconds from the start of the run until the harness said so, setup and judgement included.
    pub seconds: f64,
    /// When the run began, in UTC, as RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started: Option<String>,
    /// The verdict in a sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// Reads the runs in a file, or in the folder of a catalogue.
///
/// # Errors
/// When it cannot be read, or a line is none of this form; the message names file and line.
pub fn read(path: &Path) -> Result<Vec<DetectionRun>> {
    let file = if path.is_dir() { path.join(DETECTION) } else { path.to_owned() };
    let shown = file.display();
    let text = fs::read_to_string(&file).with_context(|| format!("cannot read {shown}"))?;
    let mut runs = Vec::new();
    for (number, line) in (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty()) {
        let run: DetectionRun = serde_json::from_str(line)
            .with_context(|| format!("{shown}, line {number}, is no run of a detection"))?;
        if run.schema != SCHEMA {
            bail!(
                "{shown}, line {number}: its form is {}, and this version of stormproof reads {SCHEMA}",
                run.schema
            );
        }
        if !(run.seconds.is_finite() && run.seconds >= 0.0) {
            bail!("{shown}, line {number}: {} is no number of seconds", run.seconds);
        }
        runs.push(run);
    }
    Ok(runs)
}

/// Writes the runs of a catalogue into its folder, and returns the path of the file.
///
/// # Errors
/// When it cannot be written.
pub fn write(folder: &Path, runs: &[DetectionRun]) -> Result<PathBuf> {
    let mut text = String::new();
    for run in runs {
        text += &serde_json::to_string(run).context("a run is plain data")?;
        text.push('\n');
    }
    layout::replace(folder, DETECTION, text.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A line as another harness may write it.
    const LINE: &str = r#"{"schema":1,"harness":"jepsen 0.3.9","target":"etcd 3.5.1","case":"etcd#13766","defect":true,"how":"kill","run":3,"found":null,"seconds":9.5}"#;

    #[test]
    fn lines_of_this_form_are_read_and_written_and_others_refused_with_their_place() {
        let folder =
            std::env::temp_dir().join(format!("stormproof-detection-{}", std::process::id()));
        fs::create_dir_all(&folder).expect("a scratch folder can be made");
        let run: DetectionRun = serde_json::from_str(LINE).expect("it is a run");
        let found = DetectionRun { found: Some(true), run: 4, ..run.clone() };
        let file = write(&folder, &[run.clone(), found.clone()]).expect("there is room");
        assert_eq!(read(&folder).expect("by its folder"), [run.clone(), found.clone()]);
        assert_eq!(read(&file).expect("by its path"), [run, found]);
        for (line, says) in [
            ("{}".to_owned(), "line 2, is no run"),
            (LINE.replace("\"schema\":1", "\"schema\":7"), "line 2: its form is 7"),
            (LINE.replace("9.5", "-1"), "line 2: -1 is no number of seconds"),
        ] {
            fs::write(&file, format!("{LINE}\n{line}\n")).expect("it can be written");
            let error = format!("{:#}", read(&file).expect_err("it is none"));
            assert!(error.contains(says), "{error}");
        }
        fs::remove_dir_all(&folder).expect("it is ours");
        assert!(read(&folder).is_err());
    }
}
