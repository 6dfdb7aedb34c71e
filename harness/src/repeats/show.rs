//! The progress of many runs: a bar on a terminal with a line above it for each that ended, lines
//! alone where there is none.

use std::cell::RefCell;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::printing::err;
use crate::terminal;

/// Shows progress on standard error.
#[derive(Debug)]
pub(crate) struct Show {
    bar: Option<ProgressBar>,
    /// The text before the one that says how things are.
    before: RefCell<String>,
}

impl Show {
    /// Shows so many steps; without a number it is not known how many there will be.
    pub fn start(steps: Option<u64>) -> Self {
        let bar = terminal::moves().then(|| {
            let bar = ProgressBar::with_draw_target(steps, ProgressDrawTarget::stderr_with_hz(10));
            let style = match (steps.is_some(), terminal::colours_of_errors()) {
                (true, true) => "{bar:24.cyan/blue} {pos}/{len} {wide_msg}",
                (true, false) => "{bar:24} {pos}/{len} {wide_msg}",
                (false, _) => "{spinner} {wide_msg}",
            };
            bar.set_style(ProgressStyle::with_template(style).expect("the template is a constant"));
            bar
        });
        Show { bar, before: RefCell::default() }
    }

    /// Prints a line that stays.
    pub fn line(&self, text: &str) {
        match &self.bar {
            Some(bar) => bar.println(text),
            None => err!("{text}"),
        }
    }

    /// Shows how things are until the next time.
    pub fn state(&self, text: String) {
        if let Some(bar) = &self.bar {
            bar.tick();
            bar.set_message(format!("{}{text}", self.before.borrow()));
        }
    }

    /// Shows this before how things are, from the next time on.
    pub fn before(&self, text: String) {
        self.before.replace(text);
    }

    /// One step more was done.
    pub fn step(&self) {
        if let Some(bar) = &self.bar {
            bar.inc(1);
        }
    }
}

impl Drop for Show {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
