//! Night against night: which figures became worse, beyond what chance and the machine explain.

use std::collections::{BTreeMap, BTreeSet};

use faults::coverage::Role;
use faults::fault::Family;
use results::availability::percentile;
use results::night::{
    Compared, Comparison, Entry, Figure, Ledger, Night, NightDirectory, RunFigures,
};
use results::summary::Latency;
use workloads::stream;

use crate::statistics::{Unit, discoveries, higher};

/// The probability to call anything worse in a night that is like those before.
const FALSE_ALARMS: f64 = 0.005;

/// The least ratio that is worth a morning, however sure a smaller one may be.
const LEAST_RATIO: f64 = 1.1;

/// Beside so many seconds, a recovery without any interruption is as good as none: elections take
/// longer, and 0 has no logarithm.
const BESIDE: f64 = 0.05;

/// The most nights before that a night is compared with: what lies longer ago was another service.
pub(crate) const NIGHTS: usize = 7;

/// A run with its figures and what it was planned like.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Measured {
    /// The name of its target in the plan.
    pub target: String,
    /// The name of its cell.
    pub cell: String,
    /// Its seed.
    pub seed: u64,
    /// The latency of its operations.
    pub latency: Option<Latency>,
    /// Its figures beside that.
    pub figures: RunFigures,
}

/// The runs of a night that say something of the service, and not of a machine without time.
///
/// # Errors
/// When its ledger cannot be read.
pub(crate) fn measured(directory: &NightDirectory, night: &Night) -> anyhow::Result<Vec<Measured>> {
    let entries = Ledger::read(&directory.ledger())?;
    let runs = entries.into_iter().filter_map(|entry| match entry {
        Entry::Run { run, figures, .. } if !run.starved && run.failure.is_none() => {
            let cell = night.cell_of(&run)?;
            let (target, cell) = (cell.target.clone(), cell.name());
            let (seed, latency) = (run.seed, run.latency);
            Some(Measured { target, cell, seed, latency, figures: figures? })
        }
        _ => None,
    });
    Ok(runs.collect())
}

/// A figure of a target, which is compared by itself.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    target: String,
    figure: Figure,
    hit: Option<(Family, Role)>,
}

/// A run in the comparison of one figure.
struct Run<'a> {
    of: &'a Measured,
    new: bool,
    /// As they were measured.
    values: Vec<f64>,
}

/// The comparison of a night with those before. The seed is that of its random stream.
pub(crate) fn compare(
    nights: Vec<String>,
    new: &[Measured],
    before: &[Measured],
    seed: u64,
) -> Comparison {
    let mut runs: BTreeMap<Key, Vec<Run<'_>>> = BTreeMap::new();
    for (of, new) in new.iter().map(|run| (run, true)).chain(before.iter().map(|run| (run, false)))
    {
        for (key, values) in values(of) {
            runs.entry(key).or_default().push(Run { of, new, values });
        }
    }
    runs.retain(|_, runs| runs.iter().any(|run| run.new) && runs.iter().any(|run| !run.new));
    // Fine enough that the least p of so many can count.
    let permutations = (5.0 * runs.len() as f64 / FALSE_ALARMS) as u32;
    let mut compared: Vec<Compared> = Vec::new();
    for (key, runs) in &runs {
        let purpose = format!("{key:?}");
        let units = units(key, runs);
        let Some(found) = higher(&units, permutations, &mut stream(seed, &purpose)) else {
            continue;
        };
        let medians = [true, false].map(|new| {
            let group = runs.iter().filter(|run| run.new == new);
            let mut values: Vec<f64> = group.flat_map(|run| run.values.iter().copied()).collect();
            values.sort_by(f64::total_cmp);
            percentile(&values, 50).unwrap_or_default()
        });
        let count = |new| runs.iter().filter(|run| run.new == new).count() as u64;
        compared.push(Compared {
            target: key.target.clone(),
            figure: key.figure,
            family: key.hit.map(|(family, _)| family),
            role: key.hit.map(|(_, role)| role),
            runs: count(true),
            runs_before: count(false),
            value: medians[0],
            before: medians[1],
            ratio: (found.difference.exp() * 1e3).round() / 1e3,
            p: found.p,
            worse: false,
        });
    }
    let p_values: Vec<f64> = compared.iter().map(|it| it.p).collect();
    for (it, found) in compared.iter_mut().zip(discoveries(&p_values, FALSE_ALARMS)) {
        it.worse = found && it.ratio >= LEAST_RATIO;
    }
    Comparison { nights, compared }
}

