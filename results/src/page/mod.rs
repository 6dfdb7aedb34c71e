//! The parts that all pages share: their frame, their style, and the parts of their panels.

pub(crate) mod columns;
pub(crate) mod lanes;
pub(crate) mod panel;
pub(crate) mod shell;
