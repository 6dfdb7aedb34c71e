//! The note of whom a data directory belongs to.
//!
//! A node that started on another's directory, or on its own but for another cluster, would give
//! away votes and acknowledge writes that its first cluster counts on. So the first start writes
//! down who it is, and every later one must be the same. Beside that stands the incarnation of the
//! directory, by which the other nodes tell it from one that took its place.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::file_disk::write_durably;
use crate::core::Incarnation;
use crate::kv::fnv1a;

/// The name of the note within the data directory.
pub const IDENTITY_FILE: &str = "identity.json";

/// The version of the form in which a node keeps its data.
const FORMAT: u32 = 1;

/// The owner of a data directory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// The version of the form of the data.
    format: u32,
    /// The name of the cluster, as its nodes were started with.
    cluster: String,
    /// The node.
    node: String,
    /// The voters with which the cluster began; none if the node joined it.
    voters: BTreeSet<String>,
    /// The id of the cluster that the node joined, if it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    joined: Option<String>,
}

/// An [`Identity`] as it stands in the file.
#[derive(Serialize, Deserialize)]
struct Note {
    #[serde(flatten)]
    identity: Identity,
    /// The incarnation of the directory; versions before did not write one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    incarnation: Option<Incarnation>,
    /// CRC-32 of identity and incarnation, so that damage is not taken for another owner.
    checksum: u32,
}

/// The reason for which a node does not start on a data directory.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IdentityError {
    /// The disk failed.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The note is damaged, or gone although there is a log.
    #[error("{}: {reason}", .file.display())]
    Damaged {
        /// The note.
        file: PathBuf,
        /// The defect, and what to do.
        reason: String,
    },
    /// The directory is another's.
    #[error(
        "{} belongs to {owner}, and was started as {asked}. Start the node with the names that it \
         had, or give it a data directory of its own", .directory.display()
    )]
    Another {
        /// The directory.
        directory: PathBuf,
        /// The one that it belongs to, in words.
        owner: String,
        /// The one that wants it, in words.
        asked: String,
    },
}

impl Identity {
    /// The identity of `node` of the cluster that begins with these voters.
    pub fn new(cluster: &str, node: &str, voters: impl IntoIterator<Item = String>) -> Identity {
        let voters = voters.into_iter().collect();
        Identity {
            format: FORMAT,
            cluster: cluster.into(),
            node: node.into(),
            voters,
            joined: None,
        }
    }

    /// The identity of `node`, which joins the cluster of that id.
    pub fn joining(cluster: &str, node: &str, cluster_id: &str) -> Identity {
        let joined = Some(cluster_id.to_string());
        Identity { joined, ..Identity::new(cluster, node, []) }
    }

    /// The id of its cluster: its name, and a number that differs with the voters it began with.
    /// A node that was set up with fewer of them is of another cluster.
    pub fn cluster_id(&self) -> String {
        if let Some(joined) = &self.joined {
            return joined.clone();
        }
        let voters = self.voters.iter().flat_map(|voter| voter.bytes().chain([0]));
        format!("{}-{:016x}", self.cluster, fnv1a(voters))
    }

