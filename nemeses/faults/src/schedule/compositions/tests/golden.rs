//! Compositions in, drawn faults out, as the files in `golden/` say.

use std::fmt::Write;
use std::path::Path;

use super::super::Compositions;
use super::support::{VALUES, drawings, limits, own};
use crate::schedule::planned::Planned;

/// Compares with a file of this folder; the variable `UPDATE_GOLDENFILES=1` writes it anew.
fn check_golden(file: &str, drawn: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("src/schedule/compositions/tests/golden")
        .join(file);
    if std::env::var_os("UPDATE_GOLDENFILES").is_some_and(|value| value == "1") {
        std::fs::write(&path, drawn).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap();
    assert!(drawn == expected, "{file} differs; drawn was\n{drawn}");
}

fn write_drawn(out: &mut String, planned: &[Planned]) {
    for Planned { begins, lasts, fault, when, on, .. } in planned {
        let moment = when
            .as_ref()
            .map(|trigger| format!(" at {trigger}, within {:.3} s", trigger.within.as_secs_f64()));
        let on = on.as_ref().map(|name| format!(", on {name}")).unwrap_or_default();
        let moment = moment.unwrap_or_default();
        writeln!(out, "  {begins:.3} s{moment} for {lasts:.3} s: {fault}{on}").unwrap();
    }
}

#[test]
fn each_kind_of_value_is_drawn_as_the_golden_file_says() {
    let composition = own(VALUES);
    let mut out = String::new();
    for (nodes, most_down) in [(3, 3), (5, 5), (5, 4)] {
        for seed in 1..=3 {
            writeln!(out, "seed {seed}, {nodes} nodes, at most {most_down} down").unwrap();
            write_drawn(&mut out, &drawings(&composition, limits(nodes, most_down), seed, 1)[0]);
        }
    }
    check_golden("values.txt", &out);
}

#[test]
fn those_that_come_along_are_drawn_as_the_golden_file_says() {
    let mut out = String::new();
    for composition in Compositions::shipped().iter() {
        for seed in 1..=2 {
            writeln!(out, "{}, seed {seed}", composition.name()).unwrap();
            write_drawn(&mut out, &drawings(composition, limits(5, 5), seed, 1)[0]);
        }
    }
    check_golden("shipped.txt", &out);
}
