//! Tests of compositions: of those that come along, of a user's own, and of what is drawn of them.

mod golden;
mod reading;
mod shipped;
mod support;
