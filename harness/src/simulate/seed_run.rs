//! One seed, from the start of the cluster to the verdict.

use std::collections::BTreeSet;
use std::time::Duration;

use checker::history::{EventType, History};
use cluster::core::{RoleName, Status};
use cluster::world::{Decision, NodeLine, Simulation, Situation, Situations, Violation};
use workloads::generator::operations;
use workloads::{Generator, GeneratorOptions};

use super::assertions;
use super::clients::{Clients, Stopped};
use super::judging::{Judged, judge};
use super::settings::{ClientChoices, Settings};

/// The time within which a majority must serve once it is healed, and all nodes agree once all are:
/// dozens of election timeouts, in case of split votes, and the lateness of messages.
const RECOVERY: Duration = Duration::from_secs(10);

/// The parts of a seed that happen; the others are left out.
#[derive(Debug, Clone, Default)]
pub struct Only {
    /// The faults, if not all.
    pub faults: Option<BTreeSet<Decision>>,
    /// The number of operations under faults, if not all.
    pub operations: Option<u64>,
}

/// The end of a seed.
#[derive(Debug)]
pub struct Ended {
    /// The promise that was broken.
    pub violation: Option<Violation>,
    /// True if the checker could not judge within its budget.
    pub unknown: bool,
    /// The situations that were reached.
    pub situations: Situations,
    /// The faults by chance that happened.
    pub faults: Vec<Decision>,
    /// Everything that the clients saw.
    pub history: History,
    /// The simulated time that passed.
    pub time: Duration,
    /// Everything that happened, if it was to be written down.
    pub trace: Vec<String>,
    /// Everything that its nodes told of themselves, if it was to be written down.
    pub told: Vec<NodeLine>,
    /// The names of its nodes.
    pub nodes: Vec<String>,
}

impl Ended {
    /// The number of operations that were answered.
    pub fn answered(&self) -> u64 {
        let ok = |event: &&checker::history::Event| event.kind == EventType::Ok;
        self.history.events.iter().filter(ok).count() as u64
    }
}

/// Runs a seed. The same seed and settings give the same end, to the letter of the trace.
pub fn run_seed(seed: u64, settings: &Settings, only: &Only, trace: bool) -> Ended {
    let choices = settings.clients(seed);
    let ClientChoices { workload, plan, .. } = &choices;
    let world_plan = settings.world_plan(seed);
    let mut clients = Clients::new(seed, &choices, world_plan.nodes);
    let mut world = Simulation::new(world_plan, only.faults.clone(), trace);
    let options = GeneratorOptions { seed, hot_keys: plan.keys, values: plan.values };
    let mut load = (workload.generator)(&options);
    let mut run = Run { world: &mut world, clients: &mut clients };
    let ended = assertions::within(|| {
        let interval = Duration::from_secs_f64(1.0 / plan.rate.expect("it has a rate"));
        let limit = only.operations.unwrap_or(u64::MAX);
        run.load(&mut (&mut *load).stagger(interval, seed).limit(limit))?;
        run.minority_stays_faulty(workload.probe)?;
        run.all_heal(&mut *load.final_phase())
    });
    let violation = ended.unwrap_or_else(Err).err();
    let (violation, unknown) = match violation {
        Some(violation) => (Some(violation), false),
        None => match judge(workload, clients.history()) {
            Ok(judged) => (None, judged == Judged::Unknown),
            Err(violation) => (Some(violation), false),
        },
    };
    Ended {
        violation,
        unknown,
        situations: world.situations().clone(),
        faults: world.decisions().to_vec(),
        history: clients.into_history(),
        time: world.now(),
        trace: world.trace().to_vec(),
        told: world.told().to_vec(),
        nodes: (0..world.plan().nodes).map(|node| world.name(node).to_string()).collect(),
    }
}

/// A run of a seed.
struct Run<'a> {
    world: &'a mut Simulation,
    clients: &'a mut Clients,
}

