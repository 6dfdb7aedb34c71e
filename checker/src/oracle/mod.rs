//! What a history tells besides its values.
//!
//! The models judge values, and a write of unknown outcome excuses nearly any value. The oracle of
//! [`version`] sees what values hide: it compares the versions that came with the answers.

mod eras;
mod sequence;
pub mod version;
mod words;

/// How many violations are kept in a result; all of them are counted. Ten are enough to see a
/// pattern, and a broken service makes one with nearly every operation.
pub const MAX_KEPT: usize = 10;
