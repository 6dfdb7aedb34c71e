//! Ctrl-C: once to end the load early and judge what there is, again to leave at once.

use std::time::{Duration, Instant};

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use crate::exit::Exit;

/// Signals that come within this time of the first are one wish: `timeout` signals its child and
/// then the group of it, a CI system interrupts and then terminates. A person who wants to leave at
/// once has read by then what the first one does.
const ONE_WISH: Duration = Duration::from_secs(2);

/// The number of signals in that time that no program sends by itself: somebody insists.
const INSISTS: u32 = 3;

/// Turns SIGINT and SIGTERM into a stop of the load. Again, and later or a third time, they end the
/// program; the lab goes with it.
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
        let mut signals = Signals::default();
        loop {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            match signals.another(Instant::now()) {
                Wish::Stop => {
                    say(
                        "interrupted: undoing the faults and judging what there is; once more, in \
                         two seconds or later, to leave at once",
                    );
                    // Nobody listens any more when the load is over already.
                    let _ = stop.send(true);
                }
                Wish::Same => {}
                Wish::Leave => {
                    say("interrupted again: leaving without a verdict; stormproof check judges \
                         what there is");
                    std::process::exit(Exit::HarnessFailure.code().into());
                }
            }
        }
    });
    Ok(stopped)
}

/// The signals so far.
#[derive(Debug, Default)]
struct Signals {
    first: Option<Instant>,
    count: u32,
}

/// The wish behind a signal.
#[derive(Debug, PartialEq, Eq)]
enum Wish {
    /// To end the load, undo everything, and have what there is judged.
    Stop,
    /// The same as the one before.
    Same,
    /// To leave at once.
    Leave,
}

impl Signals {
    /// Takes another signal.
    fn another(&mut self, now: Instant) -> Wish {
        self.count += 1;
        let Some(first) = self.first else {
            self.first = Some(now);
            return Wish::Stop;
        };
        match self.count >= INSISTS || now.duration_since(first) >= ONE_WISH {
            true => Wish::Leave,
            false => Wish::Same,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_signal_soon_after_the_first_is_the_same_wish() {
        let check = |milliseconds: &[u64], wishes: &[Wish]| {
            let (begin, mut signals) = (Instant::now(), Signals::default());
            let at = |after: &u64| begin + Duration::from_millis(*after);
            let got: Vec<Wish> = milliseconds.iter().map(|it| signals.another(at(it))).collect();
            assert_eq!(got, wishes);
        };
        // timeout: the child, then its group.
        check(&[0, 0], &[Wish::Stop, Wish::Same]);
        check(&[0, 1_999], &[Wish::Stop, Wish::Same]);
        check(&[0, 2_000], &[Wish::Stop, Wish::Leave]);
        check(&[0, 300, 600], &[Wish::Stop, Wish::Same, Wish::Leave]);
        check(&[0, 0, 9_000], &[Wish::Stop, Wish::Same, Wish::Leave]);
    }
}
