//! The table of what faults met: families by roles and phases.

use std::collections::{BTreeMap, BTreeSet};

use faults::coverage::{Phase, Role, Situation};
use faults::fault::Family;
use maud::{Markup, html};

use super::families::sign;
use crate::words;

/// The situations that were reached, each with the number of faults, and those that were not.
pub(crate) fn heat_table(
    reached: &BTreeMap<Situation, u64>,
    missed: &BTreeSet<Situation>,
) -> Markup {
    let places: Vec<&Situation> = reached.keys().chain(missed).collect();
    let families: BTreeSet<Family> = places.iter().map(|(family, ..)| *family).collect();
    let roles: BTreeSet<Role> = places.iter().map(|(_, role, _)| *role).collect();
    let phases: BTreeSet<Phase> = places.iter().map(|(.., phase)| *phase).collect();
    let most = reached.values().copied().max().unwrap_or(1);
    html! {
        table.heat {
            thead {
                tr {
                    td {}
                    @for role in &roles { th scope="colgroup" colspan=(phases.len()) { (words::spaced(role.name())) } }
                }
                tr {
                    th scope="col" { "family" }
                    @for _ in &roles {
                        @for phase in &phases { th scope="col" { span { (words::spaced(phase.name())) } } }
                    }
                }
            }
            tbody {
                @for family in families {
                    tr {
                        th scope="row" { (sign(family.name())) (family.name()) }
                        @for role in &roles {
                            @for phase in &phases {
                                @let place = (family, *role, *phase);
                                (heat_cell(place, reached.get(&place), most, missed.contains(&place)))
                            }
                        }
                    }
                }
            }
        }
    }
}

fn heat_cell(place: Situation, count: Option<&u64>, most: u64, missed: bool) -> Markup {
    let (family, role, phase) = place;
    let place =
        format!("{family}, {}, {}", words::spaced(role.name()), words::spaced(phase.name()));
    match count {
        Some(&count) => {
            // By its root, so that one is not lost beside a hundred; never so hot that the number
            // cannot be read.
            let heat = (count as f64 / most as f64).sqrt() * 40.0 + 12.0;
            html! {
                td.reached style=(format!("--heat:{heat:.0}%"))
                    title={ (place) ": " (words::counted(count, "fault")) } { (words::count(count)) }
            }
        }
        None if missed => html! {
            td.missed title={ (place) ": not reached" } {
                span aria-hidden="true" { "○" } span.spoken { "not reached" }
            }
        },
        None => html! {
            td title={ (place) ": out of this plan’s reach" } { span aria-hidden="true" { "·" } }
        },
    }
}
