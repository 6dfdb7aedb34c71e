//! The journal of a run: everything that outlives its processes, written down before it is made.
//!
//! Processes, namespaces, rules and mounts of the namespace lab vanish with the run. Directories of
//! cgroups, loop devices and mounts of the loopback lab do not: each is written down here
//! first, so that it can be undone when the journal of a dead run is found
//! ([`super::leftovers`]).
//!
//! A journal is one small file of JSON lines:
//!
//! ```text
//! {"owner":{"pid":4711,"started":8471,"boot":"9bd0…","file":"/root/.local/state/…/4711-8471.jsonl"}}
//! {"intent":{"id":1,"what":"cgroup","path":"/sys/fs/cgroup/cpu/stormproof-4711-8471-1"}}
//! {"done":1}
//! ```
//!
//! It lies in the first of these directories that can be written:
//! `$XDG_STATE_HOME/stormproof/journal`, `$HOME/.local/state/stormproof/journal`, for root
//! `/var/lib/stormproof/journal`, and `stormproof-UID/journal` among the temporary files. It is
//! removed at a clean end.
//!
//! Its owners hold a lock (`flock(2)`) on it: outer process, guard and controller share one open
//! file, so the kernel releases the lock when the last of them has died, however it died. Other
//! than a process id, a lock cannot be mistaken for another process's, and it is seen across pid
//! namespaces. Nothing is synced to the disk: the leftovers in a journal do not survive the
//! machine either.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::{DirBuilderExt, FileExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};

use nix::unistd::geteuid;
use serde::{Deserialize, Serialize};

use super::leftovers::{Leftover, Owner};

/// The first line of a journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Header {
    #[serde(flatten)]
    pub(super) owner: Owner,
    /// The start of the machine that it is about; nothing of an earlier one is left.
    pub(super) boot: String,
    /// The path of the journal.
    file: PathBuf,
}

/// One line of a journal.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Line {
    Owner(Header),
    Intent {
        id: u64,
        #[serde(flatten)]
        leftover: Leftover,
    },
    Done(u64),
}

/// The content of a journal.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct JournalState {
    /// Its owner; none when its owner died before it could say so.
    pub(super) header: Option<Header>,
    /// The leftovers that are not undone, in the order in which they were made.
    pub(super) open: Vec<Leftover>,
}

impl JournalState {
    /// A line that was cut short by a death is passed over: what it announces was not made.
    pub(super) fn parse(text: &str) -> Self {
        let mut header = None;
        let mut open: Vec<(u64, Leftover)> = Vec::new();
        for line in text.lines().filter_map(|line| serde_json::from_str(line).ok()) {
            match line {
                Line::Owner(owner) => header = Some(owner),
                Line::Intent { id, leftover } => open.push((id, leftover)),
                Line::Done(done) => open.retain(|(id, _)| *id != done),
            }
        }
        Self { header, open: open.into_iter().map(|(_, leftover)| leftover).collect() }
    }
}

/// Says that a leftover was announced, until it is [`Journal::done`].
#[derive(Debug)]
#[must_use = "what is undone must be written down, or it is undone again"]
pub struct Ticket(u64);

/// The journal of this run. Copies are the same journal.
#[derive(Debug, Clone)]
pub struct Journal {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    file: File,
    header: Header,
    last: AtomicU64,
    /// True in the process that created it.
    own: bool,
}

/// The journal of the outer process, in a guard or a controller.
static INHERITED: OnceLock<Journal> = OnceLock::new();
/// The journal that this process created, as long as it is in use.
static OWN: Mutex<Weak<Shared>> = Mutex::new(Weak::new());

impl Journal {
    /// The journal of the lab that this process is the controller of; else one of its own, which
    /// is removed when its last copy is dropped and nothing is left.
    ///
    /// # Errors
    /// When no directory for journals can be written. Nothing that outlives the processes may be
    /// made then.
    pub fn open() -> io::Result<Self> {
        match INHERITED.get() {
            Some(journal) => Ok(journal.clone()),
            None => Self::own(),
        }
    }

    /// The process that started this run. Its leftovers are called `stormproof-OWNER-…`, so that
    /// they are found even without a journal.
    pub fn owner(&self) -> Owner {
        self.shared.header.owner
    }

