//! The promises that every state must keep, and the situations that some state must show.

use stateright::Property;

use super::bounds::Bounds;
use super::exploration::Exploration;
use super::situation::Situation;
use super::state::{Breach, State};

type Condition = fn(&Exploration, &State) -> bool;

/// Promises and situations, the latter as far as the bounds allow them.
pub(crate) fn all(bounds: &Bounds) -> Vec<Property<Exploration>> {
    let promises: [(&'static str, Condition); 7] = [
        ("election safety", |_, state| state.keeps(Breach::ElectionSafety)),
        ("leader append-only", |_, state| state.keeps(Breach::LeaderAppendOnly)),
        ("log matching", |_, state| state.keeps(Breach::LogMatching)),
        ("leader completeness", |_, state| state.keeps(Breach::LeaderCompleteness)),
        ("state machine safety", |_, state| state.keeps(Breach::StateMachineSafety)),
        ("assertions of the core", |_, state| state.keeps(Breach::Assertion)),
        ("linearizability", |_, state| state.clients.linearizable),
    ];
    let promises = promises.map(|(name, condition)| Property::always(name, condition));
    let possible = situations().into_iter().filter(|(situation, ..)| situation.is_possible(bounds));
    let situations = possible.map(|(_, name, condition)| Property::sometimes(name, condition));
    promises.into_iter().chain(situations).collect()
}

/// Every situation with its name. A condition of stateright's captures nothing, so each has its own.
fn situations() -> [(Situation, &'static str, Condition); 10] {
    macro_rules! arisen {
        ($($situation:ident: $name:literal),* $(,)?) => {
            [$((Situation::$situation, $name, |_, state: &State| {
                state.situations & Situation::$situation.bit() != 0
            })),*]
        };
    }
    arisen![
        LeaderElected: "a leader is elected",
        EntryCommitted: "an entry is committed",
        TwoLeaders: "two nodes lead at once, in different terms",
        ConflictTruncated: "a follower replaces entries in conflict",
        EarlierTermCommitted: "an entry of an earlier term is committed",
        RecordsLost: "a crash loses records that were not durable",
        OutcomeUnknown: "a client's leader steps down before it answers",
        RetryRecognised: "a retry is recognised",
        ReadAfterChange: "a read is answered after a change of leader",
        Transferred: "leadership is handed over",
    ]
}
