//! The checker from outside: verdicts, counterexamples and findings of whole histories. One binary,
//! as each links for seconds.

mod accounting;
mod corpus;
mod counterexamples;
mod differential;
mod effort;
mod explanations;
mod foreign;
mod idempotency_audit;
mod in_memory;
mod legal;
mod lost_updates;
mod online;
mod oracles;
mod own_histories;
mod readers;
mod support;
mod version_oracle;
