//! Made-up nights that look like real ones.

mod season;

pub use season::*;
