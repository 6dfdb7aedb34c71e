//! The page to look at: one HTML file with its data, style and script inside.
//!
//! Text and tables are HTML made here, so that they can be read without the script, searched and
//! printed; the timeline is data that the script draws. The sources of the page stand in `page/`.

mod clock_data;
mod columns;
mod counterexample;
mod drawing_data;
mod effects;
mod elements;
mod facts;
mod families;
mod findings;
mod header;
mod markup;
mod members;
mod not_tested;
mod recovery;
mod schedule;
mod tables;
mod tokens;
mod units;
mod versions;

use checker::history::History;

pub use self::effects::effect_words;
use self::facts::Facts;
use self::markup::{Markup, fill, json_for_script};
use crate::event::NodeEvent;
use crate::summary::Summary;
use crate::words;

const TEMPLATE: &str = include_str!("page/template.html");
const STYLE: &str = include_str!("page/style.css");
/// Set before the first paint, so that a dark page never flashes white.
const THEME: &str = include_str!("page/theme.js");
const COLUMNS: &str = include_str!("page/columns.js");
const FAMILIES: &str = include_str!("page/families.js");
const FAULTS: &str = include_str!("page/faults.js");
const STATES: &str = include_str!("page/states.js");
const CLOCKS: &str = include_str!("page/clocks.js");
const FIGURES: &str = include_str!("page/figures.js");
const DRAWING: &str = include_str!("page/drawing.js");
const TIMELINE: &str = include_str!("page/timeline.js");
const PAGE: &str = include_str!("page/page.js");

/// The page of a run. The same run gives the same page, byte for byte.
pub fn html(summary: &Summary, history: &History, node_events: &[NodeEvent]) -> String {
    let facts = Facts::new(summary, history, node_events);
    let title = format!("{} · {}", words::verdict(summary.verdict).to_uppercase(), summary.run.id);
    let data = json_for_script(&drawing_data::drawing_data(&facts));
    let counterexample = counterexample::counterexample(&facts).unwrap_or_default();
    fill(
        TEMPLATE,
        &[
            ("title", &escaped(&title)),
            ("id", &escaped(&summary.run.id)),
            ("style", STYLE),
            ("theme", THEME),
            ("header", &header::header(&facts).into_string()),
            ("counterexample", &counterexample.into_string()),
            ("recovery", &recovery::recovery(&facts).into_string()),
            ("operations", &tables::operations(&facts).into_string()),
            ("tokens", &tokens::tokens(&facts).unwrap_or_default().into_string()),
            ("versions", &versions::versions(&facts).unwrap_or_default().into_string()),
            ("members", &members::members(&facts).unwrap_or_default().into_string()),
            ("elements", &elements::elements(&facts).unwrap_or_default().into_string()),
            ("not-tested", &not_tested::not_tested(&facts).into_string()),
            ("findings", &findings::findings(&facts).unwrap_or_default().into_string()),
            ("schedule", &schedule::schedule(&facts).into_string()),
            ("environment", &tables::environment(&facts).into_string()),
            ("data", &data),
            ("columns", COLUMNS),
            ("families", FAMILIES),
            ("faults", FAULTS),
            ("states", STATES),
            ("clocks", CLOCKS),
            ("figures", FIGURES),
            ("drawing", DRAWING),
            ("timeline", TIMELINE),
            ("page", PAGE),
        ],
    )
}

fn escaped(text: &str) -> String {
    let mut markup = Markup::new();
    markup.text(text);
    markup.into_string()
}
