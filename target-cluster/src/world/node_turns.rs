//! The nodes of a simulation at work: turns, effects, barriers, timers, starts and stops.

use std::io;

use super::accounts::takes_in;
use super::dice::Purpose;
use super::event_queue::{Event, Process};
use super::faults::{Damage, Kept};
use super::host::{Incoming, Running, State};
use super::invariants::Violation;
use super::message::Message;
use super::simulation::{Call, ClientReply, Simulation};
use super::situations::Situation;
use super::{codec, describe};
use crate::core::{
    AppendResult, Effect, Input, Node, ReadMode, Record, Refusal, Reply, Request, Response,
    RoleName, Time,
};
use crate::driver::{Account, Batch, LogWriter, Turn};
use crate::kv::Answer;
use crate::storage::{MemoryDisk, OpenError, SnapshotWriter, recover};

/// The time after which a node is started again that stopped by itself, or could not start.
const RESTART: Time = Time::from_millis(100);

/// The number under which a node is asked to hand over or to change the members: no client has it.
pub(super) const TRANSFER: u64 = 1;

impl Simulation {
    /// A node takes in what gathered, and does what comes of it.
    pub(super) fn turn(&mut self, process: Process) {
        let node = process.node as usize;
        let now = self.now;
        let host = &mut self.hosts[node];
        if !host.runs(process) {
            return;
        }
        if host.paused_until > now {
            return self.queue.push(host.paused_until, Event::Turn(process));
        }
        host.turns += 1;
        let clock = &host.clock;
        let State::Up(running) = &mut host.state else { return };
        running.turn_due = false;
        let before = Before::of(&running.node);
        let mut turn = Turn::begin(&mut running.node, clock.at(now), || clock.wall(now));
        for incoming in running.inbox.drain(..) {
            match incoming {
                Incoming::Command(request, command) => turn.propose(request, command),
                Incoming::Input(input) => {
                    takes_in(&mut running.account, &running.node, &input, now, clock.at(now));
                    turn.step(&mut running.node, input);
                }
            }
        }
        let effects = turn.end(&mut running.node);
        let judgement = self.watch.turned(node, &running.node, &effects);
        self.judge(judgement);
        self.note_configurations(node);
        self.note_effects(node, &before, &effects);
        self.note_members(node, &before, &effects);
        self.tell_roles(node, &effects);
        self.execute(node, effects);
        self.tell_turn(node);
        self.set_timer(node);
    }

    /// Executes effects in order; a crash may come before any of them.
    fn execute(&mut self, node: usize, effects: Vec<Effect>) {
        let mut batch = Batch::default();
        let last = effects.len();
        for (position, effect) in effects.into_iter().enumerate() {
            if let Some(crash) = &mut self.hosts[node].crash {
                if crash.after == 0 {
                    let crash = *crash;
                    if position > 0 && position < last {
                        self.note(node, Situation::CrashBetweenEffects);
                    }
                    return self.crash(node, crash.power, crash.down);
                }
                crash.after -= 1;
            }
            self.say(|world| describe::effect(world.name(node), &effect));
            self.tell_effect(node, &effect);
            match effect {
                Effect::Persist { sequence, record } => batch.push(sequence, record),
                Effect::SaveSnapshot(snapshot) => {
                    let running = self.hosts[node].running_mut().expect("it takes a turn");
                    running.saving = Some(SnapshotWriter::new(snapshot));
                    self.save_later(node);
                }
                Effect::Call { to, request } => {
                    let to = self.position(&to);
                    let sent = self.hosts[node].clock.at(self.now);
                    self.send(node, to, Message::Request(sent, request));
                }
                Effect::Respond { call, response } => {
                    let Call { from, sent } = Call::of(call);
                    self.send(node, from, Message::Response(sent, response));
                }
                Effect::Reply { request, reply } => {
                    let running = self.hosts[node].running_mut().expect("it takes a turn");
                    running.requests.remove(&request);
                    if request != TRANSFER {
                        self.reply(request, ClientReply::Body(codec::answered(reply)));
                    }
                }
                Effect::Role(_) => {}
                Effect::Stop(reason) => {
                    self.say(|world| format!("{} stops: {reason}", world.name(node)));
                    self.note(node, Situation::ClockStopped);
                    self.stop(node, |_| {});
                    return self.start_later(node, RESTART);
                }
            }
        }
        if !batch.is_empty() {
            let running = self.hosts[node].running_mut().expect("it takes a turn");
            if running.queued.is_empty() {
                running.queued = batch;
            } else {
                running.queued.join(batch);
            }
            self.write(node);
        }
    }

