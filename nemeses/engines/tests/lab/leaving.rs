//! Controllers that make what outlives processes, killed at random.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use faults::host::Host;
use nix::mount::{MntFlags, MsFlags, mount, umount2};
use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};
use stormproof_engines::LocalHost;
use stormproof_engines::journal::Journal;
use stormproof_engines::leftovers::Leftover;
use stormproof_engines::process_tree::Lab;

use crate::CLEAN;
use crate::inside::{own_namespaces, shell};
use crate::tests::Ran;
use crate::watching::{
    NOTHING_LEFT_WITHIN, Namespaces, User, Watched, is_this_program, kill, parent, scratch,
};

/// Kills in each lab; a hundred in both.
const KILLS: u32 = 50;
/// Each falls this long after the start, at the most: by then two nodes run and are limited, and
/// mounts and loop devices come and go.
const LATEST_KILL: Duration = Duration::from_millis(450);
/// The variable that names the directory of the journals of these tests.
const STATE: &str = "XDG_STATE_HOME";

/// Limits two nodes, mounts and attaches, and undoes it again, until it is killed.
pub fn leave(lab: Lab, directory: &Path) {
    let journal = Journal::open().expect("there is a place for a journal");
    let mut host = LocalHost::new(None, Arc::new(|_: &str, _| {})).expect("threads start");
    let nodes: BTreeSet<_> = ["n1", "n2"].map(str::to_owned).into();
    for node in &nodes {
        let log_path = "/dev/null".into();
        let spec = shell(node, "while :; do :; done", &std::env::temp_dir());
        host.add_node(stormproof_engines::node_process::NodeSpec { log_path, ..spec });
    }
    assert!(host.start(&nodes).values().all(Result::is_ok));
    let both: BTreeMap<_, _> = nodes.iter().map(|node| (node.clone(), 5.0)).collect();
    let seen = host.limit_cpu(&both);
    assert!(seen.values().all(Result::is_ok), "{seen:?}");
    println!("{}", own_namespaces(lab));
    let name = format!("stormproof-{}", journal.owner());
    let point = directory.join("point");
    let image = directory.join(format!("{name}.image"));
    fs::create_dir_all(&point).expect("the directory is ours");
    File::create(&image).and_then(|file| file.set_len(1 << 20)).expect("the directory is ours");
    loop {
        let mounted = journal.intend(Leftover::Mount { path: point.clone() });
        let mounted = mounted.expect("the journal can be written");
        let none = None::<&str>;
        mount(Some(name.as_str()), &point, Some("tmpfs"), MsFlags::empty(), none)
            .expect("root can mount");
        let attached = journal.intend(Leftover::LoopDevice { image: image.clone() });
        let attached = attached.expect("the journal can be written");
        let losetup = Command::new("losetup").args(["--find", "--show"]).arg(&image).output();
        let losetup = losetup.expect("losetup is there");
        assert!(losetup.status.success(), "{losetup:?}");
        let device = String::from_utf8(losetup.stdout).expect("a path");
        host.limit_cpu(&BTreeMap::new());
        host.limit_cpu(&both);
        let detached = Command::new("losetup").arg("--detach").arg(device.trim()).status();
        assert!(detached.expect("losetup is there").success());
        journal.done(attached);
        umount2(&point, MntFlags::empty()).expect("it is not in use");
        journal.done(mounted);
    }
}

/// The cgroups whose names begin so.
pub fn cgroups(prefix: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut unseen = vec![PathBuf::from("/sys/fs/cgroup")];
    while let Some(directory) = unseen.pop() {
        for entry in fs::read_dir(&directory).into_iter().flatten().flatten() {
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                if entry.file_name().to_string_lossy().starts_with(prefix) {
                    found.push(entry.path());
                }
                unseen.push(entry.path());
            }
        }
    }
    found
}

/// The reason for which the tests here cannot be run.
fn lacking(user: User) -> Option<&'static str> {
    if user != User::Same {
        return Some("it takes root to make what outlives processes");
    }
    if !nix::unistd::geteuid().is_root() {
        return Some("root alone can mount in the machine's view");
    }
    let works = |program: &str, arguments: &[&str]| {
        let output = Command::new(program).args(arguments).output();
        output.is_ok_and(|output| output.status.success())
    };
    if !works("losetup", &["--find"]) {
        return Some("no loop device can be had");
    }
    None
}

/// One lab of these tests, with a directory of its own for everything.
struct Leaving {
    directory: PathBuf,
    watched: Watched,
}

impl Leaving {
    fn start(lab: Lab, name: &str) -> Self {
        let directory = scratch().join(name);
        fs::create_dir(&directory).expect("the directory is new");
        let path = directory.to_str().expect("the temporary directory has a plain name");
        let state = directory.join("state");
        let state = [(STATE, state.as_os_str())];
        let watched = Watched::start_with(User::Same, lab, &["leave", path], &state);
        Self { directory, watched }
    }

