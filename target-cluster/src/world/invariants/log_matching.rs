//! If two logs contain an entry with the same index and term, they are identical through that
//! index (paper, §5.3).

use super::Invariant;
use crate::core::Node;

/// Needs no memory.
#[derive(Debug)]
pub(super) struct LogMatching;

impl Invariant for LogMatching {
    fn name(&self) -> &'static str {
        "log matching"
    }

    fn check(&mut self, nodes: &[&Node]) -> Result<(), String> {
        for (position, one) in nodes.iter().enumerate() {
            for other in &nodes[position + 1..] {
                let pairs = one.log().entries().iter().zip(other.log().entries());
                let mut differs = None;
                for (left, right) in pairs {
                    if differs.is_none() && left != right {
                        differs = Some(left.index);
                    }
                    if let Some(index) = differs
                        && left.term == right.term
                    {
                        return Err(format!(
                            "the logs of {} and {} differ at {index}, though both have an entry \
                             of term {} at {}",
                            one.options().id,
                            other.options().id,
                            left.term,
                            left.index
                        ));
                    }
                }
            }
        }
        Ok(())
    }
}
