//! Commands of users that are run for their effect or their output, and end in time.

use std::io::{self, Read};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// Between two looks whether it has ended.
const PAUSE: Duration = Duration::from_millis(5);

/// The end of a command.
#[derive(Debug)]
pub(crate) struct Finished {
    /// The exit status.
    pub status: ExitStatus,
    /// Its standard output.
    pub out: String,
    /// Its standard error.
    pub err: String,
}

/// Runs a program with its arguments and waits until it ends.
///
/// # Errors
/// When it cannot be started, or does not end within `limit`: then it is killed.
pub(crate) fn run(argv: &[String], limit: Duration) -> io::Result<Finished> {
    let [program, arguments @ ..] = argv else {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "a command begins with its program",
        ));
    };
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn()?;
    let out = child.stdout.take().map(read_all);
    let err = child.stderr.take().map(read_all);
    let status = wait(&mut child, limit)?;
    // What it left in the background may hold the other ends for ever: they are not waited for.
    let text = |reader: Option<thread::JoinHandle<String>>| {
        let deadline = Instant::now() + PAUSE * 20;
        let reader = reader?;
        while !reader.is_finished() && Instant::now() < deadline {
            thread::sleep(PAUSE);
        }
        if reader.is_finished() { reader.join().ok() } else { None }
    };
    Ok(Finished { status, out: text(out).unwrap_or_default(), err: text(err).unwrap_or_default() })
}

fn wait(child: &mut Child, limit: Duration) -> io::Result<ExitStatus> {
    let deadline = Instant::now() + limit;
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(status);
        }
        if Instant::now() >= deadline {
            child.kill()?;
            child.wait()?;
            let why = format!("it did not end within {} s", limit.as_secs_f64());
            return Err(io::Error::new(io::ErrorKind::TimedOut, why));
        }
        thread::sleep(PAUSE);
    }
}

fn read_all(mut from: impl Read + Send + 'static) -> thread::JoinHandle<String> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        // What was read until an error is all there is.
        let _ = from.read_to_end(&mut bytes);
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str, limit: Duration) -> io::Result<Finished> {
        run(&["sh".into(), "-c".into(), script.into()], limit)
    }

    #[test]
    fn a_command_tells_how_it_ended_and_what_it_printed() {
        let finished = shell("echo one; echo two >&2; exit 3", Duration::from_secs(10));
        let finished = finished.expect("a shell is everywhere");
        assert_eq!(finished.status.code(), Some(3));
        assert_eq!((finished.out.as_str(), finished.err.as_str()), ("one\n", "two\n"));
    }

    #[test]
    fn a_command_that_hangs_is_killed() {
        let hung = shell("exec sleep 60", Duration::from_millis(50)).expect_err("it hangs");
        assert_eq!(hung.kind(), io::ErrorKind::TimedOut);
    }

    #[test]
    fn what_a_command_leaves_running_is_not_waited_for() {
        let begin = Instant::now();
        let left = shell("sleep 5 & echo on", Duration::from_secs(10)).expect("it ends");
        assert!(left.status.success());
        assert!(begin.elapsed() < Duration::from_secs(4), "{:?}", begin.elapsed());
    }
}
