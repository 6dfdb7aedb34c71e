//! The index of nights that are made up: what it says of failures, cells, coverage and trends, and
//! what its page shows.

use checker::verdict::Contradiction;
use checker::verdict::Verdict::{self, Invalid, Unknown, Valid};
use faults::coverage::{Cell as Situation, Phase, Role};
use faults::fault::Family;
use stormproof_results::conclusion::Part;
use stormproof_results::index::{
    Failure, Found, Index, Runs, Served, Unreadable, failures, growth, html, matrix, trends,
};
use stormproof_results::night::{Kept, Reached, Remark, Shard, State};

mod folders;
#[path = "../nights/mod.rs"]
mod nights;

use nights::{index, night, season};

/// The failures of nights, each as its cell, its course in words, and how often it was seen.
fn courses(nights: &[&[(usize, Verdict)]]) -> Vec<(usize, String, String)> {
    let index = index((1..).zip(nights).map(|(day, runs)| night(day, runs)).collect());
    let of = |it: Failure| (it.cell, it.course_in_words("night"), it.seen_in_words());
    failures(&index.series[0]).into_iter().map(of).collect()
}

fn row(cell: usize, course: &str, seen: &str) -> (usize, String, String) {
    (cell, course.to_owned(), seen.to_owned())
}

#[test]
fn a_failure_is_new_once_earlier_nights_passed() {
    let passed: &[_] = &[(0, Valid), (0, Valid)];
    let failed: &[_] = &[(0, Valid), (0, Invalid)];
    assert_eq!(courses(&[passed, passed]), []);
    assert_eq!(
        courses(&[passed, failed]),
        [row(0, "new in the last night", "seen once in 4 runs")]
    );
    assert_eq!(
        courses(&[passed, failed, passed, failed]),
        [row(0, "new since 3 nights", "seen twice in 8 runs")]
    );
    // In the first night nothing is new.
    assert_eq!(courses(&[failed]), [row(0, "comes and goes", "seen once in 2 runs")]);
}

#[test]
fn a_failure_grows_old_and_is_gone_when_nights_no_more_see_it() {
    let passed: &[_] = &[(0, Valid)];
    let failed: &[_] = &[(0, Invalid)];
    let mut nights = vec![passed];
    nights.extend([failed; 7]);
    assert_eq!(courses(&nights)[0].1, "new since 7 nights");
    nights.push(failed);
    assert_eq!(courses(&nights), [row(0, "in every run", "seen 8 times in 9 runs")]);
    nights.extend([passed; 4]);
    assert_eq!(courses(&nights)[0].1, "comes and goes");
    // A night that did not run the cell says nothing of it.
    nights.push(&[(1, Valid)]);
    assert_eq!(courses(&nights)[0].1, "comes and goes");
    nights.push(passed);
    assert_eq!(courses(&nights), [row(0, "not seen for 5 nights", "seen 8 times in 14 runs")]);
}

#[test]
fn new_failures_come_first_and_those_that_are_gone_last() {
    let all = [(0, Valid), (1, Invalid)];
    let both = [(0, Invalid), (1, Invalid)];
    let found = courses(&[&all, &both]);
    assert_eq!(found.iter().map(|it| it.0).collect::<Vec<_>>(), [0, 1]);
    let fine = [(0, Valid), (1, Valid)];
    let found = courses(&[&both, &fine, &fine, &fine, &fine, &[(0, Valid), (1, Invalid)]]);
    assert_eq!(found[0].0, 1);
    assert_eq!(found[1], row(0, "not seen for 5 nights", "seen once in 6 runs"));
}

#[test]
fn another_contradiction_in_the_same_cell_is_another_failure() {
    let showing = |day, shown: &[Option<Contradiction>]| {
        let mut of_night = night(day, &vec![(0, Invalid); shown.len()]);
        for (run, shown) in of_night.night.runs.iter_mut().zip(shown) {
            run.contradiction = *shown;
        }
        of_night
    };
    let (order, lost) = (Some(Contradiction::NoOrder), Some(Contradiction::LostOperation));
    // The first night is of a version that did not say which it was.
    let mut nights = vec![showing(1, &[None]), showing(2, &[order]), showing(3, &[order])];
    let found = failures(&index(nights.clone()).series[0]);
    let of = |it: &Failure| (it.kind_in_words(), it.course_in_words("night"), it.seen_in_words());
    let row = |kind: &str, course: &str, seen: &str| (kind.into(), course.into(), seen.into());
    assert_eq!(
        found.iter().map(of).collect::<Vec<_>>(),
        [row("safety, no legal order", "in every run", "seen 3 times in 3 runs")]
    );
    nights.push(showing(4, &[order, lost]));
    let found = failures(&index(nights).series[0]);
    assert_eq!(
        found.iter().map(of).collect::<Vec<_>>(),
        [
            row("safety, a lost operation", "new in the last night", "seen once in 5 runs"),
            row("safety, no legal order", "new since 3 nights", "seen 3 times in 5 runs"),
            row("safety", "comes and goes", "seen once in 5 runs"),
        ]
    );
}

