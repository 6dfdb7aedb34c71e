//! The version oracle against a simulated service, planted lies, and the quadratic definition of
//! its rules.

use std::collections::BTreeMap;

use rand::rngs::ChaCha8Rng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use stormproof_checker::history::Process;
use stormproof_checker::oracle::version::{
    Answered, Effect, MutationVersion, ReadVersion, Reset, Rule, Scope, VersionReport,
    VersionSemantics, judge,
};
use stormproof_checker::verdict::Verdict;

const STREAMS: [&str; 2] = ["orders", "payments"];
const KEYS: [&str; 3] = ["k0", "k1", "k2"];

/// Every kind of service that can be claimed.
fn all_claims() -> Vec<VersionSemantics> {
    let mut all = Vec::new();
    for scope in [Scope::Store, Scope::Stream, Scope::Key] {
        for mutations in
            [MutationVersion::NotBelow, MutationVersion::Above, MutationVersion::Unique]
        {
            for reads in [ReadVersion::State, ReadVersion::Modification] {
                for failures_are_numbered in [false, true] {
                    all.push(VersionSemantics { scope, mutations, reads, failures_are_numbered });
                }
            }
        }
    }
    all
}

/// A linearizable service whose state carries versions.
struct Service {
    claims: VersionSemantics,
    versions: BTreeMap<(&'static str, &'static str), u64>,
    /// Value and version of the last modification.
    keys: BTreeMap<(&'static str, &'static str), (u64, u64)>,
}

impl Service {
    /// The version of the sequence that an operation belongs to.
    fn version(&mut self, operation: &Answered<'static>) -> &mut u64 {
        let key = operation.key.unwrap();
        let sequence = match self.claims.scope {
            Scope::Store => ("", ""),
            Scope::Stream => (operation.stream, ""),
            Scope::Key => (operation.stream, key),
        };
        self.versions.entry(sequence).or_default()
    }

    /// Lets an operation take effect; `joins` makes a mutation part of the batch before it.
    fn execute(&mut self, operation: &mut Answered<'static>, joins: bool, value: u64) {
        let VersionSemantics { mutations, reads, failures_are_numbered, .. } = self.claims;
        let place = (operation.stream, operation.key.unwrap());
        let numbered = operation.effect == Effect::Mutation
            || operation.effect == Effect::FailedPrecondition && failures_are_numbered;
        let version = self.version(operation);
        if numbered && !joins {
            *version += if mutations == MutationVersion::NotBelow { value % 2 } else { 1 };
        }
        let version = *version;
        if operation.effect == Effect::Mutation {
            self.keys.insert(place, (value, version));
        }
        let (value, modified) = self.keys.get(&place).copied().unwrap_or_default();
        let modification = reads == ReadVersion::Modification && !numbered;
        operation.version = if modification { modified } else { version };
        operation.value = Some(value);
    }
}

