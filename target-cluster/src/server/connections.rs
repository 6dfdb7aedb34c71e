//! The connections of a listener: how many there may be, and how long each may take.
//!
//! hyper does the HTTP. Around it, each connection notes in which phase it is:
//!
//! | phase | it lasts until | limit |
//! |---|---|---|
//! | idle | the first byte of a request is here | [`RequestLimits::idle`] |
//! | head | the head of the request is here | [`RequestLimits::request`] |
//! | body | the body is here | [`RequestLimits::request`] |
//! | serving | the answer is made | none: endpoints have deadlines of their own |
//! | answer | the answer is written | [`RequestLimits::answer`] for each [`WRITE_STEP`] of it |
//!
//! One task looks at all of them now and then and closes what is beyond its limit, so that the way of
//! a request costs no timer. When all places are taken, a newcomer gets that of the connection which
//! has kept the node waiting for a request for the longest time; when there is no such connection, it
//! is refused. Both are told as long as there is somebody to tell it to.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use http::request::Parts;
use http::{Request, StatusCode};
use http_body_util::BodyExt;
use hyper::body::{Body, Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use tokio::time::{sleep, timeout};

use super::api::{JsonResponse, Response, bad_request, refused};
use super::events::say;
use super::limits::RequestLimits;
use super::memory::Reserved;
use crate::core::NodeId;

/// The part of an answer that has to be taken within [`RequestLimits::answer`]. Large enough that
/// the buffers of the kernel do not hide a reader that stopped, small enough that one on a slow line
/// gets large answers.
const WRITE_STEP: usize = 256 * 1024;

/// The most bytes of a request's head, and of what hyper reads ahead.
const HEAD_MAX: usize = 64 * 1024;

/// The most refused newcomers that are listened to while they still send: a connection that is
/// closed with unread bytes is reset, and with that the refusal may be lost. Beyond that, it is.
pub(super) const REFUSALS_MAX: usize = 16;

/// The longest time that a refused newcomer is listened to.
const REFUSAL_TIME: Duration = Duration::from_secs(1);

/// The time between two tries to take a connection when the system has no descriptor for it.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// The endpoints that a listener offers.
pub(super) trait Endpoints: Clone + Send + Sync + 'static {
    /// The most bytes of the body of a request to `path`.
    fn body_max(&self, path: &str) -> usize;

    /// Answers a request.
    fn answer(&self, head: Parts, body: Bytes) -> impl Future<Output = Response> + Send;
}

/// Serves what comes in at a listener, up to `places` connections at a time. Never ends by itself.
pub(super) async fn serve<E: Endpoints>(
    node: &NodeId,
    listener: TcpListener,
    endpoints: E,
    limits: RequestLimits,
    places: usize,
) -> Infallible {
    assert!(places > 0, "a listener without places serves nobody");
    let open = Arc::new(Open::default());
    let looking = look_after(node, Arc::clone(&open), limits);
    let accepting = accept(node, listener, endpoints, places, open);
    tokio::select! {
        never = accepting => never,
        never = looking => never,
    }
}

async fn accept<E: Endpoints>(
    node: &NodeId,
    listener: TcpListener,
    endpoints: E,
    places: usize,
    open: Arc<Open>,
) -> Infallible {
    let places = Arc::new(Semaphore::new(places));
    let refusals = Arc::new(Semaphore::new(REFUSALS_MAX));
    let mut complained = false;
    loop {
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) if is_of_the_connection(&error) => continue,
            Err(error) => {
                if !complained {
                    say(node, format_args!("cannot take connections for now: {error}"));
                }
                complained = true;
                sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        complained = false;
        // Without it, each answer of a few hundred bytes could wait for an acknowledgement. A
        // connection that is gone already fails here; its first read will show it.
        let _ = stream.set_nodelay(true);
        let place = match Arc::clone(&places).try_acquire_owned() {
            Ok(place) => place,
            // The place is free once the connection that leaves it is closed, descriptor and all.
            Err(_) if open.make_room() => {
                let place = Arc::clone(&places).acquire_owned().await;
                place.expect("the semaphore is never closed")
            }
            Err(_) => {
                open.locked().refused += 1;
                if let Ok(permit) = Arc::clone(&refusals).try_acquire_owned() {
                    tokio::spawn(refuse(stream, permit));
                }
                continue;
            }
        };
        let (number, connection, close) = open.admit();
        let open = Arc::clone(&open);
        let endpoints = endpoints.clone();
        tokio::spawn(async move {
            connection.run(stream, close, endpoints).await;
            open.locked().connections.remove(&number);
            drop(place);
        });
    }
}

/// True if it is about the connection that would have been accepted, not about this process.
fn is_of_the_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

/// Says that there is no place, and waits a moment until the newcomer has sent its request, so that
/// it can read that.
async fn refuse(mut stream: TcpStream, _permit: OwnedSemaphorePermit) {
    let refuse = async {
        stream.write_all(&last_words(&Reason::NoPlace.response())).await?;
        stream.shutdown().await?;
        let mut unread = [0; 1024];
        while stream.read(&mut unread).await? > 0 {}
        io::Result::Ok(())
    };
    // It may be gone already, or go on sending.
    let _ = timeout(REFUSAL_TIME, refuse).await;
}

