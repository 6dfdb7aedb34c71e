//! Services that a manifest describes: a TOML file that says how a node is started and what is sent
//! for each operation, for any service with an HTTP API. `harness/examples/targets/README.md` is the
//! reference of the format; two manifests stand beside it.
//!
//! [`schema`] has its shape and [`source`] its lines, for errors. The rest is made from them before
//! anything starts: [`node`] starts nodes, [`status`] knows who leads, [`operation`] what is sent and
//! what answers mean, from [`template`], [`request`] and [`answer`].

mod administrator;
mod answer;
mod client;
mod dumper;
mod node;
mod operation;
mod order;
mod request;
mod schema;
mod source;
mod status;
mod step;
mod target;
mod template;
#[cfg(test)]
mod tests;
mod timers;

pub use target::{Manifest, is_manifest};
