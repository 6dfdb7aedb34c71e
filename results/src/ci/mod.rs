//! Runs in the forms that CI systems read. All are written from one [`CiReport`], which is made of a
//! run's summary or of a night.
//!
//! A run whose verdict is Unknown is no pass in any of them. JUnit has it as an `<error>`, not as
//! `<skipped>`: a skipped case leaves a build green.

mod annotations;
mod junit;
mod markdown;
mod report;
mod sarif;

pub use annotations::github_annotations;
pub use junit::junit;
pub use markdown::markdown;
pub use report::{CiReport, CiRun};
pub use sarif::sarif;