/// Records `count` answers of 6 concurrent clients. Every `reset_every` events, if any, the service
/// is wiped.
fn record(
    claims: VersionSemantics,
    seed: u64,
    count: usize,
    reset_every: Option<u64>,
) -> (Vec<Answered<'static>>, Vec<Reset<'static>>) {
    let rng = &mut ChaCha8Rng::seed_from_u64(seed);
    let empty = || Service { claims, versions: BTreeMap::new(), keys: BTreeMap::new() };
    let mut service = empty();
    let mut clients: [Option<(Answered<'static>, bool)>; 6] = [None; 6];
    let (mut answers, mut resets) = (Vec::new(), Vec::new());
    let mut index = 0;
    while answers.len() < count {
        index += 1;
        if reset_every.is_some_and(|every| index % every == 0) {
            service = empty();
            let (cause, time) = ("the wipe of every node", index);
            resets.push(Reset { stream: None, cause, began: index, ended: index, time });
            continue;
        }
        let client = rng.random_range(0..clients.len());
        match clients[client] {
            None => {
                let (effect, f) = *[
                    (Effect::Mutation, "write"),
                    (Effect::Mutation, "append"),
                    (Effect::FailedPrecondition, "cas"),
                    (Effect::Read, "read"),
                    (Effect::Read, "read"),
                ]
                .choose(rng)
                .unwrap();
                let operation = Answered {
                    process: Process::Client(client as u64),
                    f,
                    stream: STREAMS.choose(rng).unwrap(),
                    key: Some(KEYS.choose(rng).unwrap()),
                    effect,
                    version: 0,
                    value: None,
                    node: Some("n1"),
                    invoked: index,
                    completed: 0,
                    start: index * 1_000_000,
                    end: 0,
                };
                clients[client] = Some((operation, false));
            }
            Some((mut operation, false)) => {
                service.execute(&mut operation, false, index);
                clients[client] = Some((operation, true));
                // In a batch, further mutations that wait take effect at the same version.
                let batch = operation.effect == Effect::Mutation
                    && claims.mutations == MutationVersion::Above
                    && rng.random_bool(0.5);
                for (other, done) in clients.iter_mut().flatten().filter(|_| batch) {
                    if !*done && other.effect == Effect::Mutation {
                        let same = match claims.scope {
                            Scope::Store => true,
                            Scope::Stream => other.stream == operation.stream,
                            Scope::Key => {
                                (other.stream, other.key) == (operation.stream, operation.key)
                            }
                        };
                        service.execute(other, same, index);
                        *done = true;
                    }
                }
            }
            Some((mut operation, true)) => {
                operation.completed = index;
                operation.end = index * 1_000_000;
                answers.push(operation);
                clients[client] = None;
            }
        }
    }
    (answers, resets)
}

/// Rule and completion of every contradiction, by the definition of the rules.
fn by_definition(answers: &[Answered<'_>], claims: &VersionSemantics) -> Vec<(u64, Rule)> {
    let numbered = |answer: &Answered<'_>| match answer.effect {
        Effect::Mutation => true,
        Effect::FailedPrecondition => claims.failures_are_numbered,
        Effect::Read | Effect::StaleRead => false,
    };
    let modification = claims.reads == ReadVersion::Modification;
    let same_key = |x: &Answered<'_>, y: &Answered<'_>| (x.stream, x.key) == (y.stream, y.key);
    let same_sequence = |x: &Answered<'_>, y: &Answered<'_>| match claims.scope {
        Scope::Store => true,
        Scope::Stream => x.stream == y.stream,
        Scope::Key => same_key(x, y),
    };
    let mut found = Vec::new();
    for y in answers {
        let binds = |x: &&Answered<'_>| {
            let failure = x.effect == Effect::FailedPrecondition && claims.failures_are_numbered;
            x.completed < y.invoked
                && same_sequence(x, y)
                && (!modification || numbered(y) || (same_key(x, y) && !failure))
        };
        let raises = numbered(y) && claims.mutations != MutationVersion::NotBelow;
        if answers.iter().filter(binds).any(|x| x.version > y.version) {
            found.push((y.completed, Rule::Below));
        } else if raises && answers.iter().filter(binds).any(|x| x.version == y.version) {
            found.push((y.completed, Rule::NotAbove));
        }
        if claims.mutations != MutationVersion::Unique {
            continue;
        }
        let at_the_version = |x: &&Answered<'_>| {
            x.completed < y.completed && x.version == y.version && same_sequence(x, y)
        };
        if numbered(y) && answers.iter().filter(at_the_version).any(numbered) {
            found.push((y.completed, Rule::Shared));
        }
        let first = answers
            .iter()
            .filter(at_the_version)
            .filter(|x| same_key(x, y) && x.value.is_some())
            .min_by_key(|x| x.completed);
        if let (Some(first), Some(_)) = (first, y.value)
            && first.value != y.value
            && (first.effect, y.effect) != (Effect::Mutation, Effect::Mutation)
        {
            found.push((y.completed, Rule::TwoValues));
        }
    }
    found.sort();
    found
}

fn rules(report: &VersionReport) -> Vec<(u64, Rule)> {
    report.violations.iter().map(|violation| (violation.later.completed, violation.rule)).collect()
}

#[test]
fn a_linearizable_service_that_keeps_its_claims_is_never_accused() {
    for claims in all_claims() {
        for seed in 0..40 {
            let (answers, _) = record(claims, seed, 200, None);
            let report = judge(&answers, &claims, &[]);
            assert_eq!(report.verdict(), Verdict::Valid, "{claims:?}, seed {seed}: {report}");
            assert_eq!(report.answers, 200);
        }
    }
}

#[test]
fn the_sweep_finds_what_the_definition_finds() {
    let (mut invalid, mut seen) = (0, BTreeMap::new());
    for claims in all_claims() {
        for seed in 0..400 {
            let rng = &mut ChaCha8Rng::seed_from_u64(seed);
            let (mut answers, _) = record(claims, seed, 12, None);
            for _ in 0..seed % 4 {
                let spoilt = rng.random_range(0..answers.len());
                let answer = &mut answers[spoilt];
                answer.version = rng.random_range(0..=answer.version + 2);
                answer.value = [None, Some(1), answer.value][rng.random_range(0..3)];
            }
            let report = judge(&answers, &claims, &[]);
            let expected = by_definition(&answers, &claims);
            assert_eq!(report.contradictions, expected.len() as u64, "{claims:?}, seed {seed}");
            assert_eq!(
                rules(&report),
                expected[..expected.len().min(10)],
                "{claims:?}, seed {seed}"
            );
            invalid += u64::from(report.verdict() == Verdict::Invalid);
            for (_, rule) in expected {
                *seen.entry(rule).or_insert(0) += 1;
            }
        }
    }
    assert!(invalid > 4_000, "only {invalid} histories are invalid");
    assert_eq!(seen.len(), 4, "{seen:?}");
    assert!(seen.values().all(|count| *count > 100), "{seen:?}");
}

