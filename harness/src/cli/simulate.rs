//! `stormproof simulate`: the bundled cluster in simulated time, from many seeds.

use std::ops::Range;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::Args;
use cluster::bugs::Bug;
use cluster::core::{ReadMode, UnknownReadMode};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::table::Table;
use crate::exit::{Exit, usage};
use crate::names;
use crate::printing::out;
use crate::simulate::{
    Ended, Only, Settings, Swept, detect, expect_assertions, page, print_failure, print_situations,
    run_seed, sweep,
};
use crate::terminal;

/// The name that stands for every planted bug.
const ALL_BUGS: &str = "all";

#[derive(Debug, Args)]
pub struct Arguments {
    /// The seeds, from the first to the one before the last
    #[arg(long, value_name = "A..B", default_value = "0..10000", value_parser = seeds)]
    seeds: Range<u64>,
    /// The number of nodes [default: each seed draws it]
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=9))]
    nodes: Option<u16>,
    /// The operations of clients, by workload [default: each seed draws it]
    #[arg(long, value_parser = names::workload())]
    workload: Option<String>,
    /// Simulated time under faults [default: each seed draws it]
    #[arg(long, value_name = "DURATION", value_parser = humantime::parse_duration)]
    time_limit: Option<Duration>,
    /// Operations a second from all clients together [default: each seed draws it]
    #[arg(long, value_parser = rate)]
    rate: Option<f64>,
    /// The number of clients [default: each seed draws it]
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=100))]
    concurrency: Option<u16>,
    /// Plant a bug, or each in turn, and print how soon it is found
    #[arg(long, value_parser = bug_names())]
    bug: Option<String>,
    /// With --bug all, look for each bug for so long, five times
    #[arg(long, value_name = "DURATION", default_value = "60s", value_parser = humantime::parse_duration)]
    bug_limit: Duration,
    /// Let all nodes answer reads so: readindex, log, lease or follower [default: each seed draws it]
    #[arg(long, value_name = "WAY", value_parser = reads)]
    reads: Option<ReadMode>,
    /// Let nothing go wrong
    #[arg(long)]
    calm: bool,
    /// Print the table as Markdown
    #[arg(long)]
    markdown: bool,
    /// Print all that happens in a seed that fails
    #[arg(long)]
    trace: bool,
    /// Write a page that plays the elections of the first seed, or of the one that fails, shrunk
    #[arg(long, value_name = "FILE")]
    page: Option<PathBuf>,
}

fn bug_names() -> clap::builder::PossibleValuesParser {
    let names = Bug::ALL.iter().map(|bug| bug.name()).chain([ALL_BUGS]);
    names.collect::<Vec<_>>().into()
}

/// Accepts a range of seeds.
pub fn seeds(text: &str) -> Result<Range<u64>, String> {
    let parsed =
        text.split_once("..").and_then(|(first, end)| Some(first.parse().ok()?..end.parse().ok()?));
    parsed
        .filter(|seeds: &Range<u64>| !seeds.is_empty())
        .ok_or_else(|| "seeds are written 0..1000, which has 0 and not 1000".to_string())
}

/// Accepts a way of reading that keeps what the checker looks for.
fn reads(text: &str) -> Result<ReadMode, String> {
    match text.parse() {
        Ok(ReadMode::Stale) => Err("stale reads promise nothing that could be judged".to_string()),
        parsed => parsed.map_err(|unknown: UnknownReadMode| unknown.to_string()),
    }
}

fn rate(text: &str) -> Result<f64, String> {
    let rate = text.parse().ok().filter(|rate: &f64| (0.1..=100_000.0).contains(rate));
    rate.ok_or_else(|| "the rate is 0.1 to 100000 operations a second".to_string())
}

pub fn main(arguments: Arguments) -> Result<Exit> {
    expect_assertions();
    let workload = arguments.workload.as_deref().and_then(workloads::find);
    let mut settings = Settings {
        nodes: arguments.nodes.map(usize::from),
        workload,
        load: arguments.time_limit,
        rate: arguments.rate,
        clients: arguments.concurrency.map(usize::from),
        bug: None,
        reads: arguments.reads,
        calm: arguments.calm,
    };
    match arguments.bug.as_deref() {
        Some(ALL_BUGS) => return table(&arguments, &settings),
        Some(name) => settings.bug = Some(name.parse().map_err(|_| usage("no such bug"))?),
        None => {}
    }
    let swept = with_bar(&arguments.seeds, |progress| {
        sweep(arguments.seeds.clone(), &settings, None, progress)
    });
    summarise(&swept);
    if let Some((seed, violation)) = &swept.failed {
        let command = command(&arguments, *seed);
        let ended = print_failure(*seed, violation, &settings, arguments.trace, &command);
        write_page(&arguments, &ended, &command)?;
        return Ok(Exit::Invalid);
    }
    if arguments.page.is_some() {
        let seed = arguments.seeds.start;
        let ended = run_seed(seed, &settings, &Only::default(), true);
        write_page(&arguments, &ended, &command(&arguments, seed))?;
    }
    print_situations(&swept.situations);
    Ok(if swept.unknown > 0 { Exit::Unknown } else { Exit::Valid })
}

