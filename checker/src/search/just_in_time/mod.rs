//! Just-in-time linearization of a register with few values and many clients.
//!
//! Lowe (Concurrency and Computation 29(4), 2017) walks through the history and linearizes an
//! operation only when its return forces that: right before the return, after those pending
//! operations that have to come first. What is left of the past is a *configuration*: the present
//! value, and which of the open operations are linearized. The search is exponential in the number
//! of open operations, not in the length of the history. What this module adds are rules about
//! orders that need not be tried. Each keeps at least one order if there is any:
//!
//! 1. **Observers at once.** An observer that sees the present value is served at once: put there
//!    into any order of the rest, it changes nothing for the others.
//! 2. **Every write that counts, overwrites.** When a write is linearized, every other open write
//!    could have come right before it, unseen. Nothing is decided about that at the time: the
//!    configuration remembers only the moment of the last write that counted. A write that returns
//!    unused is *overwritten* if it was invoked before that moment. So is one of the present value:
//!    it comes last, leaves everything as it is, and makes that moment the present one.
//! 3. **Hindsight.** In the same way whole runs can stand right before that write: another write,
//!    perhaps compare-and-sets that follow it, and the observers of what they leave. So a value
//!    need not be shown in time to those that will ask for it. Only when an observer returns
//!    without having been served, it is served now or in hindsight. The last write is the best
//!    place of all earlier ones, as all that is still open could go before any of them.
//! 4. **A write overwritten serves its readers.** One that returns unused is put into its place in
//!    hindsight, and the open reads of its value that were invoked by then are served after it. It
//!    cannot be used for anything else, so this costs nothing.
//! 5. **Only the last counts.** In the gap before a return, what comes before the last write can be
//!    left to hindsight, but for compare-and-sets that start from the present value; and the last
//!    operation is the one that returns, as later ones can wait. So a write that was not
//!    overwritten is linearized as the last one.
//! 6. **Twins in order of return.** Of open mutations that do the same, the one that returns first
//!    is used first; those of unknown outcome, which never return, last. Exchanging two leaves the
//!    order legal.
//! 7. **Unknown outcomes only when needed.** They are used for an observer that returns, and are
//!    counted by what they do. A chain of compare-and-sets of unknown outcome that comes back to
//!    where it started, or ends, without that anything saw what they left, can be left out. Ways
//!    past a return that use few of them are tried before those that use more: with many open and
//!    unknown operations there are thousands of ways, of which the first few are nearly always
//!    enough.
//! 8. **Values that cannot be told apart, are one.** Values that no operation asks for are one
//!    value; mutations of unknown outcome that no operation can have seen, even through others,
//!    never happened.
//! 9. **Retractable operations need not happen.** One that returns unused may be dropped. Of writes
//!    that do the same, one that must happen can come right before one that need not and took its
//!    place, so rule 6 holds for them; compare-and-sets of the two kinds are no twins.
//! 10. **Covered configurations** (the beam). A configuration is dropped if another one can do all
//!     that it can ([`Configuration::covers`](configuration::Configuration::covers)).

mod beam;
mod configuration;
mod contradiction;
mod depth_first;
#[cfg(test)]
mod differential_tests;
mod ending;
mod frontier;
mod meter;
mod moves;
#[cfg(test)]
mod rule_tests;
mod run;
mod slots;
mod timeline;
mod window;

#[cfg(test)]
use ending::Ending;
pub(crate) use run::{BEAM_NAME, NAME, beam, depth_first, depth_first_in_window};