/// The reason for which a connection is closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Reason {
    /// A newcomer needs its place, and it sends no request.
    NoPlace,
    /// No request came for too long.
    Idle,
    /// A request began and did not go on.
    SlowRequest,
    /// The answer is not taken.
    SlowReader,
}

impl Reason {
    /// The answer to the request that was begun.
    fn response(self) -> JsonResponse {
        match self {
            Reason::NoPlace => {
                let mut response = refused(StatusCode::SERVICE_UNAVAILABLE, "overloaded", true);
                response.1["reason"] = "this node has as many connections as it takes".into();
                response
            }
            _ => {
                let mut response = refused(StatusCode::REQUEST_TIMEOUT, "request_timeout", true);
                response.1["reason"] = "the whole request did not come in time".into();
                response
            }
        }
    }

    fn describe(self) -> &'static str {
        match self {
            Reason::NoPlace => "to make room for others: they sent no request",
            Reason::Idle => "that were idle for too long",
            Reason::SlowRequest => "whose requests did not come in time",
            Reason::SlowReader => "whose answers were not read in time",
        }
    }
}

/// The connections that are open.
#[derive(Default)]
struct Open(Mutex<Registry>);

#[derive(Default)]
struct Registry {
    /// By number, in the order in which they came.
    connections: BTreeMap<u64, Registered>,
    /// The number of the last one.
    last_number: u64,
    /// Closed since the last report, by reason.
    closed: BTreeMap<Reason, u64>,
    /// Newcomers refused since the last report.
    refused: u64,
}

struct Registered {
    connection: Connection,
    /// Gone once the connection was asked to close.
    close: Option<oneshot::Sender<Reason>>,
}

impl Open {
    fn locked(&self) -> MutexGuard<'_, Registry> {
        // Each change is made by one assignment, so a panic elsewhere leaves nothing half done.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Enters a new connection.
    fn admit(&self) -> (u64, Connection, oneshot::Receiver<Reason>) {
        let mut registry = self.locked();
        registry.last_number += 1;
        let number = registry.last_number;
        let (close, closed) = oneshot::channel();
        let connection = Connection(Arc::new(Mutex::new(Phase::Idle(Instant::now()))));
        let registered = Registered { connection: connection.clone(), close: Some(close) };
        registry.connections.insert(number, registered);
        (number, connection, closed)
    }

    /// Closes the connection that has kept the node waiting for a request for the longest time, if
    /// any does.
    fn make_room(&self) -> bool {
        let mut registry = self.locked();
        let waiting = registry.connections.iter().filter(|(_, it)| it.close.is_some());
        let waiting = waiting.filter_map(|(number, it)| match it.connection.phase() {
            Phase::Idle(since) | Phase::Head(since) | Phase::Body(since) => Some((since, *number)),
            Phase::Serving | Phase::Answer { .. } => None,
        });
        let Some((_, number)) = waiting.min() else { return false };
        registry.close(number, Reason::NoPlace);
        true
    }

    /// Closes every connection that is beyond its limit.
    fn close_overdue(&self, limits: &RequestLimits) {
        let mut registry = self.locked();
        let overdue = registry.connections.iter().filter_map(|(number, it)| {
            let (since, limit, reason) = match it.connection.phase() {
                Phase::Idle(since) => (since, limits.idle, Reason::Idle),
                Phase::Head(since) | Phase::Body(since) => {
                    (since, limits.request, Reason::SlowRequest)
                }
                Phase::Answer { since, .. } => (since, limits.answer, Reason::SlowReader),
                Phase::Serving => return None,
            };
            (it.close.is_some() && since.elapsed() >= limit).then_some((*number, reason))
        });
        let overdue: Vec<_> = overdue.collect();
        for (number, reason) in overdue {
            registry.close(number, reason);
        }
    }
}

impl Registry {
    fn close(&mut self, number: u64, reason: Reason) {
        let close = self.connections.get_mut(&number).and_then(|it| it.close.take());
        if close.is_some_and(|close| close.send(reason).is_ok()) {
            *self.closed.entry(reason).or_default() += 1;
        }
    }
}

/// Closes what is overdue, and says on stderr what was closed and refused.
async fn look_after(node: &NodeId, open: Arc<Open>, limits: RequestLimits) -> Infallible {
    loop {
        sleep(limits.look_interval()).await;
        open.close_overdue(&limits);
        let (closed, refused) = {
            let mut registry = open.locked();
            (std::mem::take(&mut registry.closed), std::mem::take(&mut registry.refused))
        };
        for (reason, count) in closed {
            // Clients leave idle connections behind every day.
            if reason != Reason::Idle {
                say(node, format_args!("connections closed {}: {count}", reason.describe()));
            }
        }
        if refused > 0 {
            say(node, format_args!("connections refused, since all places were taken: {refused}"));
        }
    }
}