    /// Writes down that `leftover` is about to be made. Make it only when this has succeeded.
    ///
    /// # Errors
    /// When the journal cannot be written, such as on a full disk.
    pub fn intend(&self, leftover: Leftover) -> io::Result<Ticket> {
        let id = self.shared.last.fetch_add(1, Ordering::Relaxed) + 1;
        self.shared.write(&Line::Intent { id, leftover })?;
        Ok(Ticket(id))
    }

    /// Writes down that what the ticket stands for is undone, or was not made.
    pub fn done(&self, ticket: Ticket) {
        // Unstate, it is undone again at the end, which changes nothing.
        let _ = self.shared.write(&Line::Done(ticket.0));
    }

    /// The journal that this process begins, once for all who ask.
    pub(super) fn own() -> io::Result<Self> {
        let mut own = OWN.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(shared) = own.upgrade() {
            return Ok(Self { shared });
        }
        let shared = Arc::new(Shared::create()?);
        *own = Arc::downgrade(&shared);
        Ok(Self { shared })
    }

    /// Takes over the journal whose descriptor the parent passed on, and makes it that of this
    /// process. One that makes no sense is none.
    pub(super) fn inherit(descriptor: OwnedFd) -> Option<Self> {
        let file = File::from(descriptor);
        let header = JournalState::parse(&read(&file).ok()?).header?;
        let shared = Shared { file, header, last: AtomicU64::new(0), own: false };
        Some(INHERITED.get_or_init(|| Self { shared: Arc::new(shared) }).clone())
    }

    /// The leftovers that are not undone, in the order in which they were made.
    pub(super) fn left(&self) -> Vec<Leftover> {
        self.shared.left()
    }

    /// Removes the file.
    pub(super) fn remove(&self) {
        self.shared.remove();
    }
}

impl AsFd for Journal {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.shared.file.as_fd()
    }
}

impl Shared {
    fn create() -> io::Result<Self> {
        let owner = Owner::own()?;
        let mut first_error = None;
        for directory in directories() {
            match usable(&directory).and_then(|()| create_in(&directory, owner)) {
                Ok((file, path)) => {
                    let header = Header { owner, boot: boot(), file: path };
                    let shared = Self { file, header, last: AtomicU64::new(0), own: true };
                    shared.write(&Line::Owner(shared.header.clone()))?;
                    return Ok(shared);
                }
                Err(error) => {
                    let what = format!("{}: {error}", directory.display());
                    first_error.get_or_insert(io::Error::new(error.kind(), what));
                }
            }
        }
        Err(first_error.unwrap_or_else(|| io::Error::other("there is no place for a journal")))
    }

    fn write(&self, line: &Line) -> io::Result<()> {
        // One write, so that a death leaves a whole line or none.
        let text = serde_json::to_string(line)? + "\n";
        (&self.file).write_all(text.as_bytes())
    }

    fn left(&self) -> Vec<Leftover> {
        read(&self.file).map(|text| JournalState::parse(&text).open).unwrap_or_default()
    }

    fn remove(&self) {
        // One that is gone already, or cannot be removed, has no leftovers in it.
        let _ = fs::remove_file(&self.header.file);
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        // What is left is for `leftovers::clean`, at the next start or by the doctor.
        if self.own && self.left().is_empty() {
            self.remove();
        }
    }
}

