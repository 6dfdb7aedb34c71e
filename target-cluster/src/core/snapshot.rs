//! A snapshot: the state after the entries up to one of them, in their place (paper, §7).
//!
//! In memory it shares what it can with the state that goes on. As text, which is what a file holds and
//! what a follower gets that lags too far behind, it is a JSON array a line: what it is a snapshot of
//! and who votes; the items and sessions of the state machine; what the audit knows of the commands
//! applied last; and at the end the checksum of all lines before.

use std::hash::{DefaultHasher, Hash, Hasher};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Configuration;
use super::applied::{AppliedCommand, ApplyResults};
use crate::bugs::Bugs;
use crate::kv::{ImageCursor, ImageReader, Store, Unreadable, image_line};

/// The version of the form of the text.
const FORMAT: u32 = 1;

/// The state after the entries up to one of them.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Snapshot {
    /// The index of the last entry in it.
    pub(super) index: u64,
    /// The term of that entry.
    pub(super) term: u64,
    /// The members as of that entry.
    pub(super) configuration: Configuration,
    /// The state machine, with the sessions of clients.
    pub(super) store: Store,
    /// The results of the commands applied last.
    pub(super) audit: ApplyResults,
}

/// The first line.
#[derive(Serialize, Deserialize)]
struct Head {
    format: u32,
    #[serde(rename = "lastIncludedIndex")]
    index: u64,
    #[serde(rename = "lastIncludedTerm")]
    term: u64,
    #[serde(flatten)]
    configuration: Configuration,
    /// The index from which on the audit knows the results of commands.
    audited_from: u64,
    /// The digest of all that the audit ever knew.
    audit: u64,
}

/// A piece of the text of a snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Piece {
    /// Whole lines.
    pub(crate) text: String,
    /// The place behind them; none at the end.
    pub(crate) next: Option<SnapshotCursor>,
}

/// A place within the text of a snapshot, at the beginning of a line.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct SnapshotCursor {
    part: Part,
    /// The checksum of everything before.
    checksum: u32,
}

/// The part of the text to which a line belongs.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Part {
    Head,
    State(ImageCursor),
    /// Behind the command at that index.
    Audit(u64),
}

impl SnapshotCursor {
    /// The beginning.
    pub(crate) fn start() -> SnapshotCursor {
        SnapshotCursor { part: Part::Head, checksum: 0 }
    }
}

impl Snapshot {
    /// The index of the last entry in it.
    pub fn index(&self) -> u64 {
        self.index
    }

    /// The term of that entry.
    pub fn term(&self) -> u64 {
        self.term
    }

    /// The members as of that entry.
    pub fn configuration(&self) -> &Configuration {
        &self.configuration
    }

    /// A digest of the state in it: equal ones have equal ones.
    pub(crate) fn state_digest(&self) -> u64 {
        state_digest(&self.store, &self.audit)
    }

    /// The lines from a place on, as many as take about `bytes_max` bytes, but at least one.
    pub(crate) fn piece(&self, from: &SnapshotCursor, bytes_max: usize) -> Piece {
        let mut text = Vec::new();
        let mut part = Some(from.part.clone());
        while text.is_empty() || text.len() < bytes_max {
            part = match part {
                None => break,
                Some(Part::Head) => {
                    let Snapshot { index, term, configuration, audit, .. } = self;
                    let (audited_from, audit) = (audit.first(), audit.digest());
                    let head = Head {
                        format: FORMAT,
                        index: *index,
                        term: *term,
                        configuration: configuration.clone(),
                        audited_from,
                        audit,
                    };
                    image_line(&mut text, &("snapshot", head));
                    Some(Part::State(ImageCursor::start()))
                }
                Some(Part::State(cursor)) => {
                    let next = self.store.write_image(cursor, bytes_max, &mut text);
                    Some(next.map_or(Part::Audit(0), Part::State))
                }
                Some(Part::Audit(after)) => {
                    let mut last = None;
                    for command in self.audit.commands_after(after) {
                        if text.len() >= bytes_max {
                            break;
                        }
                        let AppliedCommand { index, token, result } = command;
                        image_line(&mut text, &("applied", index, token, result));
                        last = Some(*index);
                    }
                    last.map(Part::Audit)
                }
            };
        }
        let mut hasher = crc32fast::Hasher::new_with_initial(from.checksum);
        hasher.update(&text);
        let checksum = hasher.finalize();
        if part.is_none() {
            image_line(&mut text, &("end", checksum));
        }
        let text = String::from_utf8(text).expect("JSON is UTF-8");
        Piece { text, next: part.map(|part| SnapshotCursor { part, checksum }) }
    }
}

