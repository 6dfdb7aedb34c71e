//! `stormproof nightly`: many runs of a matrix, in a time.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use anyhow::Result;
use checker::verdict::Verdict;
use clap::Args;
use results::index::INDEX;
use results::ledger::is_full;
use results::night::{
    Comparison, Ledger, Night, NightDirectory, NightRun, Shard, State, nights_in,
};
use results::words::{counted, followed_up};

use super::ci::CiFlags;
use super::judging::unreadable;
use super::output::shown;
use super::replay;
use super::shrink_schedule;
use crate::exit::{Exit, bad_input, usage};
use crate::night::{self, Campaign, NightPlan, Orders, Past, SHIPPED, ShrinkEnded, exit_of};
use crate::plan::{quoted, seed_of_the_moment};
use crate::printing::{err, out};

#[derive(Debug, Args)]
pub struct Arguments {
    /// The plan of the night [default: that of the folder, if it goes on there, else the one for the
    /// bundled cluster]
    plan: Option<PathBuf>,
    /// The folder of the night; if one was interrupted or killed there, it goes on [default: a new
    /// one in --results]
    #[arg(long, short, value_name = "DIR")]
    output: Option<PathBuf>,
    /// The folder of all nights [default: results/nights]
    #[arg(long, value_name = "DIR", conflicts_with = "output")]
    results: Option<PathBuf>,
    /// The time of the night: 8h, 30m [default: the plan's, and 8h if it has no number of runs]
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration)]
    budget: Option<Duration>,
    /// The most runs, those of all shards together [default: the plan's]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    runs: Option<u64>,
    /// So many runs at a time [default: the plan's, and else as the processors allow, by what the
    /// first one took]
    #[arg(long, value_name = "N", value_parser = replay::jobs())]
    jobs: Option<usize>,
    /// The seed from which those of all runs follow [default: another one each time]
    #[arg(long, value_parser = clap::value_parser!(u64).range(..=i64::MAX as u64))]
    seed: Option<u64>,
    /// Make only a part of the runs, the I-th of N, for one machine of several; `stormproof merge`
    /// joins the parts
    #[arg(long, value_name = "I/N", value_parser = shard, requires = "seed")]
    shard: Option<Shard>,
    /// The folder of earlier nights, from which this one learns what failed, what was covered, and
    /// how long runs take; the same for all shards [default: the folder in which this night is, and
    /// none for a shard]
    #[arg(long, value_name = "DIR")]
    past: Option<PathBuf>,
    #[command(flatten)]
    ci: CiFlags,
}

/// Accepts a part of all runs.
pub(super) fn shard(text: &str) -> Result<Shard, String> {
    let (index, of) = text.split_once('/').ok_or("it is I/N, such as 2/3")?;
    let number = |text: &str| text.parse::<u64>().map_err(|_| format!("{text:?} is no number"));
    let (index, of) = (number(index)?, number(of)?);
    match (1..=of).contains(&index) && of <= 10_000 {
        true => Ok(Shard { index, of }),
        false => Err("parts are counted from 1, and there are at most 10000".to_owned()),
    }
}

/// The folder of nights, unless `--results` or `--output` names another one.
const NIGHTS: &str = "results/nights";

