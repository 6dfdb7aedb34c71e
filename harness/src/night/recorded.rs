//! The record of a night: its ledger, and what is known by it.

use anyhow::Result;
use checker::verdict::Verdict;
use results::ledger::is_full;
use results::night::{Entry, NightRun, Remark, State, recoveries};

use super::campaign::{Campaign, SET_RIGHT, now};
use super::decide::Ended;

impl Campaign {
    /// Takes in what a ledger holds, and sees what a process left that was killed.
    pub(super) fn remember(&mut self, entries: Vec<Entry>) -> Result<()> {
        let goes_on = !entries.is_empty();
        for entry in entries {
            self.take(entry);
        }
        for run in &mut self.night.runs {
            run.kept = self.directory.kept(run.number);
            if self.directory.is_raw(run) {
                // It was recorded and not yet seen to.
                self.retention.see_to(&self.directory, run)?;
            }
        }
        let folders = std::fs::read_dir(self.directory.runs()).into_iter().flatten().flatten();
        let numbers = folders.filter_map(|it| it.file_name().to_string_lossy().parse().ok());
        self.left = numbers.filter(|number| !self.known.runs.contains_key(number)).collect();
        let (clock, time) = now();
        if goes_on && clock + SET_RIGHT < self.clock {
            self.remark(None, format!("the clock of this machine went back, to {time}"))?;
        }
        self.save()
    }

    /// Takes in a line of the ledger.
    fn take(&mut self, entry: Entry) {
        let (at, took) = match entry {
            Entry::Run { run, reached, figures, at, clock } => {
                if let (Some(figures), Some(cell)) = (figures, self.night.cell_of(&run)) {
                    self.figures.insert(run.number, (cell.target.clone(), figures));
                }
                let is_first = !self.known.runs.contains_key(&run.number);
                self.known.runs.insert(run.number, ended(&run, is_first));
                self.clock = self.clock.max(clock);
                if let (Some(reached), Some(cell)) = (reached, self.night.cell_of(&run)) {
                    self.night.reached.entry(cell.target.clone()).or_default().add(&reached);
                }
                let took = if is_first { 0.0 } else { run.seconds };
                self.night.runs.retain(|known| known.number != run.number);
                self.night.runs.push(*run);
                (at, took)
            }
            Entry::Repeat { of, number, failed, seconds, at } => {
                self.known.repeats.entry(of).or_default().insert(number, failed);
                if let Some(run) = self.run_mut(of) {
                    let follow_up = run.follow_up.get_or_insert_default();
                    follow_up.repeats += 1;
                    follow_up.counted += u64::from(failed.is_some());
                    follow_up.failed += u64::from(failed == Some(true));
                }
                (at, seconds)
            }
            Entry::Shrunk { of, found, seconds, at } => {
                self.known.shrunk.insert(of);
                if let Some(run) = self.run_mut(of) {
                    run.follow_up.get_or_insert_default().shrunk = found;
                }
                (at, seconds)
            }
            Entry::Remark { remark } => {
                self.night.remarks.push(remark);
                return;
            }
            Entry::End { whole, why, at } => {
                self.night.state = if whole { State::Ended } else { State::Interrupted };
                self.night.ended = Some(why);
                (at, 0.0)
            }
        };
        self.known.followed_up += took;
        self.before = self.before.max(at);
        self.night.seconds = self.night.seconds.max(at);
    }

    pub(super) fn run_mut(&mut self, number: u64) -> Option<&mut NightRun> {
        self.night.runs.iter_mut().find(|run| run.number == number)
    }

    /// Writes a line into the ledger, takes it in, and shows readers the night with it.
    pub(super) fn record(&mut self, entry: Entry) -> Result<()> {
        self.note(entry)?;
        self.save()
    }

    /// Writes a line into the ledger and takes it in.
    pub(super) fn note(&mut self, entry: Entry) -> Result<()> {
        let full = |error: anyhow::Error| match is_full(&error) {
            true => error.context("the disk is full; the same command goes on once it is not"),
            false => error,
        };
        self.ledger.add(&entry).map_err(full)?;
        let before = self.before;
        self.take(entry);
        // The time of this process is counted by its own clock.
        self.before = before;
        Ok(())
    }

    pub(super) fn save(&mut self) -> Result<()> {
        self.night.settle();
        self.night.recoveries = recoveries(self.figures.values());
        self.directory.save(&self.night)?;
        self.index.refresh(&self.night);
        Ok(())
    }

    pub(super) fn remark(&mut self, run: Option<u64>, text: String) -> Result<()> {
        self.record(Entry::Remark { remark: Remark { run, text } })
    }
}

/// A run as the next step depends on it. One that this machine had no time for is made once more,
/// unless it fails all the same: no failure is given up for a run that may pass.
fn ended(run: &NightRun, is_first: bool) -> Ended {
    let failed = run.verdict == Verdict::Invalid;
    let failure = run.failed_part().filter(|_| failed && !run.starved);
    Ended {
        cell: run.cell,
        failure: failure.map(|part| (part, run.contradiction)),
        again: is_first && run.starved && !failed,
    }
}
