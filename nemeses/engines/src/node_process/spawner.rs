//! The thread that all nodes are started from.
#![expect(unsafe_code, reason = "pre_exec prepares the process of a node")]

use std::fs::OpenOptions;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};
use std::thread::JoinHandle;

use nix::errno::Errno;
use nix::sched::{CloneFlags, setns};
use nix::sys::prctl::set_pdeathsig;
use nix::sys::signal::Signal;
use nix::unistd::{getpid, getppid};

use super::spec::NodeSpec;
use crate::clock::NodeClock;
use crate::disk::SyncBarrier;
use crate::namespace::NetNs;
use crate::process_tree::remove_role;
use crate::supervision::{Launch, Launched};
use faults::fault::ClockCondition;

/// Starts processes that die when this value is dropped, or this process dies.
///
/// `PR_SET_PDEATHSIG` is delivered when the *thread* that started a process ends (`prctl(2)`), so
/// there is one thread for all of them that lives as long as this value.
#[derive(Debug)]
pub struct Spawner {
    jobs: Option<Sender<Job>>,
    thread: Option<JoinHandle<()>>,
}

/// A process that was started.
#[derive(Debug)]
pub(super) struct Spawned {
    pub(super) child: Child,
    /// Its own clocks, or why it has the machine's.
    pub(super) clock: Result<NodeClock, String>,
    /// The reason why its `sync(2)` does not reach its disk, if it has one.
    pub(super) barriers: Result<(), String>,
}

/// A command to start, and where to put what came of it.
#[derive(Debug)]
struct Job {
    command: Command,
    /// The launch that supervises it, and the condition of its clocks.
    launch: Option<(Arc<Launch>, ClockCondition)>,
    answer: Sender<io::Result<Spawned>>,
}

impl Job {
    /// A process is traced by the thread that started it, so that one patches its clocks.
    fn run(mut self) {
        let spawned = self.command.spawn().and_then(|mut child| {
            let Some((launch, condition)) = &self.launch else {
                let why = "it was started with the machine's clocks".to_owned();
                return Ok(Spawned { child, clock: Err(why), barriers: Ok(()) });
            };
            match launch.in_parent(child.id(), condition) {
                Ok(Launched { clock, barriers }) => Ok(Spawned { child, clock, barriers }),
                Err(error) => {
                    // It stands still, for ever.
                    let _ = child.kill();
                    let _ = child.wait();
                    Err(error)
                }
            }
        });
        // Who asked may have gone; then the child is dropped, and dies with this thread.
        let _ = self.answer.send(spawned);
    }
}

impl Spawner {
    /// Starts the thread.
    pub fn new() -> io::Result<Self> {
        let (jobs, received) = channel::<Job>();
        let thread = std::thread::Builder::new().name("spawner".to_owned()).spawn(move || {
            received.into_iter().for_each(Job::run);
        })?;
        Ok(Self { jobs: Some(jobs), thread: Some(thread) })
    }

    /// Starts the process of `spec` in a process group of its own, inside `namespace` if there is
    /// one. Its clocks have a condition from the start, if they are its own; `barrier` is for its
    /// `sync(2)`.
    pub(super) fn spawn(
        &self,
        spec: &NodeSpec,
        namespace: Option<&NetNs>,
        clocks: &ClockCondition,
        barrier: Option<SyncBarrier>,
    ) -> io::Result<Spawned> {
        let [program, arguments @ ..] = spec.argv.as_slice() else {
            let what = format!("node {} has no program to start", spec.name);
            return Err(io::Error::new(io::ErrorKind::InvalidInput, what));
        };
        let log = OpenOptions::new().create(true).append(true).open(&spec.log_path);
        let log = log.map_err(|error| naming(&spec.log_path.display().to_string(), error))?;
        let mut command = Command::new(program);
        command.args(arguments).envs(&spec.env).current_dir(&spec.cwd).process_group(0);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log);
        remove_role(&mut command);
        let namespace = namespace.map(|inside| inside.as_fd().try_clone_to_owned()).transpose()?;
        let launch = Launch::prepare(spec.own_clock, barrier)?.map(Arc::new);
        let childs_launch = launch.clone();
        let controller = getpid();
        // SAFETY: between fork and exec it makes system calls only and allocates nothing.
        unsafe {
            command.pre_exec(move || {
                set_pdeathsig(Signal::SIGKILL)?;
                if getppid() != controller {
                    // The controller died before: the signal would never come.
                    return Err(Errno::ESRCH.into());
                }
                if let Some(inside) = &namespace {
                    setns(inside, CloneFlags::CLONE_NEWNET)?;
                }
                childs_launch.as_ref().map_or(Ok(()), |launch| launch.in_child())
            });
        }
        let (answer, answered) = channel();
        let jobs = self.jobs.as_ref().expect("the jobs end only when this value is dropped");
        let launch = launch.map(|launch| (launch, *clocks));
        jobs.send(Job { command, launch, answer }).map_err(|_| io::Error::other(GONE))?;
        let spawned = answered.recv().map_err(|_| io::Error::other(GONE))?;
        spawned.map_err(|error| naming(&program.to_string_lossy(), error))
    }
}

impl Drop for Spawner {
    fn drop(&mut self) {
        self.jobs = None;
        if let Some(thread) = self.thread.take() {
            // It does nothing that panics.
            let _ = thread.join();
        }
    }
}

/// The reason for which nothing is started any more.
const GONE: &str = "the spawner thread is gone";

fn naming(what: &str, error: io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{what}: {error}"))
}
