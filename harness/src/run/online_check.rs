//! Checks the history while the run goes on, so that a run can end once it is known to be Invalid.
//!
//! The check has a thread of its own. The recorder only hands it a copy of each event and never
//! waits for it; a check that cannot keep up ends, and the history is judged after the run, as it is
//! in any case.

use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::time::Duration;

use anyhow::{Context, Result};
use checker::history::Event;
use checker::online::{OnlineVerdict, Watch};
use results::event::RunEvent;
use tokio::sync::watch;

use super::recorder::Listener;

/// So many events may wait for the check: half a minute of a run as fast as usual.
const WAITING: usize = 1 << 16;

/// When nothing comes for so long, what is there is judged.
const QUIET: Duration = Duration::from_millis(500);

/// The verdict on the history, as far as it was checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VerdictSoFar {
    /// Nothing is wrong that would be known.
    Open,
    /// It is Invalid, and nothing that comes can change that.
    Illegal {
        /// The key whose operations have no legal order.
        key: Option<String>,
        /// The index of the event that made it so.
        index: u64,
    },
    /// The check did not keep up with the events, and ended.
    FellBehind,
}

impl VerdictSoFar {
    /// The event that made the history Invalid.
    pub fn illegal_since(&self) -> Option<u64> {
        match self {
            VerdictSoFar::Illegal { index, .. } => Some(*index),
            VerdictSoFar::Open | VerdictSoFar::FellBehind => None,
        }
    }
}

/// Starts a check by the model of that name. It ends with the listener.
///
/// # Errors
/// When there is no such model, or no thread can be had.
pub fn start(model: &str) -> Result<(Listener, watch::Receiver<VerdictSoFar>)> {
    let options = checker::Options { model: Some(model.into()), ..checker::Options::default() };
    let history = Watch::new(&options).context("cannot check while the run goes on")?;
    let (events, waiting) = sync_channel(WAITING);
    let (say, standing) = watch::channel(VerdictSoFar::Open);
    let (contradicted, fell_behind) = (say.clone(), say);
    std::thread::Builder::new()
        .name("online check".into())
        .spawn(move || {
            if let OnlineVerdict::Illegal { key, index } = first_verdict(history, &waiting) {
                contradicted.send_replace(VerdictSoFar::Illegal { key, index });
            }
        })
        .context("cannot start the thread of the online check")?;
    Ok((listener(events, fell_behind), standing))
}

fn listener(events: SyncSender<Event>, fell_behind: watch::Sender<VerdictSoFar>) -> Listener {
    let mut events = Some(events);
    Box::new(move |event| {
        if let (RunEvent::Operation(event), Some(check)) = (event, &events) {
            // Attempts and tokens say nothing that a model would look at.
            let event = Event {
                index: event.index,
                time: event.time,
                key: event.key.clone(),
                error: event.error.clone(),
                ..Event::new(event.process, event.kind, event.f.clone(), event.value.clone())
            };
            match check.try_send(event) {
                Ok(()) => {}
                Err(TrySendError::Disconnected(_)) => events = None,
                Err(TrySendError::Full(_)) => {
                    events = None;
                    fell_behind.send_replace(VerdictSoFar::FellBehind);
                }
            }
        }
    })
}

/// Waits until something is wrong or the events end.
fn first_verdict(mut history: Watch, events: &Receiver<Event>) -> OnlineVerdict {
    loop {
        let verdict = match events.recv_timeout(QUIET) {
            Ok(event) => history.push(&event),
            Err(RecvTimeoutError::Timeout) => history.judge_now(),
            Err(RecvTimeoutError::Disconnected) => return history.judge_now().clone(),
        };
        if *verdict != OnlineVerdict::Legal {
            return verdict.clone();
        }
    }
}

#[cfg(test)]
mod tests {
    use checker::history::{EventType, Process};
    use serde_json::{Value, json};

    use super::*;

    /// Tells the listener of operations one after the other.
    fn tell(listener: &mut Listener, operations: &[(&str, Value, Value)]) {
        for (place, (f, input, output)) in operations.iter().enumerate() {
            let ends = [(EventType::Invoke, input), (EventType::Ok, output)];
            for (end, (kind, value)) in (0..).zip(ends) {
                let mut event = Event::new(Process::Client(1), kind, *f, value.clone());
                event.index = 2 * place as u64 + end;
                event.key = Some("k7".into());
                listener(&RunEvent::Operation(event));
            }
        }
    }

    #[tokio::test]
    async fn a_contradiction_is_told_though_nothing_comes_after_it() {
        let (mut listener, mut standing) = start("register").expect("there is such a model");
        tell(
            &mut listener,
            &[
                ("write", json!(1), json!(1)),
                ("read", json!(null), json!(2)),
                ("read", json!(null), json!(1)),
            ],
        );
        let told = standing.wait_for(|standing| *standing != VerdictSoFar::Open).await;
        let expected = VerdictSoFar::Illegal { key: Some("k7".into()), index: 3 };
        assert_eq!(*told.expect("the listener is there"), expected);
    }

    #[tokio::test]
    async fn nothing_is_told_of_a_legal_history() {
        let (mut listener, mut standing) = start("register").expect("there is such a model");
        tell(&mut listener, &[("write", json!(1), json!(1)), ("read", json!(null), json!(1))]);
        drop(listener);
        assert!(standing.changed().await.is_err(), "the check ends with the listener");
        assert_eq!(*standing.borrow(), VerdictSoFar::Open);
    }

    #[test]
    fn whoever_records_does_not_wait_for_the_check() {
        let (events, waiting) = sync_channel(3);
        let (say, standing) = watch::channel(VerdictSoFar::Open);
        let mut listener = listener(events, say);
        tell(&mut listener, &[("write", json!(1), json!(1)), ("write", json!(2), json!(2))]);
        assert_eq!(*standing.borrow(), VerdictSoFar::FellBehind);
        assert_eq!(waiting.iter().count(), 3, "no more is handed over");
    }
}
