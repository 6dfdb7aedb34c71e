//! The engine of each family of faults on this machine, found by trying.

use super::network::{PartitionEngine, try_packet_faults};
use super::{clock, cpu, disk};
use faults::fault::{Engine, Family};

/// The engine for the faults of `family` in a lab whose links are cut by `links`, or by proxies
/// where it is none; it is tried for real. Call it inside of the lab, before its network is built.
///
/// # Errors
/// The reason why there is none, in half a sentence.
pub fn engine_for(family: Family, links: Option<PartitionEngine>) -> Result<String, String> {
    let no_links = || "nodes of the loopback lab are one host; use --lab netns".to_owned();
    match family.engine() {
        Engine::Links => Ok(links.map_or("proxies", PartitionEngine::name).to_owned()),
        Engine::Packets => {
            links.ok_or_else(no_links)?;
            try_packet_faults().map(|_| "switch".to_owned())
        }
        Engine::Signals => Ok("signals through pidfd".to_owned()),
        Engine::Processors => Ok(cpu::choose_engine().engine.to_string()),
        Engine::Clocks => clock::try_out().map(|_| "the vDSO of each process".to_owned()),
        Engine::Disks => disk::try_out().map(|_| "a file system in memory, by FUSE".to_owned()),
        Engine::Target => Err("this target cannot be asked to".to_owned()),
        other => Err(format!("nothing here does what takes {other:?}")),
    }
}
