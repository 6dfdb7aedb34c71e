//! A user's file: what it adds, and what is wrong with it.

use super::super::Compositions;
use super::support::{VALUES, drawings, limits, own};
use crate::fault::Aim;

#[test]
fn an_aim_fits_whatever_else_is_drawn_of_the_fault() {
    let text = "[[composition]]\nname = \"x\"\nabout = \"\"\n[[composition.fault]]\nat = 0\n\
                lasts = 1\nfamily = \"disk\"\naim = { all = 9, leader = 1 }\n\
                trouble = { slow-fsync = 99, stalled-fsync = 1 }\ndelay_ms = 50";
    let aims = |most_down| {
        let drawn = drawings(&own(text), limits(3, most_down), 1, 200);
        let leaders = drawn.iter().flatten().filter(|it| it.fault.aim() == Some(Aim::Leader));
        leaders.count()
    };
    assert_eq!(aims(1), 200, "a stalled disk takes its node down");
    assert!((5..50).contains(&aims(3)), "{}", aims(3));
}

#[test]
fn a_composition_of_a_user_is_added_or_replaces_one_of_the_same_name() {
    let shipped: Vec<_> = Compositions::shipped().iter().cloned().collect();
    let added: Vec<_> = Compositions::read(VALUES).unwrap().iter().cloned().collect();
    assert_eq!(added[..38], shipped[..]);
    assert_eq!((added.len(), added[38].name()), (39, "every-kind-of-value"));
    assert_eq!((added[38].weight(), added[38].nodes), (1, 3));

    let text = VALUES.replace("every-kind-of-value", "killed-in-election");
    let replaced: Vec<_> = Compositions::read(&text).unwrap().iter().cloned().collect();
    assert_eq!(replaced.len(), 38);
    for (new, old) in replaced.iter().zip(&shipped) {
        assert_eq!(new.name(), old.name());
        assert_eq!(new == old, new.name() != "killed-in-election");
    }
}

/// Reads a composition of a kill, with other lines, and expects to be refused.
fn check_refused(composition: &str, fault: &str, what: &str) {
    let text = format!(
        "[[composition]]\nname = \"mine\"\nabout = \"\"\n{composition}\n\
         [[composition.fault]]\nat = 0\nlasts = 1\nfamily = \"kill\"\naim = \"one\"\n\
         [[composition.fault]]\n{fault}"
    );
    let error = Compositions::read(&text).expect_err(&text).to_string();
    assert_eq!(error, format!("composition mine: {what}"), "{text}");
}

#[test]
fn an_error_names_the_composition_the_fault_and_the_field() {
    let kill = "at = 0\nlasts = 1\nfamily = \"kill\"\naim = \"one\"";
    check_refused("weight = 1000001", kill, "`weight` is from 0 to 1000000");
    check_refused("nodes = 0", kill, "`nodes` is from 1 to 50");
    check_refused("draw = { nodes = 3 }", kill, "`draw`: \"nodes\" cannot be a name of yours");
    let on = "at = 1\nlasts = 1\nfamily = \"kill\"\naim = \"one\"\non = \"slow\"";
    check_refused(
        "",
        on,
        "fault 2, in a cluster of 3: no fault before it hits nodes `as` \"slow\", nor is it a node",
    );
    check_refused("draw = { a-b = 3 }", kill, "`draw`: \"a-b\" cannot be a name of yours");
    check_refused(
        "draw = { a = \"$b + 1\", b = \"$a\", c = 2 }",
        kill,
        "`draw`: each of $a, $b waits for another",
    );
    check_refused(
        "draw = { a = \"$b\" }",
        kill,
        "$a: there is no $b; there are $longest_ms, $nodes, $shortest_ms",
    );
    check_refused("draw = { a = \"2..1\" }", kill, "$a: no number is from 2 to 1");

    let refused = |fault: &str, what: &str| check_refused("", fault, &format!("fault 2: {what}"));
    refused("lasts = 1\nfamily = \"kill\"\naim = \"one\"", "missing field `at`");
    refused("at = 0\nlasts = 1\nfamily = \"pause\"", "missing field `aim`");
    refused("id = 7", "an `id` is given to it when it has its place in a schedule");
    refused("at = 0\nlasts = 1\nfamily = 5", "`family` is a name");
    let rest = |at: &str| format!("at = {at}\nlasts = 1\nfamily = \"kill\"\naim = \"one\"");
    refused(&rest("\"soon\""), "invalid type: string \"soon\", expected f64");
    refused(&rest("\"1 +\""), "`at`: \"1 +\" is no number: a number or a $name is missing");
    refused(
        &rest("\"$slow\""),
        "`at`: there is no $slow; there are $longest_ms, $nodes, $shortest_ms",
    );
    refused(&rest("-1"), "-1 is no number of seconds of a run");
    refused(
        &rest("[1, 2]"),
        "`at`: it is a number, true or false, a text, or a table of such with the weight of each",
    );
    let disk = |rest: &str| format!("at = 0\nlasts = 1\nfamily = \"disk\"\n{rest}");
    refused(
        &disk("aim = \"all\"\ntrouble = \"full\"\nafter_kib = \"2 * 0.75\""),
        "invalid type: floating point `1.5`, expected u64",
    );
    refused(
        &disk("aim = { one = 1, leader = 0 }\ntrouble = \"read-only\""),
        "`aim`: the weight of \"leader\" is a whole number, 1 to 1000000",
    );
    refused(
        &disk("aim = { one = 1000, boss = 1 }\ntrouble = \"read-only\""),
        "unknown variant `boss`, expected one of `one`, `minority`, `majority`, `leader`, \
         `follower`, `followers`, `former-leader`, `most-advanced`, `least-advanced`, `all`",
    );
    check_refused(
        "draw = { who = { one = 1, all = 1 } }",
        "at = \"2 * $who\"\nlasts = 1\nfamily = \"kill\"\naim = \"$who\"",
        "fault 2: `at`: $who is no number",
    );
}

