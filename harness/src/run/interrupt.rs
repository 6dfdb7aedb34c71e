//! Ctrl-C: once to end the load early and judge what there is, twice to leave at once.

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use crate::exit::Exit;

/// Turns SIGINT and SIGTERM into a stop of the load. A second one ends the program; the lab goes
/// with it.
///
/// # Errors
/// When the signals cannot be listened to.
pub fn watch_for_interrupts(
    say: impl Fn(&str) + Send + 'static,
) -> anyhow::Result<watch::Receiver<bool>> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let (stop, stopped) = watch::channel(false);
    tokio::spawn(async move {
        for count in 1.. {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            if count > 1 {
                say("interrupted again: leaving without a verdict");
                std::process::exit(Exit::HarnessFailure.code().into());
            }
            say(
                "interrupted: undoing the faults and judging what there is; once more to leave at once",
            );
            // Nobody listens any more when the load is over already.
            let _ = stop.send(true);
        }
    });
    Ok(stopped)
}