    /// Writes what waits for the disk, if that is free, and begins a barrier for all of it.
    fn write(&mut self, node: usize) {
        let process = self.process(node);
        let host = &mut self.hosts[node];
        let clock = host.clock.at(self.now);
        let State::Up(running) = &mut host.state else { return };
        if running.writing.is_some() || running.queued.is_empty() {
            return;
        }
        let Batch { through, records } = std::mem::take(&mut running.queued);
        let deferred = running.writer.deferred_due();
        match running.writer.write(&records, clock) {
            Ok(true) => {
                running.writing = Some(through);
                host.barriers += 1;
                let number = host.barriers;
                let disk = &self.plan.disk;
                let mut time = self.dice.time(&disk.barrier, Purpose::Barrier, node, number);
                let stall = if self.healed { 0.0 } else { disk.stall };
                if self.decisions.happens(stall, Purpose::Stall, node, number) {
                    self.situations.note(Situation::DiskStalled);
                    time += self.dice.time(&disk.stall_time, Purpose::StallTime, node, number);
                }
                self.queue.push(self.now + time, Event::Barrier(process));
            }
            Ok(false) => self.put_in(node, Incoming::Input(Input::Persisted { through })),
            Err(error) => return self.disk_failed(node, &error),
        }
        let host = &mut self.hosts[node];
        if let State::Up(running) = &host.state
            && deferred.is_none()
            && let Some(due) = running.writer.deferred_due()
        {
            self.queue.push(host.clock.when(due), Event::Deferred(process));
        }
    }

    /// A barrier ends, unless its disk stalls.
    pub(super) fn barrier_ends(&mut self, process: Process) {
        let node = process.node as usize;
        let host = &mut self.hosts[node];
        if !host.runs(process) {
            return;
        }
        if host.stalled_until > self.now {
            return self.queue.push(host.stalled_until, Event::Barrier(process));
        }
        let State::Up(running) = &mut host.state else { return };
        // Healing lets a stalled one end at once, and it ends only once.
        let Some(through) = running.writing.take() else { return };
        match running.writer.barrier() {
            Ok(()) => {
                self.say(|world| format!("{} syncs", world.name(node)));
                self.put_in(node, Incoming::Input(Input::Persisted { through }));
                self.write(node);
            }
            Err(error) => self.disk_failed(node, &error),
        }
    }

    /// The next step of writing a snapshot takes as long as a barrier.
    fn save_later(&mut self, node: usize) {
        let process = self.process(node);
        self.hosts[node].saves += 1;
        let number = self.hosts[node].saves;
        let time = self.dice.time(&self.plan.disk.barrier, Purpose::Save, node, number);
        self.queue.push(self.now + time, Event::Save(process));
    }

    /// A step of writing a snapshot is done, unless the disk stalls.
    pub(super) fn save(&mut self, process: Process) {
        let node = process.node as usize;
        if !self.disk_is_free(process, Event::Save(process)) {
            return;
        }
        let State::Up(running) = &mut self.hosts[node].state else { return };
        let Some(writer) = &mut running.saving else { return };
        match writer.advance(running.writer.disk_mut()) {
            Ok(false) => self.save_later(node),
            Ok(true) => {
                let index = writer.index();
                running.saving = None;
                self.say(|world| {
                    format!("{} saved the snapshot through {index}", world.name(node))
                });
                self.put_in(node, Incoming::Input(Input::SnapshotSaved { index }));
                self.note(node, Situation::SnapshotSaved);
            }
            Err(error) => self.disk_failed(node, &error),
        }
    }

    /// The disk of a node does what no request waits for.
    pub(super) fn deferred(&mut self, process: Process) {
        let node = process.node as usize;
        if !self.disk_is_free(process, Event::Deferred(process)) {
            return;
        }
        let State::Up(running) = &mut self.hosts[node].state else { return };
        if let Err(error) = running.writer.run_deferred() {
            self.disk_failed(node, &error);
        }
    }

