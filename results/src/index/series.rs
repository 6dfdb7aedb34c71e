//! From what was found to series of nights.

use std::collections::{BTreeMap, BTreeSet};

use checker::verdict::Verdict;

use super::found::{FoundNight, FoundRun};
use super::model::{CellName, IndexNight, IndexRun, Series, Uncounted};
use crate::night::{Comparison, Kept, Night, NightRun, State};

/// The series of nights, one for each name.
pub(super) fn of_nights(nights: Vec<FoundNight>) -> Vec<Series> {
    let mut by_name: BTreeMap<String, Vec<FoundNight>> = BTreeMap::new();
    for night in nights {
        by_name.entry(night.night.name.clone()).or_default().push(night);
    }
    by_name.into_iter().map(|(name, nights)| series_of_nights(name, nights)).collect()
}

fn series_of_nights(name: String, nights: Vec<FoundNight>) -> Series {
    let names = |night: &FoundNight| night.night.cells.iter().map(cell_name).collect::<Vec<_>>();
    let cells: BTreeSet<CellName> = nights.iter().flat_map(names).collect();
    let cells: Vec<CellName> = cells.into_iter().collect();
    let whole: BTreeSet<String> = nights
        .iter()
        .filter(|it| it.night.shard.is_none())
        .map(|it| it.night.digest.clone())
        .collect();
    let mut rows: Vec<IndexNight> = Vec::new();
    let mut of_shards: BTreeMap<String, usize> = BTreeMap::new();
    for found in nights {
        // Of shards that were merged, the night that they make is shown.
        if found.night.shard.is_some() && whole.contains(&found.night.digest) {
            continue;
        }
        let (digest, is_shard) = (found.night.digest.clone(), found.night.shard.is_some());
        let night = index_night(found, &cells);
        match of_shards.get(&digest).filter(|_| is_shard) {
            Some(at) => join(&mut rows[*at], night),
            None => {
                if is_shard {
                    of_shards.insert(digest, rows.len());
                }
                rows.push(night);
            }
        }
    }
    rows.sort_by(|one, other| (&one.started, &one.id).cmp(&(&other.started, &other.id)));
    Series { name, by_day: false, cells, nights: rows }
}

fn cell_name(cell: &crate::night::Cell) -> CellName {
    let crate::night::Cell { target, workload, profile, .. } = cell.clone();
    CellName { target, workload, profile }
}

/// The night of one folder.
fn index_night(found: FoundNight, cells: &[CellName]) -> IndexNight {
    let FoundNight { folder, night, goes_on } = found;
    let places: Vec<usize> = night
        .cells
        .iter()
        .map(|cell| cells.binary_search(&cell_name(cell)).unwrap_or_default())
        .collect();
    let ended = ended(&night, goes_on);
    let worse = night.comparison.iter().flat_map(Comparison::worse);
    let worse = worse.map(|it| format!("worse than the nights before: {it}"));
    let told = night.remarks.iter().map(|remark| match remark.run {
        Some(run) => format!("run {run}: {}", remark.text),
        None => remark.text.clone(),
    });
    let mut remarks: Vec<String> = worse.chain(told).collect();
    let mut runs = Vec::with_capacity(night.runs.len());
    for run in night.runs {
        match places.get(run.cell) {
            Some(cell) => runs.push(index_run(run, *cell, &folder)),
            None => remarks.push(format!("run {} is of no cell, and left out", run.number)),
        }
    }
    IndexNight {
        id: night.id,
        started: night.started,
        ended,
        goes_on,
        seconds: night.seconds,
        folders: vec![folder],
        runs,
        reached: night.reached,
        remarks,
    }
}

fn ended(night: &Night, goes_on: bool) -> Option<String> {
    let shard = night.shard.map(|it| format!("shard {}/{}: ", it.index, it.of));
    let why = match (night.state, goes_on, &night.ended) {
        (State::GoesOn, true, _) => return None,
        (State::GoesOn, false, _) => "it was killed; the same command goes on",
        (_, _, Some(why)) => why,
        (_, _, None) => "it ended",
    };
    Some(format!("{}{why}", shard.unwrap_or_default()))
}

fn index_run(run: NightRun, cell: usize, folder: &str) -> IndexRun {
    let (failed, uncounted) = match (run.starved, run.failed_part(), run.verdict) {
        (true, ..) => (None, Some(Uncounted::Starved)),
        (false, None, Verdict::Unknown) => (None, Some(Uncounted::Unknown)),
        (false, failed, _) => (failed, None),
    };
    let directory = run.directory.filter(|_| run.kept > Kept::Nothing);
    IndexRun {
        number: Some(run.number),
        cell,
        seed: run.seed,
        verdict: run.verdict,
        failed,
        contradiction: run.contradiction,
        uncounted,
        sentence: run.sentence,
        started: run.started,
        seconds: run.seconds,
        recovery_seconds: run.recovery_seconds,
        latency: run.latency,
        folder: directory.map(|directory| below(folder, &directory)),
        has_page: run.kept >= Kept::Page,
        follow_up: run.follow_up,
        command: run.command.filter(|_| failed.is_some()),
    }
}