/// Writes the page of a seed, if it is wanted.
fn write_page(arguments: &Arguments, ended: &Ended, command: &str) -> Result<()> {
    let Some(path) = &arguments.page else { return Ok(()) };
    let written = std::fs::write(path, page(ended, command));
    written.with_context(|| format!("cannot write {}", path.display()))?;
    out!("its elections: {}", path.display());
    Ok(())
}

/// Runs with a bar, if the terminal can show one.
fn with_bar(seeds: &Range<u64>, run: impl FnOnce(&(dyn Fn(u64) + Sync)) -> Swept) -> Swept {
    let bar = terminal::moves().then(|| {
        let target = ProgressDrawTarget::stderr_with_hz(5);
        let bar = ProgressBar::with_draw_target(Some(seeds.end - seeds.start), target);
        let style = ProgressStyle::with_template("{bar:24} {pos}/{len} seeds · {per_sec} · {eta}");
        bar.set_style(style.expect("the template is a constant"));
        bar
    });
    let swept = run(&|ended| {
        if let Some(bar) = &bar {
            bar.set_position(ended);
        }
    });
    if let Some(bar) = bar {
        bar.finish_and_clear();
    }
    swept
}

fn summarise(swept: &Swept) {
    let seconds = swept.took.as_secs_f64();
    out!(
        "{} seeds in {seconds:.2} s ({:.0} a second): {:.0} simulated seconds, {} operations answered{}",
        swept.seeds,
        swept.seeds as f64 / seconds,
        swept.simulated.as_secs_f64(),
        swept.answered,
        match swept.unknown {
            0 => String::new(),
            unknown => format!("; {unknown} that the checker could not judge within its budget"),
        }
    );
}

/// The command that brings a seed back.
fn command(arguments: &Arguments, seed: u64) -> String {
    let mut words = vec![format!("stormproof simulate --seeds {seed}..{}", seed + 1)];
    let mut flag = |name: &str, value: Option<String>| {
        words.extend(value.map(|value| format!("--{name} {value}")));
    };
    flag("nodes", arguments.nodes.map(|it| it.to_string()));
    flag("workload", arguments.workload.clone());
    let text = |time| humantime::format_duration(time).to_string().replace(' ', "");
    flag("time-limit", arguments.time_limit.map(text));
    flag("rate", arguments.rate.map(|it| it.to_string()));
    flag("concurrency", arguments.concurrency.map(|it| it.to_string()));
    flag("reads", arguments.reads.map(|it| it.to_string()));
    flag("bug", arguments.bug.clone());
    if arguments.calm {
        words.push("--calm".into());
    }
    words.join(" ")
}

/// The detection table: every planted bug, and the correct core for comparison.
fn table(arguments: &Arguments, settings: &Settings) -> Result<Exit> {
    let table = Table {
        heads: ["bug", "found", "by", "seeds", "seconds"],
        widths: [24, 11, 34, 22, 20],
        markdown: arguments.markdown,
    };
    table.head();
    let mut missed = false;
    for bug in Bug::ALL {
        let detection = detect(bug, settings, arguments.seeds.start, arguments.bug_limit);
        missed |= detection.median().is_none();
        table.row(&detection.cells());
    }
    let correct = with_bar(&arguments.seeds, |progress| {
        sweep(arguments.seeds.clone(), settings, None, progress)
    });
    let alarm = correct.failed.as_ref().map(|(seed, it)| format!("{}, seed {seed}", it.property));
    table.row(&[
        "none planted".into(),
        if alarm.is_some() { "false alarm" } else { "no alarm" }.into(),
        alarm.unwrap_or_default(),
        correct.seeds.to_string(),
        format!("{:.2}", correct.took.as_secs_f64()),
    ]);
    Ok(if missed || correct.failed.is_some() { Exit::Invalid } else { Exit::Valid })
}
