//! The names that most callers need.

pub use crate::check::check;
pub use crate::in_memory::{Judgement, Operation, OperationError, check_operations};
pub use crate::model::{
    AppendList, Counter, FencedLock, KvAppend, Model, Mutex, Queue, Register, Set, Transactions,
    ValueId,
};
pub use crate::options::{Budget, Options};
pub use crate::verdict::{Analysis, Counterexample, Verdict};
