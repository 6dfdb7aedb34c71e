//! The quota of a cgroup, of version 1 (`cpu.cfs_quota_us`) or 2 (`cpu.max`).

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use nix::errno::Errno;

use crate::journal::{Journal, Ticket};
use crate::leftovers::{Leftover, PREFIX, remove_cgroup};
use crate::mounts::mounts;
use crate::node_process::NodeProcess;
use crate::proc;
use faults::host::CpuSeen;

/// The period in which a process gets its share, unless the share is too small: the shorter, the
/// more evenly slow. The kernel takes a millisecond at least, and gives no share of less than one.
const PERIOD_US: f64 = 10_000.0;
/// The smallest share of a period.
const LEAST_QUOTA_US: f64 = 1_000.0;
/// The smallest share that the kernel can give: a millisecond in a second.
pub(super) const LEAST_PERCENT: f64 = 0.1;
/// A process that forks while it is moved leaves a child behind, which is moved next. One that
/// forks faster than this is not held.
const MOVES: u32 = 20;

/// A place in which cgroups can be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Hierarchy {
    version: Version,
    /// The cgroup in which ours are made.
    base: PathBuf,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Version {
    One,
    Two,
}

impl Hierarchy {
    /// The one of version 1 that has the controller, at our own cgroup.
    pub(super) fn find_v1() -> Result<Self, String> {
        let mounts = mounts().map_err(|error| error.to_string())?;
        let mounted = |mount: &&_| is_v1_cpu(mount);
        let mount = mounts.iter().find(mounted).ok_or("the cpu controller is not mounted")?;
        let own = own_cgroup(|controllers| controllers.split(',').any(|one| one == "cpu"))?;
        let base = below(&mount.point, &mount.root, &own);
        Ok(Self { version: Version::One, base })
    }

    /// The one of version 2, at the nearest ancestor that gives the controller to its children.
    pub(super) fn find_v2() -> Result<Self, String> {
        let mounts = mounts().map_err(|error| error.to_string())?;
        let mount = mounts.iter().find(|mount| mount.kind == "cgroup2");
        let mount = mount.ok_or("no hierarchy of version 2 is mounted")?;
        let own = below(&mount.point, &mount.root, &own_cgroup(str::is_empty)?);
        let gives = |path: &&Path| {
            let controllers = fs::read_to_string(path.join("cgroup.subtree_control"));
            controllers.is_ok_and(|text| text.split_whitespace().any(|one| one == "cpu"))
        };
        let ancestors = own.ancestors().take_while(|path| path.starts_with(&mount.point));
        let base = ancestors.into_iter().find(gives).map(Path::to_owned);
        let base = base.ok_or("the cpu controller is not delegated to this process's cgroups")?;
        Ok(Self { version: Version::Two, base })
    }
}

fn is_v1_cpu(mount: &crate::mounts::Mount) -> bool {
    mount.kind == "cgroup" && mount.has_option("cpu")
}

/// The path of our own cgroup in the hierarchy with these controllers; version 2 has none.
fn own_cgroup(hierarchy: impl Fn(&str) -> bool) -> Result<PathBuf, String> {
    let text = fs::read_to_string("/proc/self/cgroup").map_err(|error| error.to_string())?;
    let mut lines = text.lines().filter_map(|line| {
        let (_, rest) = line.split_once(':')?;
        rest.split_once(':')
    });
    let own = lines.find(|(controllers, _)| hierarchy(controllers));
    own.map(|(_, path)| path.into()).ok_or_else(|| "/proc/self/cgroup does not name ours".into())
}

/// The path of a cgroup in a mount of the directory `root` of its hierarchy. In a container it
/// may not be seen at all; then the mount itself is what we may use.
fn below(point: &Path, root: &Path, cgroup: &Path) -> PathBuf {
    let path = cgroup.strip_prefix(root).map(|relative| point.join(relative));
    path.ok().filter(|path| path.is_dir()).unwrap_or_else(|| point.to_owned())
}

/// The cgroup of one node, removed when dropped, with the processes in it.
#[derive(Debug)]
pub(super) struct Cgroup {
    version: Version,
    path: PathBuf,
    /// The counts of the kernel when ours began.
    before: CpuSeen,
    journal: Journal,
    ticket: Option<Ticket>,
}