/// Every figure of a run with its values.
fn values(run: &Measured) -> Vec<(Key, Vec<f64>)> {
    let key = |figure, hit| Key { target: run.target.clone(), figure, hit };
    let recoveries = run.figures.recoveries.iter();
    let recoveries = recoveries.map(|(family, role, seconds)| {
        (key(Figure::Recovery, Some((*family, *role))), seconds.clone())
    });
    let latencies = run.latency.iter().flat_map(|latency| {
        [
            (key(Figure::MedianLatency, None), vec![latency.p50_ms]),
            (key(Figure::Latency99, None), vec![latency.p99_ms]),
        ]
    });
    let throughput = (key(Figure::Throughput, None), vec![run.figures.ok_per_second]);
    recoveries.chain(latencies).chain([throughput]).collect()
}

/// The runs as the test takes them: logarithms, so that a ratio is a difference, the higher the
/// worse, and without what the speed of the machine explains.
fn units<'a>(key: &Key, runs: &[Run<'a>]) -> Vec<Unit<(&'a str, Option<u64>)>> {
    let seeds = |new| {
        let runs = runs.iter().filter(move |run| run.new == new);
        runs.map(|run| (run.of.cell.as_str(), run.of.seed)).collect::<BTreeSet<_>>()
    };
    let (new, before) = (seeds(true), seeds(false));
    let mut units: Vec<Unit<(&str, Option<u64>)>> = Vec::new();
    for run in runs {
        let plan = (run.of.cell.as_str(), run.of.seed);
        // The same plan in both: compared with itself, and not with plans that differ.
        let seed = (new.contains(&plan) && before.contains(&plan)).then_some(plan.1);
        let values = run.values.iter().map(|value| match key.figure {
            Figure::Recovery => (value + BESIDE).ln(),
            Figure::MedianLatency | Figure::Latency99 => value.max(1e-3).ln(),
            Figure::Throughput => -value.max(1e-3).ln(),
        });
        units.push(Unit { stratum: (plan.0, seed), new: run.new, values: values.collect() });
    }
    let speeds: Option<Vec<f64>> =
        runs.iter().map(|run| Some(run.of.figures.machine_ms?.max(1e-6).ln())).collect();
    if let Some(speeds) = speeds {
        take_out(&mut units, &speeds);
    }
    units
}

/// Takes out of the values what follows from the time that fixed work took (a logarithm for each
/// run): as much as fits them best, but no more than that a machine twice as slow makes twice as slow.
fn take_out<S: Ord + Clone>(units: &mut [Unit<S>], slowness: &[f64]) {
    let mut strata: BTreeMap<S, Vec<usize>> = BTreeMap::new();
    for (place, unit) in units.iter().enumerate() {
        strata.entry(unit.stratum.clone()).or_default().push(place);
    }
    let mut apart = vec![0.0; units.len()];
    let (mut common, mut spread) = (0.0, 0.0);
    for places in strata.values() {
        let count: f64 = places.iter().map(|place| units[*place].values.len() as f64).sum();
        let mean =
            |of: &dyn Fn(usize) -> f64| places.iter().map(|place| of(*place)).sum::<f64>() / count;
        let level = mean(&|place| units[place].values.iter().sum());
        let usual = mean(&|place| slowness[place] * units[place].values.len() as f64);
        for &place in places {
            apart[place] = slowness[place] - usual;
            for value in &units[place].values {
                common += (value - level) * apart[place];
                spread += apart[place] * apart[place];
            }
        }
    }
    let slope = if spread > 0.0 { (common / spread).clamp(0.0, 1.0) } else { 0.0 };
    for (unit, apart) in units.iter_mut().zip(apart) {
        unit.values.iter_mut().for_each(|value| *value -= slope * apart);
    }
}

#[cfg(test)]
mod tests {
    use rand::rngs::ChaCha8Rng;
    use rand::{RngExt, SeedableRng};
    use serde::Deserialize;

    use super::*;
    use crate::printing::err;

    /// Runs of the bundled cluster on a machine with other builds beside them, seeds 1 to 64:
    /// `stormproof run --nodes 3 --faults kill,partition --profile brutal --time-limit 24s --rate 150
    /// --seed N`, read by `cargo run -p stormproof-results --example run_figures -- DIR…`.
    #[derive(Deserialize)]
    struct Recorded {
        /// With election timeouts of 400 to 800 ms.
        usual: Vec<OfRun>,
        /// The same with `--set election_timeout=900ms --set heartbeat_interval=50ms`: raised by 500 ms.
        raised: Vec<OfRun>,
    }

    #[derive(Deserialize)]
    struct OfRun {
        latency: Option<Latency>,
        #[serde(flatten)]
        figures: RunFigures,
    }

    fn recorded() -> Recorded {
        let text = include_str!("../../tests/nights/recorded.json");
        serde_json::from_str(text).expect("the recorded figures")
    }

    /// A night of so many runs, drawn from recorded ones.
    fn night(of: &[OfRun], runs: usize, first: u64, random: &mut ChaCha8Rng) -> Vec<Measured> {
        let run = |seed| {
            let drawn = &of[random.random_range(0..of.len())];
            Measured {
                target: "bundled".to_owned(),
                cell: "bundled · register · brutal".to_owned(),
                seed,
                latency: drawn.latency,
                figures: drawn.figures.clone(),
            }
        };
        (first..).take(runs).map(run).collect()
    }

