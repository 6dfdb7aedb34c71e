//! The panels of figures over nights: trends, and the coverage that grows.

use std::collections::{BTreeMap, BTreeSet};

use maud::{Markup, html};

use super::chart::{Line, chart};
use super::growth::growth;
use super::model::{IndexNight, Series};
use super::trends::{last, trends};
use crate::page::panel::panel;
use crate::report::heat::heat_table;
use crate::words;

/// The days at the ends of a chart of these nights.
fn ends(nights: &[IndexNight]) -> (&str, &str) {
    (day(nights.first()), day(nights.last()))
}

fn day(night: Option<&IndexNight>) -> &str {
    night.map_or("", |night| night.started.get(..10).unwrap_or_default())
}

/// The trends of a series; none if nothing was measured.
pub(super) fn trends_panel(at: usize, series: &Series) -> Option<Markup> {
    let trends = trends(series);
    if trends.is_empty() {
        return None;
    }
    let content = html! {
        div.charts {
            @for trend in &trends {
                div {
                    @let lines: Vec<Line<'_>> = trend
                        .lines
                        .iter()
                        .map(|line| Line { name: line.name, values: line.seconds.clone() })
                        .collect();
                    (chart(trend.name, &lines, ends(last(series)), words::seconds))
                    p.muted { (trend.about) }
                }
            }
        }
    };
    let title = format!("Figures by {}: {}", series.unit(), series.name);
    Some(panel(&format!("trends-{at}"), title, content))
}

/// The coverage of a series; none if its nights do not tell of it.
pub(super) fn coverage_panel(at: usize, series: &Series) -> Option<Markup> {
    let growth = growth(series);
    let total = growth.total.last().copied().filter(|total| *total > 0)?;
    let new = growth.new.last().copied().unwrap_or_default();
    let values = growth.total.iter().map(|total| Some(*total as f64)).collect();
    let line = Line { name: "in all", values };
    let content = html! {
        p.muted {
            (words::counted(total, "situation")) " reached so far, "
            @if new == 0 { "none" } @else { (words::count(new)) }
            " of them for the first time in the last " (series.unit())
            ": whom a family of faults hit in which phase, at which moment, and pairs of families."
        }
        (chart("Situations reached", &[line], ends(&series.nights), |value| words::count(value as u64)))
        @for (target, reached) in &growth.reached {
            @let cells: BTreeMap<_, _> = reached
                .cells
                .iter()
                .map(|cell| ((cell.family, cell.role, cell.phase), cell.count))
                .collect();
            @if !cells.is_empty() {
                details {
                    summary { (target) ": " (words::counted(cells.len() as u64, "combination")) " of family, role and phase" }
                    div.scroll tabindex="0" role="region" aria-label={ "coverage of " (target) } {
                        (heat_table(&cells, &BTreeSet::new()))
                    }
                }
            }
        }
    };
    Some(panel(&format!("coverage-{at}"), format!("Coverage: {}", series.name), content))
}