impl Cgroup {
    /// An empty one, without a limit.
    pub(super) fn create(hierarchy: &Hierarchy, journal: &Journal) -> Result<Self, String> {
        static NUMBER: AtomicU32 = AtomicU32::new(1);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        // Two controllers of one outer process, one after the other, number theirs alike, but the
        // second starts when the first one's are gone.
        let path = hierarchy.base.join(format!("{PREFIX}{}-{number}", journal.owner()));
        let ticket = journal.intend(Leftover::Cgroup { path: path.clone() });
        let ticket = ticket.map_err(|error| format!("cannot write the journal: {error}"))?;
        let version = hierarchy.version;
        let before = CpuSeen::default();
        let cgroup = Self { version, path, before, journal: journal.clone(), ticket: Some(ticket) };
        match fs::create_dir(&cgroup.path) {
            Ok(()) => Ok(cgroup),
            Err(error) => Err(naming(&cgroup.path, error)),
        }
    }

    /// Gives its processes together so many percent of a processor.
    pub(super) fn limit(&self, percent: f64) -> Result<(), String> {
        let (quota, period) = quota_and_period(percent);
        match self.version {
            Version::One => {
                // One at a time: the old quota could be too much for the new period.
                self.free()?;
                self.write("cpu.cfs_period_us", &period.to_string())?;
                self.write("cpu.cfs_quota_us", &quota.to_string())
            }
            Version::Two => self.write("cpu.max", &format!("{quota} {period}")),
        }
    }

    /// Gives them as much as there is.
    pub(super) fn free(&self) -> Result<(), String> {
        match self.version {
            Version::One => self.write("cpu.cfs_quota_us", "-1"),
            Version::Two => self.write("cpu.max", "max"),
        }
    }

    /// Moves every process of a node here; what they start later is born here.
    pub(super) fn admit(&self, process: &NodeProcess) -> Result<(), String> {
        let procs = self.path.join("cgroup.procs");
        for _ in 0..MOVES {
            let here = fs::read_to_string(&procs).map_err(|error| naming(&procs, error))?;
            let here: Vec<i32> = here.lines().filter_map(|line| line.parse().ok()).collect();
            let mut elsewhere = proc::group_members(process.pid() as i32);
            elsewhere.retain(|pid| !here.contains(pid));
            if elsewhere.is_empty() {
                return Ok(());
            }
            for pid in elsewhere {
                match overwrite(&procs, &pid.to_string()) {
                    // It ended meanwhile.
                    Err(error) if error.raw_os_error() == Some(Errno::ESRCH as i32) => {}
                    moved => moved.map_err(|error| naming(&procs, error))?,
                }
            }
        }
        Err("it starts processes faster than they can be moved to a cgroup".to_owned())
    }

    /// Counts from now on.
    pub(super) fn count_anew(&mut self) -> Result<(), String> {
        self.before = self.counted()?;
        Ok(())
    }

    /// The counts since then.
    pub(super) fn seen(&self) -> Result<CpuSeen, String> {
        let now = self.counted()?;
        Ok(CpuSeen {
            throttled: now.throttled.saturating_sub(self.before.throttled),
            throttled_ms: (now.throttled_ms - self.before.throttled_ms).max(0.0),
        })
    }

    fn counted(&self) -> Result<CpuSeen, String> {
        let path = self.path.join("cpu.stat");
        let text = fs::read_to_string(&path).map_err(|error| naming(&path, error))?;
        parse_stat(&text).ok_or_else(|| format!("{} counts nothing", path.display()))
    }

    fn write(&self, file: &str, text: &str) -> Result<(), String> {
        let path = self.path.join(file);
        overwrite(&path, text).map_err(|error| naming(&path, error))
    }
}

impl Drop for Cgroup {
    fn drop(&mut self) {
        // What cannot be removed stays in the journal.
        if remove_cgroup(&self.path).is_ok()
            && let Some(ticket) = self.ticket.take()
        {
            self.journal.done(ticket);
        }
    }
}

/// In microseconds.
fn quota_and_period(percent: f64) -> (u64, u64) {
    let share = percent / 100.0;
    let quota = (PERIOD_US * share).max(LEAST_QUOTA_US);
    (quota.round() as u64, (quota / share).round() as u64)
}

