//! A service of one's own under test, from `cargo test`: what a team writes that does not want to
//! leave Rust, with `stormproof` as its only dependency.
//!
//! `service.rs` is the service, which knows nothing of stormproof; `target.rs` says how it is
//! started and spoken to; `workload.rs` is what its clients do. The node is this very program, as it
//! would be another one elsewhere.
//!
//! ```sh
//! cargo test --test own_service                         # both runs
//! cargo test --test own_service -- --exact pauses       # one of them
//! STORMPROOF_FLAGS="--seed 42" cargo test --test own_service
//! cargo nextest run --test own_service
//! ```

mod service;
mod target;
mod workload;

use std::process::ExitCode;
use std::time::Duration;

use stormproof::prelude::*;

fn main() -> ExitCode {
    // First of all, before any thread exists.
    dispatch();
    let arguments: Vec<String> = std::env::args().collect();
    if let [_, node, listen, data] = &arguments[..]
        && node == target::NODE
    {
        return service::serve(listen, data);
    }
    test_main([("kills", registers_under("kill")), ("pauses", registers_under("pause"))])
}

/// Registers on one node, under the faults of one family.
fn registers_under(family: &str) -> Test {
    // What failed stays to be looked at.
    let results = format!("{}/own-service-{family}", env!("CARGO_TARGET_TMPDIR"));
    Test::new(target::Journal)
        .workload(workload::WORKLOAD)
        .nodes(1)
        .fault_budget("all")
        .faults(family)
        .time_limit(Duration::from_secs(6))
        .rate(200.0)
        .keys(3)
        .seed(1)
        .results(results)
}