/// The whole of a file, wherever others who share it stand in it.
pub(super) fn read(file: &File) -> io::Result<String> {
    let mut bytes = vec![0; file.metadata()?.len() as usize];
    let mut length = 0;
    while length < bytes.len() {
        match file.read_at(&mut bytes[length..], length as u64)? {
            0 => break,
            more => length += more,
        }
    }
    bytes.truncate(length);
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// The directories for journals, the preferred one first.
pub(super) fn directories() -> Vec<PathBuf> {
    let absolute = |variable: &str| {
        std::env::var_os(variable).map(PathBuf::from).filter(|path| path.is_absolute())
    };
    let user = geteuid();
    let state = absolute("XDG_STATE_HOME");
    let home = absolute("HOME").map(|home| home.join(".local/state"));
    let system = user.is_root().then(|| PathBuf::from("/var/lib"));
    let mut places: Vec<_> =
        [state, home, system].into_iter().flatten().map(|base| base.join("stormproof")).collect();
    places.push(std::env::temp_dir().join(format!("stormproof-{user}")));
    places.into_iter().map(|place| place.join("journal")).collect()
}

/// Makes the directory if need be, and makes sure that no other user can write there: its journals
/// say what is removed.
fn usable(directory: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
    is_ours_alone(directory)
}

/// Fails for a directory that another user could have written to.
pub(super) fn is_ours_alone(directory: &Path) -> io::Result<()> {
    let metadata = fs::symlink_metadata(directory)?;
    let ours = metadata.is_dir() && metadata.uid() == geteuid().as_raw();
    if ours && metadata.mode() & 0o022 == 0 {
        Ok(())
    } else {
        Err(io::Error::new(io::ErrorKind::PermissionDenied, "it is not this user's alone"))
    }
}

/// A new file, locked.
fn create_in(directory: &Path, owner: Owner) -> io::Result<(File, PathBuf)> {
    let mut number = 1;
    loop {
        let name = match number {
            1 => format!("{owner}.jsonl"),
            more => format!("{owner}-{more}.jsonl"),
        };
        let path = directory.join(name);
        let mut options = OpenOptions::new();
        let file = options.read(true).append(true).create(true).mode(0o600).open(&path)?;
        if !try_lock(&file)? {
            // It belongs to a process of another pid namespace, or is being looked at just now.
            number += 1;
            continue;
        }
        let metadata = file.metadata()?;
        if metadata.nlink() == 0 {
            // A clean-up removed it before we had the lock.
            continue;
        }
        if metadata.len() == 0 {
            return Ok((file, path));
        }
        number += 1;
    }
}

/// Takes the lock unless it is held. It is held (`flock(2)`) until every copy of the
/// descriptor is closed, those in other processes included.
pub(super) fn try_lock(file: &File) -> io::Result<bool> {
    match file.try_lock() {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// Names this start of the machine.
pub(super) fn boot() -> String {
    let id = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    id.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cgroup(name: &str) -> Leftover {
        Leftover::Cgroup { path: Path::new("/sys/fs/cgroup").join(name) }
    }

    #[test]
    fn what_is_done_is_not_open_and_a_torn_line_is_passed_over() {
        let text = concat!(
            r#"{"owner":{"pid":4711,"started":8471,"boot":"b","file":"/j/4711-8471.jsonl"}}"#,
            "\n",
            r#"{"intent":{"id":1,"what":"cgroup","path":"/sys/fs/cgroup/one"}}"#,
            "\n",
            r#"{"intent":{"id":2,"what":"mount","path":"/mnt/a b"}}"#,
            "\n",
            r#"{"intent":{"id":3,"what":"loop-device","image":"/tmp/image"}}"#,
            "\n",
            r#"{"done":1}"#,
            "\n",
            r#"{"intent":{"id":4,"what":"cgro"#,
        );
        let state = JournalState::parse(text);
        assert_eq!(state.header.unwrap().owner, Owner { pid: 4711, started: 8471 });
        let mount = Leftover::Mount { path: "/mnt/a b".into() };
        assert_eq!(state.open, [mount, Leftover::LoopDevice { image: "/tmp/image".into() }]);
        assert_eq!(JournalState::parse("{\"owner\":{\"pid\":47"), JournalState::default());
    }

    #[test]
    fn lines_are_read_back_as_they_were_written() {
        let line = serde_json::to_string(&Line::Intent { id: 7, leftover: cgroup("x") }).unwrap();
        assert_eq!(line, r#"{"intent":{"id":7,"what":"cgroup","path":"/sys/fs/cgroup/x"}}"#);
        assert_eq!(JournalState::parse(&line).open, [cgroup("x")]);
    }

    #[test]
    fn a_lock_is_seen_by_others_and_ends_with_its_last_holder() {
        let path = std::env::temp_dir().join(format!("stormproof-lock-{}", std::process::id()));
        let open = || OpenOptions::new().read(true).append(true).create(true).open(&path).unwrap();
        let held = open();
        assert!(try_lock(&held).unwrap());
        let copy = held.try_clone().unwrap();
        drop(held);
        assert!(!try_lock(&open()).unwrap(), "a copy holds it still");
        drop(copy);
        assert!(try_lock(&open()).unwrap());
        fs::remove_file(&path).unwrap();
    }

    #[test]
    fn a_directory_that_others_may_write_to_is_refused() {
        use std::os::unix::fs::PermissionsExt;
        let path = std::env::temp_dir().join(format!("stormproof-open-{}", std::process::id()));
        usable(&path).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o777)).unwrap();
        assert!(usable(&path).is_err());
        fs::remove_dir(&path).unwrap();
    }
}
