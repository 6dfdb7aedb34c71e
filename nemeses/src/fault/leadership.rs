//! Leadership: the leader is told to hand over, which a service does in daily operation. It needs a
//! target that can.

use serde::{Deserialize, Serialize};

use super::Aim;

/// The leader hands over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Leadership {
    /// To whom; never to itself.
    pub to: Aim,
}
