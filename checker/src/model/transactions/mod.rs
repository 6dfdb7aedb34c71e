//! Transactions over several objects: each reads, writes and appends atomically.
//!
//! The promise is strict serializability: some order of the transactions explains every answer and
//! agrees with real time. To decide it is NP-complete even when every value is written once
//! (Papadimitriou, "The serializability of concurrent database updates", J. ACM 26(4), 1979; Biswas
//! & Enea, "On the complexity of checking transactional consistency", OOPSLA 2019), but what real
//! clients record is nearly always easy: see `decide.rs`.

pub(super) mod decide;
mod legal_order;
mod precedence;
mod specification;
mod versions;

pub use specification::{Content, State, Step, Transactions};
