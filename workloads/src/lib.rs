//! Workloads: the behaviour of clients.
//!
//! A [`Workload`] names a generator of operations and the model that judges them. Beside it stand
//! the other choices a client makes: how it retries ([`retry`], [`attempts`]), which nodes it asks
//! ([`route`]), and the mix of all clients of a run ([`clients`]). Generators of one's own are put
//! together from those in [`generator`]; [`simulation`] tries them without a cluster. All of it is
//! pure: time and randomness are passed in, so a seed gives the same stream of operations every
//! time.

mod append;
pub mod attempts;
pub mod clients;
mod collecting;
mod counter;
pub mod generator;
mod list;
mod lock;
mod locking;
mod mutex;
mod object;
mod queue;
mod register;
pub mod retry;
mod rotation;
pub mod route;
mod set;
pub mod simulation;
mod stream;
mod txn;
mod values;
mod workload;

pub use generator::{Context, Generator, Invocation, Next};
pub use list::{ALL, find, offered};
pub use object::Object;
pub use stream::stream;
pub use values::{ParseValueSizesError, ValueSizes};
pub use workload::{GeneratorOptions, Load, PRECONDITION_FAILED, Workload};