    /// True if the process runs and its disk works for it now. Where it runs and has to wait, `event`
    /// comes when that is over.
    fn disk_is_free(&mut self, process: Process, event: Event) -> bool {
        let host = &self.hosts[process.node as usize];
        let free_at = host.stalled_until.max(host.paused_until);
        if !host.runs(process) {
            return false;
        }
        if free_at > self.now {
            self.queue.push(free_at, event);
            return false;
        }
        true
    }

    /// A node stops because its disk failed, and is started again.
    fn disk_failed(&mut self, node: usize, error: &io::Error) {
        self.note(
            node,
            match error.kind() {
                io::ErrorKind::StorageFull => Situation::DiskFull,
                _ => Situation::SyncFailed,
            },
        );
        self.say(|world| format!("{} stops: its disk failed: {error}", world.name(node)));
        self.stop(node, |_| {});
        self.start_later(node, RESTART);
    }

    /// Sets a timer at the next deadline of a node, unless an earlier one is set: that one will look
    /// again.
    fn set_timer(&mut self, node: usize) {
        let process = self.process(node);
        let host = &mut self.hosts[node];
        let State::Up(running) = &mut host.state else { return };
        let due = if running.node.has_to_apply() && !self.healed {
            self.now + self.dice.time(&self.plan.apply, Purpose::Apply, node, host.turns)
        } else {
            host.clock.when(running.node.next_deadline()).max(self.now)
        };
        if running.timer.is_none_or(|timer| due < timer) {
            running.timer = Some(due);
            self.queue.push(due, Event::Timer(process));
        }
    }

    /// A deadline may be due: then the node takes a turn.
    pub(super) fn timer(&mut self, process: Process) {
        let node = process.node as usize;
        let host = &mut self.hosts[node];
        if !host.runs(process) {
            return;
        }
        let now = host.clock.at(self.now);
        let State::Up(running) = &mut host.state else { return };
        if running.timer == Some(self.now) {
            running.timer = None;
        }
        if running.node.next_deadline() > now {
            self.set_timer(node);
        } else if !std::mem::replace(&mut running.turn_due, true) {
            self.turn(process);
        }
    }

    /// A node crashes: its process is killed, or its machine loses power.
    pub(super) fn crash(&mut self, node: usize, power: Option<Kept>, down: Time) {
        let host = &self.hosts[node];
        let was_up = host.running().is_some();
        let saves = host.running().is_some_and(|running| running.saving.is_some());
        if host.running().is_some_and(|running| running.writing.is_some()) {
            self.note(node, Situation::CrashDuringBarrier);
        }
        if saves {
            self.note(node, Situation::CrashDuringSave);
        }
        let Some(Kept { sector, share }) = power else {
            if was_up {
                self.say(|world| format!("{} is killed", world.name(node)));
                self.note(node, Situation::ProcessKilled);
                self.stop(node, |_| {});
                self.start_later(node, down);
            }
            return;
        };
        let (dice, life) = (self.dice, u64::from(self.hosts[node].life));
        let mut asked = 0;
        let (mut unsynced, mut kept) = (0, 0);
        self.stop(node, |disk| {
            unsynced = disk.unsynced();
            kept = disk.crash(sector, || {
                asked += 1;
                dice.hits(share, Purpose::Sector, node, life << 20 | asked)
            });
        });
        if kept < unsynced {
            self.note(node, Situation::UnsyncedLost);
        }
        if was_up {
            self.say(|world| {
                format!("{} loses power, {kept} of {unsynced} bytes stay", world.name(node))
            });
            self.note(node, Situation::PowerLost);
            self.start_later(node, down);
        }
    }

    /// The process of a node ends; something happens to its disk. Clients see their connections
    /// break.
    pub(super) fn stop(&mut self, node: usize, happen: impl FnOnce(&mut MemoryDisk)) {
        self.tell_end(node);
        let host = &mut self.hosts[node];
        host.crash = None;
        host.paused_until = Time::ZERO;
        let mut requests = Default::default();
        let down = State::Down(MemoryDisk::default());
        let mut disk = match std::mem::replace(&mut host.state, down) {
            State::Up(running) => {
                host.life += 1;
                requests = running.requests;
                running.writer.into_disk()
            }
            State::Down(disk) => disk,
        };
        happen(&mut disk);
        host.state = State::Down(disk);
        for request in requests {
            if request != TRANSFER {
                self.reply(request, ClientReply::ConnectionLost);
            }
        }
    }

