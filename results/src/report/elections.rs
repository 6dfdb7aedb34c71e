//! The panel of the elections: a player that shows the nodes with their messages, and a table that says
//! the same in words.

use maud::{Markup, html};

use super::election_data::ElectionData;
use crate::metrics::{Election, FaultInterval};
use crate::page::panel::{Column, panel, tall_table};
use crate::words;

const IN_WORDS: &str = "The nodes in a circle, with their messages at one moment. Space plays and pauses, \
    arrow keys step from event to event, Page Up and Page Down from election to election, Home goes to \
    the beginning. Each event is said below.";

/// The buttons: id, what they do, and the shape on them.
const BUTTONS: [(&str, &str, &str); 5] = [
    ("chapter-before", "the election before", "M2 3h2v10H2zM14 3v10L5 8z"),
    ("step-back", "one event back", "M12 3v10L4 8z"),
    ("play", "play", "M4 2v12l10-6z"),
    ("step-on", "one event on", "M4 3v10l8-5z"),
    ("chapter-next", "the next election", "M12 3h2v10h-2zM2 3v10l9-5z"),
];

/// The speeds of the player, as they stand in its list: `steps` take about as long as they need to be
/// seen, however long they took; the others are shares of the true speed.
const SPEEDS: [(&str, &str); 9] = [
    ("steps ×0.25", "event by event, ×¼"),
    ("steps ×0.5", "event by event, ×½"),
    ("steps ×1", "event by event"),
    ("steps ×2", "event by event, ×2"),
    ("steps ×4", "event by event, ×4"),
    ("time ×10", "true time ×10"),
    ("time ×1", "true time"),
    ("time ×0.1", "true time ×1/10"),
    ("time ×0.01", "true time ×1/100"),
];

/// The speed at first.
const USUAL: &str = "steps ×1";

/// The speed of a player that keeps up with a cluster that runs.
const LIVE: &str = "live ×1";

/// The panel; none where no node told of a role.
pub(super) fn elections(data: &ElectionData, faults: &[FaultInterval]) -> Option<Markup> {
    if data.elections.is_empty() {
        return None;
    }
    Some(panel("elections", "Elections", html! { (player(false)) (chapters(data, faults)) }))
}

/// The place where the script draws. Without it there is the table. Of a cluster that runs, `live`, the
/// player keeps up with it unless the reader looks back.
pub(super) fn player(live: bool) -> Markup {
    html! {
        div #player hidden {
            div.bar-of-tools {
                div.tools role="group" aria-label="play" {
                    @for (id, label, shape) in BUTTONS {
                        button id=(id) type="button" aria-label=(label) {
                            svg viewBox="0 0 16 16" width="16" height="16" aria-hidden="true" {
                                path d=(shape) {}
                                @if id == "play" { path.pause d="M3 2h3.5v12H3zM9.5 2H13v12H9.5z" {} }
                            }
                        }
                    }
                }
                output #moment aria-live="off" {}
                div.choices {
                    label {
                        "speed "
                        select #speed {
                            @if live { option value=(LIVE) selected { "live" } }
                            @for (value, name) in SPEEDS {
                                option value=(value) selected[!live && value == USUAL] { (name) }
                            }
                        }
                    }
                }
            }
            div.theatre {
                div #cluster tabindex="0" role="application" aria-roledescription="player"
                    aria-label=(IN_WORDS) aria-describedby="said" {
                    canvas #circle aria-hidden="true" {}
                }
                div.beside {
                    table #states {
                        caption.spoken { "The nodes at the moment that is shown" }
                        thead {
                            tr {
                                @for name in ["node", "state"] { th scope="col" { (name) } }
                                @for name in ["term", "voted for", "votes", "log", "commit"] {
                                    th.number scope="col" { (name) }
                                }
                            }
                        }
                        tbody {}
                    }
                    div #calls role="group" aria-label="events around the moment that is shown" {
                        ol {}
                    }
                }
            }
            p #said aria-live="polite" {}
            label.scrub {
                span.spoken { "the moment that is shown" }
                canvas #ticks aria-hidden="true" {}
                input #scrub type="range" min="0" max="1000" step="any" value="0";
            }
            div #signs aria-hidden="true" {}
        }
    }
}

/// The table of the elections, each with a button that plays it.
pub(super) fn chapters(data: &ElectionData, faults: &[FaultInterval]) -> Markup {
    let columns = [
        Column::Text("began"),
        Column::Number("term"),
        Column::Text("who won"),
        Column::Number("votes"),
        Column::Number("rounds"),
        Column::Number("took"),
        Column::Text("before it"),
    ];
    let rows = html! {
        @for (number, election) in data.elections.iter().enumerate() {
            (row(faults, number, election))
        }
    };
    html! {
        (tall_table("elections", &columns, rows))
        p.muted {
            "An election begins with the first try that no second without any parts from the one that "
            "decides. In a round, a node asks every other one for its pre-vote or vote; what it took is "
            "from the first of them until the leader began to lead."
            @if data.by_own_clocks {
                " Nodes tell of it with times of their own clocks, put onto that of the controller: "
                "across nodes they are right to fractions of a millisecond, while clocks run true."
            }
        }
    }
}

fn row(faults: &[FaultInterval], number: usize, election: &Election) -> Markup {
    html! {
        tr {
            th scope="row" {
                button.chapter type="button" data-chapter=(number) disabled {
                    (words::moment(election.start))
                }
            }
            td.number { (election.term) }
            td {
                @match &election.winner {
                    Some(winner) => { b { (winner) } (against(election, winner)) }
                    None => { "nobody" (stood(election)) }
                }
            }
            td.number {
                @match election.votes {
                    0 => { span.muted { "–" } }
                    votes => { (votes) " of " (election.voters) }
                }
            }
            td.number {
                @if election.rounds > 0 { (election.rounds) } @else { span.muted { "–" } }
            }
            td.number {
                @if election.end > election.start {
                    (words::duration(election.end - election.start))
                } @else { span.muted { "–" } }
            }
            td { (before(faults, election)) }
        }
    }
}

/// The others who stood against the winner.
fn against(election: &Election, winner: &str) -> Markup {
    let others: Vec<&str> =
        election.candidates.iter().map(String::as_str).filter(|it| *it != winner).collect();
    html! { @if !others.is_empty() { small { "against " (others.join(", ")) } } }
}

/// Those who stood in vain.
fn stood(election: &Election) -> Markup {
    let stood: Vec<&str> = election.candidates.iter().map(String::as_str).collect();
    html! { small { (stood.join(", ")) " stood" } }
}

fn before(faults: &[FaultInterval], election: &Election) -> Markup {
    html! {
        @match &election.before {
            Some(leader) if Some(leader) == election.winner.as_ref() => { (leader) " led, and does again" }
            Some(leader) => { (leader) " led" }
            None => { "nobody led yet" }
        }
        @if let Some(fault) = election.fault.map(|place| &faults[place]) {
            small { "#" (fault.index) " " (fault.name) }
        }
    }
}
