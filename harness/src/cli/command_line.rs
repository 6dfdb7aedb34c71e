//! The command line: its commands, and the exit code that each comes to.

use std::ffi::OsString;

use clap::{CommandFactory, Parser, Subcommand};

use super::{
    bisect, catalogue, check, doctor, exercise, experiment, explain, explore, export, list, merge,
    nightly, node, plan, replay, report, run, serve, shrink, simulate, target, up,
};
use crate::exit::{self, Exit};
use crate::printing::err;
use crate::testing::place;

const EXIT_CODES: &str = "\
Exit codes: 0 valid · 1 invalid · 2 unknown · 3 harness failure · 64 wrong usage · 65 unreadable input";

/// Does a replicated service keep its promises when the machines and the network do not?
///
/// stormproof starts a real cluster, drives real clients, injects real faults, records every
/// operation and checks that the history is linearizable. `stormproof run` with no flags tests
/// the bundled Raft cluster for a minute.
#[derive(Debug, Parser)]
#[command(name = "stormproof", version, after_help = EXIT_CODES, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Test a service: start it, inject faults, judge it, write the report
    Run(run::Arguments),
    /// Judge a history, or a saved run again
    Check(check::Arguments),
    /// Write the operations that contradict each other as a history of their own, or, with
    /// --schedule, the few faults that lead there as a plan
    Shrink(shrink::Arguments),
    /// Print the faults that a run with these flags would inject
    Plan(plan::Arguments),
    /// Carry out the plan of a saved run again, once or many times
    Replay(replay::Arguments),
    /// Find the version of a service in which a failure came, or went
    Bisect(bisect::Arguments),
    /// Set saved runs that failed apart from saved runs that did not
    Explain(explain::Arguments),
    /// Make many runs of targets, workloads, profiles and seeds, in a time
    Nightly(nightly::Arguments),
    /// Join the shards of a night to the one that a single machine would have made
    Merge(merge::Arguments),
    /// Try out a target, such as one that a manifest describes, before testing it
    Target(target::Arguments),
    /// Write the report of a saved run again, or the index of a folder of nights and runs
    Report(report::Arguments),
    /// Write a history in the form of another tool
    Export(export::Arguments),
    /// Show results in a browser: nights, runs, two runs side by side, the run that goes on
    Serve(serve::Arguments),
    /// Explore every interleaving of the bundled core within bounds
    Explore(explore::Arguments),
    /// Try what this machine can do, and say what each missing thing costs
    Doctor(doctor::Arguments),
    /// Look for the planted bugs in real runs, and say how often each is caught
    Catalogue(catalogue::Arguments),
    /// Measure a claim about Raft on real processes, and say if it holds
    Experiment(experiment::Arguments),
    /// Solve a task about Raft: write faults until an effect shows, and have the run checked
    Exercise(exercise::Arguments),
    /// List what a flag can be given
    List(list::Arguments),
    /// Test the bundled cluster in simulated time, from many seeds
    Simulate(simulate::Arguments),
    /// Run the bundled cluster on loopback ports, to play with by curl
    Up(up::Arguments),
    /// Run one node of the bundled cluster
    Node(node::Arguments),
    /// Panic, so that a test can see what comes of it
    #[command(hide = true)]
    Panic,
}

/// The commands and flags, as clap knows them.
pub fn grammar() -> clap::Command {
    Cli::command()
}

/// Runs the command line and returns how it ended. Errors have been printed by then.
///
/// # Panics
/// When [`crate::dispatch`] was not called first in `main`.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> Exit {
    let place = place();
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(error) => {
            // Nothing is left to do if the terminal is gone.
            let _ = error.print();
            return if error.use_stderr() { Exit::Usage } else { Exit::Valid };
        }
    };
    let ended = match cli.command {
        Command::Run(arguments) => run::main(place, arguments),
        Command::Check(arguments) => check::main(arguments),
        Command::Shrink(arguments) => shrink::main(arguments),
        Command::Plan(arguments) => plan::main(arguments),
        Command::Replay(arguments) => replay::main(place, arguments),
        Command::Bisect(arguments) => bisect::main(arguments),
        Command::Explain(arguments) => explain::main(arguments),
        Command::Nightly(arguments) => nightly::main(arguments),
        Command::Merge(arguments) => merge::main(arguments),
        Command::Target(arguments) => target::main(place, arguments),
        Command::Report(arguments) => report::main(arguments),
        Command::Export(arguments) => export::main(arguments),
        Command::Serve(arguments) => serve::main(arguments),
        Command::Explore(arguments) => explore::main(arguments),
        Command::Doctor(arguments) => doctor::main(arguments),
        Command::Catalogue(arguments) => catalogue::main(arguments),
        Command::Experiment(arguments) => experiment::main(arguments),
        Command::Exercise(arguments) => exercise::main(arguments),
        Command::List(arguments) => list::main(arguments),
        Command::Simulate(arguments) => simulate::main(arguments),
        Command::Up(arguments) => up::main(place, arguments),
        Command::Node(arguments) => node::main(arguments),
        Command::Panic => panic!("asked for"),
    };
    ended.unwrap_or_else(|error| {
        err!("stormproof: {error:#}");
        exit::of_error(&error)
    })
}
