//! The thread that all nodes are started from.

use std::fs::OpenOptions;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Sender, channel};
use std::thread::JoinHandle;

use nix::errno::Errno;
use nix::sched::{CloneFlags, setns};
use nix::sys::prctl::set_pdeathsig;
use nix::sys::signal::Signal;
use nix::unistd::{getpid, getppid};

use super::NodeSpec;
use crate::host::namespace::NetNs;
use crate::host::process_tree::remove_stage;

/// Starts processes that die when this value is dropped, or this process dies.
///
/// `PR_SET_PDEATHSIG` is delivered when the *thread* that started a process ends (`prctl(2)`), so
/// there is one thread for all of them that lives as long as this value.
#[derive(Debug)]
pub struct Spawner {
    jobs: Option<Sender<Job>>,
    thread: Option<JoinHandle<()>>,
}

/// A command to start, and where to put what came of it.
type Job = (Command, Sender<io::Result<Child>>);

impl Spawner {
    /// Starts the thread.
    pub fn new() -> io::Result<Self> {
        let (jobs, received) = channel::<Job>();
        let thread = std::thread::Builder::new().name("spawner".to_owned()).spawn(move || {
            for (mut command, answer) in received {
                // Who asked may have gone; then the child is dropped, and dies with this thread.
                let _ = answer.send(command.spawn());
            }
        })?;
        Ok(Self { jobs: Some(jobs), thread: Some(thread) })
    }

    /// Starts the process of `spec` in a process group of its own, inside `namespace` if there is
    /// one.
    pub(super) fn spawn(&self, spec: &NodeSpec, namespace: Option<&NetNs>) -> io::Result<Child> {
        let [program, arguments @ ..] = spec.argv.as_slice() else {
            let what = format!("node {} has no program to start", spec.name);
            return Err(io::Error::new(io::ErrorKind::InvalidInput, what));
        };
        let log = OpenOptions::new().create(true).append(true).open(&spec.log_path);
        let log = log.map_err(|error| naming(&spec.log_path.display().to_string(), error))?;
        let mut command = Command::new(program);
        command.args(arguments).envs(&spec.env).current_dir(&spec.cwd).process_group(0);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log);
        remove_stage(&mut command);
        let namespace = namespace.map(|inside| inside.as_fd().try_clone_to_owned()).transpose()?;
        let controller = getpid();
        // SAFETY: between fork and exec it makes three system calls and allocates nothing.
        unsafe {
            command.pre_exec(move || {
                set_pdeathsig(Signal::SIGKILL)?;
                if getppid() != controller {
                    // The controller died before: the signal would never come.
                    return Err(Errno::ESRCH.into());
                }
                match &namespace {
                    Some(inside) => Ok(setns(inside, CloneFlags::CLONE_NEWNET)?),
                    None => Ok(()),
                }
            });
        }
        let (answer, answered) = channel();
        let jobs = self.jobs.as_ref().expect("the jobs end only when this value is dropped");
        let gone = |_| io::Error::other("the spawner thread is gone");
        jobs.send((command, answer)).map_err(|_| gone(()))?;
        let spawned = answered.recv().map_err(|_| gone(()))?;
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

fn naming(what: &str, error: io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{what}: {error}"))
}