    /// Everything that is left of it in the machine's view, besides processes and its journal.
    fn left(&self) -> Vec<String> {
        let directory = self.directory.to_str().expect("it was one");
        let mut left: Vec<_> = cgroups(&format!("stormproof-{}-", self.watched.outer_pid()))
            .iter()
            .map(|path| path.display().to_string())
            .collect();
        let mounts = fs::read_to_string("/proc/self/mounts").expect("/proc is there");
        left.extend(mounts.lines().filter(|line| line.contains(directory)).map(str::to_owned));
        for entry in fs::read_dir("/sys/block").expect("/sys is there").flatten() {
            let backing = fs::read_to_string(entry.path().join("loop/backing_file"));
            left.extend(backing.ok().filter(|file| file.contains(directory)));
        }
        left
    }

    /// The output of `doctor --clean`: everything that it removed.
    fn clean(&self) -> String {
        let own = std::env::current_exe().expect("this program has a path");
        let output = Command::new(own).arg(CLEAN).env(STATE, self.directory.join("state")).output();
        let output = output.expect("this program starts");
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).expect("names of ours are plain")
    }

    fn journals(&self) -> usize {
        let directory = self.directory.join("state/stormproof/journal");
        fs::read_dir(directory).map_or(0, Iterator::count)
    }

    /// Outer process, guard and controller, as far as they are there.
    fn tree(&self) -> Vec<i32> {
        let processes = self.watched.processes();
        let outer = self.watched.outer_pid();
        let mut tree: Vec<_> = processes.contains(&outer).then_some(outer).into_iter().collect();
        while let Some(last) = tree.last().filter(|_| tree.len() < 3) {
            let child = |pid: &&i32| parent(**pid) == Some(*last) && is_this_program(**pid);
            let Some(child) = processes.iter().find(child) else { break };
            tree.push(*child);
        }
        tree
    }
}

/// Kills any of outer process, guard and controller, or all, at any moment from the first on.
pub fn killed_at_random(user: User, lab: Lab) -> Ran {
    if let Some(why) = lacking(user) {
        return Ran::Skipped(why.to_owned());
    }
    let start = Instant::now();
    let mut random = ChaCha8Rng::seed_from_u64(100);
    let mut parts = BTreeMap::new();
    let mut cleaned = 0;
    for number in 0..KILLS {
        let mut leaving = Leaving::start(lab, &format!("killed {lab} {number}"));
        std::thread::sleep(LATEST_KILL.mul_f64(random.random::<f64>()));
        let tree = leaving.tree();
        assert!(!tree.is_empty(), "it ended by itself: {:?}", leaving.watched.narrate());
        let namespaces = Namespaces::of(leaving.watched.processes());
        let chosen = random.random_range(0..=tree.len());
        let part = match tree.get(chosen) {
            Some(pid) => {
                kill(*pid, 9);
                ["outer process", "guard", "controller"][chosen]
            }
            None => {
                let pids = tree.iter().map(i32::to_string);
                let killed = Command::new("kill").arg("-9").args(pids).status();
                assert!(killed.is_ok(), "there is such a program");
                "all of them at once"
            }
        };
        *parts.entry(part).or_insert(0) += 1;
        leaving.watched.time_until_nothing_left();
        // Where a process is left to do it, it is done unasked.
        let all_died = match part {
            "outer process" => lab == Lab::Namespaces,
            part => part == "all of them at once",
        };
        let killed = Instant::now();
        while !all_died && !leaving.left().is_empty() {
            assert!(killed.elapsed() < NOTHING_LEFT_WITHIN, "{part}: {:?}", leaving.left());
            std::thread::sleep(Duration::from_millis(5));
        }
        let mut removed = leaving.clean();
        // A process that is dying just now holds its journal still.
        while !leaving.left().is_empty() || leaving.journals() > 0 {
            let (left, journals) = (leaving.left(), leaving.journals());
            let late = killed.elapsed() > NOTHING_LEFT_WITHIN;
            assert!(!late, "kill {number}, of the {part}: {left:?}, {journals} journals");
            removed += &leaving.clean();
        }
        cleaned += usize::from(!removed.is_empty());
        assert!(!namespaces.are_in_use(), "a namespace is left");
    }
    let took = start.elapsed();
    println!(
        "    {lab}: {KILLS} kills in {took:.1?}, of {parts:?}; {cleaned} left work for doctor"
    );
    Ran::Yes
}

/// Only leftovers that are not in use are removed.
pub fn running_left_alone(user: User, lab: Lab) -> Ran {
    if let Some(why) = lacking(user) {
        return Ran::Skipped(why.to_owned());
    }
    let mut leaving = Leaving::start(lab, &format!("alone {lab}"));
    let line = leaving.watched.line();
    assert!(line.is_some(), "it limits nodes: {:?}", leaving.watched.narrate());
    let prefix = format!("stormproof-{}-", leaving.watched.outer_pid());
    let before = cgroups(&prefix);
    assert_eq!(before.len(), 2, "one for each node: {before:?}");
    assert_eq!(leaving.clean(), "");
    assert_eq!(cgroups(&prefix), before);
    assert_eq!(leaving.journals(), 1);
    // Its name alone protects it as well, and it still undoes everything at its end.
    fs::remove_dir_all(leaving.directory.join("state")).expect("it is there");
    assert_eq!(leaving.clean(), "");
    assert_eq!(cgroups(&prefix), before);
    kill(leaving.watched.outer_pid(), 15);
    leaving.watched.time_until_nothing_left();
    assert_eq!(leaving.left(), Vec::<String>::new());
    Ran::Yes
}
