//! Trying out whether a service is understood as it is meant: `stormproof target check`.

mod script;
mod try_out;

pub use try_out::calibrate;
