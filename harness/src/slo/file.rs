//! `slo.toml`: promises in a file.

use std::path::Path;

use anyhow::Result;
use serde::Deserialize;

use super::Promise;
use crate::exit::bad_input;

/// The promises of a file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Slo {
    promise: Vec<Promise>,
}

/// Reads the promises of a file.
///
/// # Errors
/// When there is no such file, or it holds something else: the complaint has the line.
pub(crate) fn read(path: &Path) -> Result<Vec<Promise>> {
    let shown = path.display();
    let text = std::fs::read_to_string(path)
        .map_err(|error| bad_input(format!("cannot read {shown}: {error}")))?;
    promises(&text).map_err(|why| bad_input(format!("{shown}: {why}")))
}

fn promises(text: &str) -> Result<Vec<Promise>, String> {
    let slo: Slo = toml::from_str(text).map_err(|error| error.to_string().trim_end().to_owned())?;
    match slo.promise.is_empty() {
        true => Err("it promises nothing; a promise is a table [[promise]]".to_owned()),
        false => Ok(slo.promise),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_has_promises_one_a_table() {
        let text = "[[promise]]\nrecovery_max = \"5s\"\n\n[[promise]]\nrecovery_p99 = \"2s\"\n\
                    faults = [\"kill\", \"pause\"]\nrole = \"leader\"\n";
        let read: Vec<String> =
            promises(text).expect("promises").iter().map(Promise::to_string).collect();
        assert_eq!(read, ["recovery_max=5s", "recovery_p99=2s,faults=kill+pause,role=leader"]);
    }

    #[test]
    fn what_is_not_known_is_refused_with_its_line_and_what_is() {
        let complaints = [
            ("[[promise]]\nrecovery_max = \"5s\"\n\n[[promise]]\nrecovry = \"2s\"\n", "line 5"),
            ("[[promise]]\nrecovery_max = \"5 parsecs\"\n", "ms, s, m, h"),
            ("# one\n[[promise]]\nrecovery_max = \"5 parsecs\"\n", "line 3"),
            ("[[promise]]\nrecovery_max = 5\n", "a text in quotes"),
            ("[[promises]]\nrecovery_max = \"5s\"\n", "expected `promise`"),
            ("promise = []\n", "it promises nothing"),
            ("", "missing field `promise`"),
        ];
        for (text, expected) in complaints {
            let complaint = promises(text).expect_err(text);
            assert!(complaint.contains(expected), "{complaint}");
        }
    }
}
