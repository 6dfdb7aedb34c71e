//! The way into a lab: this program, started again.

use std::process::ExitStatus;

use anyhow::{Context, Result};
use engines::doctor::try_namespace_lab;
use engines::process_tree::{Lab, relaunch};

use crate::plan::LabChoice;
use crate::printing::err;

/// Starts this program again as the controller of a lab, and waits until it has ended.
///
/// # Errors
/// When the lab that was asked for cannot be had.
pub fn enter(choice: LabChoice) -> Result<ExitStatus> {
    let loopback = || relaunch(Lab::Loopback).context("cannot start the loopback lab");
    match choice {
        LabChoice::Loopback => loopback(),
        // What is started here is only the controller; it is watched over in the same way.
        LabChoice::None => loopback(),
        LabChoice::Netns => relaunch(Lab::Namespaces)
            .context("cannot make namespaces (stormproof doctor says more)"),
        // Namespaces may be had without links between them, which is known only inside; so it is
        // tried before, while there is still a choice.
        LabChoice::Auto => match try_namespace_lab() {
            Ok(()) => relaunch(Lab::Namespaces).context("cannot make namespaces a second time"),
            Err(why) => {
                err!("no hosts of their own for the nodes here: {why}");
                loopback()
            }
        },
    }
}
