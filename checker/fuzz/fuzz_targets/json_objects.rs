#![no_main]

use stormproof_checker::history::Format;
use libfuzzer_sys::fuzz_target;

const FIRST_LINE: &str = r#"[{"process":0,"type":"invoke","f":"read","value":null},"#;

fuzz_target!(|data: &[u8]| checker_fuzz::read_and_judge(Format::JsonObjects, FIRST_LINE, data));
