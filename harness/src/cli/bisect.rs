//! `stormproof bisect`: the version of a service in which a failure came, or went.

use std::cell::RefCell;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Result;
use clap::Args;
use results::run_directory::RunDirectory;
use results::words::{self, counted};

use super::output::{Output, shown};
use super::replay;
use crate::bisect::{Build, Ended, Known, Question, Versions, Wish, search};
use crate::exit::{Exit, bad_input, usage};
use crate::plan::{Plan, Written, saved};
use crate::printing::{err, out};
use crate::repeats::{Failing, Go, Jobs, Ledger, Line, Pool, RunOutcome, Show, Wanted, block_on};

#[derive(Debug, Args)]
pub struct Arguments {
    /// The directory of a run that failed, or of a plan, such as stormproof shrink --schedule leaves
    directory: PathBuf,
    /// A version that does not fail; given twice, on both sides of the bad one, it is said where the
    /// failure came and where it went
    #[arg(long, value_name = "VERSION", required = true)]
    good: Vec<String>,
    /// A version that fails
    #[arg(long, value_name = "VERSION")]
    bad: String,
    /// The versions, from the oldest to the newest
    #[arg(
        long,
        value_name = "VERSIONS",
        value_delimiter = ',',
        conflicts_with = "versions_from",
        required_unless_present = "versions_from"
    )]
    versions: Vec<String>,
    /// A file with a version on each line, from the oldest to the newest; or git, for the commits of
    /// the repository in the working directory
    #[arg(long, value_name = "FILE|git")]
    versions_from: Option<PathBuf>,
    /// The confidence that no version with the failure is taken for good
    #[arg(long, value_name = "SHARE", default_value = "0.95", value_parser = confidence)]
    confidence: f64,
    /// The failure: a history without a legal order, a healed cluster that does not serve, or a
    /// promise of availability that was broken [default: that of the saved run]
    #[arg(long, value_enum)]
    failing: Option<Failing>,
    /// So many runs at a time [default: as the processors allow, by what the first one took]
    #[arg(long, value_name = "N", value_parser = replay::jobs())]
    jobs: Option<usize>,
    /// End after this time; the same command goes on from there
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration)]
    limit: Option<Duration>,
    /// The folder for everything [default: one in results/bisects that the same command finds again]
    #[arg(long, short, value_name = "DIR")]
    output: Option<PathBuf>,
    /// A command that makes the version in $STORMPROOF_VERSION available. In the end it prints its
    /// path, as for --bin, or flags of stormproof run; or nothing, if it is where it has to be
    #[arg(last = true, required = true, value_name = "BUILD")]
    build: Vec<String>,
}

/// Accepts a confidence.
fn confidence(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(share) if (0.5..=0.9999).contains(&share) => Ok(share),
        Ok(_) => Err("it is 0.5 to 0.9999".to_owned()),
        Err(_) => Err("it is a number".to_owned()),
    }
}

/// The folder of bisections, unless `--output` names another one.
const BISECTS: &str = "results/bisects";

/// The results of all runs, in that folder.
const LEDGER: &str = "results.jsonl";

/// The word for the commits of a repository.
const GIT: &str = "git";

pub fn main(arguments: Arguments) -> Result<Exit> {
    let Arguments { directory, good, bad, confidence, build, .. } = arguments;
    let base = saved(&directory)?;
    let plan = base.resolve()?;
    let versions = match arguments.versions_from {
        None => Versions::Named(arguments.versions),
        Some(file) if file == Path::new(GIT) => Versions::Git(".".into()),
        Some(file) => Versions::File(file),
    };
    let ends: Vec<String> = good.into_iter().chain([bad]).collect();
    let (versions, mut places) = versions.list(&ends)?;
    let bad = places.pop().expect("one is bad");
    if places.contains(&bad) {
        return Err(usage(format!("{} is said to be good and bad", versions[bad])));
    }
    let failing = match arguments.failing.or(failure_of(&directory)) {
        Some(failing) => failing,
        None => Failing::Either,
    };
    let asked = format!("# BUILD: {}\n{}", build.join(" "), plan.to_toml()?);
    let output = Output::of_question(arguments.output, BISECTS, plan.seed, &asked)?;
    let question = Question { versions, good: places, bad, failing, confidence };
    let bisect = Bisect { base, question, folder: output.path().to_owned() };
    bisect.carry_out(&plan, Build::by(build), arguments.jobs, arguments.limit)
}

/// The failure of a saved run, if it has a verdict.
fn failure_of(directory: &Path) -> Option<Failing> {
    let summary = RunDirectory::open(directory).and_then(|run| run.summary());
    Failing::of(&summary.ok()??)
}

