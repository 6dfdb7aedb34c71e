//! Experiments as people look at them: a claim, the figures that it was measured by, and one page.

mod chapter;
mod document;
mod figures;
mod plot;

pub use document::html;
pub use figures::{
    Check, ExperimentFigures, MeasuredExperiment, PlotRow, Spread, TableRow, claim_word,
};
