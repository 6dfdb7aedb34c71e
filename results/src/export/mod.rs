//! Histories in the forms of other tools: Jepsen's EDN, Porcupine's operations, spans of
//! OpenTelemetry.

mod edn;
mod form;
mod otel;
mod pairs;
mod porcupine;

pub use edn::Edn;
pub use form::Form;
pub use otel::{Otel, Source};
pub use porcupine::Porcupine;