#[cfg(test)]
impl Snapshot {
    /// A snapshot of a state in which nothing was written.
    pub(crate) fn without_items(index: u64, term: u64) -> Snapshot {
        let store = Store::new(&Bugs::new()).applied_through(index);
        Snapshot {
            index,
            term,
            configuration: Configuration::of_voters(["n1".into()]),
            store,
            audit: ApplyResults::default(),
        }
    }
}

/// A digest of a replicated state, with what the audit knows.
pub(super) fn state_digest(store: &Store, audit: &ApplyResults) -> u64 {
    let mut hasher = DefaultHasher::new();
    store.hash(&mut hasher);
    audit.digest().hash(&mut hasher);
    hasher.finish()
}

/// The reason for which a text is no snapshot.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BadSnapshot {
    /// A line is none.
    #[error(transparent)]
    Line(#[from] Unreadable),
    /// The form is that of a later version.
    #[error("it has the form {0}, which this version does not know")]
    Format(u32),
    /// The checksum at the end is another.
    #[error("the checksum at its end differs")]
    Checksum,
    /// The end is missing.
    #[error("its end is missing")]
    Short,
    /// There is more behind the end.
    #[error("there is something behind its end")]
    Long,
}

/// A snapshot that is read.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct SnapshotReader {
    state: ImageReader,
    head: Option<(u64, u64, Configuration)>,
    audit: ApplyResults,
    checksum: u32,
    ended: bool,
}

impl SnapshotReader {
    /// Nothing is read yet.
    pub(crate) fn new(bugs: &Bugs) -> SnapshotReader {
        SnapshotReader {
            state: ImageReader::new(bugs),
            head: None,
            audit: ApplyResults::default(),
            checksum: 0,
            ended: false,
        }
    }

    /// Reads the next lines.
    pub(crate) fn read(&mut self, text: &str) -> Result<(), BadSnapshot> {
        for line in text.split_inclusive('\n') {
            self.read_line(line)?;
        }
        Ok(())
    }

    fn read_line(&mut self, line: &str) -> Result<(), BadSnapshot> {
        if self.ended {
            return Err(BadSnapshot::Long);
        }
        let unreadable = || Unreadable::line(line);
        let mut fields: Vec<Value> = serde_json::from_str(line).map_err(|_| unreadable())?;
        let kind = fields.first().and_then(Value::as_str).unwrap_or_default().to_string();
        match (kind.as_str(), self.head.is_some()) {
            ("snapshot", false) => {
                let [_, head] = &mut fields[..] else { return Err(unreadable().into()) };
                let head: Head = serde_json::from_value(head.take()).map_err(|_| unreadable())?;
                if head.format != FORMAT {
                    return Err(BadSnapshot::Format(head.format));
                }
                self.audit = ApplyResults::known_from(head.audited_from, head.audit);
                self.head = Some((head.index, head.term, head.configuration));
            }
            ("applied", true) => {
                let (_, index, token, result): (String, _, _, _) =
                    serde_json::from_str(line).map_err(|_| unreadable())?;
                self.audit.remember(AppliedCommand { index, token, result });
            }
            ("end", true) => {
                if fields.get(1).and_then(Value::as_u64) != Some(self.checksum.into()) {
                    return Err(BadSnapshot::Checksum);
                }
                self.ended = true;
                return Ok(());
            }
            (_, true) if self.state.read(&mut fields) == Some(true) => {}
            _ => return Err(unreadable().into()),
        }
        let mut hasher = crc32fast::Hasher::new_with_initial(self.checksum);
        hasher.update(line.as_bytes());
        self.checksum = hasher.finalize();
        Ok(())
    }

