//! A lab as the test runner sees it from outside.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::os::fd::AsRawFd;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use stormproof_engines::process_tree::Lab;

use crate::{NO_LAB, OUTER};

/// The environment variable by whose value every process of a lab is known, however far it went.
const MARK: &str = "STORMPROOF_TEST_MARK";

/// Nothing of a lab may be left this long after any of it was killed.
pub const NOTHING_LEFT_WITHIN: Duration = Duration::from_secs(1);
/// No step of a test takes this long unless it hangs.
pub const HANGS_AFTER: Duration = Duration::from_secs(60);

/// The user that runs the outer process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum User {
    /// The user that runs the tests.
    Same,
    /// `nobody`, by `setpriv`, which takes root.
    Nobody,
    /// Root of a user namespace in which no other namespace may be made, as on a machine that
    /// forbids them.
    Confined,
}

impl User {
    pub const ALL: [Self; 3] = [Self::Same, Self::Nobody, Self::Confined];

    pub fn name(self) -> &'static str {
        match self {
            Self::Same => "as we are",
            Self::Nobody => "as nobody",
            Self::Confined => "confined",
        }
    }

    /// A command that runs `program` as this user.
    pub fn command(self, program: impl AsRef<OsStr>) -> Command {
        let words: &[&str] = match self {
            Self::Same => return Command::new(program),
            Self::Nobody => &["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"],
            Self::Confined => &["unshare", "-Ur", "sh", "-ec", FORBID_NAMESPACES],
        };
        let mut command = Command::new(words[0]);
        command.args(&words[1..]).arg(program);
        command
    }
}

/// The limits are those of the user namespace that writes them.
const FORBID_NAMESPACES: &str = "for kind in user net mnt pid; do \
    echo 0 > /proc/sys/user/max_${kind}_namespaces; done; exec \"$0\" \"$@\"";

/// A lab as seen from outside. Its remaining processes are killed when it is dropped.
pub struct Watched {
    /// Its role, lab and user, in front of each line that it prints.
    title: String,
    mark: String,
    outer: Child,
    output: BufReader<ChildStdout>,
}

impl Watched {
    pub fn start(user: User, lab: Lab, role: &[&str]) -> Self {
        Self::start_with(user, lab, role, &[])
    }

    /// With these in its environment.
    pub fn start_with(user: User, lab: Lab, role: &[&str], environment: &[(&str, &OsStr)]) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let mark = format!("{}-{number}", std::process::id());
        let mut command = user.command(program_for(user));
        command.args([OUTER, lab.name()]).args(role).env(MARK, &mark);
        command.envs(environment.iter().copied());
        command.stdin(Stdio::null()).stdout(Stdio::piped());
        let mut outer = command.spawn().expect("the outer process starts");
        let output = BufReader::new(outer.stdout.take().expect("standard output is piped"));
        Self { title: format!("{} ({lab}, {})", role[0], user.name()), mark, outer, output }
    }

    /// The next line that the role prints; none at its end.
    pub fn line(&mut self) -> Option<String> {
        let mut line = String::new();
        self.output.read_line(&mut line).expect("the output can be read");
        (!line.is_empty()).then(|| line.trim_end().to_owned())
    }

    pub fn outer_pid(&self) -> i32 {
        self.outer.id() as i32
    }

    /// The processes of the lab, the outer one included.
    pub fn processes(&self) -> BTreeSet<i32> {
        let wanted = format!("{MARK}={}", self.mark).into_bytes();
        let is_ours = |pid: &i32| {
            let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
            environment.split(|byte| *byte == 0).any(|variable| variable == wanted)
        };
        every_process().filter(is_ours).filter(|pid| !is_zombie(*pid)).collect()
    }

    /// Waits until no process of the lab is left, and tells how long that took.
    pub fn time_until_nothing_left(&self) -> Duration {
        let start = Instant::now();
        loop {
            let left: Vec<_> = self.processes().into_iter().collect();
            if left.is_empty() {
                return start.elapsed();
            }
            assert!(start.elapsed() < NOTHING_LEFT_WITHIN, "left: {}", describe(&left));
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Waits for the outer process. None when this machine has no such lab.
    pub fn wait(&mut self) -> Option<ExitStatus> {
        let start = Instant::now();
        loop {
            if let Some(status) = self.outer.try_wait().expect("the outer process is our child") {
                return (status.code() != Some(NO_LAB.into())).then_some(status);
            }
            assert!(start.elapsed() < HANGS_AFTER, "it hangs: {:?}", self.processes());
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Prints everything that the role says, until it ends, and how.
    pub fn narrate(&mut self) -> Option<ExitStatus> {
        while let Some(line) = self.line() {
            println!("    {}: {line}", self.title);
        }
        self.wait()
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        // The outer process takes the rest along.
        let _ = self.outer.kill();
        let _ = self.outer.wait();
    }
}

/// This program, where that user may execute it.
pub fn program_for(user: User) -> PathBuf {
    match user {
        User::Same | User::Confined => own_path(),
        User::Nobody => {
            static COPY: LazyLock<PathBuf> = LazyLock::new(|| {
                let copy = scratch().join("lab-test");
                fs::copy(own_path(), &copy).expect("the scratch directory takes a copy");
                copy
            });
            COPY.clone()
        }
    }
}

fn own_path() -> PathBuf {
    std::env::current_exe().expect("this program has a path")
}

/// A directory of this run that everybody may use, until `RemoveScratch` is dropped.
pub fn scratch() -> PathBuf {
    use std::os::unix::fs::PermissionsExt;
    let directory = std::env::temp_dir().join(format!("stormproof-lab-{}", std::process::id()));
    if fs::create_dir(&directory).is_ok() {
        let everybody = fs::Permissions::from_mode(0o777);
        fs::set_permissions(&directory, everybody).expect("it is ours");
    }
    directory
}

/// Removes the directory, when a test failed too.
pub struct RemoveScratch;

impl Drop for RemoveScratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(scratch());
    }
}

/// Sends a signal by number.
pub fn kill(pid: i32, signal: i32) {
    let _ = Command::new("kill").args([format!("-{signal}"), pid.to_string()]).status();
}

pub fn parent(pid: i32) -> Option<i32> {
    stat_field(pid, 1)?.parse().ok()
}

/// Returns whether it is a part of a process tree of ours rather than a node.
pub fn is_this_program(pid: i32) -> bool {
    let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    line.split(|byte| *byte == 0).any(|word| word == OUTER.as_bytes())
}

fn is_zombie(pid: i32) -> bool {
    stat_field(pid, 0).is_none_or(|state| state == "Z")
}

/// Fields of `/proc/PID/stat` counted from the state.
fn stat_field(pid: i32, field: usize) -> Option<String> {
    let line = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, fields) = line.rsplit_once(')')?;
    fields.split_whitespace().nth(field).map(str::to_owned)
}

