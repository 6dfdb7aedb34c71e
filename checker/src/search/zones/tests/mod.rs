//! Each case by name, then many random histories against two other deciders.

mod cases;
mod differential;
mod oracle;
mod problem;
mod random;
