//! An experiment as a user carries it out.

use std::fs;

use results::experiment::{MeasuredExperiment, claim_word};

use crate::common::{run, scratch};
use crate::support::has_namespaces;
use crate::turn::wide_turn;

#[test]
fn an_experiment_tells_its_figures_and_its_exit_code_says_if_the_claim_holds() {
    let _turn = wide_turn();
    if !has_namespaces() {
        return;
    }
    let results = scratch("experiment");
    let folder = results.display().to_string();
    let asked = ["experiment", "quorum", "--nodes", "3", "--quick", "--seed", "1"];
    let done = run(&[&asked[..], &["--results", &folder]].concat());
    let word = match done.code {
        Some(0) => "holds",
        Some(1) => "does not hold",
        Some(2) => "too little measured",
        _ => panic!("{}", done.err),
    };
    let done = done.says("1 of 3 nodes down").says("2 of 3 nodes down");
    assert!(done.out.contains(&format!("quorum {}", word.to_uppercase())), "{}", done.out);
    let page = fs::read_to_string(results.join("experiment.html")).expect("it leaves a page");
    assert!(page.contains(word) && page.contains("<svg"), "{page}");
    assert!(page.contains("stormproof experiment quorum --nodes 3 --quick --seed 1"), "{page}");
    let figures = fs::read_to_string(results.join("quorum.json")).expect("and the figures");
    let measured: MeasuredExperiment = serde_json::from_str(&figures).expect("they can be read");
    assert_eq!(claim_word(measured.figures.verdict()), word);
    assert!(!page.contains("http://") && !page.contains("https://"), "it needs no network");
}
