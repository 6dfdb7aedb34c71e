//! The few messages of ZooKeeper's protocol that are needed here.
//!
//! Sources: `zookeeper-jute/src/main/resources/zookeeper.jute` for the records, and
//! `MultiOperationRecord.java` and `MultiResponse.java` for transactions, which are no records.

use std::time::Duration;

use super::jute::{Reader, Writer};

/// Opcodes, of `ZooDefs.OpCode`.
const CREATE: i32 = 1;
const GET_DATA: i32 = 4;
const SET_DATA: i32 = 5;
const GET_CHILDREN: i32 = 8;
const SYNC: i32 = 9;
const MULTI: i32 = 14;
const MULTI_READ: i32 = 22;
/// The result of an operation of a transaction that failed.
const ERROR: i32 = -1;

/// The znode is not there.
pub const NO_NODE: i32 = -101;
/// The znode is not at that version.
pub const BAD_VERSION: i32 = -103;
/// The znode is there already.
pub const NODE_EXISTS: i32 = -110;
/// The session of the request has ended.
pub const SESSION_EXPIRED: i32 = -112;
/// The session of the request goes on at another server.
pub const SESSION_MOVED: i32 = -118;

/// Everybody may do everything, of `ZooDefs.Perms`.
const ALL_PERMISSIONS: i32 = 31;

/// The requests to a server.
#[derive(Debug, Clone, Copy)]
pub enum Request<'a> {
    /// To catch up with the leader before the next request of this session.
    Sync,
    /// For several znodes at once.
    Read(&'a [String]),
    /// For the names below a znode.
    Children(&'a str),
    /// To make all of these changes or none.
    Write(&'a [Change<'a>]),
}

/// One change of a transaction.
#[derive(Debug, Clone, Copy)]
pub enum Change<'a> {
    /// A new znode, which must not be there yet.
    Create {
        /// Its path; the znode above it must be there.
        path: &'a str,
        /// The data that it holds.
        data: &'a [u8],
    },
    /// New data of a znode.
    Set {
        /// Its path.
        path: &'a str,
        /// The data that it shall hold.
        data: &'a [u8],
        /// The version that it must be at; -1 for any.
        version: i32,
    },
}

/// The outcome of one operation of a transaction, or of one read of several.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// A znode was created.
    Created,
    /// Data was set, by the transaction of that zxid.
    Set {
        /// Its zxid.
        zxid: u64,
    },
    /// A znode was found.
    Found(Znode),
    /// An error code: of the operation that made a transaction fail its own, of those before it 0,
    /// of those behind it one that says that they were not tried.
    Failed(i32),
}

/// A znode.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Znode {
    /// The data that it holds.
    pub data: Vec<u8>,
    /// The zxid of the transaction that wrote that.
    pub mzxid: u64,
    /// The number of times that its data was set since it was created.
    pub version: i32,
}

/// The answer to one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The number of the request within its session.
    pub xid: i32,
    /// The last transaction that the server had applied.
    pub zxid: u64,
    /// The error code; 0 if there is none.
    pub error: i32,
    /// The result of the request.
    pub body: Vec<u8>,
}

/// Asks for a new session that ends when nothing is heard of it for that long.
pub fn connect(session_timeout: Duration) -> Vec<u8> {
    let milliseconds = i32::try_from(session_timeout.as_millis()).unwrap_or(i32::MAX);
    Writer::default()
        .int(0) // the version of the protocol
        .long(0) // the last zxid that the client saw
        .int(milliseconds)
        .long(0) // no session yet
        .buffer([0; 16]) // and so no password
        .boolean(false) // a server that serves only reads is of no use
        .frame()
}

/// The time that the new session lasts by the answer to [`connect`].
pub fn connected(answer: &[u8]) -> Option<Duration> {
    let mut reader = Reader(answer);
    let _protocol = reader.int()?;
    // Nothing is what a session has that was refused.
    let milliseconds = u64::try_from(reader.int()?).ok().filter(|&lasts| lasts > 0)?;
    Some(Duration::from_millis(milliseconds))
}

impl Request<'_> {
    /// The request as the `xid`th of its session.
    pub fn frame(&self, xid: i32) -> Vec<u8> {
        let header = Writer::default().int(xid);
        let written = match self {
            Request::Sync => header.int(SYNC).buffer("/"),
            Request::Children(path) => header.int(GET_CHILDREN).buffer(path).boolean(false),
            Request::Read(paths) => {
                let read = |written, path| part(written, GET_DATA).buffer(path).boolean(false);
                end(paths.iter().fold(header.int(MULTI_READ), read))
            }
            Request::Write(changes) => end(changes.iter().fold(header.int(MULTI), write)),
        };
        written.frame()
    }
}