#[test]
fn what_counts_neither_way_is_in_no_count() {
    let mut of_night = night(1, &[(0, Valid), (0, Invalid), (0, Invalid), (0, Unknown)]);
    of_night.night.runs[1].starved = true;
    of_night.night.runs[3].failure = Some("no such program".to_owned());
    let index = index(vec![of_night]);
    let found = failures(&index.series[0]);
    let of = |it: &Failure| (it.part, it.seen, it.runs);
    assert_eq!(
        found.iter().map(of).collect::<Vec<_>>(),
        [(Part::Safety, 1, 2), (Part::Harness, 1, 3)]
    );
    let cells = matrix(&index.series[0]);
    assert_eq!(cells[0].all, Runs { valid: 1, invalid: 1, unknown: 2, starved: 1 });
    assert_eq!(cells[0].nights, [Some(Invalid)]);
    assert_eq!(cells[1].nights, [None]);
}

#[test]
fn shards_are_one_night_and_give_way_to_what_they_were_merged_to() {
    let shard = |index, runs: &[(usize, Verdict)]| {
        let mut part = night(1, runs);
        part.night.shard = Some(Shard { index, of: 2 });
        part.folder = format!("shard-{index}");
        part
    };
    let mut other = shard(2, &[(1, Invalid)]);
    other.night.runs[0].number = 5;
    let parts = vec![shard(1, &[(0, Valid)]), other];
    let whole = night(1, &[(0, Valid), (1, Invalid)]);
    let of_parts = index(parts.clone());
    let nights = &of_parts.series[0].nights;
    assert_eq!((nights.len(), nights[0].runs.len()), (1, 2));
    assert_eq!(nights[0].folders, ["shard-1", "shard-2"]);
    assert!(nights[0].runs[1].folder.as_deref().is_some_and(|it| it.starts_with("shard-2/runs/")));
    let merged = index([parts, vec![whole.clone()]].concat());
    assert_eq!(merged.series[0].nights.len(), 1);
    assert_eq!(merged.series[0].nights[0].folders, [whole.folder]);
}

#[test]
fn coverage_grows_by_what_no_night_before_reached() {
    let reaching = |day, places: &[(Family, Role)]| {
        let mut of_night = night(day, &[(0, Valid)]);
        let cells = places.iter().map(|(family, role)| Situation {
            family: *family,
            role: *role,
            phase: Phase::Steady,
            count: 2,
        });
        let reached = Reached { cells: cells.collect(), ..Reached::default() };
        of_night.night.reached.insert("a".to_owned(), reached);
        of_night
    };
    let leader = (Family::Kill, Role::Leader);
    let index = index(vec![
        reaching(1, &[leader]),
        reaching(2, &[leader, (Family::Kill, Role::Follower), (Family::Pause, Role::Leader)]),
        reaching(3, &[leader]),
    ]);
    let growth = growth(&index.series[0]);
    assert_eq!((growth.total, growth.new), (vec![1, 3, 3], vec![1, 2, 0]));
    assert_eq!(growth.reached["a"].cells.len(), 3);
}

#[test]
fn trends_have_a_value_for_each_night_and_gaps_where_nothing_was_measured() {
    let mut without = night(2, &[(0, Valid)]);
    without.night.runs[0].recovery_seconds = None;
    without.night.runs[0].latency = None;
    let index = index(vec![night(1, &[(0, Valid); 3]), without, night(3, &[(0, Valid)])]);
    let trends = trends(&index.series[0]);
    assert_eq!(trends[0].lines[0].seconds, [Some(1.5), None, Some(0.5)]);
    assert_eq!(trends[0].lines[1].seconds, [Some(2.5), None, Some(0.5)]);
    assert_eq!(trends[1].lines[1].seconds, [Some(0.03), None, Some(0.03)]);
}

#[test]
fn nights_of_another_name_are_another_series_and_the_newest_comes_first() {
    let mut other = night(9, &[(0, Invalid)]);
    other.night.name = "other".to_owned();
    let index = index(vec![night(1, &[(0, Valid)]), night(2, &[(0, Valid)]), other]);
    let names: Vec<&str> = index.series.iter().map(|series| series.name.as_str()).collect();
    assert_eq!(names, ["other", "test"]);
    assert_eq!(index.nights(), 3);
}

