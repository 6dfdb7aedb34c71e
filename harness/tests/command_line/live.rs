//! The page of the run that goes on, in a browser, while the run is recorded.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Stdio};

use checker::history::{Event, EventType, Process};
use results::event::{Phase, PhaseEvent, RunEvent};
use results::run_directory::RunDirectory;
use results::summary::{Account, RunInfo};
use serde_json::{Value, json};

use crate::common::{scratch, stormproof};
use crate::devtools::Browser;

const ID: &str = "20261130T000000Z-bundled-register-s7";

/// `stormproof serve`, killed in the end.
struct Served(Child);

impl Served {
    /// Serves a folder; returns its address, too.
    fn start(folder: &Path) -> (Served, String) {
        let serve = stormproof()
            .args(["serve", "--listen", "127.0.0.1:0"])
            .arg(folder)
            .stdout(Stdio::piped())
            .spawn();
        let mut served = Served(serve.expect("the binary starts"));
        let mut line = String::new();
        let output = served.0.stdout.as_mut().expect("it is piped");
        BufReader::new(output).read_line(&mut line).expect("it says where");
        let address = line.trim().rsplit(" at ").next().unwrap_or_default().to_owned();
        assert!(address.starts_with("http://127.0.0.1:"), "{line}");
        (served, address)
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A run that goes on for as long as this lives.
struct Recorded(RunDirectory, u64);

impl Recorded {
    fn begin(folder: &Path) -> Recorded {
        let run = RunDirectory::create(folder, ID).expect("a run directory");
        let info: RunInfo = serde_json::from_value(json!({
            "id": ID, "started": "2026-11-30T00:00:00Z", "target": "bundled",
            "target_version": "1.0", "nodes": ["n1", "n2", "n3"], "workload": "register",
            "faults": [], "skipped": [], "seed": 7, "time_limit_seconds": 60.0, "concurrency": 4,
            "lab": "netns", "engines": {}, "command": "stormproof run --seed 7", "environment": {},
        }))
        .expect("an account");
        let account = Account::new(info, "register", &["read", "write"]);
        run.save_account(&account).expect("it can be saved");
        let mut recorded = Recorded(run, 0);
        let (index, time) = recorded.place();
        let load = PhaseEvent { index, time, phase: Phase::Load };
        recorded.0.record(&RunEvent::Phase(load)).expect("it can be recorded");
        recorded
    }

    /// The next place in the history, a tenth of a second after the one before.
    fn place(&mut self) -> (u64, u64) {
        self.1 += 1;
        (self.1 - 1, self.1 * 100_000_000)
    }

    /// So many reads that were ok.
    fn read(&mut self, count: u64) {
        for kind in (0..count).flat_map(|_| [EventType::Invoke, EventType::Ok]) {
            let (index, time) = self.place();
            let event = Event::new(Process::Client(1), kind, "read", Value::Null);
            let event = Event { index, time, key: Some("k1".to_owned()), ..event };
            self.0.append_event(&event).expect("it can be recorded");
        }
    }
}

#[test]
fn the_run_that_goes_on_is_followed_from_before_it_began_to_its_report() {
    let folder = scratch("live");
    let Some(mut browser) = Browser::start("live") else { return };
    let (served, address) = Served::start(&folder);
    browser.open(&format!("{address}live"));
    assert!(browser.text("h1").contains("No run goes on here"));

    let shows = |selector: &str, text: &str| {
        format!("document.querySelector({selector:?})?.textContent.includes({text:?})")
    };
    let mut run = Recorded::begin(&folder);
    browser.wait_until(&shows("h1", "bundled 1.0, register, seed 7"));
    assert_eq!(browser.text(".badge"), "load");
    assert!(browser.text(".blame").contains("of 60.0 s of load. Nothing is judged yet."));
    run.read(3);
    browser.wait_until(&shows("dl.tiles", "3 ok · 0 fail · 0 info"));
    run.read(40);
    browser.wait_until(&shows("dl.tiles", "43 ok · 0 fail · 0 info"));
    assert!(browser.text("#faults").contains("None so far."));
    assert_eq!(browser.evaluate("document.querySelectorAll('#lanes .lane').length > 0"), true);

    run.0.save_report("<title>the report</title>").expect("it can be saved");
    drop(run);
    browser.wait_until(&shows(".badge", "ended"));
    browser.click(".blame a");
    browser.wait_until("document.title === 'the report'");
    assert_eq!(browser.evaluate("location.pathname"), format!("/{ID}/report.html"));

    browser.open(&format!("{address}live?run={ID}"));
    assert_eq!(browser.complaints(), Vec::<String>::new());
    drop(served);
    browser.wait_until(&shows("#state", "does not answer"));
    assert!(browser.text(".badge").contains("ended"), "what was seen stays");
}
