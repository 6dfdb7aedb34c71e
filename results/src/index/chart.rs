//! Lines over nights, drawn as SVG.

use std::fmt::Write as _;

use maud::{Markup, html};

/// A line of a chart.
pub(super) struct Line<'a> {
    /// The name, which the legend has.
    pub name: &'a str,
    /// The value at each place; none where there is a gap.
    pub values: Vec<Option<f64>>,
}

/// The size of a drawing, in units of its own: it is stretched to the width that it has.
const WIDTH: f64 = 600.0;
const HEIGHT: f64 = 100.0;

/// The most points that are marked one by one.
const MARKED: usize = 60;

/// A chart whose values begin at nothing; `name` says what it shows, `ends` the first and the last
/// place, and `words` a value.
pub(super) fn chart(
    name: &str,
    lines: &[Line<'_>],
    ends: (&str, &str),
    words: impl Fn(f64) -> String,
) -> Markup {
    let values = || lines.iter().flat_map(|line| line.values.iter().copied().flatten());
    let most = values().fold(0.0_f64, f64::max);
    let places = lines.iter().map(|line| line.values.len()).max().unwrap_or(0);
    let said: Vec<String> = lines
        .iter()
        .filter_map(|line| {
            let last = line.values.iter().rev().copied().flatten().next()?;
            Some(format!("{} {}", line.name, words(last)))
        })
        .collect();
    html! {
        figure.chart {
            figcaption {
                b { (name) }
                @for (at, line) in lines.iter().enumerate() {
                    @if let Some(last) = line.values.iter().rev().copied().flatten().next() {
                        " " span.key data-line=(at) { (line.name) " " b { (words(last)) } }
                    }
                }
            }
            div.plot {
                span.most { (words(most)) }
                svg viewBox="0 0 600 100" preserveAspectRatio="none" role="img"
                    aria-label={ (name) " over " (places) " places; in the end " (said.join(", ")) } {
                    @for (at, line) in lines.iter().enumerate() {
                        path data-line=(at) d=(path(&line.values, places, most)) {}
                    }
                }
                span.least { "0" }
            }
            div.ends aria-hidden="true" { span { (ends.0) } span { (ends.1) } }
        }
    }
}

/// The line through values; a lone one is a point.
fn path(values: &[Option<f64>], places: usize, most: f64) -> String {
    let mut out = String::new();
    let mut goes_on = false;
    let step = if places > 1 { WIDTH / (places - 1) as f64 } else { 0.0 };
    for (at, value) in values.iter().enumerate() {
        let Some(value) = value else {
            goes_on = false;
            continue;
        };
        let x = if places > 1 { at as f64 * step } else { WIDTH / 2.0 };
        // The upper end leaves room for the words about it.
        let y = HEIGHT - 4.0 - value / most.max(1e-9) * (HEIGHT - 24.0);
        let verb = if goes_on { 'L' } else { 'M' };
        // Whole units are a sixth of a percent.
        let _ = write!(out, "{verb}{x:.0} {y:.0}");
        if places == 1 {
            // A point is too small to be seen.
            let _ = write!(out, "h12");
        } else if places <= MARKED {
            // A line of no length has round ends, which no stretching makes oval.
            let _ = write!(out, "h0");
        }
        goes_on = true;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_gaps_where_nothing_was_measured() {
        let values = [Some(0.0), Some(1.0), None, Some(0.5)];
        assert_eq!(path(&values, 4, 1.0), "M0 96h0L200 20h0M600 58h0");
        assert_eq!(path(&[Some(0.0)], 1, 0.0), "M300 96h12");
    }
}
