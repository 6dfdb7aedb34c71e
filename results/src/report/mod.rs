//! The page to look at: one HTML file with its data, style and script inside.
//!
//! Text and tables are HTML made here, so that they can be read without the script, searched and
//! printed; the timeline is data that the script draws. Scripts stand in `page/`; style and frame are those of all
//! pages.

mod availability;
mod clock_data;
mod counterexample;
mod document;
mod drawing_data;
mod effects;
mod election_data;
mod elections;
mod elements;
mod environment;
pub(crate) mod families;
mod findings;
mod header;
pub(crate) mod heat;
mod members;
mod node_data;
mod nodes;
mod not_tested;
mod operations;
mod recovery;
mod report_data;
mod running;
mod sample;
mod scale;
mod schedule;
mod simulated;
mod tokens;
mod versions;

pub use self::document::html;
pub use self::running::{
    Button, ClientOperation, Control, Running, html as running_html, now as running_now,
};
pub use self::simulated::html as simulated_html;
