//! Has a cluster do what only it can, as the manifest tells.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use faults::fault::StoreWork;
use faults::host::{Administrator, HostError};
use serde_json::Value;
use tokio::runtime::Handle;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::client::ManifestClient;
use super::node::of_member;
use super::order::{Order, of_order};
use super::target::Service;
use crate::targets::{Client, Member, NodeStatus, http};

/// The time that one order may take. Other faults must not wait for it for longer.
const PATIENCE: Duration = Duration::from_secs(3);

/// The time for which a member is tried to be added again.
const ADD_PATIENCE: Duration = Duration::from_secs(3);

/// Between two looks or trials.
const PAUSE: Duration = Duration::from_millis(100);

/// Asks members where clients reach them.
pub struct ManifestAdministrator {
    client: Arc<ManifestClient>,
    http: reqwest::Client,
    service: Arc<Service>,
    cluster: Vec<Member>,
    runtime: Handle,
}

impl ManifestAdministrator {
    /// # Errors
    /// Outside of a runtime.
    pub fn new(service: Arc<Service>, cluster: &[Member]) -> Result<ManifestAdministrator> {
        let runtime = Handle::try_current().context("no runtime to ask the cluster with")?;
        let model = service.models.keys().next().context("a manifest has some workload")?;
        let client = Arc::new(ManifestClient::new(service.clone(), cluster, "", model)?);
        let (http, cluster) = (http::client()?, cluster.to_vec());
        Ok(ManifestAdministrator { client, http, service, cluster, runtime })
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
    async fn give(&self, order: &Order, node: usize, asked: usize) -> Result<(), String> {
        let endpoint = |member: &Member| member.for_clients.to_string();
        let all: Vec<String> = self.cluster.iter().map(endpoint).collect();
        let id = self.client.id_of(node);
        if id.is_none() && order.needs_id() {
            return Err(format!("{} has not said yet what its id is", self.cluster[node].name));
        }
        let scope = |name: &str| -> Value {
            let own = of_order(name, id.as_deref(), &all[asked], &all);
            own.unwrap_or_else(|| of_member(&self.cluster, node, name))
        };
        let url = format!("http://{}", all[asked]);
        let exchange = order.inquiry.ask(&self.http, &url, &scope).await;
        match &exchange.heard {
            Ok(heard) if order.ok.holds(heard) => Ok(()),
            _ => Err(format!("{}: {}", order.inquiry.place(), exchange.outcome())),
        }
    }

    /// The same, within a time; `what` was asked for.
    async fn give_in_time(
        &self,
        order: &Order,
        node: usize,
        asked: usize,
        what: &str,
    ) -> Result<(), HostError> {
        match timeout(PATIENCE, self.give(order, node, asked)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(why)) => Err(HostError::Failed(format!("{what}: {why}"))),
            Err(_) => Err(HostError::Failed(format!("{what}: no answer in time"))),
        }
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
        self.give_in_time(order, target, leader, &what).await?;
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
            StoreWork::Compact => &orders.compact,
            StoreWork::Defragment => &orders.defragment,
        };
        let missing = || HostError::Unavailable(format!("the manifest has no order to {work}"));
        let order = order.as_ref().ok_or_else(missing)?;
        let position = self.position(node)?;
        // For its id, which only its status tells.
        self.client.status(position).await;
        self.give_in_time(order, position, position, &format!("{node} was asked to {work}")).await
    }

    /// Only while all the others serve: without one that never comes back, the rest might be no
    /// majority for ever.
    async fn remove_member(&self, name: &str) -> Result<(), HostError> {
        let unavailable = |why: &str| HostError::Unavailable(format!("{name} stays: {why}"));
        let orders = self.service.orders.membership.as_ref();
        let orders = orders.ok_or_else(|| unavailable("the manifest has no [membership]"))?;
        let position = self.position(name)?;
        let told = self.statuses().await;
        let others = told.iter().filter(|(node, _)| *node != position).count();
        if others + 1 < self.cluster.len() {
            return Err(unavailable("not all the others serve"));
        }
        let asked = self.other(&told, position).ok_or_else(|| unavailable("no other serves"))?;
        let what = format!("{} was asked to remove {name}", self.cluster[asked].name);
        self.give_in_time(&orders.remove, position, asked, &what).await
    }

    async fn add_member(&self, name: &str) -> Result<PathBuf, HostError> {
        let unavailable = |why: &str| HostError::Unavailable(format!("{name} is not back: {why}"));
        let orders = self.service.orders.membership.as_ref();
        let orders = orders.ok_or_else(|| unavailable("the manifest has no [membership]"))?;
        let position = self.position(name)?;
        let mut last = "no other serves".to_owned();
        let adding = async {
            loop {
                let told = self.statuses().await;
                if let Some(asked) = self.other(&told, position) {
                    match self.give(&orders.add, position, asked).await {
                        Ok(()) => return,
                        Err(why) => last = why,
                    }
                }
                sleep(PAUSE).await;
            }
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

    fn remove(&self, node: &str) -> Result<(), HostError> {
        self.runtime.block_on(self.remove_member(node))
    }

    fn add(&self, node: &str) -> Result<PathBuf, HostError> {
        self.runtime.block_on(self.add_member(node))
    }
}
