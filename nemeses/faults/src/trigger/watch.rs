//! The watch that an engine keeps, once roles are names, and what it reports.

use std::collections::BTreeSet;

use super::{DiskCall, Edge, matches_glob};

/// Something that an engine can see, and hold back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Watch {
    /// Calls to the disks of nodes.
    Disk(DiskWatch),
    /// Messages on links.
    Message(MessageWatch),
}

/// Calls to the disks of nodes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DiskWatch {
    /// The nodes whose disks are watched.
    pub nodes: BTreeSet<String>,
    /// The call.
    pub call: DiskCall,
    /// The pattern of the files that are meant, see [`matches_glob`]: paths below the node's data
    /// directory. Of a rename either name may match. None is every file.
    pub files: Option<String>,
    /// The moment at which it is reported, and held.
    pub edge: Edge,
}

impl DiskWatch {
    /// Returns true if a call to the file at `path` is meant.
    pub fn is_about(&self, call: DiskCall, path: &str) -> bool {
        self.call == call && self.files.as_ref().is_none_or(|files| matches_glob(files, path))
    }
}

/// Segments of TCP streams that carry bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessageWatch {
    /// The nodes that send, or [`CLIENTS`](crate::grudge::CLIENTS).
    pub from: BTreeSet<String>,
    /// The nodes that are sent to, or [`CLIENTS`](crate::grudge::CLIENTS).
    pub to: BTreeSet<String>,
    /// The fewest bytes that it carries, headers apart.
    pub least_bytes: usize,
    /// The beginning of the path of the HTTP request with which it begins, in plain text. None is
    /// any message.
    pub path: Option<String>,
}

/// The longest method of HTTP (`PROPPATCH` has nine letters), with room: what else a stream
/// carries is not searched for one.
const LONGEST_METHOD: usize = 20;

impl MessageWatch {
    /// Returns true if a segment that carries these bytes is meant.
    pub fn is_about(&self, bytes: &[u8]) -> bool {
        let names = |path: &String| {
            let method = bytes.iter().take(LONGEST_METHOD).take_while(|it| it.is_ascii_uppercase());
            let (method, target) = bytes.split_at(method.count());
            let target = target.strip_prefix(b" ");
            !method.is_empty() && target.is_some_and(|it| it.starts_with(path.as_bytes()))
        };
        !bytes.is_empty() && bytes.len() >= self.least_bytes && self.path.as_ref().is_none_or(names)
    }
}

/// The event that a watch waited for, as it is reported once, at its n-th time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observation {
    /// The number of the watch.
    pub watch: u32,
    /// The node at which it was seen; of a message the sender.
    pub node: String,
    /// The receiver of a message.
    pub receiver: Option<String>,
    /// The event in words: `fsync of member/wal/0.wal`.
    pub what: String,
    /// Set where it is held back until the watch is [ended](crate::host::Host::end_watch).
    pub held: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_known_by_its_size_and_the_path_of_its_request() {
        let watch = |least_bytes, path: Option<&str>| MessageWatch {
            from: BTreeSet::new(),
            to: BTreeSet::new(),
            least_bytes,
            path: path.map(str::to_owned),
        };
        let append = b"POST /raft/append-entries HTTP/1.1\r\nhost: n2\r\n\r\n{}";
        assert!(watch(0, None).is_about(append));
        assert!(watch(append.len(), Some("/raft/append")).is_about(append));
        assert!(!watch(append.len() + 1, None).is_about(append));
        assert!(!watch(0, Some("/raft/vote")).is_about(append));
        assert!(!watch(0, Some("/raft/append")).is_about(b"HTTP/1.1 200 OK /raft/append"));
        let letters = [b'P'; 100];
        assert!(!watch(0, Some("P")).is_about(&letters), "no request begins so");
        assert!(!watch(0, None).is_about(b""), "an acknowledgement of TCP is no message");
    }
}