/// Version 1 counts nanoseconds as `throttled_time`, version 2 microseconds as `throttled_usec`.
fn parse_stat(text: &str) -> Option<CpuSeen> {
    let field = |name: &str| -> Option<u64> {
        let value = |line: &str| line.strip_prefix(name)?.trim_start().parse().ok();
        text.lines().find_map(value)
    };
    let nanoseconds = field("throttled_time ").map(|time| time as f64 / 1e6);
    let throttled_ms = nanoseconds.or_else(|| Some(field("throttled_usec ")? as f64 / 1e3))?;
    Some(CpuSeen { throttled: field("nr_throttled ")?, throttled_ms })
}

/// Writes a file of the kernel's, which must be there.
fn overwrite(path: &Path, text: &str) -> io::Result<()> {
    fs::File::options().write(true).open(path)?.write_all(text.as_bytes())
}

/// An error with the file that it is about.
fn naming(path: &Path, error: io::Error) -> String {
    format!("{}: {error}", path.display())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_period_is_short_unless_the_share_would_be_too_small() {
        assert_eq!(quota_and_period(20.0), (2_000, 10_000));
        assert_eq!(quota_and_period(150.0), (15_000, 10_000));
        assert_eq!(quota_and_period(10.0), (1_000, 10_000));
        assert_eq!(quota_and_period(1.0), (1_000, 100_000));
        // The longest period that the kernel takes is a second.
        assert_eq!(quota_and_period(LEAST_PERCENT), (1_000, 1_000_000));
    }

    /// Limits are written to these files, in a directory that only looks like a cgroup.
    #[test]
    fn each_version_is_told_in_its_own_words() {
        let files = ["cpu.max", "cpu.cfs_quota_us", "cpu.cfs_period_us"];
        let told = [
            (Version::One, ["", "2000", "10000"], ["", "-1", ""]),
            (Version::Two, ["2000 10000", "", ""], ["max", "", ""]),
        ];
        let journal = Journal::open().unwrap();
        for (version, limited, free) in told {
            let hierarchy = Hierarchy { version, base: std::env::temp_dir() };
            let cgroup = Cgroup::create(&hierarchy, &journal).unwrap();
            let paths = files.map(|file| cgroup.path.join(file));
            let read = || paths.clone().map(|path| fs::read_to_string(path).unwrap());
            let empty = || paths.iter().for_each(|path| fs::write(path, "").unwrap());
            empty();
            cgroup.limit(20.0).unwrap();
            assert_eq!(read(), limited, "{version:?}");
            empty();
            cgroup.free().unwrap();
            assert_eq!(read(), free, "{version:?}");
            paths.iter().for_each(|path| fs::remove_file(path).unwrap());
            let path = cgroup.path.clone();
            drop(cgroup);
            assert!(!path.exists());
        }
    }

    #[test]
    fn both_versions_of_the_kernels_counts_are_read() {
        let one = "nr_periods 104\nnr_throttled 103\nthrottled_time 847868215\nnr_bursts 0\n";
        let seen = CpuSeen { throttled: 103, throttled_ms: 847.868215 };
        assert_eq!(parse_stat(one), Some(seen));
        let two = "usage_usec 9\nuser_usec 5\nnr_periods 104\nnr_throttled 103\n\
                   throttled_usec 847868\nburst_usec 0\n";
        let seen = CpuSeen { throttled: 103, throttled_ms: 847.868 };
        assert_eq!(parse_stat(two), Some(seen));
        assert_eq!(parse_stat("usage_usec 9\n"), None, "without the controller");
    }

    #[test]
    fn a_cgroup_is_found_below_what_is_mounted() {
        let point = std::env::temp_dir();
        let directory = point.join(format!("below-{}", std::process::id()));
        fs::create_dir(&directory).unwrap();
        let name = directory.file_name().unwrap();
        assert_eq!(below(&point, Path::new("/"), &Path::new("/").join(name)), directory);
        let inside = Path::new("/docker").join(name);
        assert_eq!(below(&point, Path::new("/docker"), &inside), directory);
        assert_eq!(below(&point, Path::new("/"), Path::new("/not/seen/here")), point);
        fs::remove_dir(&directory).unwrap();
    }
}
