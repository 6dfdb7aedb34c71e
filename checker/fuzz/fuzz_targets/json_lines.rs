#![no_main]

use libfuzzer_sys::fuzz_target;
use stormproof_checker::history::Format;

const FIRST_LINE: &str = r#"{"process":0,"type":"invoke","f":"read","value":null}"#;

fuzz_target!(|data: &[u8]| stormproof_checker_fuzz::read_and_judge(
    Format::JsonLines,
    FIRST_LINE,
    data
));
