//! The figures of all rounds as a table.

use crate::Results;
use crate::load::Figures;

/// One line a contender: the medians of its rounds. The first one is compared with each, round by
/// round, since two turns of one round saw the machine in a more similar state than two medians.
pub fn render(contenders: &[Results]) -> String {
    let [Results { figures: baseline, .. }, ..] = contenders else { return String::new() };
    let mut table = format!(
        "{:<24} {:>8} {:>15} {:>8} {:>8} {:>10} {:>12} {:>9} {:>7}\n",
        "medians",
        "writes/s",
        "(least–most)",
        "p50 ms",
        "p99 ms",
        "nodes µs*",
        "clients µs*",
        "ratio**",
        "failed"
    );
    for Results { contender, figures: rounds, failed } in contenders {
        let of = |figure: fn(&Figures) -> f64| rounds.iter().map(figure).collect::<Vec<_>>();
        let speeds = of(|it| it.writes_per_second);
        let least = speeds.iter().copied().fold(f64::INFINITY, f64::min);
        let most = speeds.iter().copied().fold(0.0, f64::max);
        let pairs = baseline.iter().zip(&speeds);
        let ratios = pairs.map(|(first, speed)| first.writes_per_second / speed).collect();
        table += &format!(
            "{:<24} {:>8.0} {:>15} {:>8.1} {:>8.1} {:>10.0} {:>12.0} {:>8.2}x {failed:>7}\n",
            contender.name(),
            median(speeds),
            format!("({least:.0}–{most:.0})"),
            median(of(|it| it.p50)),
            median(of(|it| it.p99)),
            median(of(|it| it.nodes_cost)),
            median(of(|it| it.clients_cost)),
            median(ratios),
        );
    }
    table + "*  processor time a write\n** writes/s of the bundled cluster by those of this line\n"
}

/// The middle one, or the mean of the two in the middle.
fn median(mut figures: Vec<f64>) -> f64 {
    assert!(!figures.is_empty(), "every contender has played a round");
    figures.sort_by(f64::total_cmp);
    let middle = figures.len() / 2;
    if figures.len() % 2 == 1 {
        figures[middle]
    } else {
        (figures[middle - 1] + figures[middle]) / 2.0
    }
}