pub fn main(arguments: Arguments) -> Result<Exit> {
    arguments.ci.begin("nightly")?;
    let saved = match &arguments.output {
        Some(output) => Saved::of(output)?,
        None => None,
    };
    let mut plan = match (&arguments.plan, &saved) {
        (Some(path), _) => NightPlan::read(path)?,
        (None, Some(saved)) => NightPlan::parse(&saved.plan, &saved.night.name)?,
        (None, None) => NightPlan::parse(SHIPPED, "bundled")?,
    };
    if let Some(saved) = &saved {
        saved.fits(&arguments, &plan)?;
    }
    plan.check().map_err(|error| match &arguments.plan {
        Some(path) => bad_input(format!("{}: {error:#}", path.display())),
        None => error,
    })?;
    // One that goes on keeps its bounds, unless it is given others.
    if let Some(Saved { night, .. }) = &saved {
        plan.budget = night.budget_seconds.map(Duration::from_secs_f64);
        plan.runs = night.most_runs;
    }
    plan.budget = arguments.budget.or(plan.budget);
    plan.runs = arguments.runs.or(plan.runs);
    plan.jobs = arguments.jobs.or(plan.jobs);
    let seed = saved.as_ref().map(|saved| saved.night.seed).or(arguments.seed);
    let seed = seed.unwrap_or_else(seed_of_the_moment);
    let shard = saved.as_ref().map_or(arguments.shard, |saved| saved.night.shard);
    let results = arguments.results.unwrap_or_else(|| NIGHTS.into());
    let around = match &arguments.output {
        // The parent of a plain name is the empty path, which leads nowhere.
        Some(output) => Path::new(".").join(output.parent().unwrap_or(output)),
        None => results.clone(),
    };
    // Such as by results/nights/latest: others lie beside it, and share its room.
    let shared = arguments.output.is_none() || around.join("latest").is_symlink();
    let past = match (&arguments.past, shard) {
        (Some(past), _) if !past.is_dir() => {
            return Err(bad_input(format!("{} is no folder of nights", past.display())));
        }
        (Some(past), _) => earlier(past, &plan.name, arguments.output.as_deref()),
        (None, Some(_)) => Vec::new(),
        (None, None) => earlier(&around, &plan.name, arguments.output.as_deref()),
    };
    let directory = match &arguments.output {
        Some(output) => NightDirectory::at(output)?,
        None => NightDirectory::create(&results, &id(&plan.name))?,
    };
    let orders = Orders {
        seed,
        shard,
        past: Past::of(&past.iter().map(|(_, night)| night.clone()).collect::<Vec<_>>()),
        others: shared.then_some(around),
        shrink: |run, folder, jobs, limit| {
            let ended = shrink_schedule::shrink(run, Some(folder), jobs, Some(limit), None)?;
            Ok(ShrinkEnded { finished: ended.finished, interrupted: ended.interrupted })
        },
    };
    let text = plan.text.clone();
    let full_or_unreadable = |error: anyhow::Error| match is_full(&error) {
        true => error,
        false => unreadable(error),
    };
    let campaign = Campaign::open(plan, directory.clone(), orders).map_err(full_or_unreadable)?;
    // It comes last: a folder without it has nothing to go on from.
    directory.save_plan(&text)?;
    let night = campaign.night();
    let folder = shown(campaign.path());
    err!("{}, into {folder}", about(night));
    if saved.is_some() {
        err!("going on after {}", counted(night.runs.len() as u64, "run"));
    }
    let (night, mut index) = campaign.carry_out()?;
    let night = with_comparison(night, &directory, &past)?;
    index.refresh(&night);
    tell(&night, &folder);
    if index.path().is_file() {
        out!("{}", shown(&index.path()));
    }
    arguments.ci.tell_night(&night, directory.path(), exit_of(&night))
}

/// A night that is there already.
struct Saved {
    plan: String,
    night: Night,
    folder: String,
}

impl Saved {
    /// The night in a folder; none if nothing is there yet.
    fn of(folder: &Path) -> Result<Option<Saved>> {
        let shown = folder.display().to_string();
        if !folder.exists() {
            return Ok(None);
        }
        let directory = NightDirectory::at(folder)?;
        if directory.goes_on() {
            return Err(usage(format!("a night goes on in {shown}, in another process")));
        }
        let night = directory.night().map_err(unreadable)?;
        match (directory.plan().map_err(unreadable)?, night) {
            (Some(plan), Some(night)) => Ok(Some(Saved { plan, night, folder: shown })),
            _ if is_foreign(&directory) => {
                Err(usage(format!("{shown} holds something else than a night")))
            }
            _ => Ok(None),
        }
    }

    /// Refuses to go on with another night than the one that is asked for.
    fn fits(&self, arguments: &Arguments, plan: &NightPlan) -> Result<()> {
        let Saved { night, folder, .. } = self;
        let another = |what: &str| Err(usage(format!("{folder} holds a night of another {what}")));
        if plan.text != self.plan {
            return another("plan");
        }
        if arguments.seed.is_some_and(|seed| seed != night.seed) {
            return another("seed");
        }
        if arguments.shard.is_some_and(|shard| Some(shard) != night.shard) {
            return another("shard");
        }
        Ok(())
    }
}

/// Returns true if a folder without a night holds what no night leaves that was killed as it began.
fn is_foreign(directory: &NightDirectory) -> bool {
    let entries = fs::read_dir(directory.path()).into_iter().flatten().flatten();
    let names = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
    let ledger = Ledger::read(&directory.ledger()).is_ok_and(|entries| entries.is_empty());
    let own = ["ledger.jsonl", "night.json", "past.json", "night.toml", INDEX];
    let is_own = |name: &String| own.contains(&name.as_str()) || name.ends_with(".draft");
    !names.collect::<Vec<_>>().iter().all(is_own) || directory.ledger().exists() && !ledger
}

