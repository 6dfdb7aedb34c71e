//! A run that is held to the order of an earlier one.

use serde_json::Value;

use crate::common::{run, scratch};
use crate::support::{DISKS, can, faults, has_namespaces, latest, plan_file, run_into, verdict};
use crate::turn::turn;

#[test]
fn a_recorded_order_is_followed_around_its_faults_and_its_file_is_small() {
    let _turn = turn();
    if !has_namespaces() || !can(&[DISKS]) {
        return;
    }
    let results = scratch("in-order");
    let plan = plan_file("in-order.toml");
    run_into(&results, &["--plan", &plan, "--record-order"]).exits(0);
    let saved = latest(&results).display().to_string();
    let order = std::fs::read(latest(&results).join("order.bin")).expect("it was recorded");
    // Some 240 operations, each with a dozen gates or so.
    assert!((2_000..60_000).contains(&order.len()), "{} bytes", order.len());
    assert_eq!(verdict(&results)["order"], Value::Null, "it was held to nothing");

    let into = scratch("in-order-again");
    let shown = into.display().to_string();
    run(&["replay", &saved, "--in-order", "--results", &shown]).exits(0).says("moments met");
    let followed = &verdict(&into)["order"];
    let begun = followed["moments"].as_array().and_then(|all| all.first());
    let begun = begun.unwrap_or_else(|| panic!("a fault waits for its moment: {followed}"));
    assert_eq!((&begun["fault"], &begun["met"]), (&1.into(), &true.into()), "{followed}");
    let number = |name: &str| followed[name].as_u64().expect(name);
    assert!(number("gates") >= 10, "{followed}");
    assert!(number("in_order") * 4 >= number("gates"), "{followed}");
    assert!(number("held") > 0, "{followed}");
    assert!(faults(&into).iter().all(|fault| fault.is_installed()));
    let page = std::fs::read_to_string(latest(&into).join("report.html")).expect("it has a page");
    assert!(page.contains("in the recorded order"), "the page tells of it");

    // What it followed it recorded too.
    let again = latest(&into).display().to_string();
    run(&["replay", &again, "--times", "1", "--in-order", "--results", &shown]).exits(0);
}

#[test]
fn without_a_recorded_order_the_way_to_one_is_said() {
    let results = scratch("in-order-none");
    let short = ["--faults", "none", "--nodes", "1", "--time-limit", "1s", "--rate", "50"];
    run_into(&results, &[&short[..], &["--seed", "3", "--workload", "set"]].concat()).exits(0);
    let saved = latest(&results).display().to_string();
    run(&["replay", &saved, "--in-order"]).exits(64).says("--record-order");
    std::fs::write(latest(&results).join("order.bin"), "something else").expect("it is ours");
    run(&["replay", &saved, "--in-order"]).exits(65).says("it is no order of a run");
}
