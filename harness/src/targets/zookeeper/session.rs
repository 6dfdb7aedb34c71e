//! Sessions, each on a connection of its own, and the errors that they meet.
//!
//! A session is used by one request at a time and ends with its connection. Libraries keep one
//! session alive across connections and servers, and answer what was outstanding with a loss of
//! connection whether or not it had been sent. Here it is known which server is asked, and which
//! request was not sent at all and so surely had no effect.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};

use super::messages::{self, Answer, Request, SESSION_EXPIRED, SESSION_MOVED};
use crate::targets::http::TRANSPORT_ERRORS;
use crate::targets::{ErrorRow, Member, Refusal, row};

/// The time that a connection may take to open, as with the other targets.
const CONNECT_TIMEOUT: Duration = Duration::from_millis(300);

/// The time that a new session may take: a server agrees on it with a majority, which waits for
/// disks.
const SESSION_PATIENCE: Duration = Duration::from_secs(1);

/// The time that a session is asked to last when nothing is heard of it. Sessions whose connections
/// were given up are gone a few seconds later, before the members are compared.
const SESSION_TIMEOUT: Duration = Duration::from_secs(6);

/// No answer is longer; the largest are the names of all tokens of a run.
const LONGEST_ANSWER: u32 = 256 << 20;

/// Error codes in answers. What is none of these is [`OTHER_REFUSAL`].
static REFUSALS: &[(i32, ErrorRow)] = &[
    (SESSION_EXPIRED, row("session_expired", false, "the session had ended meanwhile")),
    (SESSION_MOVED, row("session_moved", false, "the session was said to be elsewhere")),
];

static OTHER_REFUSAL: ErrorRow = row("refused", false, "any other error of ZooKeeper");

/// Besides those of any connection.
static OWN_ERRORS: [ErrorRow; 3] = [
    row("not_serving", true, "the server follows nobody, and hung up when asked for a session"),
    row("no_session", true, "no session was granted in time, so nothing was sent"),
    row("nonsense", false, "the answer could not be understood"),
];

/// Every error that asking gives.
pub fn errors() -> Vec<ErrorRow> {
    let refusals = REFUSALS.iter().map(|(_, row)| row.clone());
    let own = OWN_ERRORS.iter().cloned();
    TRANSPORT_ERRORS.into_iter().chain(own).chain(refusals).chain([OTHER_REFUSAL.clone()]).collect()
}

/// The servers of one cluster, with the sessions that are not in use at the moment.
#[derive(Debug)]
pub struct Ensemble {
    addresses: Vec<SocketAddr>,
    idle: Vec<Mutex<Vec<Session>>>,
}

impl Ensemble {
    /// The members of that cluster, where clients reach them.
    pub fn new(cluster: &[Member]) -> Ensemble {
        Ensemble {
            addresses: cluster.iter().map(|member| member.for_clients).collect(),
            idle: cluster.iter().map(|_| Mutex::default()).collect(),
        }
    }

    /// The address at which clients reach that member.
    pub fn address(&self, node: usize) -> SocketAddr {
        self.addresses[node]
    }

