//! An experiment as the book has it: a picture, and the lines below it.

use std::fmt::Write as _;

use checker::verdict::Verdict;
use maud::{Markup, html};

use super::figures::{ExperimentFigures, MeasuredExperiment, claim_word};
use super::plot::{HEIGHT, WIDTH, drawing, middle, scale_of, short};

/// The width of a picture, and its edge, in pixels: no wider than its words need, since a phone shows
/// it smaller.
const PICTURE: f64 = 560.0;
const EDGE: f64 = 14.0;

/// The heights of the lines above the arms, of one more where there is a band, of an arm's label, of its
/// values and below them.
const HEAD: f64 = 58.0;
const BAND: f64 = 18.0;
const LABEL: f64 = 18.0;
const LANE: f64 = 36.0;
const GAP: f64 = 8.0;

/// The height of the axis.
const AXIS: f64 = 24.0;

/// A picture has colours of its own, those of a light page: it lies on pages of any colour.
const STYLE: &str = "\
    text{font:13px system-ui,-apple-system,'Segoe UI',Roboto,'Noto Sans','DejaVu Sans',sans-serif;fill:#16191d}\
    .drawn{font-weight:700}.quiet{fill:#5c6570;font-size:12px}.middle{text-anchor:middle}.end{text-anchor:end}\
    .card{fill:#fff}.wash{fill:#eef0f3}path{vector-effect:non-scaling-stroke}\
    .band{fill:#c7e9df;stroke:#00704f;stroke-dasharray:3 3}.interval{fill:#e6b591}\
    .points{fill:none;stroke:#0072b2;stroke-width:6;stroke-linecap:round;opacity:.75}\
    .median{fill:none;stroke:#16191d;stroke-width:3}";

impl MeasuredExperiment {
    /// The plot as a picture of its own, in SVG.
    pub fn picture(&self) -> String {
        let ExperimentFigures { drawn, plot, band, claim, .. } = &self.figures;
        let (scale, marks) = scale_of(plot);
        let inner = PICTURE - 2.0 * EDGE;
        let head = if band.is_some() { HEAD + BAND } else { HEAD };
        let top = |arm: usize| head + arm as f64 * (LABEL + LANE + GAP);
        let bottom = top(plot.len());
        let height = bottom + AXIS;
        let at = |value: f64| EDGE + scale.x(value) / WIDTH * inner;
        let picture = html! {
            svg xmlns="http://www.w3.org/2000/svg" viewBox={ "0 0 " (PICTURE) " " (height) }
                width=(PICTURE) height=(height) role="img" {
                title { (claim) }
                style { (maud::PreEscaped(STYLE)) }
                rect.card width="100%" height="100%" rx="8" {}
                text.drawn x=(EDGE) y="24" { (drawn) }
                (key(band.as_deref()))
                @for (arm, row) in plot.iter().enumerate() {
                    text x=(EDGE) y=(top(arm) + 13.0) { (row.arm) }
                    text.quiet.end x=(PICTURE - EDGE) y=(top(arm) + 13.0) { (middle(row)) }
                    rect.wash x=(EDGE) y=(top(arm) + LABEL) width=(inner) height=(LANE) {}
                    svg x=(EDGE) y=(top(arm) + LABEL) width=(inner) height=(LANE)
                        viewBox={ "0 0 " (WIDTH) " " (HEIGHT) } preserveAspectRatio="none" {
                        (drawing(row, scale))
                    }
                }
                @for mark in marks {
                    text.quiet.middle x=(format!("{:.1}", at(mark))) y=(bottom + 8.0) { (short(mark)) }
                }
            }
        };
        format!("{}\n", picture.into_string())
    }

    /// The cell of the table for an arm, below a head.
    pub fn cell(&self, arm: &str, head: &str) -> Option<String> {
        let at = self.figures.heads.iter().position(|it| it == head)?;
        let row = self.figures.table.iter().find(|row| row.arm == arm)?;
        row.cells.get(at).cloned()
    }

    /// The picture and the figures in Markdown; `picture` is the path to the former.
    pub fn markdown(&self, picture: &str) -> String {
        let figures = &self.figures;
        let medians: Vec<_> =
            figures.plot.iter().map(|row| format!("{}: {}", row.arm, middle(row))).collect();
        let mut text = format!("![{}. {}]({picture})\n\n", figures.drawn, medians.join("; "));
        let _ = writeln!(text, "| | {} |", figures.heads.join(" | "));
        let _ = writeln!(text, "|---|{}", "---|".repeat(figures.heads.len()));
        for row in &figures.table {
            let _ = writeln!(text, "| {} | {} |", row.arm, row.cells.join(" | "));
        }
        let _ = writeln!(text, "\n**The claim {}.**\n", said(figures.verdict()));
        for check in &figures.checks {
            let _ = writeln!(text, "- {}: {}", claim_word(check.verdict), check.sentence);
        }
        let _ = writeln!(text, "\nBy `{}`. {} {}", figures.command, figures.runs, self.machine);
        text
    }
}

/// The end of a sentence about a claim.
fn said(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Unknown => "is undecided: too little was measured",
        known => claim_word(known),
    }
}

/// The signs of a picture and their meaning.
fn key(band: Option<&str>) -> Markup {
    let y = 42.0;
    html! {
        path.points d={ "M" (EDGE + 4.0) " " (y - 4.0) "h0" } {}
        text.quiet x=(EDGE + 14.0) y=(y) { "each value" }
        path.interval d={ "M110 " (y - 9.0) "h16v10h-16Z" } {}
        path.median d={ "M118 " (y - 10.0) "v12" } {}
        text.quiet x="132" y=(y) { "median with its interval at 95 %" }
        @if let Some(band) = band {
            path.band d={ "M" (EDGE) " " (y + 8.0) "h16v12h-16Z" } {}
            text.quiet x=(EDGE + 22.0) y=(y + 18.0) { (band) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::document::tests::sample;
    use super::*;

    fn measured() -> MeasuredExperiment {
        MeasuredExperiment { figures: sample(), machine: "On 2 processors.".to_owned() }
    }

    #[test]
    fn a_picture_stands_alone_and_has_every_arm_with_its_median() {
        let picture = measured().picture();
        for text in [
            "xmlns=",
            "3 nodes &amp; 400 ms",
            "median 0.6 of 3 values",
            "one to two election timeouts",
        ] {
            assert!(picture.contains(text), "no {text:?} in {picture}");
        }
        assert!(!picture.contains("href") && !picture.contains("<script"), "{picture}");
    }

    #[test]
    fn a_chapter_tells_figures_verdict_command_and_machine() {
        let told = measured().markdown("measured/leader-crash.svg");
        for text in [
            "3 nodes & 400 ms: median 0.6 of 3 values](measured/leader-crash.svg)",
            "| | without writes |\n|---|---|\n| 3 nodes & 400 ms | 0.6 |",
            "**The claim holds.**",
            "- holds: 0.6 s < 0.8 s",
            "By `stormproof experiment leader-crash`. 3 runs. On 2 processors.",
        ] {
            assert!(told.contains(text), "no {text:?} in {told}");
        }
        let mut undecided = measured();
        undecided.figures.checks.clear();
        assert!(undecided.markdown("").contains("The claim is undecided"));
    }

    #[test]
    fn figures_that_were_written_are_read_as_they_were() {
        let written = serde_json::to_string(&measured()).expect("it can be written");
        let read: MeasuredExperiment = serde_json::from_str(&written).expect("it can be read");
        assert_eq!(read, measured());
    }
}
