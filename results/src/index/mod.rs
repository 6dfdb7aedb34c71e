//! The index of a folder of results: its nights and runs in one page, the worst news first.
//!
//! [`find()`] reads the folder. All else is a function of what was found: [`Index`] has the nights in
//! rows, from which failures, matrix, trends and coverage follow, and [`html`] draws them as one file
//! without a network, whose links lead to the pages beside it. Scripts and style stand in `page/`.

mod address;
mod chart;
mod coverage_panel;
mod document;
mod failures;
mod failures_panel;
mod find;
mod found;
mod growth;
mod listing;
mod matrix;
mod matrix_panel;
mod model;
mod nights_panel;
mod runs_panel;
mod series;
mod trends;

pub use address::address;
pub use document::{Served, html};
pub use failures::{Course, Failure, failures};
pub use find::{INDEX, find, read_night, save};
pub use found::{Detection, Found, FoundNight, FoundRun, Judged, Unreadable};
pub use growth::{Growth, growth};
pub use listing::listing;
pub use matrix::{MatrixCell, Runs, SHOWN_NIGHTS, matrix};
pub use model::{CellName, Index, IndexNight, IndexRun, Series, Uncounted};
pub use trends::{Trend, TrendLine, trends};