#[test]
fn each_planted_lie_is_found() {
    let claims = VersionSemantics::LOG_INDEX;
    for seed in 0..200 {
        let (honest, _) = record(claims, seed, 100, None);
        let rng = &mut ChaCha8Rng::seed_from_u64(seed);
        let floor = |of: &Answered<'_>| {
            let before = honest.iter().filter(|answer| answer.completed < of.invoked);
            before.map(|answer| answer.version).max().unwrap_or(0)
        };
        let any = |effect: Effect, rng: &mut ChaCha8Rng| {
            let places: Vec<usize> = (0..honest.len())
                .filter(|place| honest[*place].effect == effect && floor(&honest[*place]) > 1)
                .collect();
            *places.choose(rng).unwrap()
        };
        let expect = |rule: Rule, place: usize, answers: &[Answered<'_>]| {
            let report = judge(answers, &claims, &[]);
            let found = (answers[place].completed, rule);
            // Whatever else it contradicts, the lie itself is among the first.
            assert!(rules(&report).contains(&found), "seed {seed}: {report}");
        };

        let mut stale = honest.clone();
        let place = any(Effect::Read, rng);
        stale[place].version = rng.random_range(0..floor(&honest[place]));
        stale[place].value = None;
        expect(Rule::Below, place, &stale);

        let mut standing = honest.clone();
        let place = any(Effect::Mutation, rng);
        standing[place].version = floor(&honest[place]);
        standing[place].value = None;
        expect(Rule::NotAbove, place, &standing);

        let mut shared = honest.clone();
        let place = any(Effect::Mutation, rng);
        let mut earlier = honest.iter().filter(|answer| {
            answer.effect == Effect::Mutation && answer.completed < honest[place].completed
        });
        shared[place].version = earlier.next_back().unwrap().version;
        expect(Rule::Shared, place, &shared);
    }
}

#[test]
fn a_key_has_one_value_at_one_version() {
    let claims = VersionSemantics::LOG_INDEX;
    let mut checked = 0;
    for seed in 0..200 {
        let (mut answers, _) = record(claims, seed, 100, None);
        let twin = |answers: &[Answered<'_>], place: usize| {
            answers[..place].iter().any(|answer| {
                (answer.stream, answer.key, answer.version)
                    == (answers[place].stream, answers[place].key, answers[place].version)
            })
        };
        let Some(place) = (0..answers.len())
            .find(|place| answers[*place].effect == Effect::Read && twin(&answers, *place))
        else {
            continue;
        };
        answers[place].value = Some(u64::MAX);
        let report = judge(&answers, &claims, &[]);
        let found = (answers[place].completed, Rule::TwoValues);
        assert!(rules(&report).contains(&found), "seed {seed}: {report}");
        checked += 1;
    }
    assert!(checked > 100, "only {checked} histories read one version twice");
}

/// Answers one after another: process, name, effect, key and version.
fn sequential(
    operations: &[(u64, &'static str, Effect, Option<&'static str>, u64)],
) -> Vec<Answered<'static>> {
    let answer = |(place, &(process, f, effect, key, version)): (usize, &_)| Answered {
        process: Process::Client(process),
        f,
        stream: "",
        key,
        effect,
        version,
        value: None,
        node: None,
        invoked: 10 * place as u64,
        completed: 10 * place as u64 + 5,
        start: place as u64 * 1_000_000_000,
        end: place as u64 * 1_000_000_000 + 500_000_000,
    };
    operations.iter().enumerate().map(answer).collect()
}

