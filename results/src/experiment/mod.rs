//! Experiments as people look at them: a claim, the figures that it was measured by, and one page.

mod document;
mod figures;
mod plot;

pub use document::html;
pub use figures::{Check, ExperimentFigures, PlotRow, Spread, TableRow, claim_word};
