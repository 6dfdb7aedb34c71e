//! etcd, by its JSON gateway: `POST /v3/kv/txn` and its kin.
//!
//! etcd has no idempotency tokens, so a retry is made idempotent by a compare: every mutation puts
//! a key of its token besides, in a transaction that wants it to be absent. A client that finds it
//! there answers what was done. A register is written, a set added to and a lock taken by one such
//! transaction; everything else is a [document](super::documents), compared by its `mod_revision`.

mod administrator;
mod client;
mod dumper;
mod gateway;
mod target;

pub use target::Etcd;