    /// The snapshot.
    pub(crate) fn finish(self) -> Result<Snapshot, BadSnapshot> {
        let (Some((index, term, configuration)), true) = (self.head, self.ended) else {
            return Err(BadSnapshot::Short);
        };
        let audit = self.audit;
        Ok(Snapshot { index, term, configuration, store: self.state.finish(index), audit })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::applied::ApplyResult;
    use crate::kv::{EncodedCommand, Operation, RequestBody};

    fn snapshot() -> Snapshot {
        let mut store = Store::new(&Bugs::new());
        let mut audit = ApplyResults::default();
        for number in 1..=50 {
            let body = serde_json::json!({
                "f": "write", "key": format!("k{}", number % 7), "value": number,
                "token": format!("s{}:{number}", number % 3),
            });
            let body: RequestBody = serde_json::from_value(body).unwrap();
            let Operation::Command(command) = body.into_operation().unwrap() else { panic!() };
            let (applied, token) = store.apply(number, &EncodedCommand::new(&command));
            audit.note(number, token, &applied);
        }
        let configuration = Configuration::of_voters(["n1", "n2"].map(Into::into));
        let configuration = configuration.with_learner(&"n3".into(), Some(&"n3:1".into()));
        Snapshot { index: 50, term: 3, configuration, store, audit }
    }

    fn pieces(snapshot: &Snapshot, bytes_max: usize) -> Vec<String> {
        let mut from = Some(SnapshotCursor::start());
        std::iter::from_fn(|| {
            let piece = snapshot.piece(&from.take()?, bytes_max);
            from = piece.next;
            Some(piece.text)
        })
        .collect()
    }

    fn read<'a>(texts: impl IntoIterator<Item = &'a str>) -> Result<Snapshot, BadSnapshot> {
        let mut reader = SnapshotReader::new(&Bugs::new());
        texts.into_iter().try_for_each(|text| reader.read(text))?;
        reader.finish()
    }

    #[test]
    fn it_is_read_as_it_was_written_in_pieces_of_any_size() {
        let snapshot = snapshot();
        let whole = pieces(&snapshot, usize::MAX).concat();
        for bytes_max in [1, 300, 1_000] {
            let pieces = pieces(&snapshot, bytes_max);
            assert_eq!(pieces.concat(), whole, "the text does not depend on the pieces");
            assert!(pieces.len() > 1 && pieces.iter().all(|piece| piece.len() < bytes_max + 300));
            assert_eq!(read(pieces.iter().map(String::as_str)), Ok(snapshot.clone()));
        }
    }

    #[test]
    fn what_is_missing_or_changed_is_noticed() {
        let whole = pieces(&snapshot(), usize::MAX).concat();
        let lines: Vec<&str> = whole.split_inclusive('\n').collect();
        for left_out in 0..lines.len() {
            let others = lines.iter().enumerate().filter(|(at, _)| *at != left_out);
            assert!(read(others.map(|(_, line)| *line)).is_err(), "without {}", lines[left_out]);
        }
        for byte in 0..whole.len() {
            let mut bytes = whole.clone().into_bytes();
            bytes[byte] ^= 1;
            let Ok(text) = String::from_utf8(bytes) else { continue };
            // One digit of the checksum itself is as good as any other.
            assert!(read([text.as_str()]).is_err(), "byte {byte} of {text}");
        }
        assert_eq!(read([whole.as_str(), "[\"more\",[]]\n"]), Err(BadSnapshot::Long));
    }

    #[test]
    fn the_audit_goes_along() {
        let read = read([pieces(&snapshot(), usize::MAX).concat().as_str()]).unwrap();
        let results: Vec<_> = read.audit.commands_after(47).cloned().collect();
        assert_eq!(results.iter().map(|it| it.index).collect::<Vec<_>>(), [48, 49, 50]);
        assert!(results.iter().all(|it| it.result == ApplyResult::Ok && it.token.is_some()));
        assert_eq!(read.state_digest(), snapshot().state_digest());
    }
}
