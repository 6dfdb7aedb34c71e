//! A command takes effect at most once, however often it is sent (thesis, §6.3).

use std::collections::HashMap;

use super::{Change, Invariant};
use crate::core::ApplyResult;
use crate::kv::Token;

/// The index at which each token took effect.
#[derive(Debug, Default)]
pub(super) struct ExactlyOnce {
    effects: HashMap<Token, u64>,
    /// The last entry that was looked at; every node applies the same.
    seen: u64,
}

impl Invariant for ExactlyOnce {
    fn name(&self) -> (&'static str, &'static str) {
        ("exactly once", "Raft thesis, §6.3")
    }

    fn check(&mut self, change: &Change<'_>) -> Result<(), String> {
        let applied = change.node.applied();
        if applied <= self.seen {
            return Ok(());
        }
        let news = change.node.applied_after(self.seen, usize::MAX).unwrap_or_default();
        self.seen = applied;
        for command in news.into_iter().filter(|command| command.result == ApplyResult::Ok) {
            let (Some(token), index) = (command.token, command.index) else { continue };
            if let Some(first) = self.effects.get(&token) {
                return Err(format!(
                    "the command with token {token} took effect at {first} and again at {index}"
                ));
            }
            self.effects.insert(token, index);
        }
        Ok(())
    }
}
