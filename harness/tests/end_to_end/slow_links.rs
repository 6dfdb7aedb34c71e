//! The bundled cluster where an answer takes 300 ms.

use crate::common::scratch;
use crate::support::{assert_a_whole_run, faults, has_namespaces, history, plan_file, run_into};
use crate::turn::wide_turn;

/// The time that the clients need to get used to it, and the end of the fault.
const MEASURED: std::ops::Range<u64> = 3..12;

/// Ten clients get 30 operations a second at best, one a round trip each. When reads and appends
/// waited for the round trip before their own, they got 5.
#[test]
fn operations_over_slow_links_take_one_round_trip() {
    let _turn = wide_turn();
    if !has_namespaces() {
        return;
    }
    let results = scratch("slow-links");
    run_into(&results, &["--plan", &plan_file("slow-links.toml")]).exits(0).says("VALID");
    assert_a_whole_run(&results, &["packet"]);
    assert!(faults(&results).iter().all(|fault| fault.is_installed()));
    let answered = history(&results).into_iter().filter(|event| {
        let seconds = event["time"].as_u64().unwrap_or_default() / 1_000_000_000;
        event["process"].is_u64()
            && ["ok", "fail"].iter().any(|kind| event["type"] == *kind)
            && MEASURED.contains(&seconds)
    });
    let a_second = answered.count() as u64 / (MEASURED.end - MEASURED.start);
    println!("{a_second} operations a second");
    assert!(a_second >= 12, "{a_second} operations a second");
}
