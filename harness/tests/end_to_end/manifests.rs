//! Services that a manifest describes, and what is said when it describes them wrongly.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;

use crate::common::{Finished, finished, run, scratch, stormproof};
use crate::support::{has_namespaces, latest, plan_file, run_into, verdict};
use crate::turn::{by_turns, turn};

/// A manifest beside the examples.
pub fn example(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/targets").join(name)
}

/// A plan beside the tests, for the bundled cluster by its manifest with that bug.
fn plan_by_manifest(results: &Path, plan: &str, bug: &str) -> String {
    let text = std::fs::read_to_string(plan_file(plan)).expect("it is there");
    let target = format!("target = {:?}", example("bundled.toml"));
    let set = format!("settings = {{ flags = \"--bug={bug}\" }}");
    let text = text.replace("target = \"bundled\"", &target);
    let text = text.replace(&format!("bug = \"{bug}\""), &set);
    assert!(text.contains(&target) && text.contains(&set), "{text}");
    let file = results.join("asked-for.toml");
    std::fs::write(&file, text).expect("a scratch file can be written");
    file.display().to_string()
}

/// A copy of the bundled cluster's manifest with one change.
fn changed(folder: &Path, from: &str, to: &str) -> String {
    let text = std::fs::read_to_string(example("bundled.toml")).expect("it is there");
    assert!(text.contains(from), "no {from}");
    let file = folder.join("changed.toml");
    std::fs::write(&file, text.replacen(from, to, 1)).expect("a scratch file can be written");
    file.display().to_string()
}

fn check(target: &str, more: &[&str]) -> Finished {
    let mut command = stormproof();
    command.args(["target", "check", "--lab", "loopback", target]).args(more);
    // What a failed check leaves belongs to the tests.
    command.env("TMPDIR", env!("CARGO_TARGET_TMPDIR"));
    finished(command.output().expect("the binary starts"))
}

#[test]
fn the_bundled_cluster_is_valid_by_its_manifest_and_judged_again_from_what_the_run_kept() {
    let _turn = turn();
    let results = scratch("manifest");
    let target = example("bundled.toml").display().to_string();
    let flags =
        ["--target", &target, "--nodes", "3", "--lab", "loopback", "--faults", "kill,partition"];
    let more = ["--time-limit", "8s", "--rate", "300", "--seed", "7"];
    run_into(&results, &[&flags[..], &more].concat()).exits(0).says("VALID").says("versions");
    let directory = latest(&results);
    let name = directory.file_name().expect("it has one").to_string_lossy().into_owned();
    assert!(name.contains("-bundled-by-manifest-register-"), "{name}");
    assert!(directory.join("target.toml").is_file());
    let led = verdict(&results)["fault_coverage"]["cells"].to_string();
    assert!(led.contains("leader"), "no fault met a leader: {led}");
    run(&["check", &directory.display().to_string()]).exits(0).says("versions:");
}

#[test]
fn stale_reads_are_caught_by_the_manifest_as_well() {
    let _turn = turn();
    if !has_namespaces() {
        return;
    }
    let results = scratch("manifest-stale-read");
    let plan = plan_by_manifest(&results, "stale-read.toml", "stale-read");
    run_into(&results, &["--plan", &plan]).exits(1).says("INVALID").says("contradiction");
}

#[test]
fn retries_that_are_applied_again_are_caught_by_the_manifest_as_well() {
    let _turn = turn();
    if !has_namespaces() {
        return;
    }
    let results = scratch("manifest-ignore-tokens");
    let plan = plan_by_manifest(&results, "ignore-tokens.toml", "ignore-tokens");
    let text = std::fs::read_to_string(&plan).expect("just written");
    std::fs::write(&plan, text.replace("\"register\"", "\"append\"")).expect("as before");
    run_into(&results, &["--plan", &plan]).exits(1).says("INVALID");
}

#[test]
fn a_target_that_is_understood_passes_its_check() {
    let _turn = turn();
    let works = "everything means what it is taken to mean";
    let manifest = example("bundled.toml").display().to_string();
    let checked = check(&manifest, &[]).exits(0).says(works).says("grow as it is claimed");
    for workload in ["register", "append", "set", "counter", "queue", "mutex", "lock", "txn"] {
        assert!(checked.out.contains(&format!("  {workload} ")), "{}", checked.out);
    }
    check("bundled", &[]).exits(0).says(works);
}

#[test]
fn etcd_passes_its_check_by_its_manifest() {
    let _turn = turn();
    if Command::new("etcd").arg("--version").output().is_err() {
        eprintln!("skipped: no etcd here (Debian's package etcd-server)");
        return;
    }
    let manifest = example("etcd.toml").display().to_string();
    check(&manifest, &[]).exits(0).says("without tokens").says("members hold the same");
    check("etcd", &[]).exits(0).says("members hold the same");
}

