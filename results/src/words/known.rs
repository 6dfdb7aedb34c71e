//! Failures of the service that were known before a run.

use checker::verdict::Verdict;

use super::counted;
use crate::metrics::FaultInterval;
use crate::summary::KnownInRun;

/// The intention, before the run: `known failure lost avoided: without power faults, so what they do
/// is not tested (a sentence about it)`.
pub fn known_before(known: &KnownInRun) -> String {
    let KnownInRun { failure, tested, faults } = known;
    let intention = match (tested, faults.len()) {
        (false, _) => {
            let triggers = failure.triggers_in_words();
            format!("avoided: without {triggers}, so what they do is not tested")
        }
        (true, 0) => "cannot be tested: no fault that triggers it is planned".to_owned(),
        (true, 1) => "tested all the same: 1 planned fault triggers it".to_owned(),
        (true, count) => format!("tested all the same: {count} planned faults trigger it"),
    };
    format!("known failure {} {intention}{}", failure.name, about(known))
}

/// The result, after a run with this verdict: `lost was avoided, without power faults: …`.
pub fn known_after<'a>(
    known: &KnownInRun,
    verdict: Verdict,
    faults: impl IntoIterator<Item = &'a FaultInterval>,
) -> String {
    let KnownInRun { failure, tested, faults: planned } = known;
    let name = &failure.name;
    let triggering = |fault: &&FaultInterval| planned.contains(&fault.fault);
    let took_effect = faults.into_iter().filter(triggering).filter(|it| it.took_effect()).count();
    let effects =
        format!("{} that can trigger it took effect", counted(took_effect as u64, "fault"));
    let result = match (tested, took_effect, verdict) {
        (false, ..) => format!(
            "was avoided, without {}: what they do was not tested; --test-known {name} tests it",
            failure.triggers_in_words()
        ),
        (true, 0, _) => "was not tested after all: no fault that triggers it took effect".into(),
        (true, _, Verdict::Valid) => format!("did not show: {effects}"),
        (true, _, Verdict::Unknown) => format!("may be there or not: {effects}"),
        (true, _, Verdict::Invalid) => format!("may be what this run shows: {effects}"),
    };
    format!("{name} {result}{}", about(known))
}

/// The part of a verdict's sentence about what was left out: `without power faults, which trigger
/// the known failure lost`.
pub fn avoided(known: &[KnownInRun]) -> Option<String> {
    let avoided: Vec<String> = known
        .iter()
        .filter(|known| !known.tested)
        .map(|known| {
            let (name, triggers) = (&known.failure.name, known.failure.triggers_in_words());
            format!("without {triggers}, which trigger the known failure {name}")
        })
        .collect();
    (!avoided.is_empty()).then(|| format!("tested {}", avoided.join(", and ")))
}

/// The sentence or link about it, in brackets.
fn about(known: &KnownInRun) -> String {
    match known.failure.about.as_str() {
        "" => String::new(),
        about => format!(" ({about})"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(text: &str, tested: bool, faults: &[u32]) -> KnownInRun {
        let failure = text.parse().expect("a known failure");
        KnownInRun { failure, tested, faults: faults.to_vec() }
    }

    #[test]
    fn an_avoided_failure_is_no_pass_of_what_triggers_it() {
        let lost = known("lost=power: https://example.com/17", false, &[]);
        assert_eq!(
            known_before(&lost),
            "known failure lost avoided: without power faults, so what they do is not tested \
             (https://example.com/17)"
        );
        for verdict in [Verdict::Valid, Verdict::Unknown, Verdict::Invalid] {
            assert_eq!(
                known_after(&lost, verdict, []),
                "lost was avoided, without power faults: what they do was not tested; --test-known \
                 lost tests it (https://example.com/17)"
            );
        }
        let slow = known("slow=disk trouble=slow-fsync,cpu", false, &[]);
        let tested = known("mended=kill", true, &[1]);
        assert_eq!(avoided(std::slice::from_ref(&tested)), None);
        assert_eq!(
            avoided(&[lost, tested, slow]).as_deref(),
            Some(
                "tested without power faults, which trigger the known failure lost, and without \
                 disk faults with trouble=slow-fsync, and cpu faults, which trigger the known \
                 failure slow"
            )
        );
    }

    #[test]
    fn a_failure_that_is_tested_all_the_same_shows_or_does_not() {
        let check = |faults: &[u32], before: &str| {
            assert_eq!(known_before(&known("lost=power", true, faults)), before);
        };
        check(&[], "known failure lost cannot be tested: no fault that triggers it is planned");
        check(&[7], "known failure lost tested all the same: 1 planned fault triggers it");
        check(&[7, 9], "known failure lost tested all the same: 2 planned faults trigger it");
    }
}
