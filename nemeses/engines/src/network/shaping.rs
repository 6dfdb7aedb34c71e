//! Packet faults: conditions of links, and datagrams that measure what packets meet there.

use std::collections::BTreeMap;
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, ppoll};
use nix::sys::time::TimeSpec;

use super::lab_network::{Network, PROBE_PORT};
use crate::switch::{REORDER_HOLD, Switch};
use faults::fault::LinkCondition;
use faults::grudge::Link;
use faults::host::{HostError, LinkCounts, LinkSeen};

/// Datagrams sent over a link to see a delay or a rate.
const FEWEST_PROBES: f64 = 5.0;
/// To see what happens to few packets only.
const MOST_PROBES: f64 = 500.0;
/// A fault by chance is then seen at least once with a probability of 99 %.
const EXPECTED_HITS: f64 = 5.0;
/// Of a narrow link, probes take at most so much.
const PROBING_TIME: Duration = Duration::from_millis(50);
/// A datagram that measures: which look it belongs to, the place of its link and its number there.
const PROBE_BYTES: usize = 12;
/// With Ethernet, IP and UDP headers.
const PROBE_BITS: usize = (14 + 20 + 8 + PROBE_BYTES) * 8;
/// For datagrams beyond the delay that they were asked to have; some may be lost.
const PATIENCE: Duration = Duration::from_millis(100);
/// The longest wait for datagrams. On slower links none is seen to arrive.
const LONGEST_DELAY: Duration = Duration::from_secs(3);

fn no_switch() -> HostError {
    let why = "the kernel's bridge carries packets here, which passes them as they are; \
               build the network for packet faults";
    HostError::Unavailable(why.to_owned())
}

pub(super) fn working_switch(network: &Network) -> Result<&Switch, HostError> {
    let switch = network.switch().ok_or_else(no_switch)?;
    switch.check_running().map_err(|error| HostError::Failed(error.to_string()))?;
    Ok(switch)
}

impl Network {
    /// Gives exactly these links these conditions, all others none. Where `look` is true, datagrams
    /// are sent over the links with conditions, to see what they meet; that takes as long as their
    /// delays and a tenth of a second more where some are lost. Packets that are held back when
    /// conditions change wait no longer than if they had come now, and keep their order.
    pub fn shape(
        &mut self,
        links: &BTreeMap<Link, LinkCondition>,
        look: bool,
    ) -> Result<BTreeMap<Link, LinkSeen>, HostError> {
        self.shape_until(links, look, None)
    }

    /// The same; the look ends by `until`, if that is given.
    pub(crate) fn shape_until(
        &mut self,
        links: &BTreeMap<Link, LinkCondition>,
        look: bool,
        until: Option<Instant>,
    ) -> Result<BTreeMap<Link, LinkSeen>, HostError> {
        self.check_known(links.keys().cloned())?;
        let switch = working_switch(self)?;
        let names: Vec<_> = self.members.iter().map(|member| &member.name).collect();
        switch.set_conditions(|from, to| {
            let link = Link { from: names[from].clone(), to: names[to].clone() };
            links.get(&link).copied().unwrap_or_default()
        });
        let troubled = links.iter().filter(|(_, condition)| !condition.is_neutral());
        self.conditions = troubled.map(|(link, condition)| (link.clone(), *condition)).collect();
        self.shapings = self.shapings.wrapping_add(1);
        if look { measure(self, until) } else { Ok(BTreeMap::new()) }
    }

    /// The counts of every link so far; links over which no packet ever went are missing.
    pub fn shaped(&self) -> Result<BTreeMap<Link, LinkCounts>, HostError> {
        let switch = working_switch(self)?;
        let counted = self.links().map(|(link, from, to)| (link, switch.counts(from, to)));
        Ok(counted.filter(|(_, counts)| *counts != LinkCounts::default()).collect())
    }
}

/// The longest time of a packet on a link with this condition, without its queue; at most
/// what one waits for.
pub(super) fn longest_delay(condition: &LinkCondition) -> Duration {
    let asked = (condition.delay_ms + condition.jitter_ms) / 1e3;
    let asked = Duration::try_from_secs_f64(asked).unwrap_or(LONGEST_DELAY);
    (asked.min(LONGEST_DELAY) + REORDER_HOLD).min(LONGEST_DELAY)
}

