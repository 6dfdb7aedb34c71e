//! Oracles for what a history shows besides its values.
//!
//! The models judge values, and a write of unknown outcome excuses nearly any value. Three oracles
//! see what values hide: [`version`] compares the versions that came with the answers, [`audit`]
//! counts how often each idempotency token took effect, and [`divergence`] compares what the
//! members hold in the end. They take small inputs of their own and return results that are saved
//! beside the verdict. [`of_history`] makes the inputs of a history, for any model.

pub mod audit;
pub mod divergence;
pub(crate) mod joined;
pub(crate) mod kept;
pub mod of_history;
pub mod version;
