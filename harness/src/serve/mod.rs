//! Results to look at: the index of a folder, and a server of what lies in it.
//!
//! The pages are decided in [`results`]: index, comparison and the page of a run that goes on are
//! functions of what was read. Here it is read, and brought to a browser.

mod comparison;
mod index;
mod open;
mod request;
mod server;
mod site;

pub(crate) use index::{IndexPage, read, save, write};
pub(crate) use open::open;
pub(crate) use request::Request;
pub(crate) use server::{Answers, Response, listen, serve};