    pub(super) fn start_later(&mut self, node: usize, after: Time) {
        let process = self.process(node);
        self.queue.push(self.now + after, Event::Start(process));
    }

    pub(super) fn restart(&mut self, process: Process) {
        let node = process.node as usize;
        if self.hosts[node].life == process.life && self.hosts[node].running().is_none() {
            self.start(node);
        }
    }

    /// Starts a node that is down with what is on its disk.
    pub(super) fn start(&mut self, node: usize) {
        let now = self.now;
        let host = &mut self.hosts[node];
        let State::Down(disk) = &mut host.state else { return };
        // A start that fails leaves the disk as it is.
        let kept = (host.damaged.is_some() || disk.fails()).then(|| disk.clone());
        let opened = match recover(std::mem::take(disk), &host.options.bugs) {
            Ok(opened) => opened,
            Err(OpenError::Io(error)) if kept.is_some() => {
                *disk = kept.unwrap_or_default();
                disk.fail(None);
                disk.fail_sync();
                return self.disk_failed(node, &error);
            }
            Err(OpenError::Corrupt { .. } | OpenError::NoSnapshot { .. })
                if host.damaged.is_some() =>
            {
                *disk = kept.unwrap_or_default();
                self.say(|world| format!("{} refuses to start: damaged", world.name(node)));
                return self.note(node, Situation::DamageRefused);
            }
            Err(error) => {
                let violation = Violation::new("recovery", "a log survives", error.to_string());
                return self.judge(Err(violation));
            }
        };
        // One that forgot everything is like a new one, but under an old name: its votes and what it
        // acknowledges show soon enough, unless the others refuse it.
        let forgot = |how| matches!(how, Damage::Wiped | Damage::Replaced);
        if host.damaged.is_some_and(|how| !forgot(how)) {
            let detail = format!("{} starts on a log that is damaged", host.id());
            return self.judge(Err(Violation::new("damage is noticed", "camunda#6098", detail)));
        }
        let torn = opened.torn_bytes > 0;
        host.options.life = host.life;
        let core = Node::new(host.options.clone(), opened.recovered, host.clock.at(now));
        let judgement = self.watch.started(node, &core);
        let writer = LogWriter::new(opened.wal, &host.options.settings, host.options.bugs.clone());
        host.state = State::Up(Box::new(Running {
            node: core,
            writer,
            inbox: Vec::new(),
            turn_due: false,
            timer: None,
            queued: Batch::default(),
            writing: None,
            saving: None,
            parts: Default::default(),
            requests: Default::default(),
            account: self.told.is_some().then(Account::default),
        }));
        let restarted = host.life > 0;
        self.tell_start(node);
        self.say(|world| {
            let status = world.hosts[node].running().map(|running| running.node.status());
            let (term, last) = status.map_or((0, 0), |status| (status.term, status.last_index));
            format!("{} starts in term {term} with {last} entries", world.name(node))
        });
        self.judge(judgement);
        self.note_configurations(node);
        if torn {
            self.note(node, Situation::TornTailCutOff);
        }
        if restarted {
            self.note(node, Situation::Restarted);
        }
        self.set_timer(node);
    }

    /// The way in which a node answers reads, if it is not the usual one.
    fn how_read(&self, node: usize) -> Option<Situation> {
        let node = &self.hosts[node].running().expect("it takes a turn").node;
        match node.options().settings.reads {
            ReadMode::Lease if node.holds_lease() => Some(Situation::LeaseRead),
            ReadMode::Follower if node.leads().is_none() => Some(Situation::FollowerRead),
            ReadMode::Log => Some(Situation::LogRead),
            _ => None,
        }
    }

