//! stormproof, the binary.

use std::io::Write;
use std::process::ExitCode;

use stormproof::Exit;

fn main() -> ExitCode {
    stormproof::dispatch();
    exit_3_on_panic();
    stormproof::main(std::env::args_os()).into()
}

/// A panic anywhere is a failure of the harness and never a verdict. Exiting at once is safe:
/// what was recorded is on disk, and the lab ends with this process.
fn exit_3_on_panic() {
    let report = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        report(panic);
        let bug = "stormproof: this is a bug in stormproof, not a finding about the target";
        // Nothing is left to do if the terminal is gone.
        let _ = writeln!(std::io::stderr(), "{bug}");
        std::process::exit(Exit::HarnessFailure.code().into());
    }));
}
