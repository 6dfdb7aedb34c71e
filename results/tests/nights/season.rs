//! Nights of a season.

use std::collections::BTreeMap;

use checker::verdict::Verdict::{self, Invalid, Unknown, Valid};
use faults::coverage::{Cell as Situation, Pair, Phase, Role};
use faults::fault::Family;
use stormproof_results::index::{Found, FoundNight, Index};
use stormproof_results::night::{
    Cell, FollowUp, Kept, Night, NightRun, Reached, Remark, SCHEMA, Shrunk, State,
};
use stormproof_results::summary::Latency;

/// A run of cell 0 or 1 on this day, with this verdict about its history.
fn run(date: &str, number: u64, cell: usize, safety: Verdict) -> NightRun {
    let seed = 1000 + number;
    let compact = date.replace('-', "");
    NightRun {
        number,
        cell,
        seed,
        verdict: safety,
        safety,
        liveness: Valid,
        availability: None,
        starved: false,
        contradiction: None,
        failure: None,
        sentence: format!("sentence of run {number}; and more"),
        target_version: Some("1.0".to_owned()),
        started: Some(format!("{date}T19:{number:02}:00Z")),
        seconds: 40.0,
        recovery_seconds: Some(0.5 + number as f64),
        degree: None,
        latency: Some(Latency { p50_ms: 2.0, p99_ms: 30.0 }),
        probe_lateness_seconds: None,
        command: Some(format!("stormproof run --seed {seed}")),
        directory: Some(format!("runs/{number}/{compact}T19{number:02}00Z-a-set-s{seed}")),
        kept: Kept::Everything,
        follow_up: None,
    }
}

/// The night of a day, counted from the last of October 2026 on, with these runs.
pub fn night(day: u32, runs: &[(usize, Verdict)]) -> FoundNight {
    let cells = ["a", "b"].map(|target| Cell {
        target: target.to_owned(),
        workload: "set".to_owned(),
        profile: "nightly".to_owned(),
        weight: 1.0,
        because: None,
        expected_seconds: 40.0,
    });
    let date = format!("2026-{:02}-{:02}", 11 + (day - 1) / 30, 1 + (day - 1) % 30);
    let runs = (0..).zip(runs);
    let runs = runs.map(|(number, (cell, verdict))| run(&date, number, *cell, *verdict));
    let night = Night {
        schema: SCHEMA,
        id: format!("{}T190000Z-test", date.replace('-', "")),
        name: "test".to_owned(),
        seed: 1,
        shard: None,
        digest: format!("digest {day}"),
        budget_seconds: None,
        most_runs: None,
        state: State::Ended,
        ended: Some("all its runs were made".to_owned()),
        started: format!("{date}T19:00:00Z"),
        seconds: 300.0,
        verdict: Valid,
        environment: BTreeMap::new(),
        cells: cells.into(),
        runs: runs.collect(),
        reached: BTreeMap::new(),
        recoveries: Vec::new(),
        comparison: None,
        remarks: Vec::new(),
    };
    FoundNight { folder: night.id.clone(), night, goes_on: false }
}

/// The index of these nights.
pub fn index(nights: Vec<FoundNight>) -> Index {
    Index::of(Found { nights, ..Found::default() })
}

/// Nights of a service that was fine, of which one cell broke lately and another fails at times.
pub fn season(nights: u32) -> Vec<FoundNight> {
    (1..=nights).map(|day| night_of_season(day, nights)).collect()
}

fn night_of_season(day: u32, nights: u32) -> FoundNight {
    let broke = if day + 2 > nights { Invalid } else { Valid };
    let seldom = if day.is_multiple_of(3) { Invalid } else { Valid };
    let mut found = night(day, &[(0, Valid), (1, broke), (0, seldom), (0, Unknown), (1, Valid)]);
    let night = &mut found.night;
    night.runs[3].starved = true;
    night.runs[4].kept = Kept::Page;
    for run in &mut night.runs {
        run.recovery_seconds = Some(0.4 + f64::from(day % 5) * 0.1);
        if run.verdict == Invalid {
            run.sentence = format!("process 7 read 12 from k{day} at 41.203 s; it was 19 before");
            run.follow_up = Some(FollowUp {
                failed: 3,
                counted: 5,
                repeats: 5,
                shrunk: Some(Shrunk {
                    faults_before: 39,
                    faults: 1,
                    finished: true,
                    directory: "shrinks/1".to_owned(),
                }),
            });
        }
    }
    let families = [Family::Kill, Family::Pause, Family::Partition];
    let family = families[(day % 3) as usize];
    let cells = [Role::Leader, Role::Follower].map(|role| Situation {
        family,
        role,
        phase: if day > 3 { Phase::Election } else { Phase::Steady },
        count: u64::from(day),
    });
    let pairs = vec![Pair { one: Family::Kill, other: family, count: 1 }];
    let reached = Reached { cells: cells.into(), moments: Vec::new(), pairs };
    night.reached.insert("a".to_owned(), reached);
    if day == nights {
        let text = "it was killed with the night, and is made again".to_owned();
        night.remarks.push(Remark { run: Some(2), text });
    }
    found
}
