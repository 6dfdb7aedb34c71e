//! A user's test binary of runs behaves as test binaries do: `own_service` is one.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use crate::common::{Finished, finished, scratch};

/// The newest `own_service` that cargo built beside this test.
fn binary() -> PathBuf {
    let here = std::env::current_exe().expect("this test is a program");
    let folder = here.parent().expect("it lies in a folder");
    let built = || std::fs::read_dir(folder).expect("it can be listed").filter_map(Result::ok);
    let found = built().map(|entry| entry.path()).filter(|path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.starts_with("own_service-") && path.extension().is_none()
    });
    let age = |path: &PathBuf| path.metadata().and_then(|it| it.modified()).expect("it has an age");
    found.max_by_key(age).expect("cargo test builds the tests of a package together")
}

fn own_service(arguments: &[&str], flags: &str) -> Finished {
    let mut command = Command::new(binary());
    command.args(arguments).env("STORMPROOF_FLAGS", flags);
    finished(command.output().expect("it starts"))
}

/// Short enough to wait for. Other tests run beside this one.
const SHORT: &str = "--time-limit 3s --recovery-limit 60s";

#[test]
fn runs_are_listed_as_tests() {
    let listed = own_service(&["--list"], "").exits(0);
    assert_eq!(listed.out, "kills: test\npauses: test\n");
    let filtered = own_service(&["--list", "--format", "terse", "pau"], "").exits(0);
    assert_eq!(filtered.out, "pauses: test\n");
    let ignored = own_service(&["--list", "--format", "terse", "--ignored"], "").exits(0);
    assert_eq!(ignored.out, "");
}

#[test]
fn a_filter_and_an_exact_name_choose_runs_and_the_command_of_a_run_makes_it_again() {
    own_service(&["--exact", "kill"], SHORT).exits(0).says("0 passed").says("2 filtered out");
    let one = own_service(&["kil"], SHORT).exits(0).says("1 passed").says("1 filtered out");
    assert!(!one.out.contains("VALID"), "what a run prints is shown when it fails:\n{}", one.out);
    let shown = own_service(&["--exact", "kills", "--nocapture"], SHORT).exits(0).says("VALID");

    let again = shown.out.lines().find_map(|line| line.trim().strip_prefix("again"));
    let again = again.expect("a run says how it is made again").trim();
    assert!(again.ends_with("--exact kills"), "{again}");
    let results = Path::new(env!("CARGO_TARGET_TMPDIR")).join("own-service-kill/latest");
    let before = std::fs::read_link(&results).expect("there is a newest run");
    let plan =
        || std::fs::read_to_string(results.join("plan.toml")).expect("a run leaves its plan");
    let first = plan();
    finished(Command::new("sh").args(["-c", again]).output().expect("there is a shell")).exits(0);
    assert_ne!(std::fs::read_link(&results).expect("a link"), before, "it ran again");
    assert_eq!(plan(), first);
    let verdict = std::fs::read_to_string(results.join("verdict.json")).expect("a verdict");
    let verdict: Value = serde_json::from_str(&verdict).expect("JSON");
    assert_eq!(verdict["run"]["command"], again);
}

#[test]
fn a_run_that_fails_fails_its_test_and_shows_what_it_printed() {
    let wrong = own_service(&["pauses"], "--nodes 0");
    wrong.exits(101).says("pauses").says("FAILED").says("0 is not in 1..=50");
    // Of too few operations nothing follows.
    let flags = "--time-limit 1s --rate 0.001 --faults none";
    own_service(&["pauses"], flags).exits(101).says("exit status: 2").says("UNKNOWN");
}

#[test]
fn nextest_runs_them() {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let installed = Command::new(&cargo).args(["nextest", "--version"]).output();
    if !installed.is_ok_and(|output| output.status.success()) {
        eprintln!("skipped: cargo-nextest is not installed");
        return;
    }
    // The binary that is there already: a build from within a test could be one of everything, since
    // features depend on the packages that are asked for.
    let package = env!("CARGO_MANIFEST_DIR");
    let of_cargo = Command::new(&cargo)
        .args(["metadata", "--offline", "--format-version", "1", "--filter-platform"])
        .arg(format!("{}-unknown-linux-gnu", std::env::consts::ARCH))
        .current_dir(package)
        .output()
        .expect("cargo starts");
    let metadata: Value = serde_json::from_slice(&of_cargo.stdout).expect("JSON");
    let mut packages = metadata["packages"].as_array().expect("packages").iter();
    let this = packages.find(|it| it["name"] == "stormproof").expect("this package");
    let built = json!({
        "rust-build-meta": {
            "target-directory": metadata["target_directory"],
            "base-output-directories": ["debug"],
            "non-test-binaries": {},
            "linked-paths": [],
        },
        "rust-binaries": { "stormproof::own_service": {
            "binary-id": "stormproof::own_service",
            "binary-name": "own_service",
            "package-id": this["id"],
            "kind": "test",
            "binary-path": binary(),
            "build-platform": "target",
        } },
    });
    let directory = scratch("nextest");
    let file = |name: &str, text: &[u8]| {
        let path = directory.join(name);
        std::fs::write(&path, text).expect("a scratch file can be written");
        path
    };
    let mut command = Command::new(&cargo);
    command.args(["nextest", "run", "--no-fail-fast"]);
    command.arg("--cargo-metadata").arg(file("cargo.json", &of_cargo.stdout));
    command.arg("--binaries-metadata").arg(file("built.json", built.to_string().as_bytes()));
    // Beside the other tests, which look at the results of theirs.
    let results = directory.join("runs");
    command.current_dir(package);
    command.env("STORMPROOF_FLAGS", format!("{SHORT} --results '{}'", results.display()));
    // What cargo and nextest say of this test is not about those.
    for name in ["NEXTEST", "NEXTEST_RUN_ID", "NEXTEST_EXECUTION_MODE"] {
        command.env_remove(name);
    }
    let ran = finished(command.output().expect("nextest starts")).exits(0);
    ran.says("own_service kills").says("own_service pauses").says("2 tests run: 2 passed");
}
