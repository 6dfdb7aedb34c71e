//! The parts of panels: sections, tables and their cells.

use checker::history::EventType;
use checker::verdict::Verdict;
use maud::{Markup, Render, html};

use crate::words;

/// A panel: a section under its heading.
pub(crate) fn panel(id: &str, title: impl Render, content: impl Render) -> Markup {
    html! {
        section id=(id) aria-labelledby={ (id) "-title" } {
            h2 id={ (id) "-title" } { (title) }
            (content)
        }
    }
}

/// A column of a table, by its heading.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Column<'a> {
    Text(&'a str),
    Number(&'a str),
}

/// A table, which scrolls sideways where it is too wide.
pub(crate) fn table(columns: &[Column<'_>], rows: impl Render) -> Markup {
    html! { div.scroll { (bare_table(columns, rows)) } }
}

/// A table of many rows, which scroll below its headings; the panel `id` gives it its name.
pub(crate) fn tall_table(id: &str, columns: &[Column<'_>], rows: impl Render) -> Markup {
    html! {
        div.scroll.tall tabindex="0" role="region" aria-labelledby={ (id) "-title" } {
            (bare_table(columns, rows))
        }
    }
}

fn bare_table(columns: &[Column<'_>], rows: impl Render) -> Markup {
    html! {
        table {
            thead {
                tr {
                    @for column in columns {
                        @match column {
                            Column::Text(name) => { th scope="col" { (name) } }
                            Column::Number(name) => { th.number scope="col" { (name) } }
                        }
                    }
                }
            }
            tbody { (rows) }
        }
    }
}

/// A cell with a count; one that breaks a promise stands out.
pub(crate) fn count_cell(count: u64, wrong: bool) -> Markup {
    html! {
        @match (count, wrong) {
            (0, _) => { td.number.muted { "–" } }
            (_, true) => {
                td.number.broken { span aria-hidden="true" { "✗" } " " (words::count(count)) }
            }
            (_, false) => { td.number { (words::count(count)) } }
        }
    }
}

/// Around an interval, the timeline shows a quarter of its length, and this in nanoseconds.
const ROOM: u64 = 250_000_000;

/// A link from a text to an interval of the timeline, with the cursor at its beginning.
pub(crate) fn in_timeline(start: u64, end: u64, text: impl Render) -> Markup {
    let room = (end.saturating_sub(start) / 4).max(ROOM);
    let [from, to, at] = [start.saturating_sub(room), end + room, start].map(address_seconds);
    html! {
        a.moment href={ "#from=" (from) "&to=" (to) "&at=" (at) } title="show in the timeline" {
            (text)
        }
    }
}

/// Seconds to the microsecond, as they stand in an address.
fn address_seconds(nanoseconds: u64) -> String {
    let seconds = format!("{:.6}", nanoseconds as f64 / 1e9);
    seconds.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// A line about those of `total` things that are not among the `shown` ones.
pub(crate) fn more(total: u64, shown: usize, noun: &str) -> Markup {
    let left = total.saturating_sub(shown as u64);
    html! {
        @if left > 0 { p.muted { "and " (words::counted(left, noun)) } }
    }
}

/// The outcome of an operation, with its sign.
pub(crate) fn outcome(outcome: EventType) -> Markup {
    let word = words::outcome(outcome);
    html! { span class={ "outcome " (word) } { (word) } }
}

/// The part of a text that stands below its headline: the end of a log, a stack trace.
pub(crate) fn excerpt(rest: Option<&str>) -> Markup {
    html! {
        @if let Some(rest) = rest {
            details.excerpt {
                summary { (words::counted(rest.lines().count() as u64, "more line")) }
                pre { (rest) }
            }
        }
    }
}

/// The name of a verdict, with its sign.
pub(crate) fn verdict(verdict: Verdict) -> Markup {
    html! {
        span aria-hidden="true" { (words::verdict_sign(verdict)) } " " (words::verdict(verdict))
    }
}