/// Earlier nights of a plan, from the oldest. One that cannot be read is left out, and said.
fn earlier(folder: &Path, name: &str, own: Option<&Path>) -> Vec<(NightDirectory, Night)> {
    let own = own.and_then(|own| own.canonicalize().ok());
    let mut nights = Vec::new();
    for directory in nights_in(folder) {
        if own.as_deref() == directory.path().canonicalize().ok().as_deref() {
            continue;
        }
        match directory.night() {
            Ok(Some(night)) if night.name == name => nights.push((directory, night)),
            Ok(_) => {}
            Err(error) => err!("left out of what is known of earlier nights: {error:#}"),
        }
    }
    nights
        .sort_by(|(_, one), (_, other)| (&one.started, &one.id).cmp(&(&other.started, &other.id)));
    let now = humantime::format_rfc3339_seconds(SystemTime::now()).to_string();
    let later = nights.iter().filter(|(_, night)| night.started > now).count();
    if later > 0 {
        let nights = counted(later as u64, "night");
        err!(
            "the clock of this machine went back: {nights} in {} began later than now",
            folder.display()
        );
    }
    nights
}

/// A night before, with its folder.
#[derive(Clone, Copy)]
struct Before<'a>(&'a NightDirectory, &'a Night);

impl AsRef<Night> for Before<'_> {
    fn as_ref(&self) -> &Night {
        self.1
    }
}

/// A night that is over, compared with those before; written down, too.
fn with_comparison(
    mut night: Night,
    directory: &NightDirectory,
    past: &[(NightDirectory, Night)],
) -> Result<Night> {
    let all = past.iter().map(|(directory, night)| Before(directory, night));
    let (mut nights, mut before) = (Vec::new(), Vec::new());
    for Before(directory, night) in night::whole_nights(all, night::NIGHTS).concat() {
        match night::measured(directory, night) {
            Ok(runs) if runs.is_empty() => {}
            Ok(runs) => {
                nights.push(night.id.clone());
                before.extend(runs);
            }
            Err(error) => err!("left out of the comparison with earlier nights: {error:#}"),
        }
    }
    if !before.is_empty() {
        let new = night::measured(directory, &night)?;
        night.comparison = Some(night::compare(nights, &new, &before, night.seed));
        directory.save(&night)?;
    }
    Ok(night)
}

/// `20261129T190000Z-bundled`.
fn id(name: &str) -> String {
    let time = humantime::format_rfc3339_seconds(SystemTime::now()).to_string();
    format!("{}-{name}", time.replace(['-', ':'], ""))
}

/// `night bundled, seed 7, shard 2/3: 24 cells`.
fn about(night: &Night) -> String {
    let shard = night.shard.map(|it| format!(", shard {}/{}", it.index, it.of));
    let cells = counted(night.cells.len() as u64, "cell");
    format!("night {}, seed {}{}: {cells}", night.name, night.seed, shard.unwrap_or_default())
}

/// The verdict in a clause; all of it stands in the run's own files.
fn clause(run: &NightRun) -> &str {
    run.sentence.split(';').next().unwrap_or_default()
}

/// Says what a night came to.
pub fn tell(night: &Night, folder: &str) {
    let count = |verdict| night.runs.iter().filter(|run| run.verdict == verdict).count();
    out!(
        "{}: {} in {}: {} invalid, {} unknown, {} valid",
        about(night),
        counted(night.runs.len() as u64, "run"),
        humantime::format_duration(Duration::from_secs(night.seconds.round() as u64)),
        count(Verdict::Invalid),
        count(Verdict::Unknown),
        count(Verdict::Valid)
    );
    for run in night.runs.iter().filter(|run| run.verdict == Verdict::Invalid) {
        let cell = night.cell_of(run).map(|cell| cell.name()).unwrap_or_default();
        let starved = if run.starved { " (this machine was starved)" } else { "" };
        out!("run {}, {cell}: INVALID{starved}: {}", run.number, clause(run));
        if let Some(follow_up) = &run.follow_up {
            out!("  {}", followed_up(follow_up));
        }
        if let Some(directory) = &run.directory {
            out!("  {folder}/{directory}");
        }
    }
    let unknown = night.runs.iter().filter(|run| run.verdict == Verdict::Unknown);
    for run in unknown {
        let starved = if run.starved { " (this machine was starved)" } else { "" };
        out!("run {}: UNKNOWN{starved}: {}", run.number, clause(run));
    }
    for remark in &night.remarks {
        match remark.run {
            Some(run) => out!("run {run}: {}", remark.text),
            None => out!("{}", remark.text),
        }
    }
    for line in night.comparison.iter().flat_map(Comparison::lines) {
        out!("{line}");
    }
    if let Some(why) = &night.ended {
        out!("{why}");
    }
    if night.state == State::Interrupted && night.shard.is_none() {
        out!("goes on with: stormproof nightly --output {}", quoted(folder));
    }
    out!("{folder}/night.json");
}
