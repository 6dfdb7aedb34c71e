//! Whole runs with real processes, as a user starts them. Each test says what it skipped and why
//! when the machine cannot do what it needs.

mod again;
mod asked_to_end;
mod background;
mod bare_nodes;
mod catalogue;
mod ci;
#[path = "../common/mod.rs"]
mod common;
mod compose;
mod corruption;
mod crowds;
mod cut_short;
mod deaths;
mod endings;
mod etcd;
mod every_family;
mod exercises;
mod experiments;
mod in_order;
mod lacking;
mod leadership;
mod loopback;
mod manifests;
mod membership;
#[cfg(feature = "nats")]
mod nats;
mod nights;
mod odd_services;
mod operating;
mod oracles;
mod pages;
mod planted_bugs;
mod schedules;
mod slow_links;
mod support;
mod triggers;
mod turn;
mod watched;
mod whole_runs;
mod workloads;
mod zookeeper;
