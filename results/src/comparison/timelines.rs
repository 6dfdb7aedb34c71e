//! The lanes of two runs on one scale, and what a cursor over both reads.

use maud::{Markup, html};
use serde_json::{Value, json};

use super::differences::Side;
use crate::page::lanes::{Bucket, Lanes, Scale, Window, draw};
use crate::page::panel::panel;

/// The lanes of both runs, in one window.
pub(super) struct Timelines<'a> {
    lanes: [&'a Lanes; 2],
    /// True of each whose history is there.
    drawn: [bool; 2],
    buckets: [Vec<Bucket>; 2],
    window: Window,
}

impl<'a> Timelines<'a> {
    pub(super) fn of(sides: [&Side<'_>; 2], lanes: [&'a Lanes; 2]) -> Timelines<'a> {
        let windows = lanes.map(Lanes::window);
        let window = windows[0].around(windows[1]);
        let buckets = [0, 1].map(|at| window.buckets(lanes[at], &sides[at].run.history));
        let drawn = sides.map(Side::has_history);
        Timelines { lanes, drawn, buckets, window }
    }

    pub(super) fn panel(&self) -> Markup {
        let scale = Scale::of(self.buckets.iter().flatten());
        let content = html! {
            p.muted { "Both begin with their load. The cursor is moved by a pointer or by the arrow keys." }
            div #both tabindex="0" role="group" aria-labelledby="timelines-title" aria-describedby="reading" {
                @for (at, name) in ["A", "B"].iter().enumerate() {
                    h3 { (name) }
                    @if self.drawn[at] {
                        (draw(self.lanes[at], &self.buckets[at], self.window, scale))
                    } @else {
                        p.empty { "Its history is not kept; its report has a timeline of its own." }
                    }
                }
            }
            output #reading aria-live="polite" {}
        };
        panel("timelines", "Timelines", content)
    }

    /// The operations of each interval, for the cursor; null of a run whose history is not there.
    pub(super) fn data(&self) -> Value {
        let of = |at: usize| -> Option<Vec<Value>> {
            let buckets = self.buckets[at].iter();
            let figures = buckets.map(|it| json!([it.ok, it.others, it.p99.map(|p99| p99 / 1000)]));
            self.drawn[at].then(|| figures.collect())
        };
        json!({
            "seconds": self.window.bucket_seconds(), "before": self.window.before as f64 / 1e9,
            "buckets": [of(0), of(1)],
        })
    }
}
