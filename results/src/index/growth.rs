//! Coverage over nights: the situations that faults reached by then.

use std::collections::{BTreeMap, BTreeSet};

use faults::coverage::{Phase, Role};
use faults::fault::Family;
use faults::trigger::TriggerKind;

use super::model::Series;
use crate::night::Reached;

/// A situation of a target: whom faults hit when, at which moment, or two at once.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Reach<'a> {
    Cell(&'a str, Family, Role, Phase),
    Moment(&'a str, TriggerKind, Role, Family),
    Pair(&'a str, Family, Family),
}

/// The coverage of a series.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Growth {
    /// The number of situations that were reached by the end of each night.
    pub total: Vec<u64>,
    /// Of them, those that each night was the first to reach.
    pub new: Vec<u64>,
    /// All that was reached, by target.
    pub reached: BTreeMap<String, Reached>,
}

/// The coverage of a series, night by night.
pub fn growth(series: &Series) -> Growth {
    let mut known = BTreeSet::new();
    let mut growth = Growth::default();
    for night in &series.nights {
        let before = known.len();
        for (target, reached) in &night.reached {
            known.extend(
                reached.cells.iter().map(|it| Reach::Cell(target, it.family, it.role, it.phase)),
            );
            known.extend(
                reached
                    .moments
                    .iter()
                    .map(|it| Reach::Moment(target, it.trigger, it.role, it.family)),
            );
            known.extend(reached.pairs.iter().map(|it| Reach::Pair(target, it.one, it.other)));
            growth.reached.entry(target.clone()).or_default().join(reached);
        }
        growth.total.push(known.len() as u64);
        growth.new.push((known.len() - before) as u64);
    }
    growth
}
