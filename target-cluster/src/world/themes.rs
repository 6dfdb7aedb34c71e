//! Faults that are dangerous only together: a plan that has a theme has several of one story, and
//! little beside them that would cut it short.

use std::time::Duration;

use super::faults::{Aim, Fault, Kept};
use super::plan::{Plan, Trigger};
use super::situations::Situation;
use super::swarm::Swarm;

/// A story that happens some times in a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Theme {
    /// Leaders fall one after the other, as soon as they are elected or have committed something:
    /// figure 8 of the paper.
    LeadersFall,
    /// Nodes crash as soon as they have voted, when others who cannot reach each other want their
    /// votes too.
    VotersFall,
    /// Leaders are cut off, and their wall clocks set back.
    LeadersInThePast,
    /// Leaders hand over, and do not hear what comes of it.
    LeadersHandOver,
    /// Leaders are stopped for longer than others wait for them, and then take in what clients asked
    /// meanwhile, before they hear of any other leader.
    LeadersStopped,
}

impl Theme {
    /// All there are.
    pub(super) const ALL: [Theme; 5] = [
        Theme::LeadersFall,
        Theme::VotersFall,
        Theme::LeadersInThePast,
        Theme::LeadersHandOver,
        Theme::LeadersStopped,
    ];
}

impl Swarm {
    /// Adds the faults of a theme.
    pub(super) fn add_theme(&mut self, theme: Theme, plan: &mut Plan) {
        match theme {
            Theme::LeadersFall => self.leaders_fall(plan),
            Theme::VotersFall => self.voters_fall(plan),
            Theme::LeadersInThePast => self.leaders_in_the_past(plan),
            Theme::LeadersHandOver => self.leaders_hand_over(plan),
            Theme::LeadersStopped => self.leaders_stopped(plan),
        }
    }

    fn leaders_fall(&mut self, plan: &mut Plan) {
        plan.settings.append_entries = 1;
        let election = plan.timings.election_max;
        for on in [Situation::ElectionWon, Situation::EarlierTermCommitted] {
            let chance = *self.one_of(&[0.3, 0.7]);
            let soon = self.time(0..10);
            let after = *self.one_of(&[Duration::ZERO, soon]);
            let lasts = election.mul_f64(self.part(0.5..3.0));
            let fault = if self.chance(0.5) {
                self.crash_at_effect()
            } else {
                Fault::Isolation { inward: true, outward: true, from: u32::MAX, lasts }
            };
            plan.triggers.push(Trigger { on, chance, after, fault });
        }
    }

    fn voters_fall(&mut self, plan: &mut Plan) {
        let election = plan.timings.election_max;
        // What is not synced is lost, and the node is back before anyone has noticed.
        let kept = Kept { sector: 512, share: 0.0 };
        let (after, down) = (self.time(0..10), self.time(0..3));
        let fault = Fault::PowerLoss { kept, down };
        plan.triggers.push(Trigger { on: Situation::VoteGranted, chance: 0.3, after, fault });
        for at in self.times(plan, election * 4) {
            let aim = self.aim_at_leader();
            let lasts = election.mul_f64(self.part(1.0..4.0));
            plan.schedule(at, aim, Fault::Bridge { side: self.some(), lasts });
            let down = self.time(0..20);
            plan.schedule(at + plan.timings.heartbeat, aim, Fault::PowerLoss { kept, down });
        }
    }

    fn leaders_in_the_past(&mut self, plan: &mut Plan) {
        let election = plan.timings.election_max;
        for at in self.times(plan, election * 8) {
            let aim = self.aim_at_leader();
            let lasts = election.mul_f64(self.part(2.0..6.0));
            let cut = Fault::Isolation { inward: true, outward: true, from: u32::MAX, lasts };
            plan.schedule(at, aim, cut);
            let soon = plan.timings.election_min.mul_f64(self.part(0.0..0.8));
            let behind = election.mul_f64(self.part(1.0..5.0));
            plan.schedule(at + soon, aim, Fault::WallClock { ahead: Duration::ZERO, behind });
        }
    }

    fn leaders_hand_over(&mut self, plan: &mut Plan) {
        let election = plan.timings.election_max;
        for at in self.times(plan, election * 2) {
            let (aim, to) = (self.aim_at_leader(), self.node());
            plan.schedule(at, aim, Fault::Transfer { to });
        }
        let soon = self.time(0..3);
        let after = *self.one_of(&[Duration::ZERO, soon]);
        let lasts = election.mul_f64(self.part(0.5..2.0));
        let fault = Fault::Isolation { inward: true, outward: false, from: u32::MAX, lasts };
        let on = Situation::SuccessorAsked;
        plan.triggers.push(Trigger { on, chance: 0.5, after, fault });
    }

    fn leaders_stopped(&mut self, plan: &mut Plan) {
        let election = plan.timings.election_max;
        for at in self.times(plan, election * 5) {
            let aim = self.aim_at_leader();
            let lasts = election.mul_f64(self.part(1.0..3.0));
            let unheard = lasts + plan.timings.heartbeat;
            let cut =
                Fault::Isolation { inward: true, outward: false, from: u32::MAX, lasts: unheard };
            plan.schedule(at, aim, cut);
            plan.schedule(at, aim, Fault::Pause { lasts });
        }
    }

    pub(super) fn aim_at_leader(&mut self) -> Aim {
        match self.aim() {
            Aim::Leader(node) | Aim::Node(node) => Aim::Leader(node),
        }
    }
}
