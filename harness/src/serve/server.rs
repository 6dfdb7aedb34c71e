//! A small HTTP server: a thread for each connection, an answer for each. Bodies are not read.

use std::fs::File;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};

use super::request::{Refused, Request};

/// The most bytes of the head of a request.
const HEAD: usize = 16 * 1024;

/// The time that a client may take for its request, and for a part of the answer.
const PATIENCE: Duration = Duration::from_secs(20);

/// The most connections at a time. A browser has six; the others are refused.
const CONNECTIONS: usize = 64;

/// The time after which a listener that can take no connection tries again.
const PAUSE: Duration = Duration::from_millis(100);

/// The pages of a server.
pub(crate) trait Answers: Send + Sync + 'static {
    /// Answers a request.
    fn answer(&self, request: &Request) -> Response;
}

/// An answer.
pub(crate) struct Response {
    /// The status, such as `200 OK`.
    pub status: &'static str,
    /// The type of the contents.
    pub kind: &'static str,
    /// Another header, as a whole.
    pub header: Option<String>,
    /// The contents.
    pub contents: Contents,
}

/// The contents of an answer.
pub(crate) enum Contents {
    /// A text.
    Text(String),
    /// A file of so many bytes.
    File(File, u64),
}

impl Response {
    /// A page.
    pub fn page(html: String) -> Response {
        let kind = "text/html; charset=utf-8";
        Response { status: "200 OK", kind, header: None, contents: Contents::Text(html) }
    }

    /// Data for a script.
    pub fn json(value: &serde_json::Value) -> Response {
        let contents = Contents::Text(value.to_string());
        Response { status: "200 OK", kind: "application/json", header: None, contents }
    }

    /// A sentence with a status of its own.
    pub fn sentence(status: &'static str, text: impl Into<String>) -> Response {
        let kind = "text/plain; charset=utf-8";
        let text = format!("{}\n", text.into());
        Response { status, kind, header: None, contents: Contents::Text(text) }
    }

    /// The way to another address.
    pub fn moved(address: &str) -> Response {
        let header = Some(format!("Location: {address}"));
        Response { header, ..Response::sentence("301 Moved Permanently", address) }
    }
}

/// Opens a port.
///
/// # Errors
/// When it is taken, or no address of this machine.
pub(crate) fn listen(address: SocketAddr) -> Result<(TcpListener, SocketAddr)> {
    let cannot = || format!("cannot listen on {address}");
    let listener = TcpListener::bind(address).with_context(cannot)?;
    let address = listener.local_addr().with_context(cannot)?;
    Ok((listener, address))
}

/// Answers what comes in, for ever.
pub(crate) fn serve(listener: &TcpListener, site: &Arc<impl Answers>) {
    let open = Arc::new(AtomicUsize::new(0));
    loop {
        let Ok((stream, _)) = listener.accept() else {
            // Such as without a free descriptor.
            thread::sleep(PAUSE);
            continue;
        };
        if open.fetch_add(1, Ordering::Relaxed) >= CONNECTIONS {
            open.fetch_sub(1, Ordering::Relaxed);
            continue;
        }
        let (site, counter) = (Arc::clone(site), Arc::clone(&open));
        let started = thread::Builder::new().name("answer".into()).spawn(move || {
            // A client that went away needs no answer.
            let _ = answer(stream, &*site);
            counter.fetch_sub(1, Ordering::Relaxed);
        });
        if started.is_err() {
            open.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

fn answer(mut stream: TcpStream, site: &impl Answers) -> io::Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let Some(head) = head(&mut stream)? else {
        return write(
            &mut stream,
            Response::sentence("431 Request Header Fields Too Large", "too long"),
            false,
        );
    };
    let request = Request::parse(&head);
    let head_only = request.as_ref().is_ok_and(|request| request.head_only);
    let response = match request {
        Ok(request) => site.answer(&request),
        Err(Refused::Malformed) => Response::sentence("400 Bad Request", "there is no such path"),
        Err(Refused::Unknown) => {
            Response::sentence("405 Method Not Allowed", "there is no such method here")
        }
    };
    write(&mut stream, response, head_only)
}

/// The head of a request; none if it is too long.
fn head(stream: &mut TcpStream) -> io::Result<Option<String>> {
    let mut head = Vec::new();
    let mut part = [0; 2048];
    loop {
        if let Some(end) = head.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
            return Ok(Some(String::from_utf8_lossy(&head[..end]).into_owned()));
        }
        if head.len() > HEAD {
            return Ok(None);
        }
        match stream.read(&mut part)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            length => head.extend_from_slice(&part[..length]),
        }
    }
}

fn write(stream: &mut TcpStream, response: Response, head_only: bool) -> io::Result<()> {
    let Response { status, kind, header, contents } = response;
    let length = match &contents {
        Contents::Text(text) => text.len() as u64,
        Contents::File(_, length) => *length,
    };
    let header = header.map_or_else(String::new, |header| format!("{header}\r\n"));
    // What lies here changes; and a log is no page, whatever stands in it.
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n{header}\
         Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(head.as_bytes())?;
    if !head_only {
        match contents {
            Contents::Text(text) => stream.write_all(text.as_bytes())?,
            // A file may grow meanwhile: the rest of it is for the next request.
            Contents::File(file, length) => drop(io::copy(&mut file.take(length), stream)?),
        }
    }
    stream.flush()
}
