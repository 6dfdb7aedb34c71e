//! The panel of elements, and the counterexamples of every model.

use checker::accounting::ElementOutcome as Fate;
use checker::verdict::Verdict;

use crate::sample::{Sample, judged, models};
use crate::{page, panel};

#[test]
fn what_became_of_the_elements_of_a_set_is_told() {
    let page = page(&judged("set"));
    for words in [
        "4 elements, 3 acknowledged: 1 lost, 1 duplicated, 1 unexpected, 1 stale.",
        "<b>lost</b> 1 was in s1 at 1.440 s, and the last read, which began at 1.800 s, lacks it",
        "<b>unexpected</b> a read of s1 answered 9, which nobody added",
        "not acknowledged and never seen",
    ] {
        assert!(
            panel(&page, "elements").contains(words),
            "no {words:?} in {}",
            panel(&page, "elements")
        );
    }
}

#[test]
fn what_was_not_drained_is_not_lost() {
    let run = judged("queue");
    let accounting = run.summary.safety.accounting.as_ref().expect("there are queues");
    assert_eq!((accounting.count(Fate::Lost), accounting.count(Fate::NeverDequeued)), (1, 1));
    let page = page(&run);
    for words in [
        "4 elements, 3 acknowledged: 1 lost, 1 duplicated, 1 never dequeued.",
        "<b>lost</b> 1 was enqueued in q1 and never dequeued",
        "still in the queue, or taken by a dequeue of unknown outcome",
    ] {
        assert!(
            panel(&page, "elements").contains(words),
            "no {words:?} in {}",
            panel(&page, "elements")
        );
    }
}

#[test]
fn a_run_without_sets_and_queues_has_no_such_panel() {
    for model in models().filter(|model| !["set", "queue"].contains(model)) {
        assert!(!page(&judged(model)).contains("<section id=\"elements\""), "{model}");
    }
}

#[test]
fn every_model_has_its_counterexample_drawn_in_its_own_words() {
    let shown = [
        ("register", "read → 7"),
        ("kv-append", "get → &quot;ac&quot;"),
        ("append-list", "read → [12,11]"),
        ("set", "read → [1,2]"),
        ("counter", "read → 3"),
        ("queue", "dequeue → 2"),
        ("mutex", "acquire &quot;p2&quot;"),
        ("fenced-lock", "acquire &quot;p2&quot; → 811"),
        ("txn", "txn r x → 2, r y → 1"),
    ];
    assert!(models().eq(shown.map(|(model, _)| model)));
    for (model, words) in shown {
        let run: Sample = judged(model);
        assert_eq!(run.summary.verdict, Verdict::Invalid, "{model}");
        let page = page(&run);
        let panel = panel(&page, "counterexample");
        assert!(panel.contains(words), "{model}: no {words:?} in {panel}");
    }
}
