//! Leadership: the leader is told to hand over, which a service does in daily operation. It needs a
//! target that can.

use rand::Rng;
use serde::{Deserialize, Serialize};

use super::Aim;
use crate::schedule::Room;

/// The leader hands over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Leadership {
    /// To whom; never to itself.
    pub to: Aim,
}

/// How often each aim is drawn: who led before has the most to be confused by.
const WEIGHTS: [(Aim, u32); 2] = [(Aim::Follower, 2), (Aim::FormerLeader, 1)];

impl Leadership {
    /// Draws one; none for a single node, which has nobody to hand over to.
    pub(crate) fn draw(room: &Room, random: &mut impl Rng) -> Option<Self> {
        let to = room.aim(&WEIGHTS, random);
        (room.nodes >= 2).then_some(Self { to })
    }
}
