//! Processes as `/proc` shows them.

use std::collections::BTreeSet;
use std::fs;

/// The fields of `/proc/PID/stat` (`proc(5)`) that we read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Stat {
    /// `R`unning, `S`leeping, `D`isk sleep, `T` stopped, `t` traced, `Z`ombie, `X` dead.
    pub(super) state: char,
    /// The parent.
    pub(super) parent: i32,
    /// The process group.
    pub(super) group: i32,
    /// When it was started, in clock ticks since the machine was. With the process id it
    /// distinguishes this process from any other that had the same id before or has it later.
    pub(super) started: u64,
}

impl Stat {
    /// Reads a line of `/proc/PID/stat`. The name, in parentheses, may hold anything, parentheses
    /// and spaces included, so the fields are counted from the last closing one.
    fn parse(line: &str) -> Option<Self> {
        let (_, fields) = line.rsplit_once(')')?;
        let mut fields = fields.split_ascii_whitespace();
        let state = fields.next()?.chars().next()?;
        let parent = fields.next()?.parse().ok()?;
        let group = fields.next()?.parse().ok()?;
        let started = fields.nth(16)?.parse().ok()?;
        Some(Self { state, parent, group, started })
    }

    /// Reads that of a process; none when it is gone.
    pub(super) fn of(pid: i32) -> Option<Self> {
        Self::parse(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
    }

    /// The kernel's flags of the task, the sixth field behind the name and the state.
    fn flags(line: &str) -> Option<u32> {
        let (_, fields) = line.rsplit_once(')')?;
        fields.split_ascii_whitespace().nth(6)?.parse().ok()
    }

    /// Returns whether only its entry in the table of processes is left.
    pub(super) fn is_dead(&self) -> bool {
        matches!(self.state, 'Z' | 'X')
    }
}

/// The numbers that a directory of `/proc` lists: processes, or threads of one.
fn numbers(directory: &str) -> impl Iterator<Item = i32> + use<> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

/// Processes may end while we look, so processes that cannot be read are left out.
pub(super) fn processes() -> impl Iterator<Item = (i32, Stat)> {
    numbers("/proc").filter_map(|pid| Some((pid, Stat::of(pid)?)))
}

/// The children of a process, dead ones that were not waited for included.
pub(super) fn children(parent: i32) -> BTreeSet<i32> {
    processes().filter(|(_, stat)| stat.parent == parent).map(|(pid, _)| pid).collect()
}

/// The living members of a process group.
pub(super) fn group_members(group: i32) -> BTreeSet<i32> {
    let members = processes().filter(|(_, stat)| stat.group == group && !stat.is_dead());
    members.map(|(pid, _)| pid).collect()
}

/// The threads of a process and their states; none when it is gone.
pub(super) fn thread_states(pid: i32) -> Vec<(i32, char)> {
    let threads = numbers(&format!("/proc/{pid}/task"));
    threads.filter_map(|thread| Some((thread, thread_stat(pid, thread)?.state))).collect()
}

/// The threads of a process that are not dead.
pub(super) fn living_threads(pid: i32) -> Vec<i32> {
    let alive = |thread: &i32| thread_stat(pid, *thread).is_some_and(|stat| !stat.is_dead());
    numbers(&format!("/proc/{pid}/task")).filter(alive).collect()
}

/// Returns whether a thread is gone or about to be, so that it cannot be traced any more.
pub(super) fn is_ending(pid: i32, thread: i32) -> bool {
    /// `PF_EXITING` of the kernel's `sched.h`.
    const EXITING: u32 = 0x4;
    let Some(line) = thread_line(pid, thread) else { return true };
    Stat::parse(&line).is_none_or(|stat| stat.is_dead())
        || Stat::flags(&line).is_none_or(|flags| flags & EXITING != 0)
}

fn thread_line(pid: i32, thread: i32) -> Option<String> {
    fs::read_to_string(format!("/proc/{pid}/task/{thread}/stat")).ok()
}

fn thread_stat(pid: i32, thread: i32) -> Option<Stat> {
    Stat::parse(&thread_line(pid, thread)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_may_hold_spaces_and_parentheses() {
        let line = "42 (a) Z (b) S 7 9 9 0 -1 4194304 120 0 1 0 2 3 4 5 20 0 1 0 8471 2461696 199";
        let stat = Stat::parse(line).unwrap();
        assert_eq!(stat, Stat { state: 'S', parent: 7, group: 9, started: 8471 });
        assert_eq!(Stat::parse("42 (torn"), None);
        assert_eq!(Stat::parse("42 (torn) S"), None);
    }

    #[test]
    fn this_process_is_among_the_children_of_its_parent() {
        let own = std::process::id() as i32;
        let parent = nix::unistd::getppid().as_raw();
        assert!(children(parent).contains(&own));
        assert!(!thread_states(own).is_empty());
        assert!(thread_states(i32::MAX).is_empty());
    }
}