/// The number of datagrams that show what a link with this condition does.
fn probes_for(condition: &LinkCondition) -> usize {
    let chances = [
        condition.loss_percent,
        condition.duplicate_percent,
        condition.reorder_percent,
        condition.corrupt_percent,
    ];
    let smallest = chances.into_iter().filter(|percent| *percent > 0.0).reduce(f64::min);
    let wanted = smallest.map_or(FEWEST_PROBES, |percent| EXPECTED_HITS * 100.0 / percent);
    let room = condition.rate_kbit.map_or(MOST_PROBES, |kilobits| {
        kilobits as f64 * PROBING_TIME.as_millis() as f64 / PROBE_BITS as f64
    });
    wanted.clamp(FEWEST_PROBES, MOST_PROBES).min(room).ceil() as usize
}

/// A link with a condition, and the datagrams that were sent over it.
struct Probed {
    link: Link,
    ends: (usize, usize),
    wanted: usize,
    /// True if every datagram should arrive.
    loses_none: bool,
    /// When each was sent, and how long it took.
    datagrams: Vec<(Instant, Option<Duration>)>,
}

impl Probed {
    fn seen(&self) -> LinkSeen {
        let times = self.datagrams.iter().filter_map(|(_, took)| *took);
        let fastest = times.clone().min();
        LinkSeen {
            sent: self.datagrams.len() as u32,
            arrived: times.count() as u32,
            fastest_ms: fastest.map(|took| took.as_secs_f64() * 1e3),
        }
    }

    fn is_done(&self) -> bool {
        self.loses_none && self.datagrams.iter().all(|(_, took)| took.is_some())
    }
}

/// Sends datagrams over every link that has a condition and is not cut, and sees what becomes of
/// them. Both ends have the same clock, so that one way can be measured.
fn measure(
    network: &Network,
    until: Option<Instant>,
) -> Result<BTreeMap<Link, LinkSeen>, HostError> {
    let mut probed: Vec<_> = network
        .links()
        .filter(|(link, _, _)| !network.grudge.drops(&link.from, &link.to))
        .filter_map(|(link, from, to)| {
            let condition = network.conditions.get(&link)?;
            Some(Probed {
                wanted: probes_for(condition),
                loses_none: condition.loss_percent + condition.corrupt_percent == 0.0,
                link,
                ends: (from, to),
                datagrams: Vec::new(),
            })
        })
        .collect();
    let delay = network.conditions.values().map(longest_delay).max().unwrap_or_default();
    let rounds = probed.iter().map(|link| link.wanted).max().unwrap_or(0);
    for round in 0..rounds {
        for (index, link) in probed.iter_mut().enumerate() {
            if round < link.wanted {
                send(network, index, link);
            }
        }
        // Else a socket would have no room for them all.
        receive(network, &mut probed);
    }
    let mut sockets: Vec<_> = network
        .members
        .iter()
        .map(|member| PollFd::new(member.probe.as_fd(), PollFlags::POLLIN))
        .collect();
    let deadline = Instant::now() + delay + PROBING_TIME + PATIENCE;
    let deadline = until.map_or(deadline, |until| until.min(deadline));
    while !probed.iter().all(Probed::is_done) {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            break;
        }
        // Interrupted or not, the datagrams that have arrived are read.
        let _ = ppoll(&mut sockets, Some(TimeSpec::from_duration(left)), None);
        receive(network, &mut probed);
    }
    Ok(probed.into_iter().map(|link| (link.link.clone(), link.seen())).collect())
}

/// The number of the shaping distinguishes a datagram from those of an earlier look that were held
/// back until now.
fn send(network: &Network, place: usize, link: &mut Probed) {
    let (from, to) = link.ends;
    let number = link.datagrams.len() as u32;
    let words = [network.shapings, place as u32, number].map(u32::to_be_bytes);
    let to = (network.members[to].address, PROBE_PORT);
    let now = Instant::now();
    if network.members[from].probe.send_to(words.as_flattened(), to).is_ok() {
        link.datagrams.push((now, None));
    }
}

/// Takes what has arrived.
fn receive(network: &Network, probed: &mut [Probed]) {
    for member in &network.members {
        let mut message = [0; PROBE_BYTES];
        while let Ok(length) = member.probe.recv(&mut message) {
            let now = Instant::now();
            let (words, _) = message.as_chunks::<4>();
            let words: Vec<_> = words.iter().map(|word| u32::from_be_bytes(*word)).collect();
            let [shaping, place, number] = words[..] else { unreachable!("there are three") };
            if length != PROBE_BYTES || shaping != network.shapings {
                continue;
            }
            let link = probed.get_mut(place as usize);
            let datagram = link.and_then(|link| link.datagrams.get_mut(number as usize));
            if let Some((sent, took @ None)) = datagram {
                *took = Some(now - *sent);
            }
        }
    }
}