impl Run<'_> {
    /// Operations under faults. Those that are open at the end stay so.
    fn load(&mut self, generator: &mut dyn Generator) -> Result<(), Violation> {
        let end = self.world.plan().load;
        // The prober has nothing to do with it.
        let others = self.clients.prober();
        let stopped = self.clients.drive(self.world, generator, others, end, end);
        self.unless_broken(stopped)?;
        // A generator that is exhausted sooner does not end the faults.
        self.wait(end)
    }

    /// A majority is healed, and must serve although the others stay faulty.
    fn minority_stays_faulty(
        &mut self,
        probe: fn(&str) -> [workloads::Invocation; 2],
    ) -> Result<(), Violation> {
        self.world.heal_majority();
        let give_up = self.world.now() + RECOVERY;
        for attempt in 0.. {
            let served =
                probe(&format!("probe {attempt}")).into_iter().try_fold(true, |ok, it| {
                    if !ok {
                        return Ok(false);
                    }
                    let before = self.clients.history().events.len();
                    let prober = self.clients.prober();
                    let mut probe = operations([it]).on_threads(move |thread| thread == prober);
                    self.drive(&mut probe, give_up, give_up)?;
                    let news = &self.clients.history().events[before..];
                    let ok = news.iter().any(|event| {
                        event.kind == EventType::Ok
                            && event.key.as_deref().is_some_and(|key| key.starts_with("probe"))
                    });
                    Ok(ok)
                })?;
            if served {
                self.world.note_of_clients(Situation::MinorityFaulty);
                return Ok(());
            }
            if self.world.now() >= give_up {
                let detail = format!(
                    "a healed majority did not serve within {RECOVERY:?} while a minority stayed \
                     faulty: {:?}",
                    self.world.plan().minority
                );
                return Err(Violation::new("liveness", "Raft paper, §5.6", detail));
            }
        }
        Ok(())
    }

    /// All nodes are healed: they must agree, and answer the final reads.
    fn all_heal(&mut self, last_look: &mut dyn Generator) -> Result<(), Violation> {
        self.world.heal();
        let give_up = self.world.now() + RECOVERY;
        while !self.agree() {
            if self.world.now() >= give_up {
                let detail = format!(
                    "no agreement, or no reply, within {RECOVERY:?} after all faults ended"
                );
                return Err(Violation::new("liveness", "Raft paper, §5.6", detail));
            }
            self.wait(self.world.now() + Duration::from_millis(20))?;
        }
        let give_up = self.world.now() + RECOVERY;
        match self.drive(last_look, give_up, give_up)? {
            Stopped::TimeOver => {
                let detail = format!("final reads took longer than {RECOVERY:?}");
                Err(Violation::new("liveness", "Raft paper, §5.6", detail))
            }
            _ => Ok(()),
        }
    }

    /// True if a voter leads, no change of the members is half made, every member that can run and has
    /// its disk follows that leader and has committed the same, and no client waits for a reply any more.
    fn agree(&self) -> bool {
        let statuses: Vec<_> = self.world.statuses().collect();
        let leads = |status: &&Status| status.role == RoleName::Leader;
        let leaders = statuses.iter().map(|(_, status)| status).filter(leads);
        let Some(first) = leaders.max_by_key(|status| status.term) else { return false };
        let members = &first.configuration;
        let same = |(node, status): &(usize, Status)| {
            !members.is_member(self.world.name(*node))
                || self.world.is_damaged(*node)
                || (status.leader == first.leader && status.commit == first.commit)
        };
        first.leader.as_ref().is_some_and(|leader| members.is_voter(leader))
            && !members.is_joint()
            && statuses.iter().all(same)
            && self.world.pending_requests() == 0
    }

    fn drive(
        &mut self,
        generator: &mut dyn Generator,
        until: Duration,
        give_up: Duration,
    ) -> Result<Stopped, Violation> {
        let all = self.clients.count();
        let stopped = self.clients.drive(self.world, generator, all, until, give_up);
        self.unless_broken(stopped)
    }

    fn unless_broken<T>(&self, outcome: T) -> Result<T, Violation> {
        self.world.violation().map_or(Ok(outcome), |violation| Err(violation.clone()))
    }

    /// Lets time pass; what clients hear meanwhile is awaited no more.
    fn wait(&mut self, until: Duration) -> Result<(), Violation> {
        self.clients.drive(self.world, &mut operations([]), self.clients.count(), until, until);
        while self.world.now() < until && self.world.violation().is_none() {
            // No operation is open, so what comes is for attempts that were given up.
            self.world.advance(until);
        }
        self.unless_broken(())
    }
}
