//! Any process of a run may be killed, and nothing of the run is left.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::background::{Running, all_processes, is_alive, network_namespaces, signal};
use crate::common::{run, scratch};
use crate::support::{has_namespaces, plan_file};
use crate::turn::turn;

/// The time within which a process of a killed run must have ended. It takes milliseconds on a
/// machine with nothing else to do.
const PATIENCE: Duration = Duration::from_secs(20);

/// Kills one process of the tree (0 the outer one, 1 the guard, 2 the controller) in the middle of
/// a run whose nodes have disks and clocks of their own and limits of their processors; soon
/// nothing may be left that lives, and after a clean-up nothing at all.
fn assert_nothing_survives(lab: &str) {
    let plan = plan_for(lab);
    for victim in 0..3 {
        let mounts = || std::fs::read_to_string("/proc/self/mountinfo").expect("Linux");
        let name = format!("killed-{lab}-{victim}");
        let mut running = Running::start(&name, &["--plan", &plan.display().to_string()]);
        let injected = |history: &str| history.matches(r#""stage":"inject""#).count();
        // Each fault is told of before and after.
        running.wait_for("every fault", |history| injected(history) >= 2 * 4);
        let tree = running.tree();
        assert!(tree.len() >= 3 + 5, "outer, guard, controller and five nodes, not {tree:?}");
        let namespaces = network_namespaces(tree.iter().copied());
        assert_eq!(namespaces.is_empty(), lab == "loopback", "{lab}: {namespaces:?}");
        signal(tree[victim], "KILL");
        let alive = || -> Vec<i32> {
            tree.iter().copied().filter(|&pid| pid != tree[0] && is_alive(pid)).collect()
        };
        let (killed, mut left) = (Instant::now(), alive());
        while !left.is_empty() && killed.elapsed() < PATIENCE {
            std::thread::sleep(Duration::from_millis(50));
            left = alive();
        }
        assert!(left.is_empty(), "{lab}: after the death of {victim}, {left:?} of {tree:?} live");
        running.child.wait().expect("it is dead");
        run(&["doctor", "--clean"]).exits(0);
        let ours = format!("stormproof-{}-", tree[0]);
        let results = running.results.display().to_string();
        let is_ours = |line: &&str| line.contains(&ours) || line.contains(&results);
        let left: Vec<_> = mounts().lines().filter(is_ours).map(str::to_owned).collect();
        assert!(left.is_empty(), "{lab}: mounts {left:?} are left");
        let left = directories_named(Path::new("/sys/fs/cgroup"), &ours);
        assert!(left.is_empty(), "{lab}: cgroups {left:?} are left");
        let left = network_namespaces(all_processes());
        let left: Vec<_> = left.keys().filter(|name| namespaces.contains_key(*name)).collect();
        assert!(left.is_empty(), "{lab}: namespaces {left:?} are left");
        let history = std::fs::read_to_string(running.results.join("latest/history.jsonl"));
        assert!(!history.expect("what was recorded is kept").is_empty());
    }
}

/// The plan of faults that leave the most behind, for one lab.
fn plan_for(lab: &str) -> PathBuf {
    let plan = std::fs::read_to_string(plan_file("long-faults.toml")).expect("it stands there");
    let path = scratch(&format!("long-faults-{lab}")).join("plan.toml");
    let plan = plan.replace(r#"lab = "auto""#, &format!("lab = {lab:?}"));
    std::fs::write(&path, plan).expect("a scratch file can be written");
    path
}

fn directories_named(base: &Path, beginning: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(base).into_iter().flatten().flatten();
    let directories = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
    directories
        .flat_map(|entry| {
            if entry.file_name().to_string_lossy().starts_with(beginning) {
                vec![entry.path()]
            } else {
                directories_named(&entry.path(), beginning)
            }
        })
        .collect()
}

#[test]
fn nothing_survives_a_kill_of_any_process_in_the_namespace_lab() {
    let _turn = turn();
    if has_namespaces() {
        assert_nothing_survives("netns");
    }
}

#[test]
fn nothing_survives_a_kill_of_any_process_in_the_loopback_lab() {
    let _turn = turn();
    assert_nothing_survives("loopback");
}
