//! A trial of packet faults.

use super::engine::PartitionEngine;
use super::lab_network::Network;
use faults::fault::LinkCondition;
use faults::grudge::Link;

/// Builds a network of two nodes and delays one link. The error says what failed. The calling
/// thread must be in a lab.
pub fn try_packet_faults() -> Result<String, String> {
    let nodes = ["n1".to_owned(), "n2".to_owned()];
    let mut network =
        Network::build(&nodes, PartitionEngine::Switch).map_err(|error| error.to_string())?;
    let link = Link { from: nodes[0].clone(), to: nodes[1].clone() };
    let slow = LinkCondition { delay_ms: 5.0, ..LinkCondition::default() };
    let seen = network.shape(&[(link.clone(), slow)].into(), true);
    let seen = seen.map_err(|error| error.to_string())?;
    match seen.get(&link).and_then(|seen| seen.fastest_ms) {
        Some(fastest) if fastest >= slow.delay_ms => {
            Ok(format!("a delay of 5 ms was measured as {fastest:.2} ms"))
        }
        other => Err(format!("a delay of 5 ms was measured as {other:?} ms")),
    }
}
