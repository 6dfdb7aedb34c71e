#![no_main]

use libfuzzer_sys::fuzz_target;
use stormproof_checker::history::Format;

const FIRST_LINE: &str = "INFO  jepsen.util - 0	:invoke	:read	nil";

fuzz_target!(|data: &[u8]| stormproof_checker_fuzz::read_and_judge(
    Format::JepsenLog,
    FIRST_LINE,
    data
));
