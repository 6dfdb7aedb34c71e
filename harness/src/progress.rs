//! The progress of a run as a person sees it: a bar on a terminal, a plain line every few seconds
//! where there is none. A reader of the event stream like any other.

use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use results::event::RunEvent;
use results::words;

use crate::printing::err;
use crate::run::live::{Live, Snapshot};
use crate::run::recorder::Listener;
use crate::terminal;

/// The time between two drawings of the bar.
const REDRAW: Duration = Duration::from_millis(200);

/// The time between two plain lines: a minute's run stays within a screen.
const LINE_INTERVAL: Duration = Duration::from_secs(5);

/// Shows a run's progress on standard error until it is finished.
pub struct Progress {
    bar: Option<ProgressBar>,
    stop: std::sync::mpsc::Sender<()>,
    thread: JoinHandle<()>,
}

impl Progress {
    /// Starts showing `live`; the load lasts `time_limit`.
    pub fn start(live: Live, time_limit: Duration) -> Self {
        let bar = terminal::moves().then(|| {
            let bar = ProgressBar::with_draw_target(
                Some(time_limit.as_millis() as u64),
                ProgressDrawTarget::stderr_with_hz(10),
            );
            let style = ProgressStyle::with_template(match terminal::colours_of_errors() {
                true => "{bar:24.cyan/blue} {wide_msg}",
                false => "{bar:24} {wide_msg}",
            });
            bar.set_style(style.expect("the template is a constant"));
            bar
        });
        let (stop, stopped) = std::sync::mpsc::channel();
        let shown = bar.clone();
        let thread = std::thread::spawn(move || {
            let interval = if shown.is_some() { REDRAW } else { LINE_INTERVAL };
            let mut meter = Meter::new(time_limit);
            while stopped
                .recv_timeout(interval)
                .is_err_and(|error| error == std::sync::mpsc::RecvTimeoutError::Timeout)
            {
                let now = live.snapshot();
                let line = meter.line(&now);
                match &shown {
                    Some(bar) => {
                        bar.set_position(meter.elapsed(&now).as_millis() as u64);
                        bar.set_message(line);
                    }
                    None => err!("{line}"),
                }
            }
        });
        Progress { bar, stop, thread }
    }

    /// A listener that prints what the run says, above the bar.
    pub fn listener(&self) -> Listener {
        let bar = self.bar.clone();
        Box::new(move |event| {
            if let RunEvent::Note(note) = event {
                match &bar {
                    Some(bar) => bar.println(note),
                    None => err!("{note}"),
                }
            }
        })
    }

    /// Takes the bar away.
    pub fn finish(self) {
        // The thread has ended only if it panicked, and then there is nothing left to stop.
        let _ = self.stop.send(());
        let _ = self.thread.join();
        if let Some(bar) = self.bar {
            bar.finish_and_clear();
        }
    }
}

/// Turns snapshots into lines.
struct Meter {
    time_limit: Duration,
    /// When the rate was last worked out, and how many operations had completed by then.
    last: (Instant, u64),
    rate: f64,
}

impl Meter {
    fn new(time_limit: Duration) -> Self {
        Meter { time_limit, last: (Instant::now(), 0), rate: 0.0 }
    }

    fn elapsed(&self, now: &Snapshot) -> Duration {
        now.load_began.map_or(Duration::ZERO, |begin| begin.elapsed().min(self.time_limit))
    }

    fn line(&mut self, now: &Snapshot) -> String {
        let completed = now.ok + now.fail + now.info;
        let (time, before) = self.last;
        let seconds = time.elapsed().as_secs_f64();
        // Over a second, so that the figure can be read.
        if seconds >= 1.0 {
            self.rate = (completed - before) as f64 / seconds;
            self.last = (Instant::now(), completed);
        }
        let rate = self.rate;
        let phase = now.phase.map_or("starting", words::phase);
        let faults = now.faults_on();
        let faults = if faults.is_empty() { "no fault".into() } else { faults.join(" + ") };
        format!(
            "{phase} {:>3}/{} s · {rate:>5.0} ops/s · ok {} fail {} info {} · leader {} · {faults}",
            self.elapsed(now).as_secs(),
            self.time_limit.as_secs(),
            now.ok,
            now.fail,
            now.info,
            now.leader().unwrap_or("none"),
        )
    }
}
