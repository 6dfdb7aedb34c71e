//! The account of a run that followed the order of another.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

/// The account of a run that was held to a recorded order.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Followed {
    /// The moments that faults waited for.
    pub moments: Vec<MomentFollowed>,
    /// The gates of the order around faults whose turn has come.
    pub gates: u64,
    /// Those of them that something went through in the recorded order.
    pub in_order: u64,
    /// The number of things that were held back until their turn had come.
    pub held: u64,
    /// The time for which things were held, all together, in milliseconds.
    pub held_ms: u64,
    /// The gates that nothing came to in time, by kind.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub missed: BTreeMap<String, u64>,
    /// The first of them, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_missed: Option<String>,
}

/// The moment of a fault.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct MomentFollowed {
    /// The number of the fault.
    pub fault: u32,
    /// True if what came last before it in the recorded run came again.
    pub met: bool,
    /// The time that the fault waited for it, in milliseconds.
    pub waited_ms: u64,
    /// Set where it is the end of the fault.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub end: bool,
}

/// `3 of 4 moments met, 120 of 140 gates (86 %) in order, 31 held for 240 ms; 12 messages between
/// nodes and 8 fsyncs did not come in time, first an fsync of n2 0.412 s after the beginning of
/// fault 1`
impl fmt::Display for Followed {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let met = self.moments.iter().filter(|moment| moment.met).count();
        let Self { gates, in_order, held, held_ms, .. } = self;
        write!(out, "{met} of {} moments met, {in_order} of {gates} gates", self.moments.len())?;
        if *gates > 0 {
            write!(out, " ({} %)", in_order * 100 / gates)?;
        }
        write!(out, " in order, {held} held for {held_ms} ms")?;
        let missed: Vec<_> =
            self.missed.iter().map(|(kind, count)| format!("{count} {kind}")).collect();
        if !missed.is_empty() {
            write!(out, "; {} did not come in time", missed.join(", "))?;
        }
        match &self.first_missed {
            Some(first) => write!(out, ", first {first}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_reads_as_a_sentence() {
        let met = MomentFollowed { fault: 1, met: true, waited_ms: 12, end: false };
        let followed = Followed {
            moments: vec![met.clone(), MomentFollowed { met: false, ..met }],
            gates: 140,
            in_order: 120,
            held: 31,
            held_ms: 240,
            missed: [("fsyncs".to_owned(), 8)].into(),
            first_missed: Some("an fsync of n2".to_owned()),
        };
        assert_eq!(
            followed.to_string(),
            "1 of 2 moments met, 120 of 140 gates (85 %) in order, 31 held for 240 ms; 8 fsyncs \
             did not come in time, first an fsync of n2"
        );
        assert_eq!(
            Followed::default().to_string(),
            "0 of 0 moments met, 0 of 0 gates in order, 0 held for 0 ms"
        );
    }
}
