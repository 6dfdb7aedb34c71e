//! The figures of all rounds as a table.

use crate::Results;
use crate::bundled::Ground;
use crate::contender::Contender;
use crate::load::Figures;

/// One line a contender: the medians of its rounds. It is compared with its rival round by round,
/// since two turns of one round saw the machine in a more similar state than two medians.
pub fn render(contenders: &[Results]) -> String {
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
        let rival = contenders.iter().find(|it| it.contender == contender.rival());
        let ratio = rival.map_or("–".to_owned(), |rival| {
            let pairs = rival.figures.iter().zip(&speeds);
            let ratios = pairs.map(|(rival, speed)| rival.writes_per_second / speed).collect();
            format!("{:.2}x", median(ratios))
        });
        table += &format!(
            "{:<24} {:>8.0} {:>15} {:>8.1} {:>8.1} {:>10.0} {:>12.0} {ratio:>9} {failed:>7}\n",
            contender.name(),
            median(speeds),
            format!("({least:.0}–{most:.0})"),
            median(of(|it| it.p50)),
            median(of(|it| it.p99)),
            median(of(|it| it.nodes_cost)),
            median(of(|it| it.clients_cost)),
        );
    }
    table += "*  processor time a write\n";
    table += "** writes/s of the bundled cluster by those of this line; with fault disks, own clocks or \
              no events it is that on a tmpfs\n";
    for (own, rival) in [
        (Ground::FaultDisk, Ground::Tmpfs),
        (Ground::OwnClocks, Ground::Tmpfs),
        (Ground::Tmpfs, Ground::NoEvents),
    ] {
        let of = |ground| contenders.iter().find(|it| it.contender == Contender::Bundled(ground));
        if let (Some(own), Some(rival)) = (of(own), of(rival)) {
            table += &loss(own, rival);
        }
    }
    table
}

/// The speed that a contender loses against another, and the processor time that it takes more, of
/// each round.
fn loss(own: &Results, rival: &Results) -> String {
    let percent = |of: fn(&Figures, &Figures) -> f64| {
        let pairs = own.figures.iter().zip(&rival.figures);
        let rounds: Vec<f64> = pairs.map(|(own, rival)| 100.0 * of(own, rival)).collect();
        let least = rounds.iter().copied().fold(f64::INFINITY, f64::min);
        let most = rounds.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        (median(rounds), format!("(of the rounds {least:.1} to {most:.1})"))
    };
    let (slower, by) = percent(|own, rival| 1.0 - own.writes_per_second / rival.writes_per_second);
    let (dearer, with) = percent(|own, rival| own.nodes_cost / rival.nodes_cost - 1.0);
    let (own, rival) = (own.contender.name(), rival.contender.name());
    format!(
        "{own}: {slower:.1} % fewer writes/s than {rival} {by}, {dearer:.1} % more processor time of \
         the nodes a write {with}\n"
    )
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
