//! Histories for tests: recorded from a simulated service that is linearizable, then spoilt on
//! demand. The service is written by itself, so that a mistake in a model shows.

mod lies;
mod operations;
mod recording;
mod requests;
mod service;

pub use operations::paired;
pub use recording::{Recording, record};
pub use service::Service;
