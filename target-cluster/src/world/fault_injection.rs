//! Faults as they begin and end, and the end of all of them.

use super::clock::TRUE_RATE;
use super::dice::Purpose;
use super::event_queue::Event;
use super::faults::{Aim, AimedFault, Damage, Fault};
use super::host::{CrashAtEffect, Incoming, State};
use super::node_turns::TRANSFER;
use super::plan::LastingFault;
use super::simulation::Simulation;
use super::situations::Situation;
use crate::core::{Incarnation, Input, Time};
use crate::storage::{Disk, DiskFailure, MemoryDisk};

/// So long lasts what does not end.
const FOR_EVER: Time = Time::from_secs(1_000_000);

/// The length of a synced write that is lost.
const LOST_BYTES: u64 = 64;

impl Simulation {
    /// Notes a situation of a node, and lets the faults follow that it triggers.
    pub(super) fn note(&mut self, node: usize, situation: Situation) {
        let number = self.situations.note(situation);
        if self.healed {
            return;
        }
        for position in 0..self.plan.triggers.len() {
            let trigger = self.plan.triggers[position];
            if trigger.on != situation
                || !self.decisions.happens(trigger.chance, Purpose::Trigger, position, number)
            {
                continue;
            }
            let aimed = AimedFault { aim: Aim::Node(node), fault: trigger.fault };
            self.faults.push(aimed);
            let number = self.faults.len() - 1;
            // At once means before the node has done anything of what it decided; only a crash that
            // counts its effects can come in between.
            if trigger.after.is_zero() && matches!(trigger.fault, Fault::CrashAtEffect { .. }) {
                self.inflict(number, node);
            } else {
                self.queue.push(self.now + trigger.after, Event::Fault(number));
            }
        }
    }

    /// The time of a fault has come.
    pub(super) fn fault_begins(&mut self, number: usize) {
        if self.healed {
            return;
        }
        let scheduled = number < self.plan.schedule.len();
        if scheduled && !self.decisions.happens(1.0, Purpose::Schedule, 0, number as u64) {
            return;
        }
        let node = match self.faults[number].aim {
            Aim::Node(node) => node,
            Aim::Leader(otherwise) => {
                let leads = |node: &usize| self.hosts[*node].leads();
                let leaders = (0..self.hosts.len()).filter(|node| leads(node).is_some());
                leaders.max_by_key(leads).unwrap_or(otherwise)
            }
        };
        self.inflict(number, node);
    }

    fn inflict(&mut self, number: usize, node: usize) {
        let fault = self.faults[number].fault;
        self.faults[number].aim = Aim::Node(node);
        self.say(|world| format!("FAULT {} {fault}", world.name(node)));
        let now = self.now;
        let host = &mut self.hosts[node];
        match fault {
            Fault::Kill { down } => self.crash(node, None, down),
            Fault::PowerLoss { kept, down } => self.crash(node, Some(kept), down),
            Fault::Blackout { nodes, kept, down } => {
                for one in (0..self.hosts.len()).filter(|one| nodes & 1 << one != 0) {
                    self.crash(one, Some(kept), down);
                }
            }
            Fault::CrashAtEffect { after, power, down } => {
                host.crash = Some(CrashAtEffect { after, power, down });
            }
            Fault::Pause { lasts } => {
                if host.leads().is_some() {
                    self.situations.note(Situation::LeaderPaused);
                }
                let host = &mut self.hosts[node];
                if host.running().is_some() {
                    host.paused_until = host.paused_until.max(now + lasts);
                }
            }
            Fault::SlowSender { by, .. } => host.sends_late_by = by,
            Fault::DiskStall { lasts } => {
                host.stalled_until = host.stalled_until.max(now + lasts);
                self.situations.note(Situation::DiskStalled);
            }
            Fault::SyncFailure => host.disk_mut().fail(Some(DiskFailure::Sync)),
            Fault::FullDisk { .. } => host.disk_mut().fail(Some(DiskFailure::Full)),
            Fault::Damage { how } => self.damage(node, how),
            Fault::WallClock { ahead, behind } => {
                host.clock.set_wall(ahead, behind);
                self.situations.note(Situation::ClockChanged);
            }
            Fault::ClockRate { rate, .. } => self.set_rate(node, rate),
            Fault::ClockLeap { by } => {
                host.clock.leap(by);
                self.situations.note(Situation::ClockChanged);
                self.look_at_clock(node);
            }
            Fault::Transfer { to } => {
                let to = self.hosts[to].id().clone();
                let input = Input::Transfer { request: TRANSFER, to };
                self.put_in(node, Incoming::Input(input));
            }
            Fault::Members { kind, pick } => self.change_members(node, kind, pick),
            Fault::Partition { .. } | Fault::Bridge { .. } | Fault::Isolation { .. } => {
                self.cut(true, node, fault);
            }
        }
        if let Some(lasts) = fault.lasts() {
            self.queue.push(self.now + lasts, Event::FaultEnds(number));
        }
    }

