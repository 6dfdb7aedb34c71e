//! Values of several arms on one scale: a point for each value, and the median with its interval.

use std::fmt::Write as _;

use maud::{Markup, html};

use super::figures::PlotRow;

/// The size of the drawing of one arm, in units of its own: it is stretched to the width that it has.
pub(super) const WIDTH: f64 = 1000.0;
pub(super) const HEIGHT: f64 = 48.0;

/// The points of an arm lie on so many lines, so that those of like values stay apart.
const LINES: usize = 5;

/// The plot of these arms; `drawn` says what their values are.
pub(super) fn plot(drawn: &str, rows: &[PlotRow], band: Option<&str>) -> Markup {
    let (scale, marks) = scale_of(rows);
    html! {
        figure.arms {
            figcaption {
                b { (drawn) }
                span.key.points { "each value" }
                span.key.median { "median with its interval at 95 %" }
                @if let Some(band) = band { span.key.band { (band) } }
            }
            @for row in rows {
                div.arm {
                    span.label { (row.arm) }
                    svg viewBox={ "0 0 " (WIDTH) " " (HEIGHT) } preserveAspectRatio="none" role="img"
                        aria-label={ (row.arm) ": " (middle(row)) } {
                        (drawing(row, scale))
                    }
                }
            }
            div.arm.axis aria-hidden="true" {
                span.label {}
                div {
                    @for mark in marks {
                        span style=(format!("left:{:.2}%", 100.0 * mark / scale.most)) { (short(mark)) }
                    }
                }
            }
        }
    }
}

/// The values of an arm, on the scale of all.
pub(super) fn drawing(row: &PlotRow, scale: Scale) -> Markup {
    html! {
        @if let Some((from, to)) = row.band {
            path.band d=(scale.bar(from, to, HEIGHT)) {}
        }
        @if let Some(median) = row.median {
            path.interval d=(scale.bar(median.low, median.high.unwrap_or(scale.most), 12.0)) {}
        }
        path.points d=(scale.points(&row.values)) {}
        @if let Some(median) = row.median {
            path.median d={ "M" (format!("{:.1}", scale.x(median.value))) " 6V42" } {}
        }
    }
}

/// The median of an arm in words.
pub(super) fn middle(row: &PlotRow) -> String {
    match row.median {
        Some(median) => format!("median {} of {} values", short(median.value), row.values.len()),
        None => "no values".to_owned(),
    }
}

/// The scale of these arms, and the marks of its axis.
pub(super) fn scale_of(rows: &[PlotRow]) -> (Scale, Vec<f64>) {
    let most = rows.iter().map(greatest).fold(0.0_f64, f64::max).max(1e-9);
    let step = step(most);
    let marks = (most / step).ceil();
    (Scale { most: step * marks }, (0..=marks as u32).map(|mark| step * f64::from(mark)).collect())
}

/// The greatest value that is drawn of an arm.
fn greatest(row: &PlotRow) -> f64 {
    let ends = row.median.and_then(|median| median.high).into_iter().chain(row.band.map(|it| it.1));
    row.values.iter().copied().chain(ends).fold(0.0, f64::max)
}

/// The distance of the marks of an axis from nothing to `most`: one, two or five of some unit, so
/// that there are three to six of them.
fn step(most: f64) -> f64 {
    let unit = 10.0_f64.powf(most.log10().floor());
    let steps = [0.2, 0.5, 1.0, 2.0];
    steps.into_iter().map(|it| it * unit).find(|step| most / step <= 6.0).unwrap_or(2.0 * unit)
}

/// A number in as few digits as tell it.
pub(super) fn short(value: f64) -> String {
    let digits = match value.abs() {
        size if size >= 100.0 || size == 0.0 => 0,
        size if size >= 10.0 => 1,
        size if size >= 1.0 => 2,
        _ => 3,
    };
    let text = format!("{value:.digits$}");
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text,
    }
}

/// The scale of all arms.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scale {
    /// The value at its end.
    pub most: f64,
}

impl Scale {
    /// Points at the ends stay whole.
    pub fn x(self, value: f64) -> f64 {
        6.0 + value.clamp(0.0, self.most) / self.most * (WIDTH - 12.0)
    }

    fn bar(self, from: f64, to: f64, height: f64) -> String {
        let (left, right, top) = (self.x(from), self.x(to), (HEIGHT - height) / 2.0);
        format!("M{left:.1} {top}H{right:.1}V{}H{left:.1}Z", top + height)
    }

    /// Lines of no length have round ends, which no stretching makes oval.
    fn points(self, values: &[f64]) -> String {
        let mut path = String::new();
        for (place, value) in values.iter().enumerate() {
            let y = 12.0 + 24.0 * (place % LINES) as f64 / (LINES - 1) as f64;
            let _ = write!(path, "M{:.1} {y:.0}h0", self.x(*value));
        }
        path
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_axis_has_a_few_round_marks() {
        for (most, expected) in [(0.9, 0.2), (1.0, 0.2), (1.3, 0.5), (4.2, 1.0), (730.0, 200.0)] {
            assert!((step(most) - expected).abs() < 1e-9, "{most}: {}", step(most));
        }
    }

    #[test]
    fn numbers_are_as_short_as_they_can_be() {
        let texts = [0.0, 0.0123, 0.5, 1.25, 12.0, 730.4].map(short);
        assert_eq!(texts, ["0", "0.012", "0.5", "1.25", "12", "730"]);
    }

    #[test]
    fn every_value_is_drawn_within_the_drawing() {
        let scale = Scale { most: 2.0 };
        assert_eq!(scale.points(&[0.0, 2.0, 9.0]), "M6.0 12h0M994.0 18h0M994.0 24h0");
        assert_eq!(scale.bar(0.0, 1.0, 12.0), "M6.0 18H500.0V30H6.0Z");
    }
}