fn below(folder: &str, path: &str) -> String {
    if folder.is_empty() { path.to_owned() } else { format!("{folder}/{path}") }
}

/// Takes the night of another shard into that of one.
fn join(night: &mut IndexNight, other: IndexNight) {
    night.started = night.started.clone().min(other.started);
    night.seconds = night.seconds.max(other.seconds);
    night.goes_on |= other.goes_on;
    night.ended = match (night.ended.take(), other.ended) {
        (Some(one), Some(other)) => Some(format!("{one}; {other}")),
        (one, other) => one.or(other),
    };
    night.folders.extend(other.folders);
    night.remarks.extend(other.remarks);
    for run in other.runs {
        if !night.runs.iter().any(|known| known.number == run.number) {
            night.runs.push(run);
        }
    }
    night.runs.sort_by_key(|run| run.number);
    for (target, reached) in other.reached {
        night.reached.entry(target).or_default().join(&reached);
    }
}

/// The series of runs of no night, one for each folder that holds some.
pub(super) fn of_runs(runs: Vec<FoundRun>) -> Vec<Series> {
    let mut by_folder: BTreeMap<String, Vec<FoundRun>> = BTreeMap::new();
    for run in runs {
        let parent = run.folder.rsplit_once('/').map_or("", |(parent, _)| parent);
        by_folder.entry(parent.to_owned()).or_default().push(run);
    }
    by_folder.into_iter().map(|(folder, runs)| series_of_runs(&folder, runs)).collect()
}

fn series_of_runs(folder: &str, runs: Vec<FoundRun>) -> Series {
    let cells: BTreeSet<CellName> = runs.iter().map(CellName::of_run).collect();
    let cells: Vec<CellName> = cells.into_iter().collect();
    let mut days: BTreeMap<String, IndexNight> = BTreeMap::new();
    for run in runs {
        let cell = cells.binary_search(&CellName::of_run(&run)).unwrap_or_default();
        let started = run.info.as_ref().map(|info| info.started.clone()).unwrap_or_default();
        let day = started.get(..10).unwrap_or("unknown").to_owned();
        let night = days.entry(day.clone()).or_insert_with(|| IndexNight {
            id: day,
            started: started.clone(),
            folders: vec![folder.to_owned()],
            ended: Some(String::new()),
            ..IndexNight::default()
        });
        night.started = night.started.clone().min(started);
        night.goes_on |= run.goes_on;
        let run = index_run_of_none(run, cell);
        night.seconds += run.seconds;
        night.runs.push(run);
    }
    let mut nights: Vec<IndexNight> = days.into_values().collect();
    for night in &mut nights {
        night.runs.sort_by(|one, other| {
            (&one.started, &one.folder).cmp(&(&other.started, &other.folder))
        });
    }
    let name = if folder.is_empty() { "runs" } else { folder };
    Series { name: name.to_owned(), by_day: true, cells, nights }
}

fn index_run_of_none(run: FoundRun, cell: usize) -> IndexRun {
    let info = run.info.as_ref();
    let mut row = IndexRun {
        number: None,
        cell,
        seed: info.map_or(0, |info| info.seed),
        verdict: Verdict::Unknown,
        failed: None,
        contradiction: None,
        uncounted: Some(if run.goes_on { Uncounted::GoesOn } else { Uncounted::NotJudged }),
        sentence: String::new(),
        started: info.map(|info| info.started.clone()),
        seconds: 0.0,
        recovery_seconds: None,
        latency: None,
        folder: Some(run.folder),
        has_page: run.has_page,
        follow_up: None,
        command: info.map(|info| info.command.clone()),
    };
    let Some(judged) = run.judged else {
        row.sentence = match run.goes_on {
            true => "it goes on".to_owned(),
            false => "it ended before it was judged; `stormproof check` judges it".to_owned(),
        };
        return row;
    };
    (row.failed, row.uncounted) = match (judged.starved, judged.failed, judged.verdict) {
        (true, ..) => (None, Some(Uncounted::Starved)),
        (false, None, Verdict::Unknown) => (None, Some(Uncounted::Unknown)),
        (false, failed, _) => (failed, None),
    };
    row.command = row.command.filter(|_| row.failed.is_some());
    IndexRun {
        verdict: judged.verdict,
        contradiction: judged.contradiction,
        sentence: judged.sentence,
        seconds: judged.seconds,
        recovery_seconds: judged.recovery_seconds,
        latency: judged.latency,
        ..row
    }
}
