//! A cluster of `stormproof up`, watched and disturbed from its page in a browser.
//!
//! `record` keeps what nodes and faults tell; `buttons` says which fault each button is; `operator`
//! carries presses out through the nemesis, in the thread that has the cluster; `client` is what counts
//! beside it; `site` brings all of that to the page, which `results` makes; `browser` opens it.

mod browser;
mod buttons;
mod client;
mod operator;
mod record;
mod site;

pub(crate) use browser::open_page;
pub(crate) use client::{Counting, count};
pub(crate) use operator::{Operator, SlowDisks};
pub(crate) use record::Record;
pub(crate) use site::{Order, open};
