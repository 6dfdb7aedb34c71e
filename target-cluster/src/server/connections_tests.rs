//! Connections over real sockets, with limits of a fraction of a second.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use http::StatusCode;
use http::request::Parts;
use hyper::body::Bytes;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::RequestLimits;
use super::api::{Response, json_response};
use super::connections::{Endpoints, serve};

/// The limit under test, of each kind.
const LIMIT: Duration = Duration::from_millis(400);

/// Far beyond every limit: it only ends a test that hangs.
const PATIENCE: Duration = Duration::from_secs(30);

/// No limit that a test would notice.
const GENEROUS: RequestLimits = RequestLimits {
    deadline: PATIENCE,
    request: PATIENCE,
    answer: PATIENCE,
    idle: PATIENCE,
    connections: 1,
};

/// Answers a number with an array of so many zeros, and "never" not at all.
#[derive(Clone)]
struct Zeros;

impl Endpoints for Zeros {
    fn body_max(&self, _path: &str) -> usize {
        100
    }

    async fn answer(&self, _head: Parts, body: Bytes) -> Response {
        match serde_json::from_slice::<usize>(&body) {
            Ok(count) => json_response(StatusCode::OK, &vec![0; count]),
            Err(_) => std::future::pending().await,
        }
    }
}

/// Starts a listener in a thread of its own, which ends with the tests.
fn listen(limits: RequestLimits, places: usize) -> SocketAddr {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let listener = TcpListener::from_std(listener).unwrap();
            serve(&"n1".into(), listener, Zeros, limits, places).await
        })
    });
    address
}

/// A connection that has sent this much.
fn connect(address: SocketAddr, sent: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(sent.as_bytes()).unwrap();
    stream
}

/// A whole request with this body.
fn request(body: &str) -> String {
    format!("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\n\r\n{body}", body.len())
}

/// Status code and body of the next answer.
fn answer(stream: &mut TcpStream) -> (u16, Value) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).unwrap().to_lowercase();
    let length = head.split("content-length: ").nth(1).unwrap().lines().next().unwrap();
    let mut body = vec![0; length.parse().unwrap()];
    stream.read_exact(&mut body).unwrap();
    (head[9..12].parse().unwrap(), serde_json::from_slice(&body).unwrap())
}

/// The number of bytes that came before the end, by a close or a reset.
fn until_the_end(stream: &mut TcpStream) -> usize {
    let mut count = 0;
    let mut buffer = vec![0; 64 * 1024];
    loop {
        match stream.read(&mut buffer) {
            Ok(0) => return count,
            Ok(read) => count += read,
            Err(error) if error.kind() == ErrorKind::ConnectionReset => return count,
            Err(error) => panic!("neither closed nor reset: {error}"),
        }
    }
}

fn request_timeout() -> (u16, Value) {
    let reason = "the whole request did not come in time";
    let body = json!({
        "type": "refused", "error": "request_timeout", "definite": true, "reason": reason,
    });
    (408, body)
}

fn overloaded() -> (u16, Value) {
    let reason = "this node has as many connections as it takes";
    (503, json!({"type": "refused", "error": "overloaded", "definite": true, "reason": reason}))
}

#[test]
fn a_request_that_does_not_go_on_is_closed_and_told_so() {
    let address = listen(RequestLimits { request: LIMIT, ..GENEROUS }, 100);
    let head = "POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n";
    let start = Instant::now();
    for sent in ["P", head, &format!("{head}\r\n"), &format!("{head}\r\n1234")] {
        let mut slow = connect(address, sent);
        let mut other = connect(address, &request("1"));
        assert_eq!(answer(&mut other), (200, json!([0])), "others are served beside it");
        assert_eq!(answer(&mut slow), request_timeout(), "{sent:?}");
        assert_eq!(until_the_end(&mut slow), 0, "{sent:?}");
    }
    assert!(start.elapsed() >= 4 * LIMIT);
}

#[test]
fn a_request_that_drips_is_closed_all_the_same() {
    let address = listen(RequestLimits { request: LIMIT, ..GENEROUS }, 100);
    let mut slow = connect(address, "GET / HTTP/1.1\r\n");
    let mut sent = 0;
    while slow.write_all(b"a").is_ok() && sent < 10_000 {
        thread::sleep(LIMIT / 20);
        sent += 1;
    }
    assert!((10..200).contains(&sent), "closed after {sent} bytes");
}