    /// Asks one server all of these in that order, in one session. A caller that gives up waiting
    /// drops the session as well: what it was asked stays open, and no other caller meets its
    /// answers.
    ///
    /// # Errors
    /// The row of the error table.
    pub async fn ask(&self, node: usize, requests: &[Request<'_>]) -> Result<Vec<Answer>, Refusal> {
        let mut session = match self.take(node) {
            Some(session) => session,
            None => Session::open(self.addresses[node]).await?,
        };
        let answers = session.ask(requests).await?;
        self.idle(node).push(session);
        match answers.iter().find(|answer| answer.error != 0) {
            Some(refused) => Err(refused_by(refused.error)),
            None => Ok(answers),
        }
    }

    /// A session with that server that can still be used.
    fn take(&self, node: usize) -> Option<Session> {
        let mut idle = self.idle(node);
        idle.retain(Session::is_alive);
        idle.pop()
    }

    fn idle(&self, node: usize) -> MutexGuard<'_, Vec<Session>> {
        self.idle[node].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn refused_by(code: i32) -> Refusal {
    let known = REFUSALS.iter().find(|(known, _)| *known == code);
    let row = known.map_or(&OTHER_REFUSAL, |(_, row)| row);
    Refusal { error: row.name.clone(), leader: None }
}

/// A session on its connection.
#[derive(Debug)]
struct Session {
    connection: TcpStream,
    /// The time that it lasts when nothing is heard of it.
    lasts: Duration,
    last_used: Instant,
    last_xid: i32,
}

impl Session {
    async fn open(address: SocketAddr) -> Result<Session, Refusal> {
        let connection = match timeout(CONNECT_TIMEOUT, TcpStream::connect(address)).await {
            Ok(Ok(connection)) => connection,
            Ok(Err(_)) => return Err(Refusal::of("connection_refused")),
            Err(_) => return Err(Refusal::of("connect_timeout")),
        };
        let last_used = Instant::now();
        let mut session = Session { connection, lasts: SESSION_TIMEOUT, last_used, last_xid: 0 };
        match timeout(SESSION_PATIENCE, session.begin()).await {
            Ok(Ok(Some(lasts))) => Ok(Session { lasts, ..session }),
            // No operation has been sent, whatever this means.
            Ok(Ok(None) | Err(_)) => Err(Refusal::of("not_serving")),
            Err(_) => Err(Refusal::of("no_session")),
        }
    }

    async fn begin(&mut self) -> io::Result<Option<Duration>> {
        self.connection.set_nodelay(true)?;
        self.connection.write_all(&messages::connect(SESSION_TIMEOUT)).await?;
        Ok(messages::connected(&self.receive().await?))
    }

    /// Returns true if it can be used: the server neither hung up nor may have forgotten it by now.
    fn is_alive(&self) -> bool {
        let nothing_to_read = || {
            let read = self.connection.try_read(&mut [0]);
            read.is_err_and(|error| error.kind() == ErrorKind::WouldBlock)
        };
        // A request that is sent in the other half arrives in time.
        self.last_used.elapsed() < self.lasts / 2 && nothing_to_read()
    }

    async fn ask(&mut self, requests: &[Request<'_>]) -> Result<Vec<Answer>, Refusal> {
        self.last_used = Instant::now();
        let first = self.last_xid + 1;
        let frames: Vec<u8> =
            (first..).zip(requests).flat_map(|(xid, request)| request.frame(xid)).collect();
        let lost = |_: io::Error| Refusal::of("connection_lost");
        self.connection.write_all(&frames).await.map_err(lost)?;
        let mut answers = Vec::new();
        for _ in requests {
            let answer = Answer::read(&self.receive().await.map_err(lost)?);
            self.last_xid += 1;
            // Nothing is watched and no ping is sent, so nothing else comes.
            let answer = answer.filter(|answer| answer.xid == self.last_xid);
            answers.push(answer.ok_or_else(|| Refusal::of("nonsense"))?);
        }
        Ok(answers)
    }

    async fn receive(&mut self) -> io::Result<Vec<u8>> {
        let length = self.connection.read_u32().await?;
        if length > LONGEST_ANSWER {
            return Err(ErrorKind::InvalidData.into());
        }
        let mut frame = vec![0; length as usize];
        self.connection.read_exact(&mut frame).await?;
        Ok(frame)
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    /// The outcome of a request to a server of that behaviour.
    async fn asked<Served: Future<Output = ()>>(
        serve: impl FnOnce(TcpListener) -> Served,
    ) -> (String, bool) {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("there are free ports");
        let address = listener.local_addr().expect("it is bound");
        let ensemble = Ensemble { addresses: vec![address], idle: vec![Mutex::default()] };
        let requests = [Request::Sync];
        let (answer, ()) = tokio::join!(ensemble.ask(0, &requests), serve(listener));
        let error = answer.expect_err("nobody answers").error.into_owned();
        let definite = errors().iter().any(|row| row.name == error && row.definite);
        (error, definite)
    }

    async fn grant_a_session(connection: &mut TcpStream) {
        let mut asked = [0; 49];
        connection.read_exact(&mut asked).await.expect("it asks for a session");
        let granted =
            super::super::jute::Writer::default().int(0).int(4000).long(1).buffer([0; 16]);
        connection.write_all(&granted.frame()).await.expect("it listens");
    }

    #[tokio::test]
    async fn what_was_never_sent_surely_had_no_effect() {
        let refused = asked(|listener| async { drop(listener) }).await;
        assert_eq!(refused, ("connection_refused".into(), true));
        let hung_up = asked(|listener| async move {
            listener.accept().await.expect("it connects");
        });
        assert_eq!(hung_up.await, ("not_serving".into(), true));
    }

    #[tokio::test]
    async fn a_connection_that_breaks_after_a_request_leaves_it_open() {
        let lost = asked(|listener| async move {
            let (mut connection, _) = listener.accept().await.expect("it connects");
            grant_a_session(&mut connection).await;
            connection.read_u8().await.expect("it asks");
        });
        assert_eq!(lost.await, ("connection_lost".into(), false));
    }

    #[tokio::test]
    async fn an_expired_session_leaves_its_request_open() {
        let expired = asked(|listener| async move {
            let (mut connection, _) = listener.accept().await.expect("it connects");
            grant_a_session(&mut connection).await;
            let answer = super::super::jute::Writer::default().int(1).long(1).int(SESSION_EXPIRED);
            connection.write_all(&answer.frame()).await.expect("it listens");
        });
        assert_eq!(expired.await, ("session_expired".into(), false));
    }
}
