//! Generators: streams of operations, and their combinators.
//!
//! A [`Generator`] is asked for the next operation with a [`Context`]: the time and the threads
//! that are free. It answers with an operation for one of them, with "not now", or with "never
//! again". It learns of every invocation and every completion. It does nothing else: its runner, a
//! cluster's clients or [`simulation`](crate::simulation), owns clock and network.
//!
//! A *thread* is a place where one operation at a time is carried out; its number never changes.
//! The *process* that acts there is replaced by a new one when the outcome of an operation is
//! unknown, because that operation may still take effect.
//!
//! Combinators are Jepsen's, under their names where Rust has no other:
//!
//! | Jepsen | here |
//! |---|---|
//! | a map, a sequence of maps | [`operations`] |
//! | `(repeat op)`, a function | [`repeat`], [`from_fn`] |
//! | `mix`, with weights | [`mix`] |
//! | `[a b]`, `then` | [`Generator::then`] |
//! | `phases`, `synchronize` | [`phases`], [`Generator::synchronize`] |
//! | `limit`, `once`, `time-limit` | [`Generator::limit`], [`Generator::once`], [`Generator::time_limit`] |
//! | `stagger`, `delay` | [`Generator::stagger`], [`Generator::delay`] |
//! | `on-threads`, `reserve` | [`Generator::on_threads`], [`reserve`] |
//! | `each-thread`, `each-process` | [`each_thread`], [`each_process`] |
//! | `until-ok` | [`Generator::until_ok`] |
//!
//! ```
//! use std::time::Duration;
//! use serde_json::json;
//! use stormproof_workloads::generator::{Generator, Invocation, mix, phases, repeat};
//!
//! // Reads and twice as many writes, about a hundred a second for ten seconds; when all of them
//! // have ended, one last read.
//! let read = Invocation::read("x");
//! let write = Invocation::mutation("write", "x", json!(1));
//! let load = mix(7, [(1, repeat(read.clone()).boxed()), (2, repeat(write).boxed())])
//!     .stagger(Duration::from_millis(10), 7)
//!     .time_limit(Duration::from_secs(10));
//! let _all = phases([load.boxed(), repeat(read).once().boxed()]);
//! ```

mod context;
mod each;
#[expect(clippy::module_inception, reason = "the folder has the combinators, this file the trait")]
mod generator;
mod invocation;
mod limit;
mod mix;
mod next;
mod operations;
mod pace;
mod phases;
mod threads;
mod time_limit;
mod until_ok;

pub use context::Context;
pub use each::{Each, each_process, each_thread};
pub use generator::Generator;
pub use invocation::Invocation;
pub use limit::Limit;
pub use mix::{Mix, mix};
pub use next::Next;
pub use operations::{FromFn, Operations, from_fn, operations, repeat};
pub use pace::{Delay, Stagger};
pub use phases::{Phases, Synchronize, Then, phases};
pub use threads::{OnThreads, Reserve, reserve};
pub use time_limit::TimeLimit;
pub use until_ok::UntilOk;
