//! Combinators of generators, each run by simulated clients.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use checker::history::{Event, EventType, History, Process};
use serde_json::json;
use stormproof_workloads::generator::{
    each_process, each_thread, from_fn, mix, operations, phases, repeat, reserve,
};
use stormproof_workloads::simulation::Simulation;
use stormproof_workloads::{Context, Generator, Invocation, Next, Object};

const THREADS: usize = 6;

fn write(key: &str) -> Invocation {
    Invocation::mutation("write", key, json!(1))
}

fn forever(key: &str) -> Box<dyn Generator> {
    repeat(write(key)).boxed()
}

/// The history of a register's clients when nothing goes wrong.
fn reliable(generator: impl Generator) -> History {
    run(Simulation::reliable(1, THREADS), generator)
}

fn run(simulation: Simulation, mut generator: impl Generator) -> History {
    simulation.run_generator(&mut generator, Object::of("register").expect("known")).history
}

fn invocations(history: &History) -> impl Iterator<Item = &Event> {
    history.events.iter().filter(|event| event.kind == EventType::Invoke)
}

fn keys(history: &History) -> Vec<&str> {
    invocations(history).filter_map(|event| event.key.as_deref()).collect()
}

fn count(history: &History, key: &str) -> usize {
    keys(history).into_iter().filter(|other| *other == key).count()
}

fn process(event: &Event) -> u64 {
    let Process::Client(process) = event.process else { panic!("{event:?}") };
    process
}

/// The processes that acted on a key.
fn processes(history: &History, key: &str) -> BTreeSet<u64> {
    invocations(history).filter(|event| event.key.as_deref() == Some(key)).map(process).collect()
}

/// Asserts that every operation on one key had ended before the first on the other began.
fn assert_apart(history: &History, before: &str, after: &str) {
    let positions = |key: &str| -> Vec<usize> {
        let events = history.events.iter().enumerate();
        let on_key = events.filter(|(_, event)| event.key.as_deref() == Some(key));
        on_key.map(|(position, _)| position).collect()
    };
    let (last, first) = (positions(before).pop(), positions(after).first().copied());
    assert!(last.is_some() && last < first, "{before} and {after} overlap");
}

#[test]
fn given_operations_come_once_each_and_in_order() {
    let history = reliable(operations(["a", "b", "c", "d", "e", "f", "g", "h"].map(write)));
    assert_eq!(keys(&history), ["a", "b", "c", "d", "e", "f", "g", "h"]);
    assert!(run(Simulation::reliable(1, 1), operations([])).events.is_empty());
}

#[test]
fn a_function_decides_until_it_has_nothing_more() {
    let mut left = 5;
    let history = reliable(from_fn(move |context: &Context| {
        left -= 1;
        (left >= 0).then(|| write(&format!("{}", context.threads().len())))
    }));
    assert_eq!(keys(&history), ["6"; 5]);
}

#[test]
fn a_limit_bounds_operations_and_once_is_one() {
    assert_eq!(reliable(forever("a").limit(17)).events.len(), 34);
    assert_eq!(keys(&reliable(forever("a").once())), ["a"]);
    assert!(reliable(forever("a").limit(0)).events.is_empty());
}

#[test]
fn a_time_limit_bounds_when_operations_begin_and_ends_what_waits() {
    let limit = Duration::from_millis(500);
    let history = reliable(forever("a").time_limit(limit));
    let last = invocations(&history).last().expect("many operations");
    assert!(Duration::from_nanos(last.time) < limit);
    assert!(invocations(&history).count() > 100);

    // Nothing else would ever wake those who wait.
    struct Never;
    impl Generator for Never {
        fn next(&mut self, _: &Context) -> Next {
            Next::PENDING
        }
    }
    let history = reliable(phases([Never.time_limit(limit).boxed(), forever("b").once().boxed()]));
    assert_eq!(Duration::from_nanos(history.events[0].time), limit);
}

#[test]
fn a_time_limit_begins_when_its_phase_does() {
    let second = Duration::from_secs(1);
    let history = reliable(phases([
        forever("a").time_limit(second).boxed(),
        forever("b").time_limit(second).boxed(),
    ]));
    let last = invocations(&history).last().expect("many operations");
    assert!(Duration::from_nanos(last.time) > Duration::from_millis(1_900));
    assert_apart(&history, "a", "b");
}