#[test]
fn a_violation_says_what_happened() {
    let answers = sequential(&[
        (2, "write", Effect::Mutation, Some("k1"), 900),
        (7, "read", Effect::Read, Some("k3"), 812),
        (4, "cas", Effect::FailedPrecondition, Some("k3"), 900),
        (5, "append", Effect::Mutation, Some("k9"), 901),
    ]);
    let report = judge(&answers, &VersionSemantics::LOG_INDEX, &[]);
    let sentences: Vec<&str> = report.violations.iter().map(|v| v.sentence.as_str()).collect();
    assert_eq!(
        sentences,
        [
            "process 7 read k3 at version 812 at 1.500 s, although process 2 had been answered at \
             version 900 at 0.500 s",
            "process 4 failed a cas of k3 at version 900 at 2.500 s, although process 2 had been \
             answered at that version at 0.500 s, before it began",
            "process 4 failed a cas of k3 at version 900 at 2.500 s, the version at which process \
             2 wrote k1 at 0.500 s",
        ]
    );
    let text = report.to_string();
    assert!(text.starts_with("versions: 4 answers, 3 contradictions\n"), "{text}");
    assert_eq!(text.lines().count(), 4);
    let json = serde_json::to_string(&report).unwrap();
    assert_eq!(serde_json::from_str::<VersionReport>(&json).unwrap(), report);
}

#[test]
fn the_scope_decides_what_is_compared() {
    let answers = sequential(&[
        (1, "write", Effect::Mutation, Some("x"), 5),
        (2, "write", Effect::Mutation, Some("y"), 1),
        (3, "read", Effect::Read, Some("x"), 5),
        (4, "read", Effect::Read, None, 1),
    ]);
    let of =
        |scope| judge(&answers, &VersionSemantics { scope, ..VersionSemantics::LOG_INDEX }, &[]);
    assert_eq!(of(Scope::Store).contradictions, 2, "the write of y and the read of no key");
    let by_key = of(Scope::Key);
    assert_eq!((by_key.contradictions, by_key.sequences, by_key.left_out), (0, 2, 1));

    // The version of the last modification of x stays where it was when y is written.
    let answers = sequential(&[
        (1, "write", Effect::Mutation, Some("x"), 5),
        (2, "write", Effect::Mutation, Some("y"), 6),
        (3, "read", Effect::Read, Some("x"), 5),
    ]);
    let of = |reads| {
        judge(&answers, &VersionSemantics { reads, ..VersionSemantics::LOG_INDEX }, &[])
            .contradictions
    };
    assert_eq!((of(ReadVersion::State), of(ReadVersion::Modification)), (1, 0));
}

#[test]
fn reads_that_may_be_stale_take_no_part() {
    let answers = sequential(&[
        (1, "write", Effect::Mutation, Some("x"), 5),
        (2, "read", Effect::StaleRead, Some("x"), 1),
        (3, "read", Effect::StaleRead, Some("x"), 9),
        (4, "read", Effect::Read, Some("x"), 5),
    ]);
    let report = judge(&answers, &VersionSemantics::LOG_INDEX, &[]);
    assert_eq!((report.contradictions, report.answers, report.left_out), (0, 2, 2));
}

#[test]
fn a_store_that_was_wiped_begins_a_new_era() {
    let mut eras = 0;
    for claims in all_claims() {
        for seed in 0..40 {
            let (answers, resets) = record(claims, seed, 100, Some(100));
            assert!(resets.len() >= 2);
            let report = judge(&answers, &claims, &resets);
            assert_eq!(report.verdict(), Verdict::Valid, "{claims:?}, seed {seed}: {report}");
            if report.new_eras == 0 {
                continue;
            }
            eras += report.new_eras;
            let era = &report.eras[0];
            assert!(era.highest_before >= era.lowest_after, "{era:?}");
            assert!(report.to_string().contains("after the wipe of every node at 0."), "{report}");
            let undeclared = judge(&answers, &claims, &[]);
            assert_eq!(undeclared.verdict(), Verdict::Invalid, "{claims:?}, seed {seed}");
        }
    }
    assert!(eras > 1_000, "only {eras} eras began");
}

#[test]
fn a_reset_excuses_no_fall_after_the_versions_went_on() {
    let wipe = |index: u64| Reset {
        stream: None,
        cause: "the wipe of n1",
        began: index,
        ended: index,
        time: index,
    };
    let read = |version| (1, "read", Effect::Read, Some("x"), version);
    // Wiped after the first answer.
    let resets = [wipe(7)];
    let judge = |versions: &[u64]| {
        let operations: Vec<_> = versions.iter().map(|version| read(*version)).collect();
        let report = judge(&sequential(&operations), &VersionSemantics::LOG_INDEX, &resets);
        (report.contradictions, report.new_eras)
    };
    assert_eq!(judge(&[9, 9, 10]), (0, 0), "the store went on");
    assert_eq!(judge(&[9, 1, 2]), (0, 1), "the store began again");
    assert_eq!(judge(&[9, 9, 3, 10]), (1, 0), "a stale read");
    assert_eq!(judge(&[9, 1, 12, 3]), (1, 1), "a stale read in the new era");
}
