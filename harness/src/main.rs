//! stormproof, the binary.

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::SUCCESS
}