#[test]
fn a_connection_without_requests_is_closed() {
    let address = listen(RequestLimits { idle: LIMIT, ..GENEROUS }, 100);
    let mut stream = connect(address, "");
    assert_eq!(until_the_end(&mut stream), 0, "no request ever");
    let mut stream = connect(address, "");
    let start = Instant::now();
    while start.elapsed() < 2 * LIMIT {
        thread::sleep(LIMIT / 8);
        stream.write_all(request("1").as_bytes()).unwrap();
        assert_eq!(answer(&mut stream), (200, json!([0])), "a request begins the time anew");
    }
    assert_eq!(until_the_end(&mut stream), 0);
}

/// More zeros than the buffers of two sockets take.
const MANY: &str = "8000000";

#[test]
fn an_answer_that_is_not_read_is_given_up() {
    let address = listen(RequestLimits { answer: LIMIT, ..GENEROUS }, 100);
    let mut stream = connect(address, &request(MANY));
    let mut other = connect(address, &request("1"));
    assert_eq!(answer(&mut other), (200, json!([0])), "others are served beside it");
    // Nothing is read before it is given up, however long a busy machine takes for that: what is
    // written to a connection that is closed at the other end fails.
    let start = Instant::now();
    while stream.write_all(b"G").is_ok() {
        assert!(start.elapsed() < PATIENCE, "it is not given up");
        thread::sleep(LIMIT / 8);
    }
}

#[test]
fn an_answer_that_is_read_slowly_is_not_given_up() {
    let address = listen(RequestLimits { answer: LIMIT, ..GENEROUS }, 100);
    let mut stream = connect(address, &request(MANY));
    let start = Instant::now();
    let (mut came, mut buffer) = (0, vec![0; 1024 * 1024]);
    while came < 16_000_001 {
        came += stream.read(&mut buffer).unwrap();
        thread::sleep(LIMIT / 20);
    }
    assert!(start.elapsed() > LIMIT, "longer in all than a step may take");
    stream.write_all(request("2").as_bytes()).unwrap();
}

#[test]
fn a_newcomer_gets_the_place_of_whoever_keeps_the_node_waiting() {
    let address = listen(GENEROUS, 3);
    let asking = connect(address, &request("\"never\""));
    for half in ["POST /", "POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\n1"] {
        let mut half_sent = connect(address, half);
        thread::sleep(LIMIT / 4);
        let mut idle = connect(address, &request("1"));
        assert_eq!(answer(&mut idle), (200, json!([0])));
        drop(connect(address, &request("1")));
        assert_eq!(answer(&mut half_sent), overloaded(), "it waits for the longest time");
    }
    let mut idle = [connect(address, &request("1")), connect(address, &request("1"))];
    assert_eq!(idle.each_mut().map(answer), [(200, json!([0])), (200, json!([0]))]);
    let mut newcomer = connect(address, &request("\"never\""));
    let mut second = connect(address, &request("\"never\""));
    assert_eq!(idle.each_mut().map(until_the_end), [0, 0], "there are no requests to answer");
    // Now all are asking.
    let mut refused = connect(address, &request("1"));
    assert_eq!(answer(&mut refused), overloaded());
    asking.shutdown(Shutdown::Both).unwrap();
    let start = Instant::now();
    let answered = loop {
        let answered = answer(&mut connect(address, &request("1")));
        if answered.0 == 200 || start.elapsed() > PATIENCE {
            break answered;
        }
    };
    assert_eq!(answered, (200, json!([0])), "a place that is left is free");
    for stream in [&mut newcomer, &mut second] {
        stream.set_read_timeout(Some(Duration::from_millis(10))).unwrap();
        assert!(stream.read(&mut [0]).is_err(), "it is still open, and not answered");
    }
}

#[test]
fn a_body_that_is_too_large_is_refused_and_the_client_gets_to_read_that() {
    let address = listen(GENEROUS, 3);
    let mut stream = connect(address, &request(&"1".repeat(500)));
    let (code, body) = answer(&mut stream);
    assert_eq!((code, &body["reason"]), (400, &json!("the body has more than 100 bytes")));
    assert_eq!(body["definite"], true);
    stream.write_all(request("1").as_bytes()).unwrap();
    assert_eq!(answer(&mut stream), (200, json!([0])), "all of it was read");
}