struct Bisect {
    base: Written,
    question: Question,
    folder: PathBuf,
}

impl Bisect {
    fn carry_out(
        &self,
        plan: &Plan,
        mut build: Build,
        jobs: Option<usize>,
        limit: Option<Duration>,
    ) -> Result<Exit> {
        let (mut ledger, lines) = Ledger::open(&self.folder.join(LEDGER))?;
        let mut known = Known::default();
        for Line { of, number, outcome } in lines {
            known.take(&of, number, outcome);
        }
        let before = known.runs();
        err!("{plan}");
        let count = counted(self.question.versions.len() as u64, "version");
        err!("{count}, results in {}", shown(&self.folder));
        if before > 0 {
            err!("going on after {}", counted(before as u64, "run"));
        }
        let ended = block_on(async {
            let mut pool = Pool::new(self.folder.clone(), Jobs::new(jobs), limit)?;
            let show = Show::start(None);
            let ended = loop {
                let wish = match search(&self.question, &known) {
                    Ok(ended) => break Ok(ended),
                    Err(wish) => wish,
                };
                if pool.is_over() {
                    break Err(wish);
                }
                let plan = build.version(&wish.version);
                let plan = plan.and_then(|flags| flags.over(self.base.clone()).resolve());
                match plan {
                    Ok(plan) => {
                        self.ask(&wish, &plan, &mut pool, &show, &mut known, &mut ledger).await?;
                    }
                    Err(error) => {
                        show.line(&format!("{}: cannot be run: {error:#}", wish.version));
                        known.lacking.insert(wish.version, format!("{error:#}"));
                    }
                }
            };
            pool.finish().await;
            Ok(ended)
        })?;
        let made = counted((known.runs() - before) as u64, "run");
        Ok(match ended {
            Ok(ended) => self.tell(&ended, &made)?,
            Err(wish) => {
                out!("not finished after {made}; the next is {}", wish.version);
                out!("the same command goes on from here");
                Exit::Unknown
            }
        })
    }

    /// Runs a version until the search needs another one.
    async fn ask(
        &self,
        wish: &Wish,
        plan: &Plan,
        pool: &mut Pool,
        show: &Show,
        known: &mut Known,
        ledger: &mut Ledger,
    ) -> Result<()> {
        let Wish { version, place, reason } = wish;
        let failing = self.question.failing;
        // Both closures look at it in turn.
        let running: RefCell<Vec<u64>> = RefCell::default();
        let tally = RefCell::new(known.of(version));
        let next = || {
            let number = tally.borrow().next_number(&running.borrow());
            running.borrow_mut().push(number);
            let name = format!("{place}-{number}");
            Some(Wanted { name, number, plan: plan.repeat(number) })
        };
        let ended = |number: u64, outcome: RunOutcome| {
            running.borrow_mut().retain(|it| *it != number);
            tally.borrow_mut().take(number, outcome.clone());
            known.take(version, number, outcome.clone());
            let rate = tally.borrow().rate(failing);
            let verdict = words::verdict(outcome.verdict).to_uppercase();
            let (failed, runs) = (rate.failed, rate.runs);
            show.line(&format!("{version}, {reason}: {verdict} ({failed} of {runs} failed)"));
            if outcome.exit() == Exit::Valid {
                // It is counted. What cannot be removed does no harm.
                let _ = fs::remove_dir_all(self.folder.join(format!("{place}-{number}")));
            }
            ledger.add(&Line { of: version.clone(), number, outcome })?;
            let same = matches!(search(&self.question, known), Err(next) if next == *wish);
            Ok(if same { Go::On } else { Go::Stop })
        };
        pool.carry_out(show, next, ended).await
    }

    fn tell(&self, ended: &Ended, made: &str) -> Result<Exit> {
        let bad = &self.question.versions[self.question.bad];
        Ok(match ended {
            Ended::Found { edges, rate } => {
                for edge in edges {
                    out!("{edge}");
                }
                out!("{bad} failed {rate}; {made}");
                Exit::Invalid
            }
            Ended::NeverFailed(rate) => {
                out!("{bad} is said to be bad and did not fail: {rate}");
                Exit::Unknown
            }
            Ended::GoodFails(version, rate) => {
                out!("{version} is said to be good and failed: {rate}");
                Exit::Invalid
            }
            Ended::Lacking(version, reason) => {
                return Err(bad_input(format!("{version} cannot be run: {reason}")));
            }
        })
    }
}
