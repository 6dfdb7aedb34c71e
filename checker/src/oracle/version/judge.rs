//! The judgement of all answers, sequence by sequence.

use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;

use super::report::VersionReport;
use super::sequence::{Sequence, TimedAnswer, boundaries, era};
use super::terms::{
    Answered, Answers, Effect, MutationVersion, ReadVersion, Reset, Scope, VersionSemantics,
};
use crate::oracle::kept::MAX_KEPT;

/// Judges the versions of a history's answers, in any order.
///
/// # Panics
///
/// If an answer completed before it was invoked, or a reset ended before it began.
pub fn judge(
    answers: &[Answered<'_>],
    claims: &VersionSemantics,
    resets: &[Reset<'_>],
) -> VersionReport {
    let get = |place: usize| answers[place];
    let value = |place: usize| answers[place].value;
    judge_each(&Answers { count: answers.len(), get: &get, value: &value }, claims, resets)
}

/// The same of answers that are not all there at once.
pub(crate) fn judge_each(
    answers: &Answers<'_, '_>,
    claims: &VersionSemantics,
    resets: &[Reset<'_>],
) -> VersionReport {
    assert!(resets.iter().all(|reset| reset.began <= reset.ended));
    let mut report = VersionReport {
        claims: *claims,
        answers: 0,
        sequences: 0,
        left_out: 0,
        between_eras: 0,
        new_eras: 0,
        eras: Vec::new(),
        contradictions: 0,
        violations: Vec::new(),
    };
    let (mut keys, mut streams) = (Numbers::default(), Numbers::default());
    let mut sequences: BTreeMap<(u32, Option<u32>), Vec<TimedAnswer>> = BTreeMap::new();
    for place in 0..answers.count {
        let answer = (answers.get)(place);
        assert!(answer.invoked < answer.completed);
        let stream = streams.number(answer.stream);
        let key = answer.key.map(|key| keys.number((stream, key)));
        if answer.effect == Effect::StaleRead || wants_key(claims, &answer) && key.is_none() {
            report.left_out += 1;
            continue;
        }
        let sequence = match claims.scope {
            Scope::Store => (0, None),
            Scope::Stream => (stream, None),
            Scope::Key => (stream, key),
        };
        let Answered { effect, version, invoked, completed, .. } = answer;
        let place = u32::try_from(place).expect("fewer than 2^32 answers");
        let point = TimedAnswer { place, key, effect, version, invoked, completed };
        let of_all = if claims.scope == Scope::Store { answers.count } else { 0 };
        let points = sequences.entry(sequence).or_insert_with(|| Vec::with_capacity(of_all));
        points.push(point);
        report.answers += 1;
    }
    report.sequences = sequences.len() as u64;

    let mut found = Vec::new();
    for points in sequences.into_values() {
        let stream = (answers.get)(points[0].place as usize).stream;
        let sequence = Sequence::new(answers, claims, points);
        let applicable = |reset: &&Reset<'_>| {
            claims.scope == Scope::Store || reset.stream.is_none_or(|reset| reset == stream)
        };
        let mut resets: Vec<Reset<'_>> = resets.iter().filter(applicable).copied().collect();
        resets.sort_by_key(|reset| reset.began);

        let contradictions = sequence.falls(|_| true, |_| true);
        if contradictions.is_empty() || resets.is_empty() {
            found.extend(contradictions);
        } else {
            let boundaries = boundaries(&sequence, &resets);
            for (number, after) in boundaries.iter().enumerate() {
                report.new_eras += 1;
                if report.eras.len() < MAX_KEPT {
                    let since = number.checked_sub(1).map(|before| &boundaries[before]);
                    let next = boundaries.get(number + 1);
                    report.eras.push(sequence.describe(since, after, next));
                }
            }
            report.between_eras += sequence.between(&boundaries);
            for number in 0..=boundaries.len() {
                let within = |point: &TimedAnswer| era(&boundaries, point) == Some(number);
                found.extend(sequence.falls(within, within));
            }
        }
        if claims.mutations == MutationVersion::Unique {
            sequence.shared(&resets, &mut found);
            sequence.two_values(&resets, &mut found);
        }
    }
    found.sort_by_cached_key(|found| {
        ((answers.get)(found.later as usize).completed, found.rule, found.later)
    });
    report.contradictions = found.len() as u64;
    let kept = found.iter().take(MAX_KEPT);
    report.violations = kept.map(|found| found.violation(answers)).collect();
    report
}

/// Returns whether an answer says nothing unless its key is known.
fn wants_key(claims: &VersionSemantics, answer: &Answered<'_>) -> bool {
    let about_a_key = claims.reads == ReadVersion::Modification && !claims.numbers(answer.effect);
    claims.scope == Scope::Key || about_a_key
}

/// Numbers names by their first appearance.
struct Numbers<T> {
    /// Only looked up, never iterated.
    numbers: HashMap<T, u32>,
}

impl<T> Default for Numbers<T> {
    fn default() -> Numbers<T> {
        Numbers { numbers: HashMap::new() }
    }
}

impl<T: Eq + Hash> Numbers<T> {
    fn number(&mut self, name: T) -> u32 {
        let next = u32::try_from(self.numbers.len()).expect("no history has that many names");
        *self.numbers.entry(name).or_insert(next)
    }
}