    /// Makes sure that `directory` belongs to this identity, and gives its incarnation. One without a log
    /// is taken, durably; it gets `fresh` as incarnation, and so does one of a version before those. The
    /// caller holds the lock of the directory.
    pub fn claim(
        &self,
        directory: &Path,
        has_log: bool,
        fresh: Incarnation,
    ) -> Result<Incarnation, IdentityError> {
        let file = directory.join(IDENTITY_FILE);
        let damaged = |reason: String| IdentityError::Damaged { file: file.clone(), reason };
        let bytes = match fs::read(&file) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == ErrorKind::NotFound && !has_log => {
                return self.note(&file, fresh);
            }
            Err(error) if error.kind() == ErrorKind::NotFound => {
                return Err(damaged(
                    "it is gone, though there is a log beside it: either the disk lost it, or an \
                     earlier version of this program wrote the log. Give the node a directory of \
                     its own, or put the file back"
                        .into(),
                ));
            }
            Err(error) => return Err(error.into()),
        };
        let Note { identity, incarnation, checksum } = serde_json::from_slice(&bytes)
            .map_err(|error| damaged(format!("it is damaged ({error}); put it back")))?;
        if identity.checksum(incarnation) != checksum {
            return Err(damaged("it is damaged, its checksum differs; put it back".into()));
        }
        if identity != *self {
            let directory = directory.to_owned();
            let (owner, asked) = (identity.in_words(), self.in_words());
            return Err(IdentityError::Another { directory, owner, asked });
        }
        match incarnation {
            Some(incarnation) => Ok(incarnation),
            None => self.note(&file, fresh),
        }
    }

    /// Writes the note.
    fn note(&self, file: &Path, fresh: Incarnation) -> Result<Incarnation, IdentityError> {
        let (identity, incarnation) = (self.clone(), Some(fresh));
        let note = Note { identity, incarnation, checksum: self.checksum(incarnation) };
        let text = serde_json::to_string_pretty(&note).expect("it has a JSON form") + "\n";
        write_durably(file, text.as_bytes())?;
        Ok(fresh)
    }

    fn checksum(&self, incarnation: Option<Incarnation>) -> u32 {
        let mut text = serde_json::to_vec(self).expect("it has a JSON form");
        text.extend(incarnation.into_iter().flat_map(|it| it.to_string().into_bytes()));
        crc32fast::hash(&text)
    }

    fn in_words(&self) -> String {
        let Identity { format, cluster, node, voters, joined } = self;
        let voters: Vec<_> = voters.iter().map(String::as_str).collect();
        let form = if *format == FORMAT { String::new() } else { format!(", format {format}") };
        let of = joined
            .as_ref()
            .map_or_else(|| format!("of {}", voters.join(", ")), |id| format!("joined as {id}"));
        format!("{node} of the cluster '{cluster}' {of}{form}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity(cluster: &str, node: &str, voters: &[&str]) -> Identity {
        Identity::new(cluster, node, voters.iter().map(ToString::to_string))
    }

    fn fresh() -> Incarnation {
        Incarnation::from(7)
    }

    /// A directory of its own, removed at the end.
    struct Scratch(PathBuf);

    impl Scratch {
        fn new(name: &str) -> Scratch {
            let name = format!("stormproof-identity-{name}-{}", std::process::id());
            let path = std::env::temp_dir().join(name);
            fs::create_dir(&path).unwrap();
            Scratch(path)
        }
    }

    impl Drop for Scratch {
        fn drop(&mut self) {
            fs::remove_dir_all(&self.0).unwrap();
        }
    }

    #[test]
    fn a_directory_belongs_to_the_first_that_claims_it() {
        let scratch = Scratch::new("first");
        let owner = identity("c", "n1", &["n1", "n2", "n3"]);
        owner.claim(&scratch.0, false, fresh()).unwrap();
        owner.claim(&scratch.0, true, fresh()).unwrap();
        for (other, told) in [
            (identity("c", "n2", &["n1", "n2", "n3"]), "started as n2 of the cluster 'c'"),
            (identity("d", "n1", &["n1", "n2", "n3"]), "of the cluster 'd'"),
            (identity("c", "n1", &["n1"]), "'c' of n1. Start"),
        ] {
            let refused = other.claim(&scratch.0, true, fresh()).unwrap_err();
            assert!(matches!(refused, IdentityError::Another { .. }), "{refused}");
            let refused = refused.to_string();
            assert!(
                refused.contains("belongs to n1 of the cluster 'c' of n1, n2, n3"),
                "{refused}"
            );
            assert!(refused.contains(told), "{refused}");
        }
    }

    #[test]
    fn any_flipped_bit_is_damage_and_never_another_owner() {
        let scratch = Scratch::new("flipped");
        let owner = identity("c", "n1", &["n1", "n2"]);
        owner.claim(&scratch.0, false, fresh()).unwrap();
        let file = scratch.0.join(IDENTITY_FILE);
        let whole = fs::read(&file).unwrap();
        for bit in 0..whole.len() * 8 {
            let mut bytes = whole.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            fs::write(&file, bytes).unwrap();
            match owner.claim(&scratch.0, true, fresh()) {
                Err(IdentityError::Damaged { .. }) => {}
                // A space that became a line feed, or the reverse.
                Ok(_) => assert!(whole[bit / 8].is_ascii_whitespace()),
                Err(other) => panic!("bit {bit}: {other}"),
            }
        }
    }

    #[test]
    fn a_directory_keeps_its_incarnation_and_one_of_before_gets_one() {
        let scratch = Scratch::new("incarnation");
        let owner = identity("c", "n1", &["n1"]);
        let claim = |fresh: u64| owner.claim(&scratch.0, true, fresh.into()).unwrap();
        let note =
            Note { identity: owner.clone(), incarnation: None, checksum: owner.checksum(None) };
        let text = serde_json::to_string(&note).unwrap();
        assert!(!text.contains("incarnation"), "{text}");
        fs::write(scratch.0.join(IDENTITY_FILE), text).unwrap();
        assert_eq!(claim(1), 1.into());
        assert_eq!(claim(2), 1.into(), "it is noted");
        fs::remove_file(scratch.0.join(IDENTITY_FILE)).unwrap();
        assert_eq!(owner.claim(&scratch.0, false, 3.into()).unwrap(), 3.into());
    }

    #[test]
    fn a_log_without_a_note_is_not_taken_over() {
        let scratch = Scratch::new("gone");
        let refused = identity("c", "n1", &["n1"]).claim(&scratch.0, true, fresh()).unwrap_err();
        assert!(matches!(refused, IdentityError::Damaged { .. }), "{refused}");
        assert!(!scratch.0.join(IDENTITY_FILE).exists());
    }

    #[test]
    fn the_id_of_a_cluster_differs_with_its_name_and_its_voters() {
        let id = |cluster, voters| identity(cluster, "n1", voters).cluster_id();
        let first = id("c", &["n1", "n2"]);
        assert_eq!(first, id("c", &["n2", "n1"]));
        assert_eq!(first, identity("c", "n2", &["n1", "n2"]).cluster_id());
        assert_ne!(first, id("c", &["n1"]));
        assert_ne!(first, id("c", &["n1n", "2"]));
        assert_ne!(first, id("d", &["n1", "n2"]));
        assert_eq!(first, Identity::joining("c", "n4", &first).cluster_id());
    }
}
