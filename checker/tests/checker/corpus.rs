//! Recorded histories with known verdicts, from the folder that `STORMPROOF_CORPUS` names. They
//! are other people's and not part of this repository; without the variable there is nothing to
//! do, which is said.

use std::path::Path;

use stormproof_checker::history::read;
use stormproof_checker::verdict::Verdict;
use stormproof_checker::{Options, check};

#[test]
fn every_recorded_history_gets_its_known_verdict() {
    let Some(folder) = std::env::var_os("STORMPROOF_CORPUS") else {
        println!("skipped: STORMPROOF_CORPUS does not name a folder of recorded histories");
        return;
    };
    let folder = Path::new(&folder);
    let index = std::fs::read_to_string(folder.join("verdicts.tsv"))
        .unwrap_or_else(|error| panic!("{}/verdicts.tsv: {error}", folder.display()));

    let mut judged = 0;
    let mut wrong = Vec::new();
    for line in index.lines().skip(1).filter(|line| !line.is_empty()) {
        let [file, model, expected] = line.split('\t').collect::<Vec<_>>()[..] else {
            panic!("verdicts.tsv: `{line}` is not file, model, verdict");
        };
        if stormproof_checker::model::find(model).is_none() {
            println!("{file}: left out, there is no model {model} yet");
            continue;
        }
        let bytes = std::fs::read(folder.join(file)).unwrap_or_else(|e| panic!("{file}: {e}"));
        let reading = read(&bytes[..]).unwrap_or_else(|error| panic!("{file}: {error}"));
        // No order was ever found wrong in a recording in which no client did anything, and none was
        // tested.
        let expected = if reading.operations.is_empty() { "unknown" } else { expected };
        let named = Options { model: Some(model.into()), ..Options::for_format(reading.format) };
        let chosen = Options { model: None, ..named.clone() };
        for options in [named, chosen] {
            let analysis = check(&reading.operations, &options)
                .unwrap_or_else(|error| panic!("{file}: {}", error.in_file()));
            let got = match analysis.verdict {
                Verdict::Valid => "valid",
                Verdict::Unknown => "unknown",
                Verdict::Invalid => "invalid",
            };
            println!("{file}: {got} after {} steps", analysis.steps);
            if let Some(counterexample) = &analysis.counterexample {
                println!(
                    "  {} operations: {}",
                    counterexample.operations.len(),
                    counterexample.sentence
                );
            }
            if got != expected {
                wrong.push(format!("{file}: {got} instead of {expected}"));
            }
        }
        judged += 1;
    }
    assert!(judged > 0, "{} holds no history that was judged", folder.display());
    assert_eq!(wrong, Vec::<String>::new(), "of {judged} histories");
}
