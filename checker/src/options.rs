//! Options of a check.

use std::num::NonZeroUsize;

use serde_json::Value;

use crate::history::Format;
use crate::model::Conventions;
use crate::oracle::version::VersionSemantics;

/// The limits of a check. Counted, not timed, so that the verdict does not depend on the machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    /// Steps over all keys, shared evenly among those that are hard to decide. Trying an operation in
    /// some state is a step; where states are large, as many as copying one takes. So a hundred
    /// million take some seconds on one core, at most some twenty.
    pub steps: u64,
    /// Bytes that the search may remember for each key that is being judged; there are as many
    /// such keys at a time as there are threads.
    pub memory: usize,
}

impl Default for Budget {
    fn default() -> Budget {
        Budget { steps: 200_000_000, memory: 512 << 20 }
    }
}

/// The way in which a history is judged.
#[derive(Debug, Clone, PartialEq)]
pub struct Options {
    /// The name of the model; none chooses it by the operations (see
    /// [`choose`](crate::model::choose)).
    pub model: Option<String>,
    /// The content of every key before the first operation; null for nothing.
    pub initial: Value,
    /// The meaning of outcomes.
    pub conventions: Conventions,
    /// The promises of the service about the versions that it answers; none if they are not known.
    pub versions: Option<VersionSemantics>,
    /// The limits of the check.
    pub budget: Budget,
    /// The number of keys judged at a time. The verdict does not depend on it.
    pub threads: NonZeroUsize,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            model: None,
            initial: Value::Null,
            conventions: Conventions::default(),
            versions: None,
            budget: Budget::default(),
            threads: std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN),
        }
    }
}

impl Options {
    /// The default, with nil reads as files of this format mean them.
    pub fn for_format(format: Format) -> Options {
        let conventions = Conventions { nil_reads: format.nil_reads(), ..Conventions::default() };
        Options { conventions, ..Options::default() }
    }
}
