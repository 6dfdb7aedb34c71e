//! Objects without the types of their models: the border behind which nothing is generic.
//!
//! Code that depends on a model's types is compiled anew for each model. So it is kept small, and
//! all that judges and explains sees an [`Object`].

mod claim;
mod erased;
mod operations;
mod states;
mod typed;

pub(crate) use claim::Claim;
pub(crate) use erased::Erased;
pub(crate) use operations::Object;
pub(crate) use typed::Typed;