#[test]
fn a_mix_keeps_the_weights_and_outlives_its_parts() {
    let history = reliable(mix(1, [(1, forever("a")), (3, forever("b"))]).limit(4_000));
    assert!((850..1_150).contains(&count(&history, "a")), "{} of 4,000", count(&history, "a"));

    let history =
        reliable(mix(1, [(1, forever("a").limit(5).boxed()), (1, forever("b"))]).limit(100));
    assert_eq!((count(&history, "a"), count(&history, "b")), (5, 95));
    let finite = |key| forever(key).limit(5).boxed();
    assert_eq!(reliable(mix(1, [(1, finite("a")), (9, finite("b"))])).events.len(), 20);
}

#[test]
fn what_is_pending_does_not_hold_up_the_rest_of_a_mix() {
    let slow = forever("a").delay(Duration::from_millis(100)).boxed();
    let history =
        reliable(mix(1, [(9, slow), (1, forever("b"))]).time_limit(Duration::from_secs(1)));
    assert_eq!(count(&history, "a"), 10);
    assert!(count(&history, "b") > 200);
}

#[test]
fn stagger_keeps_the_rate_at_uneven_distances_and_delay_at_even_ones() {
    let interval = Duration::from_millis(10);
    let times =
        |history: &History| -> Vec<u64> { invocations(history).map(|event| event.time).collect() };
    let staggered = times(&reliable(forever("a").stagger(interval, 1).limit(2_000)));
    let seconds = Duration::from_nanos(*staggered.last().expect("2,000")).as_secs_f64();
    assert!((19.0..21.0).contains(&seconds), "2,000 operations in {seconds} s");
    let distances: BTreeSet<u64> = staggered.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert!(distances.len() > 1_000, "the distances are even");

    let delayed = times(&reliable(forever("a").delay(interval).limit(100)));
    assert!(delayed.windows(2).all(|pair| pair[1] - pair[0] == 10_000_000), "{delayed:?}");
}

#[test]
fn a_stall_is_not_followed_by_a_burst() {
    let mut generator = forever("a").stagger(Duration::from_millis(10), 1);
    let mut context = Context::new([0]);
    assert!(matches!(generator.next(&context), Next::Operation { .. }));
    context.advance(Duration::from_secs(60));
    let burst =
        (0..10).filter(|_| matches!(generator.next(&context), Next::Operation { .. })).count();
    assert!((1..=3).contains(&burst), "{burst} operations at once");
}

#[test]
fn slots_that_a_timer_missed_by_a_few_milliseconds_are_made_up_for() {
    let mut generator = forever("a").delay(Duration::from_millis(1));
    let mut context = Context::new([0]);
    let mut begun = 0;
    for late in 0..200 {
        context.advance(Duration::from_millis(5 * late));
        while let Next::Operation { .. } = generator.next(&context) {
            begun += 1;
        }
    }
    assert_eq!(begun, 996, "one for each millisecond from 0 to 995");
}

#[test]
fn then_goes_on_at_once_and_phases_wait_for_each_other() {
    let both = || (forever("a").limit(20), forever("b").limit(20));
    let (a, b) = both();
    let history = reliable(a.then(b));
    let first_b = history.events.iter().position(|event| event.key.as_deref() == Some("b"));
    let last_a = history.events.iter().rposition(|event| event.key.as_deref() == Some("a"));
    assert!(first_b < last_a, "an operation of a was still open when b began");

    let (a, b) = both();
    let history = reliable(phases([a.boxed(), b.boxed(), forever("c").once().boxed()]));
    assert_apart(&history, "a", "b");
    assert_apart(&history, "b", "c");

    let (a, b) = both();
    let history = reliable(a.then(b.synchronize()));
    assert_apart(&history, "a", "b");
    assert_eq!(history.events.len(), 80);
}

#[test]
fn a_phase_learns_of_its_last_completion() {
    #[derive(Default)]
    struct Witness {
        begun: usize,
        open: usize,
    }
    impl Generator for Witness {
        fn next(&mut self, context: &Context) -> Next {
            if self.begun == 10 {
                assert!(self.open > 0 || context.all_free());
                return Next::Exhausted;
            }
            self.begun += 1;
            Next::for_anyone(context, || write("a"))
        }
        fn update(&mut self, _: &Context, event: &Event) {
            assert_eq!(event.key.as_deref(), Some("a"), "an event of another phase");
            match event.kind {
                EventType::Invoke => self.open += 1,
                _ => self.open -= 1,
            }
        }
    }
    let history = reliable(phases([Witness::default().boxed(), forever("b").limit(3).boxed()]));
    assert_apart(&history, "a", "b");
}

