//! The figures by which nights are compared, and the comparison.

use std::collections::BTreeMap;
use std::fmt;

use faults::coverage::Role;
use faults::fault::Family;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::availability::{Availability, percentile};
use crate::words;

/// The figures of a run, beside its latency, which stands with its verdict.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RunFigures {
    /// The times to recovery in seconds, by family and role; those whose end was not seen are left
    /// out.
    pub recoveries: Vec<(Family, Role, Vec<f64>)>,
    /// The operations that succeeded while the load lasted, a second.
    pub ok_per_second: f64,
    /// The milliseconds that a fixed piece of work took on the machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub machine_ms: Option<f64>,
}

impl RunFigures {
    /// The figures of a run that was as available as this; on a machine of that speed.
    pub fn of(availability: &Availability, machine_ms: Option<f64>) -> RunFigures {
        let recoveries = availability.groups().into_iter().filter_map(|group| {
            let seconds = group.recoveries();
            (!seconds.is_empty()).then_some((group.family, group.role, seconds))
        });
        let ok_per_second = availability.ok_per_second;
        RunFigures { recoveries: recoveries.collect(), ok_per_second, machine_ms }
    }
}

/// The recovery from the faults of one family that hit one role, over a night.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RecoveryOfNight {
    /// The name of the target in the plan.
    pub target: String,
    /// The family.
    pub family: Family,
    /// Whom the faults hit.
    pub role: Role,
    /// The number of faults whose recovery was measured.
    pub count: u64,
    /// The median time to recovery, in seconds; 0 where no operation was missed.
    pub median_seconds: f64,
    /// The time that 99 of 100 did not exceed.
    pub p99_seconds: f64,
}

/// The recoveries of a night from the figures of its runs, each with the name of its target.
pub fn recoveries<'a>(
    runs: impl IntoIterator<Item = &'a (String, RunFigures)>,
) -> Vec<RecoveryOfNight> {
    let mut all: BTreeMap<(&str, Family, Role), Vec<f64>> = BTreeMap::new();
    for (target, figures) in runs {
        for (family, role, seconds) in &figures.recoveries {
            all.entry((target, *family, *role)).or_default().extend(seconds);
        }
    }
    let of_group = |((target, family, role), mut seconds): ((&str, _, _), Vec<f64>)| {
        seconds.sort_by(f64::total_cmp);
        Some(RecoveryOfNight {
            target: target.to_owned(),
            family,
            role,
            count: seconds.len() as u64,
            median_seconds: percentile(&seconds, 50)?,
            p99_seconds: percentile(&seconds, 99)?,
        })
    };
    all.into_iter().filter_map(of_group).collect()
}

/// A figure that nights are compared by.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Figure {
    /// The time to recovery from faults of one family that hit one role, in seconds.
    Recovery,
    /// The median latency of operations that succeeded, in milliseconds.
    MedianLatency,
    /// The latency that 99 of 100 did not exceed, in milliseconds.
    Latency99,
    /// Operations that succeeded, a second.
    Throughput,
}

/// A night compared with those before.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Comparison {
    /// The nights before, by their names.
    pub nights: Vec<String>,
    /// Every figure that both have.
    pub compared: Vec<Compared>,
}

/// One figure of a target in the comparison.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Compared {
    /// The name of the target in the plan.
    pub target: String,
    /// The figure.
    pub figure: Figure,
    /// The family of the faults, of a recovery.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub family: Option<Family>,
    /// Whom they hit, of a recovery.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<Role>,
    /// The runs of the night that have it.
    pub runs: u64,
    /// The runs before that have it.
    pub runs_before: u64,
    /// Its median in the night.
    pub value: f64,
    /// Its median before.
    pub before: f64,
    /// The mean ratio to the runs before that were planned alike, without what the speed of the
    /// machine explains; above 1 is worse.
    pub ratio: f64,
    /// The probability of such a ratio by chance.
    pub p: f64,
    /// True if it is worse beyond chance, over all figures.
    pub worse: bool,
}

impl Comparison {
    /// The figures that are worse beyond chance.
    pub fn worse(&self) -> impl Iterator<Item = &Compared> {
        self.compared.iter().filter(|it| it.worse)
    }

    /// The number of figures that are worse, and each of them, a line each.
    pub fn lines(&self) -> Vec<String> {
        let of = format!(
            "beside {} before, of {}",
            words::counted(self.nights.len() as u64, "night"),
            words::counted(self.compared.len() as u64, "figure")
        );
        let first = match self.worse().count() {
            0 => format!("{of} none is worse than chance explains"),
            1 => format!("{of} one is worse than chance explains:"),
            count => format!("{of} {count} are worse than chance explains:"),
        };
        [first].into_iter().chain(self.worse().map(|it| format!("  {it}"))).collect()
    }
}

impl fmt::Display for Compared {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Compared { target, value, before, ratio, p, .. } = self;
        let (name, unit) = match self.figure {
            Figure::Recovery => ("recovery", " s"),
            Figure::MedianLatency => ("median latency", " ms"),
            Figure::Latency99 => ("latency of 99 in 100", " ms"),
            Figure::Throughput => ("operations a second", ""),
        };
        write!(out, "{target}: {name}")?;
        if let (Some(family), Some(role)) = (self.family, self.role) {
            write!(out, " from {family}, {role}")?;
        }
        write!(out, ", median {value}{unit} after {before}{unit} ({ratio} times as bad, p {p:.1e})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_that_are_worse_are_said_in_a_line_each() {
        let slower = Compared {
            target: "etcd".to_owned(),
            figure: Figure::Recovery,
            family: Some(Family::Kill),
            role: Some(Role::Leader),
            runs: 40,
            runs_before: 120,
            value: 1.4,
            before: 0.7,
            ratio: 2.01,
            p: 0.0001,
            worse: true,
        };
        let alike = Compared { figure: Figure::Throughput, worse: false, ..slower.clone() };
        let comparison = |compared: &[&Compared]| Comparison {
            nights: vec!["one".to_owned()],
            compared: compared.iter().copied().cloned().collect(),
        };
        assert_eq!(
            comparison(&[&slower, &alike]).lines(),
            [
                "beside 1 night before, of 2 figures one is worse than chance explains:",
                "  etcd: recovery from kill, leader, median 1.4 s after 0.7 s (2.01 times as bad, p \
                 1.0e-4)",
            ]
        );
        let none = "beside 1 night before, of 1 figure none is worse than chance explains";
        assert_eq!(comparison(&[&alike]).lines(), [none]);
    }
}