    /// A fault ends, unless all of them have been ended already.
    pub(super) fn fault_ends(&mut self, number: usize) {
        let AimedFault { aim: Aim::Node(node), fault } = self.faults[number] else { return };
        if self.healed {
            return;
        }
        match fault {
            Fault::Partition { .. } | Fault::Bridge { .. } | Fault::Isolation { .. } => {
                self.say(|world| format!("HEALED the links of {}", world.name(node)));
                self.cut(false, node, fault);
            }
            Fault::SlowSender { .. } => self.hosts[node].sends_late_by = Time::ZERO,
            Fault::FullDisk { .. } => self.hosts[node].disk_mut().fail(None),
            Fault::ClockRate { .. } => self.set_rate(node, TRUE_RATE),
            _ => {}
        }
    }

    /// Cuts the links that the fault is about once more, or once less.
    fn cut(&mut self, cut: bool, node: usize, fault: Fault) {
        let is_in = |set: u32, one: usize| set & 1 << one != 0;
        match fault {
            Fault::Partition { side, .. } => {
                self.network.cut(cut, |from, to| is_in(side, from) != is_in(side, to));
            }
            Fault::Bridge { side, .. } => {
                self.network.cut(cut, |from, to| {
                    from != node && to != node && is_in(side, from) != is_in(side, to)
                });
            }
            Fault::Isolation { inward, outward, from: others, .. } => {
                self.network.cut(cut, |from, to| {
                    (outward && from == node && is_in(others, to))
                        || (inward && to == node && is_in(others, from))
                });
            }
            _ => {}
        }
    }

    fn set_rate(&mut self, node: usize, rate: u32) {
        self.hosts[node].clock.set_rate(self.now, rate);
        self.situations.note(Situation::ClockChanged);
        self.look_at_clock(node);
    }

    /// The clock of a node was changed: what it waits for may be due sooner.
    fn look_at_clock(&mut self, node: usize) {
        let process = self.process(node);
        if let State::Up(running) = &mut self.hosts[node].state {
            running.timer = Some(self.now);
            self.queue.push(self.now, Event::Timer(process));
        }
    }

