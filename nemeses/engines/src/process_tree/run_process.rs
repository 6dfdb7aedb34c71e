//! A run of its own that this process starts beside others, and waits for.
#![expect(unsafe_code, reason = "pre_exec ties the run to this process")]

use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use nix::sys::prctl::set_pdeathsig;
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// This program, started with other arguments as if by its user, in a process group of its own: a
/// terminal's Ctrl-C reaches the caller alone. Killed with all that is below it when the thread that
/// started it ends, and when it is dropped.
#[derive(Debug)]
pub struct RunProcess {
    child: Child,
    /// True once its end was seen.
    ended: bool,
}

impl RunProcess {
    /// Starts it. Both of its output streams go to `output`.
    ///
    /// # Errors
    /// When the process cannot be started.
    pub fn start<A: AsRef<OsStr>>(
        arguments: impl IntoIterator<Item = A>,
        output: File,
    ) -> io::Result<Self> {
        // The file that this process was started from, also when another one took its place.
        let mut command = Command::new("/proc/self/exe");
        command.args(arguments).process_group(0).stdin(Stdio::null());
        command.stdout(output.try_clone()?).stderr(output);
        // SAFETY: between fork and exec it makes one system call and allocates nothing.
        unsafe {
            command.pre_exec(|| Ok(set_pdeathsig(Signal::SIGKILL)?));
        }
        Ok(Self { child: command.spawn()?, ended: false })
    }

    /// Returns true if it has ended.
    ///
    /// # Errors
    /// When the kernel does not say.
    pub fn has_ended(&mut self) -> io::Result<bool> {
        self.ended = self.ended || self.child.try_wait()?.is_some();
        Ok(self.ended)
    }

    /// Interrupts it as Ctrl-C does.
    pub fn interrupt(&self) {
        if !self.ended {
            // It is our child and was not waited for, so the id is still its own.
            let _ = kill(Pid::from_raw(self.child.id() as i32), Signal::SIGINT);
        }
    }
}

impl Drop for RunProcess {
    fn drop(&mut self) {
        if !self.ended {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

/// The processor time that processes have used which this one started and waited for, with all that
/// those waited for.
pub fn time_of_children() -> Duration {
    let Ok(usage) = getrusage(UsageWho::RUSAGE_CHILDREN) else { return Duration::ZERO };
    [usage.user_time(), usage.system_time()]
        .iter()
        .map(|time| {
            Duration::from_secs(time.tv_sec().max(0) as u64)
                + Duration::from_micros(time.tv_usec().max(0) as u64)
        })
        .sum()
}
