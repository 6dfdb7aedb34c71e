//! Transactions over several objects: each reads, writes and appends atomically.
//!
//! The promise is strict serializability: some order of the transactions explains every answer and
//! agrees with real time. To decide it is NP-complete even when every value is written once
//! (Papadimitriou, "The serializability of concurrent database updates", J. ACM 26(4), 1979; Biswas
//! & Enea, "On the complexity of checking transactional consistency", OOPSLA 2019), but what real
//! clients record is nearly always easy: see `decide.rs`.
//!
//! Values may repeat. Real time leaves a read few writes that it can have seen (`candidates.rs`),
//! what has to come before what excludes more of them (`doubts.rs`), and what is still open is
//! decided while an order is searched for (`legal_order.rs`). At first, it is assumed that nothing
//! of unknown outcome was seen where something else can have been (`assumptions.rs`).
//!
//! Out of reach are histories in which that leaves too much open: transactions that overlap write
//! the same value to the same object, or so many of unknown outcome wrote a value that each read of
//! it may have seen any of them. Then no order follows from what was read, a wrong choice shows late,
//! and there are exponentially many. Of ten registers and twenty clients that is so of 10,000
//! transactions of 5 values with 1 % unknown, or of 20 values with 5 %, and of 40,000 of 20 values
//! with 1 %. With no unknown outcome, 100,000 of 20 values are easy.

mod assumptions;
mod candidates;
pub(super) mod decide;
mod doubts;
mod legal_order;
mod precedence;
mod reasons;
mod specification;
mod versions;

pub use specification::{Content, State, Step, Transactions};
