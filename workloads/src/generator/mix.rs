//! Several generators at a time, each with its share.

use checker::history::Event;
use rand::RngExt;
use rand::rngs::ChaCha8Rng;

use super::next::sooner;
use super::{Context, Generator, Next};
use crate::stream;

/// Operations of several generators, drawn by their weights. What is exhausted drops out; what is
/// pending does not hold up the others.
///
/// # Panics
/// When a weight is 0.
pub fn mix<'a>(
    seed: u64,
    parts: impl IntoIterator<Item = (u32, Box<dyn Generator + 'a>)>,
) -> Mix<'a> {
    let parts: Vec<_> = parts.into_iter().collect();
    assert!(parts.iter().all(|(weight, _)| *weight > 0), "a part of weight 0 is none");
    Mix { parts, rng: stream(seed, "mix") }
}

/// See [`mix`].
pub struct Mix<'a> {
    parts: Vec<(u32, Box<dyn Generator + 'a>)>,
    rng: ChaCha8Rng,
}

impl Mix<'_> {
    fn draw(&mut self) -> usize {
        let total: u32 = self.parts.iter().map(|(weight, _)| weight).sum();
        let mut ticket = self.rng.random_range(0..total);
        let drawn = self.parts.iter().position(|(weight, _)| {
            let mine = ticket < *weight;
            ticket = ticket.saturating_sub(*weight);
            mine
        });
        drawn.expect("the ticket is below the sum of the weights")
    }
}

impl Generator for Mix<'_> {
    fn next(&mut self, context: &Context) -> Next {
        if context.free().is_empty() && !self.parts.is_empty() {
            return Next::PENDING;
        }
        'draw: while !self.parts.is_empty() {
            let drawn = self.draw();
            let mut again = None;
            for step in 0..self.parts.len() {
                let part = (drawn + step) % self.parts.len();
                match self.parts[part].1.next(context) {
                    Next::Pending { until } => again = sooner(again, until),
                    Next::Exhausted => {
                        drop(self.parts.remove(part));
                        continue 'draw;
                    }
                    operation => return operation,
                }
            }
            return Next::Pending { until: again };
        }
        Next::Exhausted
    }

    fn update(&mut self, context: &Context, event: &Event) {
        for (_, part) in &mut self.parts {
            part.update(context, event);
        }
    }
}
