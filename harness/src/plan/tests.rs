//! Flags, plan, file and command say the same.

use std::path::{Path, PathBuf};
use std::process::Command;

use clap::Parser;
use faults::schedule::Schedule;
use rand::RngExt;
use rand::rngs::ChaCha8Rng;
use rand::seq::IndexedRandom;
use workloads::stream;

use super::written::{FLAGS, complaint};
use super::{Again, Plan, PlanFlags, Written, split};
use crate::exit::{Exit, of_error};
use crate::targets::registry;

/// `run` as far as its plan goes.
#[derive(Debug, Parser)]
struct Run {
    #[command(flatten)]
    plan: PlanFlags,
}

fn parse<S: AsRef<str>>(words: &[S]) -> Result<PlanFlags, String> {
    let words = ["run"].into_iter().chain(words.iter().map(AsRef::as_ref));
    let parsed = Run::try_parse_from(words).map_err(|error| complaint(&error))?;
    Ok(parsed.plan)
}

fn resolve<S: AsRef<str>>(words: &[S]) -> Result<Plan, String> {
    parse(words)?.resolve().map_err(|error| format!("{error:#}"))
}

#[track_caller]
fn plan(words: &str) -> Plan {
    resolve(&words.split_whitespace().collect::<Vec<_>>()).expect(words)
}

#[track_caller]
fn refusal(words: &str) -> String {
    resolve(&words.split_whitespace().collect::<Vec<_>>()).expect_err(words)
}

#[track_caller]
fn from_toml(text: &str) -> Plan {
    Written::from_toml(text).and_then(|written| written.resolve()).expect(text)
}

fn command(plan: &Plan) -> String {
    Again::Run.command(plan, Path::new("results/runs"), "id")
}

/// The words of a command, as a shell finds them.
fn words(command: &str) -> Vec<String> {
    // Without words printf would print one that is empty.
    let script = format!("for word in {command}; do printf '%s\\0' \"$word\"; done");
    let output = Command::new("sh").args(["-c", &script]).output().expect("there is a shell");
    let text = String::from_utf8(output.stdout).expect("commands are text");
    text.split_terminator('\0').map(str::to_owned).collect()
}

