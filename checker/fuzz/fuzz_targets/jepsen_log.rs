#![no_main]

use stormproof_checker::history::Format;
use libfuzzer_sys::fuzz_target;

const FIRST_LINE: &str = "INFO  jepsen.util - 0	:invoke	:read	nil";

fuzz_target!(|data: &[u8]| checker_fuzz::read_and_judge(Format::JepsenLog, FIRST_LINE, data));