#[test]
fn a_night_that_was_killed_says_so_and_a_run_of_no_cell_is_left_out() {
    let mut killed = night(1, &[(0, Valid), (7, Valid)]);
    killed.night.state = State::GoesOn;
    killed.night.ended = None;
    killed.night.remarks.push(Remark { run: Some(0), text: "it was made again".to_owned() });
    let night = index(vec![killed]).series[0].nights[0].clone();
    assert_eq!(night.ended.as_deref(), Some("it was killed; the same command goes on"));
    assert_eq!(night.runs.len(), 1);
    assert_eq!(night.remarks, ["run 0: it was made again", "run 1 is of no cell, and left out"]);
}

#[test]
fn the_page_leads_to_what_is_kept_and_to_nothing_else() {
    let mut of_night = night(1, &[(0, Invalid), (0, Valid), (1, Valid)]);
    of_night.night.runs[1].kept = Kept::Summary;
    of_night.night.runs[2].kept = Kept::Nothing;
    let page = html(&index(vec![of_night]), "nights", Served::No);
    let place = "20261101T190000Z-test/runs/";
    assert!(page.contains(&format!("href=\"{place}0/20261101T190000Z-a-set-s1000/report.html\"")));
    assert!(page.contains(&format!("href=\"{place}1/20261101T190100Z-a-set-s1001/\"")));
    assert!(!page.contains(&format!("{place}2/")));
    assert!(!page.contains("/live") && !page.contains("class=\"two\""), "there is no server");
}

#[test]
fn what_a_run_says_cannot_break_the_page() {
    let mut of_night = night(1, &[(0, Invalid)]);
    of_night.night.runs[0].sentence = "</script><script>alert(1)</script><!--".to_owned();
    of_night.night.name = "<b>".to_owned();
    let page = html(&index(vec![of_night]), "nights", Served::No);
    assert!(!page.contains("<script>alert") && !page.contains("<b></"));
}

#[test]
fn an_empty_folder_and_one_with_broken_parts_have_a_page() {
    let empty = html(&Index::default(), "nothing", Served::No);
    assert!(empty.contains("No night and no run lies here"));
    let broken = Unreadable { place: "x/1".to_owned(), why: "its form is 9".to_owned() };
    let found = Found { unreadable: vec![broken], ..Found::default() };
    assert!(html(&Index::of(found), "broken", Served::No).contains("its form is 9"));
}

/// A day in three months of nights: the page stays small, and its data tell of every run.
#[test]
fn the_page_of_many_runs_stays_small() {
    let mut nights = Vec::new();
    for number in 0..1000 {
        let runs: Vec<(usize, Verdict)> = (0..10).map(|run| (run % 2, Valid)).collect();
        let mut found = night(1 + number % 28, &runs);
        let month = number / 28;
        let started = format!(
            "20{:02}-{:02}-{:02}T19:00:00Z",
            20 + month / 12,
            1 + month % 12,
            1 + number % 28
        );
        found.night.id = format!("{}-test", started.replace(['-', ':'], ""));
        found.folder.clone_from(&found.night.id);
        found.night.digest = format!("{number}");
        for run in &mut found.night.runs {
            run.seed = u64::from(number) * 7_919_993 + run.number * 104_729;
            let place = format!(
                "{}T190{}00Z-a-set-s{}",
                started[..10].replace('-', ""),
                run.number,
                run.seed
            );
            run.started = Some(format!("{}T19:0{}:00Z", &started[..10], run.number));
            run.directory = Some(format!("runs/{}/{place}", run.number));
            if (u64::from(number) + run.number) % 37 == 0 {
                run.verdict = Invalid;
                run.safety = Invalid;
                run.sentence = format!(
                    "process {number} read k{number} = 12 at 41.{number} s, but 19 had been acknowledged"
                );
            }
        }
        found.night.started = started;
        nights.push(found);
    }
    let index = index(nights);
    assert_eq!(index.runs().count(), 10_000);
    let page = html(&index, "nights", Served::No);
    assert!(page.len() <= 1_000_000, "{} bytes", page.len());
    assert!(page.contains("\"places\":{}"), "every place follows from time, number and seed");
}

#[test]
fn what_people_read_of_a_season() {
    let page = html(&index(season(9)), "nights", Served::No);
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("../snapshots");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| {
        for id in ["failures", "matrix-0", "nights"] {
            let (_, panel) =
                page.split_once(&format!("<section id=\"{id}\"")).expect("it is there");
            let (panel, _) = panel.split_once("</section>").expect("it ends");
            let lines = ["<tr", "<td", "<th", "<p", "<details", "<h2"]
                .iter()
                .fold(panel.to_owned(), |text, tag| text.replace(tag, &format!("\n{tag}")));
            insta::assert_snapshot!(format!("index-{id}"), lines);
        }
    });
}