/// A directory of one test, removed in the end.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Scratch {
        let path = std::env::temp_dir().join(format!("stormproof-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).expect("a temporary directory can be made");
        Scratch(path)
    }

    fn write(&self, name: &str, text: &str) -> String {
        let path = self.0.join(name);
        std::fs::write(&path, text).expect("a temporary file can be written");
        path.display().to_string()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn manifests() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/targets");
    ["bundled.toml", "etcd.toml"].map(|name| folder.join(name).display().to_string()).into()
}

/// Values for each flag, none of them the default. A new flag needs some here.
fn samples(id: &str) -> Vec<String> {
    let targets = || registry::ALL.iter().map(|known| known.name.to_owned()).chain(manifests());
    let words: &[&str] = match id {
        "target" => return targets().collect(),
        "bin" => &["/opt/it's here/bin", "true", "-x"],
        "nodes" => &["1", "3", "50"],
        "by" => &["kill=docker kill {name}", "pause=kill -STOP $(cat it's/{name})"],
        "addresses" => &["127.0.0.1:1", "127.0.0.1:1,127.0.0.1:2,[::1]:3"],
        "bug" => &["stale-read", "ignore-tokens"],
        "start_within" => &["2.5", "1m"],
        "quick_tcp" | "keep_going" | "record_order" => &["true"],
        "in_order_of" => &["results/runs/latest", "it's here"],
        "ready_limit" => &["1ms", "90s", "1h"],
        "recovery_limit" => &["0s", "12.25", "1h"],
        "slo" => &["served=99.5%", "recovery_p99=2s,faults=kill+power,role=leader"],
        "workload" => &["append", "txn"],
        "time_limit" => &["0.5", "8s", "5m"],
        "rate" => &["0", "any", "0.1", "300"],
        "concurrency" => &["1", "7", "200"],
        "keys" => &["1", "100000"],
        "seed" => &["0", "42", "9223372036854775807"],
        "faults" => &["none", "kill", "partition,kill", "clock,all", "corruption", "membership"],
        "triggers" => &["none", "disk", "acknowledged,fault", "log,all", "message"],
        "profile" => &["gentle", "brutal", "composed", "power", "kill"],
        "composition" => &["election-forgotten", "killed-in-slow-write,killed-on-full-disk"],
        "compositions" => {
            let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
            return vec![folder.join("tests/compositions.toml").display().to_string()];
        }
        "known" => &[
            "lost=power",
            "etcd#13766=kill rhythm,killed-in-election: it's known: see $HOME",
            "slow=disk trouble=slow-fsync,pause",
        ],
        "test_known" => &["all"],
        "fault_budget" => &["1", "minority", "all"],
        "lab" => &["netns", "loopback", "none"],
        "partition_engine" => &["iptables", "switch"],
        "settings" => {
            &["reads=quorum", "reads=batches", "sync_interval=always", "reads=it's $HOME"]
        }
        "routing" => &["half", "pinned", "roaming"],
        "deadlines" => &["0.5", "700ms,3,10s"],
        "attempt_timeout" => &["1.2s", "90ms"],
        "backoff" => &["even", "none"],
        "longest_backoff" => &["50ms", "2s"],
        "values" => &["numbers", "4096", "all:4096"],
        other => panic!("the flag {other} has no samples, so no test tries it"),
    };
    words.iter().map(|word| (*word).to_owned()).collect()
}

/// Some flags with some of their values.
fn draw(random: &mut ChaCha8Rng) -> Written {
    let mut written = Written::default();
    // Faults for a minute, drawn again for each reading of each plan, would take most of the time.
    written.set("time_limit", "6s");
    let share = random.random_range(0.0..0.5);
    for flag in FLAGS.iter() {
        if random.random_bool(share) {
            let samples = samples(&flag.id);
            written.set(&flag.id, samples.choose(random).expect("there are samples"));
        }
    }
    written
}

#[test]
fn every_flag_survives_file_and_command() {
    let scratch = Scratch::new("round-trip");
    // Enough that every value of every flag comes several times, also beside most others.
    const ENOUGH: u32 = 400;
    let mut resolved = 0;
    for case in 0..10 * u64::from(ENOUGH) {
        if resolved == ENOUGH {
            break;
        }
        let mut random = stream(case, "flags");
        let Ok(plan) = resolve(&draw(&mut random).arguments()) else { continue };
        resolved += 1;
        let text = plan.to_toml().expect("a plan is TOML");
        assert_eq!(from_toml(&text), plan, "case {case}:\n{text}");
        // A shell takes its time; the commands of all cases look alike.
        let again = command(&plan);
        let words = if case % 10 == 0 { words(&again) } else { split(&again) };
        assert_eq!(words[..2], ["stormproof", "run"]);
        assert_eq!(resolve(&words[2..]).expect(&again), plan, "case {case}: {again}");
        let file = scratch.write("plan.toml", &text);
        assert_eq!(resolve(&["--plan", &file]).expect("its own words"), plan, "case {case}");
    }
    assert_eq!(resolved, ENOUGH, "too few of the drawn command lines make sense");
}

#[test]
fn a_text_is_split_as_a_shell_does() {
    for text in ["", "  --a  b ", r"--set 'it'\''s $HOME'", "a'b c'd ''", r"\ \'"] {
        assert_eq!(split(text), words(text), "{text}");
    }
}

#[test]
fn every_flag_alone_is_in_the_file_under_its_name_and_in_the_command() {
    for flag in FLAGS.iter() {
        let mut seen = false;
        for sample in samples(&flag.id) {
            // Flags that need others to make sense.
            let beside: &[(&str, &str)] = match flag.id.as_str() {
                "bin" => &[("target", "etcd")],
                "settings" => &[("target", "zookeeper")],
                "addresses" => &[("target", "etcd")],
                "by" => &[("target", "etcd"), ("addresses", "127.0.0.1:1")],
                "lab" if sample == "none" => &[("target", "etcd"), ("addresses", "127.0.0.1:1")],
                "test_known" => &[("known", "lost=power")],
                "faults" if sample == "membership" => &[("target", "etcd")],
                _ => &[],
            };
            let mut written = Written::default();
            written.set("seed", "7");
            beside.iter().for_each(|(id, value)| written.set(id, value));
            let without = written.clone();
            written.set(&flag.id, &sample);
            let Ok(plan) = written.resolve() else { continue };
            seen = true;
            let text = plan.to_toml().expect("a plan is TOML");
            let read = Written::from_toml(&text).expect("its own words");
            assert!(read.values(&flag.id).is_some(), "{} is not in\n{text}", flag.id);
            let before = without.resolve().ok();
            let again = command(&plan);
            let named = again.contains(&format!(" --{}", flag.long));
            // Also the drawn value may be the sample.
            assert!(named || before == Some(plan), "{} is not in {again}", flag.id);
        }
        assert!(seen, "no sample of {} makes a plan", flag.id);
    }
}

#[test]
fn the_command_says_what_differs_and_nothing_else() {
    assert_eq!(command(&plan("--seed 42")), "stormproof run --seed 42");
    assert_eq!(
        command(&plan(
            "--seed 42 --lab loopback --recovery-limit 12s --partition-engine switch \
             --deadline 1s,2s --keep-going --set reads=quorum --target zookeeper --nodes 5"
        )),
        "stormproof run --target zookeeper --recovery-limit 12 --seed 42 --keep-going \
         --lab loopback --partition-engine switch --set reads=quorum --deadline 1,2"
    );
    let drawn = plan("--nodes 3");
    assert_eq!(command(&drawn), format!("stormproof run --nodes 3 --seed {}", drawn.seed));
    let mut spelt_out = plan("--seed 42");
    spelt_out.schedule.pop();
    assert_eq!(command(&spelt_out), "stormproof run --plan results/runs/id/plan.toml");
}

#[test]
fn a_composition_brings_its_families_and_its_profile() {
    let forgotten = plan("--seed 3 --composition election-forgotten --nodes 3");
    assert_eq!(forgotten.fault_names(","), "partition,disk,power");
    let shapes = ["isolate the leader", "fsync", "power failure of all followers"];
    let said = Schedule { entries: forgotten.schedule.clone() }.to_string();
    assert!(shapes.iter().all(|shape| said.contains(shape)), "{said}");
    for (flags, expected) in [
        ("--composition lost-election", "there is no composition 'lost-election'"),
        ("--composition election-forgotten --nodes 2", "at least 3 nodes"),
        ("--composition election-forgotten --fault-budget minority", "cannot be drawn here"),
        ("--composition election-forgotten --faults power,disk", "partition,disk,power"),
        ("--composition election-forgotten --profile brutal", "leave --profile out"),
    ] {
        let said = refusal(flags);
        assert!(said.contains(expected), "{flags}: {said}");
    }
}

#[test]
fn a_lone_fault_is_a_whole_plan() {
    let text = "[[fault]]\nat = 5.0\nlasts = 2.5\nfamily = \"disk\"\naim = \"leader\"\n\
                trouble = \"slow-fsync\"\ndelay_ms = 50\n";
    let lone = from_toml(text);
    assert_eq!((lone.schedule.len(), lone.fault_names(",").as_str()), (1, "disk"));
    let seed = format!("--seed {}", lone.seed);
    let usual = plan(&seed);
    let Plan { faults, triggers, schedule, .. } = usual.clone();
    let same = Plan { faults, triggers, schedule, ..lone };
    assert_eq!(same, usual, "everything else has its default");

    let nothing = from_toml("seed = 3");
    assert_eq!(nothing, plan("--seed 3"));
    for text in ["seed = 3\nfault = []", "seed = 3\nfaults = [\"kill\"]\nfault = []"] {
        let none = from_toml(text);
        assert_eq!(none.schedule, [], "{text}");
        assert_eq!(from_toml(&none.to_toml().expect("a plan is TOML")), none);
    }
}

#[test]
fn flags_beside_a_file_count_more() {
    let scratch = Scratch::new("override");
    let drawn = plan("--seed 1 --nodes 3 --faults kill --time-limit 20s");
    let drawn = scratch.write("drawn.toml", &drawn.to_toml().expect("a plan is TOML"));
    let over = |file: &str, flags: &str| plan(&format!("--plan {file} {flags}"));

    let seeded = over(&drawn, "--time-limit 40s");
    assert_eq!((seeded.nodes, seeded.seed, seeded.time_limit), (3, 1, 40.0));
    assert!(seeded.is_drawn(), "what was drawn is drawn again");
    assert!(seeded.schedule.last().expect("faults").at.as_secs() > 20);

    let written = "seed = 1\nkeep_going = true\n[[fault]]\nat = 1\nlasts = 1\nfamily = \"kill\"\n\
                   aim = \"one\"\n[clients]\nrouting = \"pinned\"\n";
    let written = scratch.write("written.toml", written);
    let seeded = over(&written, "--seed 9 --rate 7");
    assert_eq!((seeded.seed, seeded.schedule.len()), (9, 1), "what was spelled out stays");
    assert!(seeded.keep_going && !over(&written, "--keep-going=false").keep_going);
    let paused = over(&written, "--faults pause");
    assert_eq!(paused.fault_names(","), "pause");
    assert!(paused.schedule.len() > 1 && paused.is_drawn());
    let power = over(&drawn, "--profile power");
    assert_eq!(power.fault_names(","), "power");
    assert_eq!(over(&drawn, "--addresses 127.0.0.1:1 --target etcd").nodes, 1);

    let empty = scratch.write("empty.toml", "\n");
    assert!(refusal(&format!("--plan {empty}")).contains("is empty"));

    let flags = parse(&["--plan", &drawn, "--faults", "pause"]).expect("flags");
    assert!(flags.asks_by_name(super::Asked::Family(faults::fault::Family::Pause)));
    assert!(
        !flags.asks_by_name(super::Asked::Family(faults::fault::Family::Kill)),
        "the file names it"
    );
}

#[test]
fn everything_that_is_allocated_or_drawn_ahead_has_a_bound_that_its_refusal_names() {
    for (flags, bound) in [
        ("--nodes 0", "1..=50"),
        ("--nodes 51", "1..=50"),
        ("--concurrency 0", "1..=10000"),
        ("--concurrency 100000000", "1..=10000"),
        ("--keys 0", "1..=100000"),
        ("--keys 100000000", "1..=100000"),
        ("--time-limit 99999999h", "100ms to 1day"),
        ("--time-limit 0", "100ms to 1day"),
        ("--rate -3", "0, or 0.001 to 1000000 a second"),
        ("--rate 1e-300", "0, or 0.001 to 1000000 a second"),
        ("--rate 1e300", "0, or 0.001 to 1000000 a second"),
        ("--rate nan", "0, or 0.001 to 1000000 a second"),
        ("--values 99999999999", "1 to 524288 bytes"),
        ("--deadline 0", "1ms to 10m"),
        ("--deadline 1s,2h", "1ms to 10m"),
        ("--attempt-timeout 1e9", "1ms to 10m"),
        ("--start-within 61s", "0s to 1m"),
        ("--ready-limit 0", "1ms to 1h"),
        ("--recovery-limit 1e300", "0s to 1h"),
        ("--seed 9223372036854775808", "9223372036854775807"),
        ("--fault-budget 0", "at least 1"),
    ] {
        let (flag, value) = flags.split_once(' ').expect("flag and value");
        let said = refusal(&format!("{flag}={value}"));
        assert!(said.contains(flag) && said.contains(bound), "{flags}: {said}");
    }
    let many: Vec<String> = (1..=51).map(|port| format!("127.0.0.1:{port}")).collect();
    assert!(refusal(&format!("--addresses {}", many.join(","))).contains("1..=50"));
}

#[test]
fn a_file_has_the_same_bounds_and_its_refusal_names_the_key() {
    for (text, what) in [
        ("nodes = 51", "--nodes <NODES>': 51 is not in 1..=50"),
        ("nodes = \"many\"", "invalid value 'many' for '--nodes"),
        ("nodes = [1, 2]", "--nodes"),
        ("nodes = { a = 1 }", "nodes takes no table"),
        ("nods = 5", "there is no nods in a plan; there are target"),
        ("time_limit = 1e300", "--time-limit"),
        ("workload = \"regster\"", "register"),
        ("[clients]\nspeed = 1", "there is no speed"),
        ("[clients]\ndeadlines = [0.0]", "1ms to 10m"),
        ("seed = -1", "--seed"),
        ("seed", "expected"),
        ("[[fault]]\nat = 1", "fault 1 of the schedule"),
    ] {
        let error = Written::from_toml(text).expect_err(text);
        assert!(format!("{error:#}").contains(what), "{text}: {error:#}");
        assert_eq!(of_error(&error), Exit::BadInput, "{text}");
    }
}

#[test]
fn values_that_contradict_each_other_are_refused() {
    let elsewhere = "--target etcd --addresses 127.0.0.1:1,127.0.0.1:2";
    let there = plan(elsewhere);
    assert_eq!((there.nodes, there.lab), (2, super::LabChoice::None));
    for (flags, what) in [
        (format!("{elsewhere} --nodes 3"), "as many --addresses"),
        (format!("{elsewhere} --lab netns"), "--lab none"),
        ("--lab none".to_owned(), "--addresses"),
        (format!("{elsewhere} --bin x"), "--bin"),
        ("--addresses 127.0.0.1:1 --bug stale-read".to_owned(), "--bug"),
        ("--target etcd --bug stale-read".to_owned(), "bugs are planted"),
        ("--profile power --faults kill".to_owned(), "no other faults than power"),
        ("--set sync_interval=always".to_owned(), "cannot be set"),
    ] {
        let said = refusal(&flags);
        assert!(said.contains(what), "{flags}: {said}");
    }
}

#[test]
fn plans_of_earlier_versions_are_read() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/plans");
    let mut count = 0;
    for file in std::fs::read_dir(folder).expect("there are plans") {
        let text = std::fs::read_to_string(file.expect("a file").path()).expect("text");
        // Those for NATS need a build that can speak to it.
        if text.contains("\"nats\"") && cfg!(not(feature = "nats")) {
            continue;
        }
        let plan = from_toml(&text);
        assert_eq!(from_toml(&plan.to_toml().expect("a plan is TOML")), plan);
        count += 1;
    }
    assert!(count >= 8, "{count}");
}

#[test]
fn every_flag_is_explained_in_a_group() {
    use clap::CommandFactory;
    let command = Run::command();
    for flag in command.get_arguments().filter(|flag| flag.get_id() != "plan") {
        let name = flag.get_id();
        assert!(flag.get_help().is_some(), "{name} has no help");
        assert!(flag.get_help_heading().is_some(), "{name} is in no group");
    }
}

#[test]
fn delays_are_drawn_up_to_the_deadline_of_the_clients_of_the_run() {
    let longest = |words: &str| plan(words).schedule_options().timers.longest_ms;
    assert_eq!(longest("--seed 1 --deadline 1s"), 3200.0, "eight election timeouts");
    assert_eq!(longest("--seed 1 --deadline 500ms,12s"), 12_000.0);
    let drawn = plan("--seed 1");
    let deadline = drawn.clients.deadlines.iter().fold(3.2, |longest, it| it.max(longest));
    assert_eq!(drawn.schedule_options().timers.longest_ms, deadline * 1e3);
    let slow = "--set election_timeout=2s --seed 1 --deadline 1s";
    assert_eq!(longest(slow), 16_000.0);
}
