//! Commands as the log holds them.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::value::{RawValue, to_raw_value};

use super::Command;

/// The text of a command, made once when the command is admitted and the same from then on: in the
/// leader's log and its followers', in memory, on disk and on the wire. Every node applies what it
/// decodes from it, the leader too, so a value that is written and read again as another, as some
/// floating-point numbers once were, is the same other value on all of them.
///
/// It is JSON, for people who look into a log or at a packet; nothing but [`Self::decode`] does.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EncodedCommand(Arc<RawValue>);

impl EncodedCommand {
    /// Encodes a command.
    pub fn new(command: &Command) -> EncodedCommand {
        EncodedCommand(to_raw_value(command).expect("a command has a JSON form").into())
    }

    /// The command. Any that was admitted can be decoded, since how deep it nests is bounded
    /// ([`super::NESTING_MAX`]); of those that another node sends, one that cannot is refused.
    pub(crate) fn decode(&self) -> Command {
        match self.try_decode() {
            Ok(command) => command,
            Err(error) => panic!("no node of this version made the command {:?}: {error}", self.0),
        }
    }

    /// The command, if the text is that of one.
    pub(crate) fn try_decode(&self) -> Result<Command, serde_json::Error> {
        serde_json::from_str(self.text())
    }

    /// A number that differs with the command: the 64-bit FNV-1a hash of its text.
    pub(crate) fn fingerprint(&self) -> u64 {
        fnv1a(self.text().bytes())
    }

    /// Its text.
    pub(crate) fn text(&self) -> &str {
        self.0.get()
    }
}

impl PartialEq for EncodedCommand {
    fn eq(&self, other: &EncodedCommand) -> bool {
        self.text() == other.text()
    }
}

impl Eq for EncodedCommand {}

impl Hash for EncodedCommand {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.text().hash(state);
    }
}

/// The 64-bit hash of Fowler, Noll and Vo (RFC 9923): the same in every version of this program.
pub(crate) fn fnv1a(bytes: impl Iterator<Item = u8>) -> u64 {
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}