/// The phase of a connection, with the time since which it is in it.
#[derive(Debug, Clone)]
enum Phase {
    Idle(Instant),
    Head(Instant),
    Body(Instant),
    Serving,
    Answer {
        /// The beginning, or the time of the last whole step.
        since: Instant,
        /// The bytes written since then.
        written: usize,
        /// The memory that it takes, if it is large.
        _reserved: Option<Reserved>,
    },
}

/// An open connection, by its phase.
#[derive(Clone)]
struct Connection(Arc<Mutex<Phase>>);

impl Connection {
    fn phase(&self) -> Phase {
        self.locked().clone()
    }

    fn enter(&self, phase: Phase) {
        *self.locked() = phase;
    }

    fn locked(&self) -> MutexGuard<'_, Phase> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Serves until the client ends it, or it has to close.
    async fn run<E: Endpoints>(
        &self,
        stream: TcpStream,
        close: oneshot::Receiver<Reason>,
        endpoints: E,
    ) {
        let watched = Watched { stream, connection: self.clone() };
        let service = service_fn(|request| self.respond(request, &endpoints));
        let mut http = http1::Builder::new();
        // There is one limit for heads, and it is ours: hyper's says nothing to the client.
        http.max_buf_size(HEAD_MAX).header_read_timeout(None);
        let mut served = http.serve_connection(TokioIo::new(watched), service);
        let reason = tokio::select! {
            // An error is about the client: it went away, or sent what is no HTTP.
            _ = &mut served => return,
            reason = close => reason,
        };
        if let (Ok(reason), Phase::Head(_) | Phase::Body(_)) = (reason, self.phase()) {
            let stream = served.into_parts().io.into_inner().stream;
            // Nothing was written before, so these few bytes find room, or the client is gone.
            let _ = stream.try_write(&last_words(&reason.response()));
        }
    }

    /// Reads the body and has the request answered.
    async fn respond<E: Endpoints>(
        &self,
        request: Request<Incoming>,
        endpoints: &E,
    ) -> Result<Response, Infallible> {
        self.enter(Phase::Body(Instant::now()));
        let (head, body) = request.into_parts();
        let max = endpoints.body_max(head.uri.path());
        let body = read(body, max).await;
        self.enter(Phase::Serving);
        let mut response = match body {
            Ok(Some(body)) => endpoints.answer(head, body).await,
            Ok(None) => bad_request(&format!("the body has more than {max} bytes")).into(),
            Err(error) => bad_request(&format!("the body cannot be read: {error}")).into(),
        };
        let _reserved = response.extensions_mut().remove();
        self.enter(Phase::Answer { since: Instant::now(), written: 0, _reserved });
        Ok(response)
    }
}

/// The whole body; nothing if it has more than `max` bytes. Of one that is not much larger, the
/// rest is read: a client that is still sending when the connection closes does not see the answer.
async fn read(mut body: Incoming, max: usize) -> Result<Option<Bytes>, hyper::Error> {
    if body.size_hint().upper().is_some_and(|size| size <= max as u64) {
        return Ok(Some(body.collect().await?.to_bytes()));
    }
    let (mut read, mut size) = (Vec::new(), 0);
    while size <= 8 * max
        && let Some(frame) = body.frame().await.transpose()?
    {
        let Some(data) = frame.data_ref() else { continue };
        size += data.len();
        if size <= max {
            read.extend_from_slice(data);
        }
    }
    Ok((size <= max).then(|| read.into()))
}

/// A whole HTTP response, behind which the connection closes.
fn last_words(JsonResponse(code, body): &JsonResponse) -> Vec<u8> {
    let body = body.to_string();
    let length = body.len();
    format!(
        "HTTP/1.1 {code}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\
         connection: close\r\n\r\n{body}"
    )
    .into_bytes()
}

/// A stream that notes the phases which only bytes show: that a request begins, that an answer goes
/// on, that all of it is written.
struct Watched {
    stream: TcpStream,
    connection: Connection,
}

impl Watched {
    fn wrote(&self, written: &Poll<io::Result<usize>>) {
        let Poll::Ready(Ok(count)) = written else { return };
        if let Phase::Answer { since, written, .. } = &mut *self.connection.locked() {
            *written += count;
            if *written >= WRITE_STEP {
                (*since, *written) = (Instant::now(), 0);
            }
        }
    }
}

impl AsyncRead for Watched {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(context, buffer))?;
        let mut phase = self.connection.locked();
        if matches!(*phase, Phase::Idle(_)) && buffer.filled().len() > before {
            *phase = Phase::Head(Instant::now());
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Watched {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.wrote(&written);
        written
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, parts);
        self.wrote(&written);
        written
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    /// hyper flushes once its buffers are empty, so behind an answer this is the end of it.
    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(Pin::new(&mut self.stream).poll_flush(context))?;
        let mut phase = self.connection.locked();
        if matches!(*phase, Phase::Answer { .. }) {
            *phase = Phase::Idle(Instant::now());
        }
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
