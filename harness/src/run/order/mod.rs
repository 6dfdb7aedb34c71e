//! The order in which messages, fsyncs, clients and faults go through their gates: written down, or
//! held to that of another run. What may go on is decided in `faults::order`.

mod keeper;

pub use keeper::{OrderKeeper, recorded_in};
