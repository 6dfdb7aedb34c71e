//! The two threads of each node's process: one reads its lines, one waits for its end.

use std::io::{self, BufRead, BufReader};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, ChildStdout, ExitStatus};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::signal::{Signal, killpg};
use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid};
use nix::unistd::Pid;

use super::pidfd::open_pidfd;
use super::shared::{Life, Shared};
use super::spec::{NodeListener, NodeOutput};

/// After the end of a process its last lines are still in the pipe. Another process that inherited
/// the pipe may hold it open for ever.
const LAST_LINES_PATIENCE: Duration = Duration::from_millis(200);
/// A longer line is cut, so that a node that never ends its line cannot fill our memory.
const LONGEST_LINE: u64 = 1 << 20;

/// Between two looks at a process that is being traced, which takes a millisecond or so.
const TRACING_PAUSE: Duration = Duration::from_millis(1);

/// Starts both threads; they end with the process.
pub(super) fn start(
    name: String,
    mut child: Child,
    listener: NodeListener,
) -> io::Result<Arc<Shared>> {
    let pid = Pid::from_raw(child.id() as i32);
    let begun = open_pidfd(pid).and_then(|pidfd| {
        let life = Life {
            paused: false,
            resuming: false,
            expected_to_end: false,
            ending: false,
            over: false,
            reported: false,
        };
        let ended = Condvar::new();
        let shared = Arc::new(Shared { name, pid, pidfd, life: Mutex::new(life), ended });
        listener(&shared.name, NodeOutput::Started { pid: child.id() });
        let lines = child.stdout.take().expect("standard output was piped");
        let lines_end = read_lines(&shared, lines, &listener)?;
        Ok((shared, lines_end))
    });
    let (shared, lines_end) = match begun {
        Ok(begun) => begun,
        Err(error) => {
            // No other thread knows of it.
            let _ = child.kill();
            let _ = child.wait();
            return Err(error);
        }
    };
    let watched = Arc::clone(&shared);
    std::thread::Builder::new()
        .name(format!("wait {}", shared.name))
        .spawn(move || wait_for_end(&watched, child, &lines_end, &listener))?;
    Ok(shared)
}

/// Delivers line by line. The receiver's other end closes at the end of the output.
fn read_lines(
    shared: &Arc<Shared>,
    output: ChildStdout,
    listener: &NodeListener,
) -> io::Result<Receiver<()>> {
    let (open, closed): (Sender<()>, _) = channel();
    let (shared, listener) = (Arc::clone(shared), Arc::clone(listener));
    std::thread::Builder::new().name(format!("read {}", shared.name)).spawn(move || {
        let mut output = BufReader::new(output);
        let mut line = Vec::new();
        while let Ok(1..) = io::Read::take(&mut output, LONGEST_LINE).read_until(b'\n', &mut line) {
            let text = String::from_utf8_lossy(&line);
            let text = text.strip_suffix('\n').unwrap_or(&text).to_owned();
            listener(&shared.name, NodeOutput::Line(text));
            line.clear();
        }
        drop(open);
    })?;
    Ok(closed)
}

fn wait_for_end(shared: &Shared, mut child: Child, lines_end: &Receiver<()>, tell: &NodeListener) {
    while !is_seen_to_end(shared.pid) {}
    let expected = {
        let mut life = shared.life();
        life.over = true;
        // What the node started goes with it.
        let _ = killpg(shared.pid, Signal::SIGKILL);
        life.expected_to_end
    };
    let status = child.wait();
    // Closed is what we wait for; too late is fine as well.
    let _ = lines_end.recv_timeout(LAST_LINES_PATIENCE);
    let status = match status {
        Ok(status) => describe(status),
        Err(error) => format!("unknown: {error}"),
    };
    tell(&shared.name, NodeOutput::Exited { status, expected });
    shared.life().reported = true;
    shared.ended.notify_all();
}

/// Waits until a child ends or something else happens; returns true for the end. A child that ended
/// is not reaped yet: its id is still its own.
fn is_seen_to_end(pid: Pid) -> bool {
    match waitid(Id::Pid(pid), WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT) {
        Err(Errno::EINTR) => false,
        // Stopped by a thread of ours that traces it just now: the kernel informs all of them
        // (`wait(2)`), also those that wait for other events. It goes on in a moment.
        Ok(WaitStatus::Stopped(..) | WaitStatus::PtraceEvent(..)) => {
            std::thread::sleep(TRACING_PAUSE);
            false
        }
        _ => true,
    }
}

/// `exit code 1`, `signal SIGKILL`
fn describe(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exit code {code}"),
        (None, Some(number)) => match Signal::try_from(number) {
            Ok(signal) => format!("signal {signal}"),
            Err(_) => format!("signal {number}"),
        },
        (None, None) => status.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_is_told_by_code_or_by_the_name_of_the_signal() {
        assert_eq!(describe(ExitStatus::from_raw(3 << 8)), "exit code 3");
        assert_eq!(describe(ExitStatus::from_raw(9)), "signal SIGKILL");
    }
}
