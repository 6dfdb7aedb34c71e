//! Objects without the types of their models: the border behind which nothing is generic.
//!
//! Code that depends on a model's types is compiled anew for each model. So it is kept small, and
//! all that judges and explains sees an [`Object`].

mod erased;
mod kept;
mod operations;
mod reader;
mod states;
mod typed;

pub(crate) use erased::Erased;
pub(crate) use kept::Kept;
pub(crate) use operations::Object;
pub(crate) use reader::Reader;
#[cfg(test)]
pub(crate) use reader::TypedReader;
pub(crate) use typed::Typed;
