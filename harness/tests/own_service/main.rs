//! The storm on a service of one's own, from `cargo test`: what a team writes that does not want to
//! leave Rust.
//!
//! `service.rs` is the service, which knows nothing of stormproof; `target.rs` tells how it is
//! started and spoken to; `workload.rs` is what its clients do. The node is this very program, as it
//! would be another one elsewhere.

mod service;
mod target;
mod workload;

use std::process::ExitCode;

fn main() -> ExitCode {
    // First of all, before any thread exists.
    let place = stormproof::dispatch();
    let arguments: Vec<String> = std::env::args().collect();
    if let [_, node, listen, data] = &arguments[..]
        && node == target::NODE
    {
        return service::serve(listen, data);
    }
    // What failed stays to be looked at.
    let results = concat!(env!("CARGO_TARGET_TMPDIR"), "/own-service");
    let flags = [
        "--nodes",
        "1",
        "--fault-budget",
        "all",
        "--faults",
        "kill,pause",
        "--time-limit",
        "8s",
        "--rate",
        "200",
        "--keys",
        "3",
        "--seed",
        "1",
        "--results",
        results,
    ];
    stormproof::embedded::run(place, target::Journal, workload::WORKLOAD, &flags).into()
}