fn every_process() -> impl Iterator<Item = i32> {
    let entries = fs::read_dir("/proc").expect("/proc is there").flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

fn describe(pids: &[i32]) -> String {
    let command = |pid: &i32| {
        let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        format!("{pid} {}", String::from_utf8_lossy(&line).replace('\0', " "))
    };
    pids.iter().map(command).collect::<Vec<_>>().join("; ")
}

/// The namespaces of some processes that this one is not in. They are held open: the kernel gives the
/// number of one that is gone to the next, which may be another test's.
pub struct Namespaces(BTreeMap<PathBuf, File>);

/// The kinds of namespaces that a lab makes.
const KINDS: [&str; 4] = ["net", "mnt", "pid", "user"];

impl Namespaces {
    pub fn of(pids: impl IntoIterator<Item = i32>) -> Self {
        let held = |pid: i32, kind: &str| {
            let held = File::open(format!("/proc/{pid}/ns/{kind}")).ok()?;
            let name = fs::read_link(format!("/proc/self/fd/{}", held.as_raw_fd())).ok()?;
            let own = fs::read_link(format!("/proc/self/ns/{kind}")).expect("/proc is there");
            (name != own).then_some((name, held))
        };
        let all = pids.into_iter().flat_map(|pid| KINDS.map(|kind| held(pid, kind)));
        Self(all.flatten().collect())
    }

    /// The number of them.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// True if any process lives in one of them. A dead one may still name its own until the machine's
    /// process 1 has waited for it.
    pub fn are_in_use(&self) -> bool {
        let alive = every_process().filter(|pid| !is_zombie(*pid));
        let links =
            alive.flat_map(|pid| KINDS.map(|kind| fs::read_link(format!("/proc/{pid}/ns/{kind}"))));
        links.flatten().any(|link| self.0.contains_key(&link))
    }
}

/// The interfaces and mounts that this process sees.
pub fn interfaces_and_mounts() -> (BTreeSet<String>, String) {
    let interfaces = fs::read_dir("/sys/class/net").expect("/sys is there").flatten();
    let interfaces = interfaces.map(|entry| entry.file_name().display().to_string()).collect();
    (interfaces, fs::read_to_string("/proc/self/mounts").expect("/proc is there"))
}

/// The exit code or, plus 128, the signal.
pub fn code(status: ExitStatus) -> i32 {
    status.code().or(status.signal().map(|signal| 128 + signal)).expect("it ended")
}
