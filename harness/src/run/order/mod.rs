//! The order in which messages, fsyncs, clients and faults go through their gates: written down, or
//! held to that of another run. What may go on is decided in `faults::order`.

mod order_keeper;

pub use order_keeper::{OrderKeeper, order_of, recorded_in};
