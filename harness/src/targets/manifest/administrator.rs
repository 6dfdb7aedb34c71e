//! Has a cluster do what only it can, as the manifest tells.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result};
use faults::fault::StoreWork;
use faults::host::{Added, Administrator, HostError, MembersAround};
use serde_json::Value;
use tokio::runtime::Handle;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

use super::client::ManifestClient;
use super::node::of_member;
use super::order::{Order, of_order};
use super::target::Service;
use crate::targets::{Client, Member, NodeStatus};

/// The time that one order may take. Other faults must not wait for it for longer.
const PATIENCE: Duration = Duration::from_secs(3);

/// The time for which a member is tried to be added again, each time.
const ADD_PATIENCE: Duration = Duration::from_secs(3);

/// The time for which a removal that the service refuses is tried again. Services refuse changes
/// that follow each other closely: etcd until all members have been connected for five seconds.
const REMOVE_PATIENCE: Duration = Duration::from_secs(8);

/// Between two looks or trials.
const PAUSE: Duration = Duration::from_millis(100);

/// Asks members where clients reach them.
pub struct ManifestAdministrator {
    client: Arc<ManifestClient>,
    service: Arc<Service>,
    cluster: Vec<Member>,
    /// The members of which it is not known if they were removed.
    doubtful: Mutex<BTreeSet<usize>>,
    runtime: Handle,
}

/// The reason why an order was not seen to be carried out.
enum NotDone {
    /// It surely was not.
    Refused(String),
    /// The answer is no success, and of this status.
    Answered(u16, String),
    /// No answer came.
    Lost(String),
}

impl NotDone {
    fn why(self) -> String {
        match self {
            NotDone::Refused(why) | NotDone::Answered(_, why) | NotDone::Lost(why) => why,
        }
    }
}

impl ManifestAdministrator {
    /// # Errors
    /// Outside of a runtime.
    pub fn new(service: Arc<Service>, cluster: &[Member]) -> Result<ManifestAdministrator> {
        let runtime = Handle::try_current().context("no runtime to ask the cluster with")?;
        let model = service.models.keys().next().context("a manifest has some workload")?;
        let client = Arc::new(ManifestClient::new(service.clone(), cluster, "", model)?);
        let (cluster, doubtful) = (cluster.to_vec(), Mutex::default());
        Ok(ManifestAdministrator { client, service, cluster, doubtful, runtime })
    }

    fn position(&self, name: &str) -> Result<usize, HostError> {
        let position = self.cluster.iter().position(|member| member.name == name);
        position.ok_or_else(|| HostError::Unavailable(format!("{name} is none of the members")))
    }

    /// The status of every node that is ready.
    async fn statuses(&self) -> Vec<(usize, NodeStatus)> {
        let told = self.ask_all().await;
        // Whom one names may only be understood when the other has said who it is.
        if told.len() < self.cluster.len() { self.ask_all().await } else { told }
    }

    /// Asks all nodes at once.
    async fn ask_all(&self) -> Vec<(usize, NodeStatus)> {
        let mut questions = JoinSet::new();
        for node in 0..self.cluster.len() {
            let client = self.client.clone();
            questions.spawn(async move { Some((node, client.status(node).await?)) });
        }
        questions.join_all().await.into_iter().flatten().collect()
    }

    /// The leader, as those say who know of the highest term.
    fn leader(&self, told: &[(usize, NodeStatus)]) -> Option<usize> {
        let named =
            told.iter().filter_map(|(_, status)| Some((status.term, status.leader.as_ref()?)));
        let (_, leader) = named.max_by_key(|(term, _)| *term)?;
        self.cluster.iter().position(|member| member.name == *leader)
    }

    /// Gives an order about `node`, of the one `asked`.
    async fn give(&self, order: &Order, node: usize, asked: usize) -> Result<(), NotDone> {
        let endpoint = |member: &Member| member.for_clients.to_string();
        let all: Vec<String> = self.cluster.iter().map(endpoint).collect();
        let id = self.client.id_of(node);
        if id.is_none() && order.asked.needs_id() {
            let name = &self.cluster[node].name;
            return Err(NotDone::Refused(format!("{name} has not said yet what its id is")));
        }
        let scope = |name: &str| -> Value {
            let own = of_order(name, id.as_deref(), &all[asked], &all);
            own.unwrap_or_else(|| of_member(&self.cluster, node, name))
        };
        let place = order.asked.inquiry.place();
        let exchange =
            match timeout(PATIENCE, self.client.inquire(asked, &order.asked, &scope)).await {
                Ok(Ok(exchange)) => exchange,
                Ok(Err(why)) => return Err(NotDone::Refused(format!("{place}: {why}"))),
                Err(_) => return Err(NotDone::Lost(format!("{place}: no answer in time"))),
            };
        let why = format!("{place}: {}", exchange.outcome());
        match &exchange.heard {
            Ok(heard) if order.ok.holds(heard) => Ok(()),
            Ok(heard) if self.client.surely_refuses(heard) => Err(NotDone::Refused(why)),
            Ok(heard) => Err(NotDone::Answered(heard.status, why)),
            Err(_) => Err(NotDone::Lost(why)),
        }
    }

    /// The same, whose failure is told; `what` was asked for.
    async fn order(
        &self,
        order: &Order,
        node: usize,
        asked: usize,
        what: &str,
    ) -> Result<(), HostError> {
        let given = self.give(order, node, asked).await;
        given.map_err(|failed| HostError::Failed(format!("{what}: {}", failed.why())))
    }

