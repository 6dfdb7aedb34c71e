//! The idempotency audit: how often the operation of each token took effect, against what its
//! client was told.
//!
//! A mutation carries a token through all its attempts, so that a service that honours tokens
//! applies it once at most, no matter what was retried and which node led. The client was told `ok`
//! (it took effect), `fail` (it did not and will not) or nothing (`info`). Two kinds of evidence
//! show what really became of it:
//!
//! - **Applied logs** ([`AppliedLog`]): what each node's state machine did with the entries of its
//!   log. They show every effect, and whether the nodes agree on it.
//! - **Contents** ([`Contents`]): what an object held at the end. An element that one operation
//!   alone puts there shows that operation's effects. A list or queue shows an effect twice by
//!   holding the element twice; a set cannot.
//!
//! Evidence bounds the number of effects from below by what it shows. From above it does only as
//! far as it is complete, and what cannot be known is counted as unobservable, with the
//! [`Reason`]. That something is absent shows that it took no effect only if the evidence is of a
//! later time than the operation's completion; of an operation of unknown outcome it shows nothing,
//! as that may take effect later still. Counts are as of the evidence.

mod evidence;
mod judge;
mod report;
mod seen;
mod terms;

pub use judge::audit;
pub(crate) use judge::{Broken, audit_telling};
pub use report::{AuditReport, AuditViolation, BrokenOf, Row, Unobservable, Wrong};
pub(crate) use terms::Mutations;
pub use terms::{Applied, AppliedLog, Contents, Entries, Mutation, Outcome, Reason};