    /// Notes the situations that the effects of a turn show.
    fn note_effects(&mut self, node: usize, before: &Before, effects: &[Effect]) {
        let mut role = before.role;
        for effect in effects {
            let situation = match effect {
                Effect::Persist { record: Record::Truncate { .. }, .. } => Situation::LogTruncated,
                Effect::Persist { record: Record::Base { index, dropped, .. }, .. } => {
                    match dropped {
                        0 => continue,
                        _ if index == dropped => Situation::SnapshotInstalled,
                        _ => Situation::LogCut,
                    }
                }
                Effect::Call { to, request: Request::InstallSnapshot(part) } => {
                    let running = self.hosts[node].running_mut().expect("it takes a turn");
                    let sent = (part.index, part.offset);
                    let before = running.parts.insert(to.clone(), sent);
                    if before != Some(sent) || part.data.is_empty() {
                        continue;
                    }
                    Situation::SnapshotResumed
                }
                Effect::Call { request: Request::TimeoutNow(_), .. } => Situation::SuccessorAsked,
                Effect::Persist { .. }
                | Effect::Call { .. }
                | Effect::SaveSnapshot(_)
                | Effect::Stop(_) => continue,
                Effect::Respond { response, .. } => match response {
                    Response::PreVote(vote) if !vote.granted => Situation::PreVoteRefused,
                    Response::Vote(vote) if vote.granted => Situation::VoteGranted,
                    Response::Vote(vote) if vote.term < vote.asked => {
                        Situation::VoteRefusedForLease
                    }
                    Response::Vote(_) => Situation::VoteRefused,
                    Response::Append(append) => match append.result {
                        AppendResult::Conflict { .. } => Situation::LogConflict,
                        AppendResult::StaleTerm => Situation::StaleTermRefused,
                        _ => continue,
                    },
                    Response::InstallSnapshot(part) if part.installed => Situation::SnapshotHeld,
                    _ => continue,
                },
                Effect::Reply { request, reply } => match reply {
                    Reply::Answer(Answer { version, .. })
                        if request % 2 == 1 && *version <= before.commit =>
                    {
                        Situation::RetryRecognised
                    }
                    Reply::Answer(_) if request % 2 == 0 => match self.how_read(node) {
                        Some(situation) => situation,
                        None => continue,
                    },
                    Reply::Answer(_) | Reply::SnapshotTaken { .. } => continue,
                    Reply::Configured { .. } => Situation::MembersChanged,
                    Reply::Transferred { .. } => Situation::TransferDone,
                    Reply::Refused(refusal) => match refusal {
                        Refusal::NoQuorumForRead => Situation::ReadLost,
                        Refusal::LeadershipLost => Situation::LeadershipLost,
                        Refusal::Transferring => Situation::TransferRefusedCommand,
                        Refusal::TransferFailed => Situation::TransferFailed,
                        Refusal::SuccessorBehind => Situation::TransferRefused,
                        Refusal::ChangeUnderWay => Situation::ChangeRefused,
                        Refusal::NotCaughtUp { .. } => Situation::NotCaughtUp,
                        _ => continue,
                    },
                },
                Effect::Role(change) => {
                    let was = std::mem::replace(&mut role, change.role);
                    match (was, change.role) {
                        (RoleName::Candidate, RoleName::PreCandidate) => Situation::ElectionLost,
                        (_, RoleName::Leader) => Situation::ElectionWon,
                        (RoleName::Leader, _) if change.term > before.term => {
                            Situation::LeaderDeposed
                        }
                        (RoleName::Leader, _) => Situation::LeaderAlone,
                        _ => continue,
                    }
                }
            };
            self.note(node, situation);
        }
        let running = self.hosts[node].running().expect("it takes a turn");
        let committed = running.node.committed_after(before.commit);
        if running.node.leads().is_some() && !committed.is_empty() {
            let earlier = committed[0].term < running.node.term();
            self.note(node, Situation::EntryCommitted);
            if earlier {
                self.note(node, Situation::EarlierTermCommitted);
            }
        }
    }
}

/// The state of a node before a turn, as far as it shows what the turn was about.
pub(super) struct Before {
    pub(super) role: RoleName,
    pub(super) term: u64,
    pub(super) commit: u64,
    /// True if two sets of voters were joint.
    pub(super) is_joint: bool,
    /// The index of the entry with its configuration.
    pub(super) configured_at: u64,
    /// True if it had been asked to change the members.
    pub(super) changes: bool,
    /// True if it knew that others count on another disk under its name.
    pub(super) displaced: bool,
}
