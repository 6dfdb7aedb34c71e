//! The outcome of nights.

use crate::night::FollowUp;

/// The sentence about what a failure came to when it was followed up.
pub fn followed_up(follow_up: &FollowUp) -> String {
    let FollowUp { failed, counted, shrunk, .. } = follow_up;
    let mut text = format!("failed again in {failed} of {counted}");
    if let Some(shrunk) = shrunk {
        let faults = super::counted(shrunk.faults, "fault");
        text.push_str(&format!(", shrunk from {} to {faults}", shrunk.faults_before));
    }
    text
}
