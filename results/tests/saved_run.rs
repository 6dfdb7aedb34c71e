//! A run that an earlier version saved (2026-11-28, before faults had a typed record) is still
//! read: every fault with its outcome and its measurements, and the page.

use std::collections::BTreeSet;
use std::path::Path;

use faults::effect::Measurement;
use faults::fault::Family;
use faults::record::Happened;
use stormproof_results::event::FaultEvent;
use stormproof_results::loaded_run::LoadedRun;
use stormproof_results::metrics::{FaultIntervals, fault_intervals};
use stormproof_results::run_directory::RunDirectory;

fn saved() -> LoadedRun {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/saved/every-family");
    RunDirectory::open(&path).expect("a run directory").load().expect("readable")
}

#[test]
fn every_event_of_the_nemesis_is_read_and_written_again_without_loss() {
    let run = saved();
    let told = run
        .history
        .events
        .iter()
        .filter(|event| event.process == checker::history::Process::Nemesis);
    let mut count = 0;
    for event in told {
        let read = FaultEvent::of_history(event).expect("it is about a fault");
        let mut written = read.to_history();
        // Measurements had the order of their names then.
        let (before, after) = (&event.value["effect"], written.value["effect"].take());
        assert_eq!(before, &after, "{event:?}");
        written.value["effect"] = before.clone();
        let fields = written.value.as_object_mut().expect("an object");
        if before.is_null() {
            fields.remove("effect");
        }
        if read.record.what.is_intent() {
            // The intent to do nothing said nothing then.
            fields.remove("nothing");
        }
        assert_eq!(&written, event);
        count += 1;
    }
    assert_eq!(count, 164);
}

#[test]
fn every_fault_has_its_outcome_and_its_measurements() {
    let run = saved();
    let faults = fault_intervals(&run.history);
    let counts = FaultIntervals::of(&run.history).outcome_counts();
    assert_eq!(counts.into_iter().collect::<Vec<_>>(), [("indeterminate", 1), ("installed", 18)]);
    let families: BTreeSet<Family> = faults.iter().map(|fault| fault.family).collect();
    assert_eq!(families.len(), 8);
    let of = |family| faults.iter().find(|fault| fault.family == family).expect("one of each");
    let partition = of(Family::Partition);
    assert!(partition.effect.count("packets_dropped") > Some(0), "{partition:?}");
    assert!(partition.grudge.is_some());
    assert!(matches!(of(Family::Clock).effect.get("wall"), Some(Measurement::Offset(_))));
    assert!(matches!(
        of(Family::Kill).effect.get("dead_after"),
        Some(Measurement::Milliseconds(_))
    ));
    let cpu = of(Family::Cpu);
    assert!(matches!(cpu.effect.get("limit"), Some(Measurement::Percent(_))), "{cpu:?}");
    assert!(faults.iter().all(|fault| fault.facts.is_some() && fault.end.is_some()));
}

#[test]
fn coverage_counts_what_it_counted_then_and_the_page_is_drawn() {
    let run = saved();
    let summary = run.summary.as_ref().expect("a verdict");
    let coverage = summary.fault_coverage.as_ref().expect("counted");
    let counted: BTreeSet<Family> = coverage.cells.iter().map(|cell| cell.family).collect();
    let took_effect = fault_intervals(&run.history).into_iter().filter(|fault| fault.took_effect());
    assert_eq!(counted, took_effect.map(|fault| fault.family).collect());
    let page = stormproof_results::report::html(summary, &run.history, &run.node_events, &[]);
    let injected = run
        .history
        .events
        .iter()
        .filter_map(FaultEvent::of_history)
        .filter(|event| matches!(event.record.what, Happened::Injected(_)));
    for event in injected {
        assert!(page.contains(&event.record.name), "{}", event.record.name);
    }
}
