//! The memory that a long run's judgement takes: a run ends with it, and an hour of operations must
//! fit into a small machine.

use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::thread::sleep;
use std::time::Duration;

use crate::common::{finished, scratch, stormproof};

/// The most that an operation may add, in bytes: half a gigabyte for a million of them.
const MOST: u64 = 500;

/// Writes, reads and compare-and-sets in turns, ten at a time on 1 key for each 300 operations, as a
/// run records them, and what five nodes applied of them.
fn write_run(directory: &Path, operations: u64) {
    let mut history = String::new();
    let mut applied = String::new();
    let line = |history: &mut String, index: u64, kind: &str, number: u64, more: &str| {
        let (process, time) = (number % 10, 1_000_000_000 + index * 100_000);
        let (key, token) = (number / 300, format!("r1a227b84075-2:{process}:{}", number / 10));
        let (f, value) = match number % 3 {
            0 => ("write", number.to_string()),
            1 => ("cas", format!("[{},{number}]", number - 1)),
            _ if kind == "invoke" => ("read", "null".into()),
            _ => ("read", (number - 1).to_string()),
        };
        writeln!(
            history,
            r#"{{"index":{index},"time":{time},"process":{process},"type":"{kind}","f":"{f}","key":"k{key}","value":{value},"token":"{token}"{more}}}"#
        )
        .expect("memory takes it");
    };
    let mut version = 0;
    for number in 0..operations {
        let (index, time) = (2 * number, 1_000_000_000 + 2 * number * 100_000);
        line(&mut history, index, "invoke", number, "");
        if number % 3 < 2 {
            version += 1;
            let token = format!("r1a227b84075-2:{}:{}", number % 10, number / 10);
            writeln!(applied, r#"{{"index":{version},"token":"{token}","applied":true}}"#)
                .expect("memory takes it");
        }
        let more = format!(
            r#","node":"n2","version":{version},"attempts":[{{"node":"n2","start":{time},"end":{}}}]"#,
            time + 90_000
        );
        line(&mut history, index + 1, "ok", number, &more);
    }
    fs::create_dir_all(directory).expect("a folder");
    fs::write(directory.join("history.jsonl"), history).expect("the disk takes it");
    for node in ["n1", "n2", "n3", "n4", "n5"] {
        let folder = directory.join("nodes").join(node);
        fs::create_dir_all(&folder).expect("a folder");
        let head = format!(r#"{{"node":"{node}","from":1,"through":{version}}}"#);
        fs::write(folder.join("applied.jsonl"), format!("{head}\n{applied}"))
            .expect("the disk takes it");
    }
}

/// The most memory that a command took, in bytes.
fn peak(arguments: &[&str]) -> u64 {
    let mut command = stormproof();
    command.args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the binary starts");
    let status = format!("/proc/{}/status", child.id());
    let mut peak = 0;
    while child.try_wait().expect("it is our child").is_none() {
        let text = fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kilobytes = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<u64>().ok());
        peak = peak.max(kilobytes.unwrap_or(0) * 1024);
        sleep(Duration::from_millis(1));
    }
    // Nobody asked this cluster whether it serves in the end, so that the whole is Unknown.
    let output = child.wait_with_output().expect("it is our child");
    finished(output)
        .exits(2)
        .says("safety     valid by zones")
        .says("none seen to break its promise");
    peak
}

#[test]
fn a_long_run_is_judged_within_half_a_gigabyte_for_a_million_operations() {
    let directory = scratch("memory");
    const FEW: u64 = 30_000;
    const MANY: u64 = 120_000;
    let [few, many] = [FEW, MANY].map(|operations| {
        let run = directory.join(operations.to_string());
        write_run(&run, operations);
        peak(&["check", "--versions", "log-index", &run.display().to_string()])
    });
    let each = many.saturating_sub(few) / (MANY - FEW);
    println!("{few} bytes for {FEW} operations, {many} for {MANY}: {each} for each");
    assert!(each <= MOST, "{each} bytes for each operation");
}
