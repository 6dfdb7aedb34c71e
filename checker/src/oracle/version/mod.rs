//! The version oracle: judges the revision, index or version that a service returns with each
//! answer.
//!
//! # What is promised
//!
//! The service [claims](VersionSemantics) that its state carries a number that never falls, and
//! that each answer carries the number of the state in which the operation took effect or was
//! answered. A service that promises linearizable operations besides has promised a linearizable
//! object whose state is the pair of data and version: each operation has one point between
//! invocation and completion at which it happens, and an operation that completed before another
//! was invoked has the earlier point. Every rule follows from that.
//!
//! - [`Rule::Below`]. An operation that was invoked after another completed with version r happens
//!   later, and the version never falls: it answers at least r.
//! - [`Rule::NotAbove`]. If each mutation raises the version ([`MutationVersion::Above`]), then one
//!   that was invoked after another operation completed with version r answers more than r.
//! - [`Rule::Shared`]. If it raises it to a version of its own ([`MutationVersion::Unique`]), then
//!   of two mutations the later has the higher version, whether or not they overlap: no two share
//!   one.
//! - [`Rule::TwoValues`]. Then a version names one state as well, in which a key has one value.
//!
//! The first three leave nothing out: where no pair of answers contradicts them, ordering the
//! operations by version, mutations before what was answered at their versions, and else by time,
//! is a legal order of all versions. So pairs are enough, and a running maximum finds them:
//! O(n log n).
//!
//! # What is allowed
//!
//! - A retried mutation may be answered with the version of its first attempt. That lies between
//!   the invocation and the completion of the operation like that of any other attempt.
//! - A failed precondition changes nothing: it is judged as a read, unless the service gives it a
//!   version of its own, as one that puts it through a log does
//!   ([`VersionSemantics::failures_are_numbered`]).
//! - Operations of unknown outcome have no version and are not handed in; they excuse nothing here.
//! - An operation to which the service gives a version without changing anything (a delete of a key that is absent,
//!   in etcd) is to be handed in as a read.
//! - A read that was allowed to be stale ([`Effect::StaleRead`]) takes no part.
//! - Once a store was wiped or recreated its versions may begin again. A [`Reset`] allows it; see
//!   there for when it is taken to have happened.
//!
//! In a history without concurrency a contradiction means that a new adapter reads the wrong field
//! or claims too much more often than it means a bug: judge a short sequential probe before
//! trusting the claims about a service.

mod judge;
mod report;
mod sequence;
mod terms;
mod words;

pub use judge::judge;
pub(crate) use judge::judge_each;
pub use report::{Era, VersionReport, Violation, Witness};
pub(crate) use terms::Answers;
pub use terms::{
    Answered, Effect, MutationVersion, ReadVersion, Reset, Rule, Scope, VersionSemantics,
};
