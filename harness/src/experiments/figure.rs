//! A figure that is measured in every run.

use results::experiment::Spread;

use super::arm::{rate_of, spread};

/// A figure with its unit.
#[derive(Debug)]
pub(crate) struct Figure {
    /// The head of its column.
    pub head: &'static str,
    /// The unit.
    pub unit: Unit,
}

/// The unit of a figure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unit {
    /// Seconds, of which the median is told.
    Seconds,
    /// A count or a rate, of which the median is told.
    Number,
    /// Yes (1) or no (0), of which it is told how many are yes.
    YesOrNo,
}

impl Figure {
    /// The meaning of its values where they are drawn.
    pub fn drawn(&self) -> String {
        match self.unit {
            Unit::Seconds => format!("{}, in seconds", self.head),
            Unit::Number | Unit::YesOrNo => self.head.to_owned(),
        }
    }

    /// All values of an arm in a cell: `0.6 s (0.54–0.68, of 6)`, `0 of 6 (0–40 %)`.
    pub fn cell(&self, values: &[f64]) -> String {
        if values.is_empty() {
            return "–".to_owned();
        }
        if self.unit == Unit::YesOrNo {
            let rate = rate_of(values);
            let (low, high) = rate.percents();
            return format!("{} of {} ({low:.0}–{high:.0} %)", rate.failed, rate.runs);
        }
        let Some(Spread { value, low, high }) = spread(values) else { return "–".to_owned() };
        let high = high.map_or_else(String::new, |high| self.number(high));
        let unit = if self.unit == Unit::Seconds { " s" } else { "" };
        let (value, low) = (self.number(value), self.number(low));
        format!("{value}{unit} ({low}–{high}, of {})", values.len())
    }

    /// One value, without its unit.
    fn number(&self, value: f64) -> String {
        match self.unit {
            Unit::Seconds => format!("{value:.2}"),
            _ if value.abs() >= 100.0 => format!("{value:.0}"),
            _ => format!("{value:.1}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_tells_the_figure_with_its_interval_and_how_many_values_there_are() {
        let seconds = Figure { head: "without writes", unit: Unit::Seconds };
        let values = [0.538, 0.604, 0.61, 0.62, 0.63, 0.64, 0.678, 0.9];
        assert_eq!(seconds.cell(&values), "0.62 s (0.54–0.68, of 8)");
        assert_eq!(seconds.cell(&[]), "–");
        let share = Figure { head: "deposed", unit: Unit::YesOrNo };
        assert_eq!(share.cell(&[1.0, 0.0, 0.0]), "1 of 3 (6–80 %)");
    }
}
