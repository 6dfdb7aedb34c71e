//! Faults that change while they last: flaky links, strobes, crash loops, rolling restarts, ramps.
//! Each is a sequence of plain states, so that what carries them out needs no idea of any of them.

use std::time::Duration;

use super::Action;

/// A state that a fault holds from a time on.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// The time since the fault began.
    pub after: Duration,
    /// The state, until the next step or the fault's end.
    pub action: Action,
}

/// `action`, from the begin of the fault to its end.
pub(crate) fn throughout(action: Action) -> Vec<Step> {
    vec![Step { after: Duration::ZERO, action }]
}

/// `action` for `on`, then nothing for the rest of the `period`, again and again.
pub(crate) fn on_and_off(
    action: Action,
    on: Duration,
    period: Duration,
    lasts: Duration,
) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut begin = Duration::ZERO;
    while begin < lasts || steps.is_empty() {
        steps.push(Step { after: begin, action: action.clone() });
        if begin + on < lasts {
            steps.push(Step { after: begin + on, action: Action::Nothing });
        }
        begin += period.max(Duration::from_millis(1));
    }
    steps
}
