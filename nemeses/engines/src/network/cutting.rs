//! Cuts of links, and what they dropped.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use super::lab_network::{Cutter, Member, Network};
use super::parallel::in_parallel;
use super::probe;
use crate::iptables::Iptables;
use faults::grudge::{Grudge, Link};
use faults::host::{HostError, PartitionSeen};

impl Network {
    /// Makes exactly the links of `grudge` drop packets, and sends a datagram over every link to
    /// see that the cut ones drop it and the others pass it. Links of nodes that it does not know
    /// are an error. Links with packet faults on them may lose or delay the datagram, and are not
    /// asked whether they pass it.
    pub fn cut(&mut self, grudge: &Grudge) -> Result<PartitionSeen, HostError> {
        self.cut_until(grudge, None)
    }

    /// The same; the look ends by `until`, if that is given, and then says so.
    pub(crate) fn cut_until(
        &mut self,
        grudge: &Grudge,
        until: Option<Instant>,
    ) -> Result<PartitionSeen, HostError> {
        let took = self.cut_quickly(grudge)?;
        let seen = probe::look(self, until)?;
        Ok(PartitionSeen { took, ..seen })
    }

    /// Does the same without looking, as for a link that flickers, and returns the time that it
    /// took.
    pub fn cut_quickly(&mut self, grudge: &Grudge) -> Result<Duration, HostError> {
        self.check_known(grudge.links())?;
        let start = Instant::now();
        self.change_to(grudge).map_err(|error| HostError::Failed(error.to_string()))?;
        Ok(start.elapsed())
    }

    /// Makes every link pass packets, and sees that it does.
    pub fn heal(&mut self) -> Result<PartitionSeen, HostError> {
        self.cut(&Grudge::none())
    }

    fn change_to(&mut self, grudge: &Grudge) -> io::Result<()> {
        if let Some(switch) = self.switch() {
            switch.check_running()?;
        }
        match (&self.cutter, self.switch()) {
            (Cutter::Segment, None) => unreachable!("a bridge cuts nothing"),
            (Cutter::Segment, Some(switch)) => {
                for (link, from, to) in self.links() {
                    switch.set_cut(from, to, grudge.drops(&link.from, &link.to));
                }
            }
            (Cutter::Iptables(iptables), _) => {
                for (link, packets) in self.change_rules(iptables, grudge)? {
                    *self.dropped_before.entry(link).or_default() += packets;
                }
            }
        }
        self.grudge = grudge.clone();
        Ok(())
    }

    /// Loads new rules where they change, and returns what those before had counted.
    fn change_rules(
        &self,
        iptables: &Iptables,
        grudge: &Grudge,
    ) -> io::Result<BTreeMap<Link, u64>> {
        let sources = |grudge: &Grudge, to: &str| -> BTreeSet<_> {
            grudge.sources(to).filter_map(|from| self.address(from)).collect()
        };
        let changed = self.members.iter().filter_map(|member| {
            let wanted = sources(grudge, &member.name);
            (wanted != sources(&self.grudge, &member.name)).then_some((member, wanted))
        });
        let counted = in_parallel(changed, |(member, wanted)| {
            let counters = match self.grudge.sources(&member.name).next() {
                Some(_) => iptables.dropped(&member.namespace)?,
                // Nothing to read, and a cut is sooner in place.
                None => BTreeMap::new(),
            };
            let wanted: Vec<_> = wanted.into_iter().collect();
            iptables.drop_from(&member.namespace, &wanted)?;
            Ok((member, counters))
        })?;
        let by_link = |(member, counters)| self.by_link(member, counters);
        Ok(counted.into_iter().flat_map(by_link).collect())
    }

    /// The number of packets that each link dropped so far because it was cut. Packets between the
    /// last look at a rule of iptables and its removal are missing.
    pub fn dropped(&self) -> io::Result<BTreeMap<Link, u64>> {
        let mut total = self.dropped_before.clone();
        match (&self.cutter, self.switch()) {
            (Cutter::Segment, None) => unreachable!("a bridge cuts nothing"),
            (Cutter::Segment, Some(switch)) => {
                for (link, from, to) in self.links() {
                    match switch.dropped(from, to) {
                        0 => {}
                        packets => drop(total.insert(link, packets)),
                    }
                }
            }
            (Cutter::Iptables(iptables), _) => {
                let ruled = self
                    .members
                    .iter()
                    .filter(|member| self.grudge.sources(&member.name).next().is_some());
                let counted = in_parallel(ruled, |member| {
                    Ok((member, iptables.dropped(&member.namespace)?))
                })?;
                for (member, counters) in counted {
                    for (link, packets) in self.by_link(member, counters) {
                        *total.entry(link).or_default() += packets;
                    }
                }
            }
        }
        Ok(total)
    }

    /// The counters of one end's rules, by link.
    fn by_link(
        &self,
        to: &Member,
        counters: BTreeMap<Ipv4Addr, u64>,
    ) -> impl Iterator<Item = (Link, u64)> {
        let to = to.name.clone();
        counters.into_iter().filter_map(move |(address, packets)| {
            let from = self.members.iter().find(|member| member.address == address)?;
            Some((Link { from: from.name.clone(), to: to.clone() }, packets))
        })
    }
}
