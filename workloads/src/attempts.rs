//! The course of one operation through its attempts: when its client asks again and whom, and what
//! becomes of the operation when it gives up. Clients over a network and in a simulation go by the
//! same.

use std::time::Duration;

use checker::history::EventType;
use rand::Rng;

use crate::retry::RetryPolicy;
use crate::route::Route;

/// The attempts of an operation so far.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Attempts {
    /// The number of those that came to nothing.
    refused: u32,
    /// The number of those that came with a hint who leads.
    hints: u32,
    /// True if some attempt may have taken effect, or may yet.
    in_doubt: bool,
}

/// An attempt that came to nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refused {
    /// The node that was asked.
    pub node: usize,
    /// The node that it named as the leader.
    pub leader: Option<usize>,
    /// True if the attempt surely had and will have no effect.
    pub definite: bool,
    /// True if the operation may be sent again.
    pub may_repeat: bool,
    /// The time since the operation began.
    pub elapsed: Duration,
}

/// The step that follows a refused attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Then {
    /// That node is asked after a wait.
    Ask {
        /// The node.
        node: usize,
        /// The wait.
        wait: Duration,
    },
    /// The client gives up, and the operation ends like that.
    GiveUp(EventType),
}

impl Attempts {
    /// The time that the next attempt may take, when so much has passed since the operation began.
    pub fn limit(policy: &RetryPolicy, elapsed: Duration) -> Duration {
        policy.attempt_timeout.min(policy.deadline.saturating_sub(elapsed))
    }

    /// An attempt came to nothing.
    pub fn refused(
        &mut self,
        refused: Refused,
        policy: &RetryPolicy,
        route: &mut Route,
        rng: &mut impl Rng,
    ) -> Then {
        self.in_doubt |= !refused.definite;
        // The first hint is news and worth following at once; a second one means that the nodes
        // have not agreed yet.
        self.hints += u32::from(refused.leader.is_some());
        let wait = match refused.leader {
            Some(leader) if leader != refused.node && self.hints == 1 => Duration::ZERO,
            _ => policy.backoff(self.refused, rng),
        };
        self.refused += 1;
        if !refused.may_repeat || refused.elapsed + wait >= policy.deadline {
            return Then::GiveUp(if self.in_doubt { EventType::Info } else { EventType::Fail });
        }
        Then::Ask { node: route.after_error(refused.leader, rng), wait }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stream;

    fn refused(leader: Option<usize>, definite: bool, elapsed_ms: u64) -> Refused {
        let elapsed = Duration::from_millis(elapsed_ms);
        Refused { node: 0, leader, definite, may_repeat: true, elapsed }
    }

    #[test]
    fn the_first_hint_is_followed_at_once_and_the_second_is_not() {
        let (policy, mut rng) = (RetryPolicy::default(), stream(1, "test"));
        let (mut attempts, mut route) = (Attempts::default(), Route::roaming(0, 3));
        let mut ask = |refused| attempts.refused(refused, &policy, &mut route, &mut rng);
        let hint = refused(Some(2), true, 1);
        assert_eq!(ask(hint), Then::Ask { node: 2, wait: Duration::ZERO });
        let Then::Ask { node: 1, wait } = ask(Refused { node: 2, ..refused(Some(1), true, 2) })
        else {
            panic!("the hint is followed")
        };
        assert!(wait > Duration::ZERO);
    }

    #[test]
    fn an_operation_fails_only_if_no_attempt_is_in_doubt() {
        let (policy, mut rng) = (RetryPolicy::default(), stream(1, "test"));
        for (first, ended) in [(true, EventType::Fail), (false, EventType::Info)] {
            let (mut attempts, mut route) = (Attempts::default(), Route::roaming(0, 3));
            let mut ask = |refused| attempts.refused(refused, &policy, &mut route, &mut rng);
            assert!(matches!(ask(refused(None, first, 1)), Then::Ask { .. }));
            assert_eq!(ask(refused(None, true, 3_000)), Then::GiveUp(ended));
        }
        let (mut attempts, mut route) = (Attempts::default(), Route::roaming(0, 3));
        let never = Refused { may_repeat: false, ..refused(None, false, 1) };
        let then = attempts.refused(never, &policy, &mut route, &mut rng);
        assert_eq!(then, Then::GiveUp(EventType::Info));
    }
}
