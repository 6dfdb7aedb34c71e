//! One vocabulary: numbers, times, verdicts, operations and findings as people read them, on pages
//! and terminals alike.

mod availability;
mod endings;
mod headlines;
mod known;
mod names;
mod nights;
mod numbers;
mod operations;
mod phases;
mod reports;
mod times;
mod verdicts;

pub(crate) use self::availability::{availability, promised};
pub use self::endings::ended_early;
pub(crate) use self::headlines::headline;
pub use self::known::{avoided, known_after, known_before};
pub(crate) use self::names::spaced;
pub use self::nights::followed_up;
pub use self::numbers::counted;
pub(crate) use self::numbers::{count, share};
pub(crate) use self::operations::operation;
pub use self::phases::phase;
pub use self::reports::{broken, elements, members, tokens, versions};
pub(crate) use self::times::{duration, moment, nanoseconds, seconds};
pub use self::verdicts::verdict;
pub(crate) use self::verdicts::{outcome, verdict_sign};
