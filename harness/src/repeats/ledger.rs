//! The results of many runs, one a line, so that work that was interrupted or killed goes on where it
//! was.

use serde::{Deserialize, Serialize};

use super::RunOutcome;

/// One line: a run of something.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Line {
    /// A name for what was run.
    pub of: String,
    /// The number of the run among those of it, from 0.
    pub number: u64,
    /// The outcome.
    #[serde(flatten)]
    pub outcome: RunOutcome,
}

/// A short name for a text that hardly any other has.
pub(crate) fn short_hash(text: &str) -> String {
    let hash = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    format!("{:010x}", hash & 0xff_ffff_ffff)
}

/// The results of one command.
pub(crate) type Ledger = results::ledger::Ledger<Line>;

#[cfg(test)]
mod tests {
    use checker::verdict::Verdict;

    use super::super::outcome::tests::outcome;
    use super::*;

    #[test]
    fn what_was_learnt_is_read_again_and_half_a_line_is_not() {
        let path = std::env::temp_dir().join(format!("stormproof-ledger-{}", std::process::id()));
        let _ = std::fs::remove_file(&path);
        let line = |number| Line {
            of: "2.11.0".to_owned(),
            number,
            outcome: outcome(Verdict::Invalid, Verdict::Valid),
        };
        let (mut ledger, before) = Ledger::open(&path).expect("a scratch file can be made");
        assert_eq!(before, []);
        ledger.add(&line(0)).expect("it can be written");
        ledger.add(&line(1)).expect("it can be written");
        drop(ledger);
        let text = std::fs::read_to_string(&path).expect("it can be read");
        std::fs::write(&path, &text[..text.len() - 9]).expect("it can be cut");
        let (mut ledger, lines) = Ledger::open(&path).expect("half a line is no failure");
        assert_eq!(lines, [line(0)]);
        ledger.add(&line(1)).expect("it can be written");
        assert_eq!(std::fs::read_to_string(&path).expect("it can be read"), text);
        std::fs::remove_file(&path).expect("it can be removed");
    }
}
