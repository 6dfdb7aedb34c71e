//! Properties of every file, in whichever format: no panic, an error names a line of the file,
//! and what was read can be judged and the judgement saved.

use std::num::NonZeroUsize;

use stormproof_checker::history::Format;
use stormproof_checker::Budget;

/// Enough to decide most of what a fuzzer writes, in little time.
const BUDGET: Budget = Budget { steps: 2_000, memory: 1 << 20 };

/// Reads `data` behind a first line that tells its format, and judges what was read.
pub fn read_and_judge(format: Format, first_line: &str, data: &[u8]) {
    let file = [first_line.as_bytes(), b"\n", data].concat();
    let reading = match stormproof_checker::history::read(&file[..]) {
        Ok(reading) => reading,
        Err(error) => {
            let lines = file.split(|byte| *byte == b'\n').count();
            assert!((1..=lines).contains(&error.line), "{error} in a file of {lines} lines");
            return;
        }
    };
    assert_eq!(reading.format, format);
    let mut options = reading.setting.options(format);
    (options.budget, options.threads) = (BUDGET, NonZeroUsize::MIN);
    // An operation that does not fit the model is an error, and whose it is the checker says.
    let Ok(analysis) = stormproof_checker::check(&reading.operations, &options) else { return };
    serde_json::to_string(&analysis).expect("an analysis can be saved");
}