fn write(written: Writer, change: &Change) -> Writer {
    match change {
        Change::Create { path, data } => part(written, CREATE)
            .buffer(path)
            .buffer(data)
            .int(1) // one entry of an access list
            .int(ALL_PERMISSIONS)
            .buffer("world")
            .buffer("anyone")
            .int(0), // neither ephemeral nor sequential
        Change::Set { path, data, version } => {
            part(written, SET_DATA).buffer(path).buffer(data).int(*version)
        }
    }
}

/// Begins an operation of a transaction.
fn part(written: Writer, operation: i32) -> Writer {
    written.int(operation).boolean(false).int(-1)
}

/// Ends a transaction.
fn end(written: Writer) -> Writer {
    written.int(-1).boolean(true).int(-1)
}

impl Answer {
    /// Understands a frame.
    pub fn read(frame: &[u8]) -> Option<Answer> {
        let mut reader = Reader(frame);
        let (xid, zxid, error) = (reader.int()?, reader.long()?, reader.int()?);
        Some(Answer { xid, zxid: zxid.try_into().ok()?, error, body: reader.0.to_vec() })
    }

    /// The outcomes of the operations of a transaction, or of the reads of several znodes.
    pub fn outcomes(&self) -> Option<Vec<Outcome>> {
        let mut reader = Reader(&self.body);
        let mut outcomes = Vec::new();
        loop {
            let (operation, done, _error) = (reader.int()?, reader.boolean()?, reader.int()?);
            if done {
                return Some(outcomes);
            }
            outcomes.push(match operation {
                CREATE => {
                    let _path = reader.buffer()?;
                    Outcome::Created
                }
                SET_DATA => {
                    let (zxid, _version) = stat(&mut reader)?;
                    Outcome::Set { zxid }
                }
                GET_DATA => {
                    let data = reader.buffer()?.to_vec();
                    let (mzxid, version) = stat(&mut reader)?;
                    Outcome::Found(Znode { data, mzxid, version })
                }
                ERROR => Outcome::Failed(reader.int()?),
                _ => return None,
            });
        }
    }

    /// The names below a znode.
    pub fn children(&self) -> Option<Vec<String>> {
        let mut reader = Reader(&self.body);
        let count = reader.int()?;
        (0..count).map(|_| reader.string().map(str::to_owned)).collect()
    }
}

/// Of a stat the zxid of the last change of the data, and the version.
fn stat(reader: &mut Reader) -> Option<(u64, i32)> {
    let _czxid = reader.long()?;
    let mzxid = reader.long()?;
    let (_ctime, _mtime) = (reader.long()?, reader.long()?);
    let version = reader.int()?;
    let (_cversion, _aversion) = (reader.int()?, reader.int()?);
    let _ephemeral_owner = reader.long()?;
    let (_data_length, _children) = (reader.int()?, reader.int()?);
    let _pzxid = reader.long()?;
    Some((mzxid.try_into().ok()?, version))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A stat as servers write it.
    fn with_stat(written: Writer, mzxid: i64, version: i32) -> Writer {
        let times = written.long(1).long(mzxid).long(0).long(0);
        times.int(version).int(0).int(0).long(0).int(4).int(0).long(1)
    }

    fn answer(body: Writer) -> Answer {
        let frame = body.frame();
        Answer::read(&frame[4..]).expect("it has a header")
    }

    fn header() -> Writer {
        Writer::default().int(3).long(9).int(0)
    }

    #[test]
    fn a_transaction_tells_the_zxid_at_which_it_was_made() {
        let created = part(header(), CREATE).buffer("/token/t");
        let set = part(created, SET_DATA);
        let answer = answer(end(with_stat(set, 9, 4)));
        assert_eq!((answer.xid, answer.zxid, answer.error), (3, 9, 0));
        assert_eq!(answer.outcomes(), Some(vec![Outcome::Created, Outcome::Set { zxid: 9 }]));
    }

    #[test]
    fn what_was_read_and_what_was_not_there_are_told_in_order() {
        let found = with_stat(part(header(), GET_DATA).buffer("data"), 7, 2);
        let answer = answer(end(part(found, ERROR).int(NO_NODE)));
        let znode = Znode { data: b"data".into(), mzxid: 7, version: 2 };
        let expected = vec![Outcome::Found(znode), Outcome::Failed(NO_NODE)];
        assert_eq!(answer.outcomes(), Some(expected));
    }

    #[test]
    fn an_answer_that_breaks_off_is_not_understood() {
        assert_eq!(Answer::read(&[0; 15]), None);
        assert_eq!(answer(part(header(), GET_DATA).buffer("data")).outcomes(), None);
        assert_eq!(answer(header().int(2).buffer("only one")).children(), None);
    }

    #[test]
    fn a_session_that_was_refused_lasts_no_time() {
        let answered = |lasts| Writer::default().int(0).int(lasts).long(0).buffer([0; 16]).frame();
        assert_eq!(connected(&answered(4000)[4..]), Some(Duration::from_secs(4)));
        assert_eq!(connected(&answered(0)[4..]), None);
    }
}
