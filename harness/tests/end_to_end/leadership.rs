//! Leadership handed over because somebody asked the service to.

use crate::common::scratch;
use crate::support::{assert_a_whole_run, faults, has_namespaces, plan_file, run_into, verdict};
use crate::turn::wide_turn;

#[test]
fn leadership_is_handed_over_at_rest_and_over_slow_links() {
    let _turn = wide_turn();
    if !has_namespaces() {
        return;
    }
    let results = scratch("leadership");
    run_into(&results, &["--plan", &plan_file("leadership.toml")]).exits(0).says("VALID");
    assert_a_whole_run(&results, &["leadership", "packet"]);
    let faults = faults(&results);
    let mut transfers = faults.iter().filter(|fault| fault.family == "leadership");
    assert!(transfers.clone().all(|fault| fault.is_installed()), "{faults:#?}");
    assert!(transfers.clone().all(|fault| fault.figure("transferred_after_ms") > 0.0));
    assert_eq!(transfers.clone().count(), 4);
    let slow = faults.iter().find(|fault| fault.family == "packet").expect("links were slow");
    let until = slow.time.1.expect("it ended");
    let meanwhile = transfers.any(|fault| (slow.time.0..until).contains(&fault.time.0));
    assert!(meanwhile, "none while links were slow: {faults:#?}");
    assert_eq!(verdict(&results)["run"]["engines"]["leadership"], "POST /admin/transfer");
}
