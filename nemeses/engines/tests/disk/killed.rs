//! A controller that is killed leaves a dead mount where it had no namespace of its own. The
//! journal tells of it.
//!
//! This program is test, controller and `doctor` in one: the latter two are the ignored tests
//! below.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use stormproof_engines::disk::Disk;
use stormproof_engines::leftovers;

use crate::support::{Scratch, own_mounts, skip};

/// The directory at which the helpers mount.
const PLACE: &str = "STORMPROOF_TEST_PLACE";

/// A helper, with a journal that no other run knows of. What it prints is heard.
fn helper(name: &str, scratch: &Scratch) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args([&format!("killed::{name}"), "--exact", "--ignored", "--nocapture"]);
    command.env(PLACE, scratch.path().join("disk"));
    command.env("XDG_STATE_HOME", scratch.path().join("state"));
    command.stdin(Stdio::null()).stdout(Stdio::piped());
    command
}

fn place() -> PathBuf {
    std::env::var_os(PLACE).expect("the test starts its helpers with a place").into()
}

#[test]
#[ignore = "a helper of the test below"]
fn hold_a_disk() {
    match Disk::mount(&place(), 1) {
        Ok(_held) => {
            println!("\nmounted");
            loop {
                std::thread::park();
            }
        }
        Err(error) => println!("\nnot mounted: {error}"),
    }
}

#[test]
#[ignore = "a helper of the test below"]
fn look_for_leftovers() {
    leftovers::find().iter().for_each(|found| println!("\nfound {found}"));
}

#[test]
fn the_mount_of_a_killed_controller_is_found_by_its_journal() {
    if !own_mounts() {
        return;
    }
    let scratch = Scratch::new("killed");
    let ours = scratch.path().join("disk").display().to_string();
    let look = || {
        let output = helper("look_for_leftovers", &scratch).output().unwrap();
        let told = String::from_utf8(output.stdout).unwrap();
        told.lines()
            .find(|line| line.starts_with("found") && line.contains(&ours))
            .map(String::from)
    };
    let mut holder = helper("hold_a_disk", &scratch).spawn().unwrap();
    let lines = BufReader::new(holder.stdout.take().unwrap()).lines();
    let told = lines.map(Result::unwrap).find(|line| line.contains("mounted")).unwrap();
    if told != "mounted" {
        holder.wait().unwrap();
        return skip(&told);
    }
    let while_it_lives = look();
    holder.kill().unwrap();
    holder.wait().unwrap();
    let afterwards = look();
    // Before any assertion, so that the directory is removed also when one fails.
    nix::mount::umount2(ours.as_str(), nix::mount::MntFlags::MNT_DETACH).unwrap();
    assert_eq!(while_it_lives, None, "it belongs to a run that goes on");
    let afterwards = afterwards.expect("it is not in use any more");
    assert!(afterwards.contains(&holder.id().to_string()), "{afterwards}");
}