    async fn transfer_to(&self, to: &str) -> Result<(), HostError> {
        let unavailable = |why: String| Err(HostError::Unavailable(why));
        let Some(order) = &self.service.orders.transfer else {
            return unavailable("the manifest has no [leadership]".into());
        };
        let target = self.position(to)?;
        let Some(leader) = self.leader(&self.statuses().await) else {
            return unavailable("no node says who leads".into());
        };
        if leader == target {
            return unavailable(format!("{to} leads already"));
        }
        let what = format!("{} was asked to hand over to {to}", self.cluster[leader].name);
        self.order(order, target, leader, &what).await?;
        let leads = async {
            while self.leader(&self.statuses().await) != Some(target) {
                sleep(PAUSE).await;
            }
        };
        let led = timeout(PATIENCE, leads).await;
        led.map_err(|_| HostError::Failed(format!("{what}, and it does not lead in time")))
    }

    async fn work_on_store(&self, node: &str, work: StoreWork) -> Result<(), HostError> {
        let orders = &self.service.orders;
        let order = match work {
            StoreWork::Compact => orders.compact.as_ref(),
            StoreWork::Defragment => orders.defragment.as_ref(),
            StoreWork::Snapshot => None,
        };
        let missing = || HostError::Unavailable(format!("the manifest has no order to {work}"));
        let order = order.ok_or_else(missing)?;
        let position = self.position(node)?;
        // For its id, which only its status tells.
        self.client.status(position).await;
        self.order(order, position, position, &format!("{node} was asked to {work}")).await
    }

    /// Only while all the others serve: without one that never comes back, the rest might be no
    /// majority for ever. What the service refuses is tried again for a while.
    async fn remove_member(&self, name: &str) -> Result<(), HostError> {
        let unavailable = |why: &str| HostError::Unavailable(format!("{name} stays: {why}"));
        let orders = self.service.orders.membership.as_ref();
        let orders = orders.ok_or_else(|| unavailable("the manifest has no [membership]"))?;
        let position = self.position(name)?;
        let end = Instant::now() + REMOVE_PATIENCE;
        // Set while every answer so far proves that it is still a member.
        let mut stays = true;
        let mut last = None;
        loop {
            let told = self.statuses().await;
            let others = told.iter().filter(|(node, _)| *node != position).count();
            let asked = self.other(&told, position).filter(|_| others + 1 == self.cluster.len());
            let Some(asked) = asked else {
                last = last.or(Some("not all the others serve".to_owned()));
                break;
            };
            match self.give(&orders.remove, position, asked).await {
                Ok(()) => {
                    self.lock_doubtful().remove(&position);
                    return Ok(());
                }
                Err(failed) => {
                    stays &= matches!(failed, NotDone::Refused(_));
                    last = Some(failed.why());
                }
            }
            if Instant::now() + PAUSE >= end {
                break;
            }
            sleep(PAUSE).await;
        }
        let why = last.unwrap_or_default();
        if stays {
            return Err(unavailable(&why));
        }
        self.lock_doubtful().insert(position);
        Err(HostError::Failed(format!("{name} may be removed yet: {why}")))
    }

    fn lock_doubtful(&self) -> MutexGuard<'_, BTreeSet<usize>> {
        self.doubtful.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn add_member(&self, name: &str) -> Result<PathBuf, HostError> {
        let unavailable = |why: &str| HostError::Unavailable(format!("{name} is not back: {why}"));
        let orders = self.service.orders.membership.as_ref();
        let orders = orders.ok_or_else(|| unavailable("the manifest has no [membership]"))?;
        let position = self.position(name)?;
        let mut last = "no other serves".to_owned();
        let adding = async {
            // Set once an answer was lost: what is refused after that may be there already.
            let mut lost = false;
            loop {
                let told = self.statuses().await;
                if let Some(asked) = self.other(&told, position) {
                    let doubtful = self.lock_doubtful().contains(&position);
                    if doubtful && self.give(&orders.remove, position, asked).await.is_ok() {
                        self.lock_doubtful().remove(&position);
                    }
                    match self.give(&orders.add, position, asked).await {
                        Ok(()) => break,
                        Err(NotDone::Answered(400..500, _)) if lost => break,
                        Err(failed) => {
                            lost |= matches!(failed, NotDone::Lost(_));
                            last = failed.why();
                        }
                    }
                }
                sleep(PAUSE).await;
            }
            self.lock_doubtful().remove(&position);
        };
        let added = timeout(ADD_PATIENCE, adding).await;
        added.map_err(|_| unavailable(&format!("not added in time: {last}")))?;
        let member = &self.cluster[position];
        let scope = |name: &str| -> Value {
            match name {
                "data" => member.data.to_string_lossy().into(),
                _ => member.name.as_str().into(),
            }
        };
        Ok(orders.forget.fill(&scope).into())
    }

    /// A member that can be asked for changes: the leader, if it is another, or any other.
    fn other(&self, told: &[(usize, NodeStatus)], position: usize) -> Option<usize> {
        let leader = self.leader(told).filter(|leader| told.iter().any(|(node, _)| node == leader));
        let any = told.iter().map(|(node, _)| *node).find(|node| *node != position);
        leader.filter(|leader| *leader != position).or(any)
    }
}

impl Administrator for ManifestAdministrator {
    fn transfer(&self, to: &str) -> Result<(), HostError> {
        self.runtime.block_on(self.transfer_to(to))
    }

    fn maintain(&self, node: &str, work: StoreWork) -> Result<(), HostError> {
        self.runtime.block_on(self.work_on_store(node, work))
    }

    fn remove(&self, node: &str) -> Result<Option<MembersAround>, HostError> {
        self.runtime.block_on(self.remove_member(node)).map(|()| None)
    }

    fn add(&self, node: &str) -> Result<Added, HostError> {
        let left = self.runtime.block_on(self.add_member(node))?;
        Ok(Added { left, learns: false })
    }
}