#[test]
fn a_mapping_that_is_wrong_is_shown_with_request_answer_and_line() {
    let pointer = ["value = \"/value\"", "value = \"/valeu\""];
    let keys = "f = \"append\", key = \"{run}/{key}\"";
    let keys = [keys, "f = \"append\", key = \"k\""];
    let claims = ["failures_are_numbered = true", "reads2 = true"];
    let pointed = ["no /valeu", "answered  200", "/changed.toml:", "POST http://"];
    let wrong: [(_, _, _, &[&str]); 3] = [
        ("pointer", pointer, 3, &pointed),
        ("keys", keys, 3, &["append: read", "but it should answer [1]"]),
        ("claims", claims, 65, &["unknown field `reads2`"]),
    ];
    by_turns(&wrong, |(name, [from, to], code, sentences)| {
        let target = changed(&scratch(&format!("wrong-{name}")), from, to);
        let checked = check(&target, &[]).exits(*code);
        sentences.iter().fold(checked, |checked, sentence| checked.says(sentence));
    });
}

#[test]
fn tokens_that_are_not_honoured_are_seen() {
    let _turn = turn();
    let manifest = example("bundled.toml").display().to_string();
    let flags = ["--set", "flags=--bug=ignore-tokens"];
    check(&manifest, &flags).exits(3).says("second time with the same token");
}

#[test]
fn a_service_that_is_not_understood_is_a_failure_of_the_harness() {
    let write = "f = \"write\", key = \"{run}/{key}\", value = \"{value}\", token = \"{token}\" }";
    let misread = format!("{write}\nok = {{ \"/kind\" = \"ok\" }}");
    let program = "\"{stormproof}\", \"node\"";
    let dies = "\"sh\", \"-c\", \"echo no disk >&2; exit 7\"";
    let wrong: [(_, _, &str, &[&str]); 3] = [
        (write, misread.as_str(), "no answer to a write could be understood", &["changed.toml:"]),
        (
            program,
            "\"no-such-service\", \"node\"",
            "no program no-such-service",
            &["changed.toml:"],
        ),
        (program, dies, "exit code 7", &["no disk"]),
    ];
    let run = |target: &str| {
        let folder = Path::new(target).with_extension("runs");
        let short = ["--nodes", "3", "--lab", "loopback", "--faults", "none", "--time-limit", "2s"];
        run_into(&folder, &[&["--target", target][..], &short].concat())
    };
    thread::scope(|scope| {
        scope.spawn(|| {
            let _turn = turn();
            run(&without_refusals())
                .exits(3)
                .says("no node answers the first read")
                .says("\"type\"");
            run("no-such-manifest.toml").exits(65).says("cannot read no-such-manifest.toml");
        });
        by_turns(&wrong, |(from, to, sentence, more)| {
            let target = changed(&scratch(&format!("not-understood-{}", sentence.len())), from, to);
            let run = run(&target).exits(3).says(sentence);
            more.iter().fold(run, |run, sentence| run.says(sentence));
        });
    });
}

/// The manifest of a service none of whose answers mean anything.
fn without_refusals() -> String {
    let ok = ["[answers]\nok = { \"/type\"", "[answers]\nok = { \"/kind\""];
    let nonsense = changed(&scratch("not-understood"), ok[0], ok[1]);
    let text = std::fs::read_to_string(&nonsense).expect("just written");
    let begin = text.find("[[refusal]]").expect("there are some");
    let end = text.find("[workload").expect("there are some");
    std::fs::write(&nonsense, format!("{}{}", &text[..begin], &text[end..])).expect("as before");
    nonsense
}

#[test]
fn a_service_that_is_down_for_good_ends_the_load_early_and_the_first_sentence_says_so() {
    let _turn = turn();
    let results = scratch("manifest-down");
    // Every process of it comes to its end after some seconds of service.
    let dies =
        r#""sh", "-c", "timeout -s KILL 8 \"$@\"; echo 'fatal: out of luck' >&2; exit 7", "sh""#;
    let dies = format!("{dies}, {:?}", env!("CARGO_BIN_EXE_stormproof"));
    let target = changed(&results, "\"{stormproof}\", \"node\"", &format!("{dies}, \"node\""));
    let flags = [
        "--target", &target, "--nodes", "3", "--lab", "loopback", "--faults", "none", "--seed", "7",
    ];
    let more = ["--time-limit", "200s", "--rate", "200", "--recovery-limit", "2s"];
    run_into(&results, &[&flags[..], &more].concat())
        .exits(1)
        .says("INVALID  the service was down for good, since 3 of 3 nodes ended by themselves: n");
    let verdict = verdict(&results);
    assert_eq!(verdict["ended_early"]["cause"], "down");
    let sentence = verdict["sentence"].as_str().expect("there is one");
    assert!(sentence.contains("(exit code 7): fatal: out of luck"), "{sentence}");
    assert!(verdict["ended_early"]["load_seconds"].as_f64().expect("a figure") < 60.0);
}