#[test]
fn operations_are_for_the_chosen_threads_alone() {
    let history = reliable(forever("a").on_threads(|thread| thread % 2 == 1).limit(60));
    assert_eq!(processes(&history, "a"), BTreeSet::from([1, 3, 5]));
    // No thread could ever carry it out.
    assert!(reliable(forever("a").on_threads(|thread| thread == 99)).events.is_empty());
}

#[test]
fn a_phase_for_some_threads_does_not_stop_those_after_it() {
    let only = |thread: usize, key: &str| {
        forever(key).limit(3).on_threads(move |other| other == thread).boxed()
    };
    let history = reliable(phases([only(5, "a"), only(0, "b"), only(3, "c")]));
    assert_eq!(keys(&history), ["a", "a", "a", "b", "b", "b", "c", "c", "c"]);
}

#[test]
fn reserved_threads_serve_their_part_and_the_others_the_rest() {
    let parts = [(2, forever("a")), (1, forever("b").limit(3).boxed())];
    let history = reliable(reserve(parts, forever("c")).limit(300));
    assert_eq!(processes(&history, "a"), BTreeSet::from([0, 1]));
    assert_eq!(processes(&history, "b"), BTreeSet::from([2]));
    assert_eq!(processes(&history, "c"), BTreeSet::from([3, 4, 5]));
    assert_eq!(count(&history, "b"), 3, "what is left of a part is not taken over by others");
    assert!(count(&history, "a") > 80 && count(&history, "c") > 120);

    let finite = |key| forever(key).limit(4).boxed();
    let history = reliable(reserve([(2, finite("a"))], finite("b")));
    assert_eq!(history.events.len(), 16);
}

#[test]
fn each_thread_has_its_own() {
    let history = reliable(each_thread(|thread| forever(&format!("t{thread}")).limit(10)));
    for thread in 0..THREADS as u64 {
        let key = format!("t{thread}");
        assert_eq!(count(&history, &key), 10);
        assert_eq!(processes(&history, &key), BTreeSet::from([thread]));
    }
    let history = reliable(phases([
        each_thread(|_| operations(["a"].map(write))).boxed(),
        forever("b").on_threads(|thread| thread == 0).once().boxed(),
    ]));
    assert_eq!((count(&history, "a"), count(&history, "b")), (THREADS, 1));
    assert_apart(&history, "a", "b");
}

#[test]
fn each_process_has_its_own_and_one_that_replaces_another_begins_anew() {
    let simulation = Simulation { lost: 0.3, ..Simulation::reliable(3, THREADS) };
    let greet = |process: u64| forever(&format!("p{process}")).limit(30);
    let history = run(simulation, each_process(greet));
    let mut ends: BTreeMap<u64, EventType> = BTreeMap::new();
    for event in &history.events {
        assert_eq!(event.key, Some(format!("p{}", process(event))));
        ends.insert(process(event), event.kind);
    }
    assert!(ends.len() > THREADS, "no process was replaced");
    for (process, end) in ends {
        // A process that got through all thirty was not cut short.
        let acted = count(&history, &format!("p{process}"));
        assert!(acted == 30 || (acted < 30 && end == EventType::Info), "{process}: {acted}");
    }
}

#[test]
fn until_ok_tries_until_its_own_operation_works() {
    // A cas of a value that is not there fails until another process writes it.
    let cas = Invocation::mutation("cas", "x", json!([1, 2]));
    let others = forever("other").delay(Duration::from_millis(50)).limit(5);
    let writer = others.then(operations([write("x")]));
    let generator = reserve([(1, repeat(cas).until_ok().boxed())], writer.boxed());
    let history = reliable(generator);
    let outcomes: Vec<EventType> = history
        .events
        .iter()
        .filter(|event| event.f == "cas" && event.kind != EventType::Invoke)
        .map(|event| event.kind)
        .collect();
    let (last, before) = outcomes.split_last().expect("it was tried");
    assert_eq!(*last, EventType::Ok);
    assert!(before.len() > 5 && before.iter().all(|kind| *kind == EventType::Fail));
}

#[test]
fn every_thread_gets_the_same_share_of_the_work() {
    let history = reliable(forever("a").delay(Duration::from_millis(20)).limit(600));
    let mut shares: BTreeMap<u64, usize> = BTreeMap::new();
    for event in invocations(&history) {
        *shares.entry(process(event)).or_default() += 1;
    }
    assert_eq!(shares.into_values().collect::<Vec<_>>(), [100; THREADS]);
}