    /// The node is killed, and what it once reported as durable is damaged; it must notice.
    fn damage(&mut self, node: usize, how: Damage) {
        let damaged = self.hosts.iter().filter(|host| host.damaged.is_some()).count();
        if damaged >= self.plan.minority_size() || self.hosts[node].damaged.is_some() {
            return;
        }
        if !self.can_do_without(|one| one == node || self.hosts[one].damaged.is_some()) {
            return;
        }
        if how == Damage::Replaced {
            return self.replace_disk(node);
        }
        let word = self.dice.word(Purpose::Damage, node, 0);
        self.stop(node, |_| {});
        let host = &mut self.hosts[node];
        let State::Down(disk) = &mut host.state else { return };
        // The newest file of the log is damaged, as far as it had been durable.
        let start = disk.newest_log_start();
        let durable = disk.watermark().unwrap_or(0).saturating_sub(start);
        if durable > 0 {
            let at = (word % durable) as usize;
            let changed = match how {
                Damage::BitInverted => disk.flip_bit((word % (durable * 8)) as usize),
                Damage::WriteLost => disk.zero(at..durable.min(at as u64 + LOST_BYTES) as usize),
                Damage::CutOff => disk.cut_to(at.max(1)),
                Damage::Wiped | Damage::Replaced => disk.wipe(),
            };
            host.damaged = changed.then_some(how);
        }
        self.start_later(node, Time::from_millis(10));
    }

    /// The node is killed and starts on an empty disk, if enough of the others would know.
    fn replace_disk(&mut self, node: usize) {
        if !self.is_noted(node) {
            return;
        }
        self.stop(node, |disk| *disk = MemoryDisk::default());
        let host = &mut self.hosts[node];
        host.options.incarnation = host.options.incarnation.map(Incarnation::of_next_disk);
        host.configurations.clear();
        host.damaged = Some(Damage::Replaced);
        self.situations.note(Situation::DiskReplaced);
        self.start_later(node, Time::from_millis(10));
    }

    /// Every fault ends and every node starts that can; but a minority stays or becomes faulty, as
    /// the plan says.
    pub fn heal_majority(&mut self) {
        self.heal();
        let damaged = self.hosts.iter().filter(|host| host.damaged.is_some()).count();
        let room = self.plan.minority_size() - damaged;
        let mut chosen: Vec<(usize, LastingFault)> = Vec::new();
        for (node, fault) in self.plan.minority.clone() {
            let is_gone = |one: usize| {
                one == node
                    || self.hosts[one].damaged.is_some()
                    || chosen.iter().any(|(other, _)| *other == one)
            };
            if chosen.len() < room
                && self.hosts[node].damaged.is_none()
                && self.can_do_without(is_gone)
            {
                chosen.push((node, fault));
            }
        }
        for (node, fault) in chosen {
            self.say(|world| format!("{} stays faulty: {fault:?}", world.name(node)));
            let host = &mut self.hosts[node];
            match fault {
                LastingFault::Down => self.stop(node, |_| {}),
                LastingFault::Paused => host.paused_until = FOR_EVER,
                LastingFault::Stalled => host.stalled_until = FOR_EVER,
                LastingFault::Deaf => self.network.cut(true, |_, to| to == node),
                LastingFault::Mute => self.network.cut(true, |from, _| from == node),
                LastingFault::Isolated => {
                    self.network.cut(true, |from, to| from == node || to == node);
                }
            }
        }
    }

    /// Every fault ends and every node starts that can.
    pub fn heal(&mut self) {
        self.say(|_| "HEALED".to_string());
        self.healed = true;
        self.network.heal();
        for node in 0..self.hosts.len() {
            let (now, process) = (self.now, self.process(node));
            let host = &mut self.hosts[node];
            host.crash = None;
            host.sends_late_by = Time::ZERO;
            host.stalled_until = now;
            host.disk_mut().fail(None);
            host.clock.set_rate(now, TRUE_RATE);
            self.look_at_clock(node);
            let host = &mut self.hosts[node];
            if host.paused_until > now {
                host.paused_until = now;
                self.queue.push(now, Event::Turn(process));
            }
            if let Some(running) = self.hosts[node].running()
                && running.writing.is_some()
            {
                self.queue.push(now, Event::Barrier(process));
            }
            if self.hosts[node].running().is_some_and(|running| running.saving.is_some()) {
                self.queue.push(now, Event::Save(process));
            }
            if self.hosts[node].damaged.is_none() {
                self.start(node);
            }
        }
    }
}
