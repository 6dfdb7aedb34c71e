//! What a history tells besides its values.
//!
//! The models judge values, and a write of unknown outcome excuses nearly any value. Three oracles
//! see what values hide: [`version`] compares the versions that came with the answers, [`audit`]
//! counts how often each idempotency token took effect, and [`divergence`] compares what the
//! members hold in the end. They take small inputs of their own and return results that are saved
//! beside the verdict. [`of_history`] makes the inputs of a history, for any model.

pub mod audit;
pub mod divergence;
mod eras;
mod evidence;
pub mod of_history;
mod sequence;
pub mod version;

/// How many violations are kept in a result; all of them are counted. Ten are enough to see a
/// pattern, and a broken service makes one with nearly every operation.
pub const MAX_KEPT: usize = 10;