#[test]
fn what_cannot_be_meant_is_refused_before_it_is_drawn() {
    let refused = |composition: &str, fault: &str, what: &str| {
        check_refused(composition, &format!("at = 0\nlasts = 1\n{fault}"), what);
    };
    let cpu = "family = \"cpu\"\naim = \"one\"\npercent = { 5 = 1000000, 101 = 1 }";
    let percent = "percent is from 0 to 100, not 101";
    refused("", cpu, &format!("fault 2, in a cluster of 3: {percent}"));
    let minority = "family = \"partition\"\nshape = \"leader-in-minority\"";
    refused("", minority, "fault 2, in a cluster of 3: it takes 5 nodes, there are 3");
    let flaky = "family = \"partition\"\nshape = \"isolate-one\"\ncut_ms = 50";
    let both = "flaky links need both cut_ms and whole_ms";
    refused("nodes = 5", flaky, &format!("fault 2, in a cluster of 5: {both}"));
}

#[test]
fn a_file_that_holds_no_composition_is_refused() {
    let error = |text: &str| Compositions::read(text).unwrap_err().to_string();
    assert_eq!(error(""), "there is no [[composition]] in it");
    assert!(error("[[composition]]\nabout = \"\"").contains("missing field `name`"));
    assert!(error("[[compositions]]\nname = \"x\"").contains("unknown field `compositions`"));
    let empty = "[[composition]]\nname = \"x\"\nabout = \"\"\nfault = []";
    assert_eq!(error(empty), "composition x: there is no [[composition.fault]] in it");
    let twice = format!("{VALUES}\n{VALUES}");
    assert_eq!(error(&twice), "composition every-kind-of-value: there are two of this name");
}

#[test]
fn the_example_of_the_readme_is_one() {
    let readme = concat!(env!("CARGO_MANIFEST_DIR"), "/../../README.md");
    let readme = std::fs::read_to_string(readme).unwrap();
    let (_, example) = readme.split_once("```toml\n[[composition]]").expect("an example");
    let (example, _) = example.split_once("```").expect("an end of the example");
    let composition = own(&format!("[[composition]]{example}"));
    assert_eq!(composition.name(), "power-fails-behind-slow-links");
}

#[test]
fn an_aim_may_have_a_name_of_a_name() {
    let text = "[[composition]]\nname = \"x\"\nabout = \"\"\n\
                draw = { who = \"$them\", them = { all = 1, one = 1 } }\n\
                [[composition.fault]]\nat = 0\nlasts = 1\nfamily = \"kill\"\naim = \"$who\"";
    let composition = own(text);
    assert!(composition.fits(&limits(3, 1)));
    let drawn = drawings(&composition, limits(3, 3), 1, 50);
    let aims: Vec<_> = drawn.iter().flatten().map(|planned| planned.fault.aim()).collect();
    assert!(aims.contains(&Some(Aim::All)) && aims.contains(&Some(Aim::One)));
}