    fn worse(comparison: &Comparison) -> Vec<(Figure, Option<Role>)> {
        let worse = comparison.compared.iter().filter(|it| it.worse);
        worse.map(|it| (it.figure, it.role)).collect()
    }

    /// So many of `nights` pairs of nights of 40 runs each in which something seemed worse.
    fn flagged(nights: u64, old: &[OfRun], new: &[OfRun]) -> u64 {
        let mut random = ChaCha8Rng::seed_from_u64(42);
        let flagged = (0..nights).filter(|seed| {
            let before = night(old, 40, 0, &mut random);
            let new = night(new, 40, 1_000, &mut random);
            !worse(&compare(vec!["before".to_owned()], &new, &before, *seed)).is_empty()
        });
        flagged.count() as u64
    }

    #[test]
    fn equal_nights_of_recorded_runs_seldom_seem_worse() {
        let Recorded { usual, raised } = recorded();
        let alarms = flagged(200, &usual, &usual) + flagged(200, &raised, &raised);
        err!("{alarms} of 400 equal nights seemed worse");
        assert!(alarms <= 4, "{alarms} of 400 equal nights");
    }

    #[test]
    fn an_election_timeout_raised_by_half_a_second_is_seen_in_one_night() {
        let Recorded { usual, raised } = recorded();
        let found = flagged(40, &usual, &raised);
        err!("{found} of 40 slower nights were seen");
        assert!(found >= 38, "in {found} of 40 nights");
        // And what became faster is no complaint.
        assert_eq!(flagged(40, &raised, &usual), 0);
    }

    #[test]
    fn the_recovery_from_lost_leaders_is_what_is_worse() {
        let Recorded { usual, raised } = recorded();
        let mut random = ChaCha8Rng::seed_from_u64(1);
        let before = night(&usual, 40, 0, &mut random);
        let new = night(&raised, 40, 1_000, &mut random);
        let found = compare(vec!["before".to_owned()], &new, &before, 1);
        assert!(worse(&found).contains(&(Figure::Recovery, Some(Role::Leader))), "{found:#?}");
        found.lines().iter().for_each(|line| err!("{line}"));
        let again = compare(vec!["before".to_owned()], &new, &before, 1);
        assert_eq!(found, again, "the same runs give the same comparison");
    }

    /// A run of a service that takes so long on a machine that takes `machine_ms` for fixed work.
    fn made_up(seed: u64, latency: f64, machine_ms: f64) -> Measured {
        let latency = Latency { p50_ms: latency * 1e3, p99_ms: latency * 9e3 };
        Measured {
            target: "bundled".to_owned(),
            cell: "cell".to_owned(),
            seed,
            latency: Some(latency),
            figures: RunFigures {
                recoveries: Vec::new(),
                ok_per_second: 100.0,
                machine_ms: Some(machine_ms),
            },
        }
    }

    #[test]
    fn a_slower_machine_is_not_a_slower_service() {
        let mut random = ChaCha8Rng::seed_from_u64(3);
        let mut night = |first: u64, service: f64, machine: f64| -> Vec<Measured> {
            let run = |seed| {
                let machine = machine * (1.0 + 0.1 * random.random::<f64>());
                made_up(seed, service * machine * (1.0 + 0.2 * random.random::<f64>()), machine)
            };
            (first..first + 30).map(run).collect()
        };
        let before = night(0, 1e-4, 20.0);
        let slower_machine = night(100, 1e-4, 40.0);
        let slower_service = night(200, 2e-4, 20.0);
        let both = night(300, 3e-4, 30.0);
        let worse = |new: &[Measured]| worse(&compare(Vec::new(), new, &before, 1));
        assert_eq!(worse(&slower_machine), []);
        let latencies = [(Figure::MedianLatency, None), (Figure::Latency99, None)];
        assert_eq!(worse(&slower_service), latencies);
        assert_eq!(worse(&both), latencies, "more than the machine explains");
    }

    #[test]
    fn the_same_plans_are_compared_with_themselves() {
        // Plans differ by far more than the nights, of which one is slower by a fifth throughout.
        let of = |slower: f64| {
            (0..20).map(move |seed| made_up(seed, 1e-3 * 1.5_f64.powi(seed as i32) * slower, 20.0))
        };
        let before: Vec<Measured> = of(1.0).collect();
        let new: Vec<Measured> = of(1.2).collect();
        let paired = compare(Vec::new(), &new, &before, 1);
        assert!(!worse(&paired).is_empty(), "{paired:?}");
        let others = new.into_iter().map(|run| Measured { seed: run.seed + 100, ..run });
        let unpaired = compare(Vec::new(), &others.collect::<Vec<_>>(), &before, 1);
        assert_eq!(worse(&unpaired), []);
    }
}
