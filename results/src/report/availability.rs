//! The panel of the service around faults, by family and role: times to recovery as a strip of
//! marks, one a fault, and what had been promised.

use maud::{Markup, html};

use super::families::sign;
use super::report_data::ReportData;
use crate::availability::{Availability, FaultService, Group, PromiseResult, percentile};
use crate::page::panel::{self, Column, count_cell, panel, table};
use crate::words;

/// The width of a strip, its height, and where no time at all lies, in its own units.
const WIDTH: f64 = 300.0;
const HEIGHT: f64 = 34.0;
const ZERO: f64 = 8.0;
/// The place of the shortest time of the scale, and that time in seconds: what is shorter is no
/// interruption.
const FIRST: f64 = 28.0;
const SHORTEST: f64 = 0.1;

pub(super) fn availability(data: &ReportData<'_>) -> Option<Markup> {
    let found = data.summary.availability.as_ref()?;
    let groups = found.groups();
    if groups.is_empty() && found.promises.is_empty() {
        return None;
    }
    let content = html! {
        p { (service(found)) }
        @if !found.promises.is_empty() { (promises(&found.promises)) }
        @if !groups.is_empty() { (table_of(&groups)) }
    };
    Some(panel("availability", "Availability", content))
}

/// The time in which service was owed and came.
fn service(found: &Availability) -> String {
    let owed = words::seconds(found.owed_seconds);
    match found.unserved_seconds > 0.0 {
        false => format!("Service was owed for {owed} of the load, and never missing."),
        true => {
            let unserved = words::seconds(found.unserved_seconds);
            format!("Service was owed for {owed} of the load, and missing for {unserved} of it.")
        }
    }
}

fn promises(promises: &[PromiseResult]) -> Markup {
    let columns =
        [Column::Text("promise"), Column::Text("verdict"), Column::Text("what came of it")];
    let rows = html! {
        @for it in promises {
            tr {
                th scope="row" { code { (it.promise) } }
                td {
                    @match it.verdict {
                        Some(verdict) => {
                            span class=(words::verdict(verdict)) {
                                span.pill { (panel::verdict(verdict)) }
                            }
                        }
                        None => { span.muted { "not tested" } }
                    }
                }
                td { (it.sentence) }
            }
        }
    };
    table(&columns, rows)
}

fn table_of(groups: &[Group<'_>]) -> Markup {
    let longest = groups.iter().flat_map(|group| &group.faults);
    let longest = longest.filter_map(|fault| fault.recovery_seconds).fold(1.0, f64::max);
    let scale = Scale { longest: longest * 1.1 };
    let columns = [
        Column::Text("faults"),
        Column::Text("time to recovery of each"),
        Column::Number("median"),
        Column::Number("p99"),
        Column::Number("without service"),
        Column::Number("first error"),
        Column::Number("election"),
        Column::Number("failed"),
        Column::Number("unknown"),
    ];
    let rows = html! { @for group in groups { (row(group, &scale)) } };
    html! {
        (table(&columns, rows))
        p.muted {
            "Measured from when service was owed until an operation succeeded again; 0 where none "
            "was missed for longer than is usual. ● Service was owed all the while: a majority of \
             nodes was untouched, its nodes heard each other, and clients reached them. ◆ Nothing \
             was owed while the fault lasted: measured from when a majority was back. ▷ Its end was \
             not seen. “Without service” is the longest time; first errors and elections are \
             medians, from the fault’s beginning."
        }
    }
}

fn row(group: &Group<'_>, scale: &Scale) -> Markup {
    let recoveries = group.recoveries();
    let time = |seconds: Option<f64>| match seconds {
        None => "–".to_owned(),
        Some(0.0) => "0".to_owned(),
        Some(seconds) => words::seconds(seconds),
    };
    let family = group.family.name();
    let unmeasured = group.faults.iter().filter(|it| it.recovery_seconds.is_none()).count() as u64;
    html! {
        tr {
            th scope="row" {
                (sign(family)) (family) ", " (words::spaced(group.role.name()))
                small {
                    (words::counted(group.faults.len() as u64, "fault"))
                    @if unmeasured > 0 { "; under " (words::count(unmeasured)) " nothing was owed until the next" }
                }
            }
            td.strip { (strip(group, scale)) }
            td.number { (time(percentile(&recoveries, 50))) }
            td.number { (time(percentile(&recoveries, 99))) }
            td.number { (words::seconds(group.longest_unserved())) }
            td.number { (time(percentile(&group.first_errors(), 50))) }
            td.number { (time(percentile(&group.elections(), 50))) }
            (count_cell(group.sum(|fault| fault.failed), false))
            (count_cell(group.sum(|fault| fault.unknown), false))
        }
    }
}

/// Maps times to places: 0 by itself, then by their logarithm.
struct Scale {
    longest: f64,
}

impl Scale {
    fn place(&self, seconds: f64) -> f64 {
        if seconds <= 0.0 {
            return ZERO;
        }
        let share = (seconds.max(SHORTEST) / SHORTEST).ln() / (self.longest / SHORTEST).ln();
        FIRST + share * (WIDTH - FIRST - 8.0)
    }

    /// The powers of ten on it.
    fn ticks(&self) -> impl Iterator<Item = f64> {
        let longest = self.longest;
        (0..).map(|power| SHORTEST * 10_f64.powi(power)).take_while(move |tick| *tick <= longest)
    }
}

/// A mark for each fault whose recovery was measured, those that lie together one below the other,
/// and a line at the median.
fn strip(group: &Group<'_>, scale: &Scale) -> Markup {
    let place = |seconds: f64| format!("{:.1}", scale.place(seconds));
    let bottom = HEIGHT - 11.0;
    let measured = group.faults.iter().filter_map(|fault| Some((fault, fault.recovery_seconds?)));
    let median = percentile(&group.recoveries(), 50);
    html! {
        svg viewBox={ "0 0 " (WIDTH) " " (HEIGHT) } role="img"
            aria-label={ "times to recovery after " (group.family.name()) ", " (group.role.name()) } {
            @for tick in [0.0].into_iter().chain(scale.ticks()) {
                line.tick x1=(place(tick)) x2=(place(tick)) y1="0" y2=(bottom) {}
                text x=(place(tick)) y=(HEIGHT - 1.0) { (tick_label(tick)) }
            }
            @if let Some(median) = median {
                line.median x1=(place(median)) x2=(place(median)) y1="0" y2=(bottom) {}
            }
            @for (position, (fault, seconds)) in measured.enumerate() {
                @let row = [0.5, 0.25, 0.75, 0.4, 0.6][position % 5];
                (mark(fault, seconds, scale.place(seconds), row * bottom))
            }
        }
    }
}

fn tick_label(seconds: f64) -> String {
    if seconds == 0.0 { "0".to_owned() } else { format!("{seconds} s") }
}

fn mark(fault: &FaultService, seconds: f64, x: f64, y: f64) -> Markup {
    let shape = match (fault.cut_short, fault.owed) {
        (true, _) => "M-3 -3.5L4 0L-3 3.5Z",
        (false, false) => "M-4 0L0 -4L4 0L0 4Z",
        (false, true) => "M-3 0a3 3 0 1 0 6 0a3 3 0 1 0 -6 0Z",
    };
    let class = match (fault.cut_short, fault.owed) {
        (true, _) => "unseen",
        (false, false) => "excused",
        (false, true) => "owed",
    };
    html! {
        path class=(class) d=(shape) transform={ "translate(" (format!("{x:.1} {y:.1}")) ")" } {
            title { (fault.name) ": " (words::seconds(seconds)) }
        }
    }
}
