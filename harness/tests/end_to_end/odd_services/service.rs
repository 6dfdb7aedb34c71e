//! A service that runs in the test, with habits that services have: registers over HTTP, on several
//! ports that all stand for the same store.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use serde_json::{Value, json};

/// The habits of a service.
#[derive(Debug, Clone, Copy, Default)]
pub struct Habits {
    /// Clients log in, and a session ends after so many requests.
    pub session_lasts: Option<u32>,
    /// Keys are created before they are used.
    pub keys_are_created: bool,
    /// The first node alone serves. Others say so: in a header, or in their text.
    pub leads: Option<Hint>,
    /// The last node reads what was there before the last so many writes of a key, for a moment.
    pub is_stale: bool,
}

/// The place where a node that does not lead names the one that does.
#[derive(Debug, Clone, Copy)]
pub enum Hint {
    Header,
    Body,
}

/// A running service.
pub struct Service {
    pub addresses: Vec<SocketAddr>,
    store: Arc<Mutex<Store>>,
}

#[derive(Default)]
struct Store {
    habits: Habits,
    leader: usize,
    addresses: Vec<SocketAddr>,
    /// Value and version of each key; the version before any write is 0.
    values: BTreeMap<String, (Value, u64)>,
    before: BTreeMap<String, (Value, std::time::Instant)>,
    session: u32,
    requests: u32,
    logins: u32,
}

/// For so long a node that is stale is.
const STALE_FOR: std::time::Duration = std::time::Duration::from_millis(400);

struct Request {
    method: String,
    path: String,
    headers: BTreeMap<String, String>,
    body: String,
}

struct Response {
    status: u16,
    header: Option<(&'static str, String)>,
    body: String,
}

fn plain(status: u16, body: impl ToString) -> Response {
    Response { status, header: None, body: body.to_string() }
}

impl Service {
    /// Three nodes of it.
    pub fn start(habits: Habits) -> Service {
        let listeners: Vec<TcpListener> = (0..3)
            .map(|_| TcpListener::bind(("127.0.0.1", 0)).expect("the loopback has ports"))
            .collect();
        let address = |it: &TcpListener| it.local_addr().expect("it is bound");
        let addresses: Vec<SocketAddr> = listeners.iter().map(address).collect();
        let store = Store { habits, addresses: addresses.clone(), ..Store::default() };
        let store = Arc::new(Mutex::new(store));
        for (node, listener) in listeners.into_iter().enumerate() {
            let store = store.clone();
            thread::spawn(move || {
                for connection in listener.incoming().flatten() {
                    let store = store.clone();
                    // A client that goes away is no concern of a server.
                    thread::spawn(move || drop(serve(node, connection, &store)));
                }
            });
        }
        Service { addresses, store }
    }

    /// As `--addresses` takes them.
    pub fn flag(&self) -> String {
        self.addresses.iter().map(SocketAddr::to_string).collect::<Vec<_>>().join(",")
    }

    /// The number of times that somebody logged in.
    pub fn logins(&self) -> u32 {
        lock(&self.store).logins
    }
}

fn lock(store: &Mutex<Store>) -> MutexGuard<'_, Store> {
    store.lock().unwrap_or_else(PoisonError::into_inner)
}

fn serve(node: usize, connection: TcpStream, store: &Mutex<Store>) -> std::io::Result<()> {
    let mut input = BufReader::new(connection.try_clone()?);
    let mut output = connection;
    loop {
        let mut line = String::new();
        if input.read_line(&mut line)? == 0 {
            return Ok(());
        }
        let mut words = line.split_whitespace().map(str::to_owned);
        let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        let last = words.next().is_some_and(|version| version == "HTTP/1.0");
        let mut headers = BTreeMap::new();
        loop {
            let mut line = String::new();
            input.read_line(&mut line)?;
            let Some((name, value)) = line.trim().split_once(':') else { break };
            headers.insert(name.to_lowercase(), value.trim().to_owned());
        }
        let length = headers.get("content-length").and_then(|it| it.parse().ok()).unwrap_or(0);
        let mut body = vec![0; length];
        input.read_exact(&mut body)?;
        let body = String::from_utf8_lossy(&body).into_owned();
        let response = lock(store).answer(node, &Request { method, path, headers, body });
        let Response { status, header, body } = response;
        let header =
            header.map_or_else(String::new, |(name, value)| format!("{name}: {value}\r\n"));
        let length = body.len();
        let head = format!("HTTP/1.1 {status} It\r\n{header}Content-Length: {length}\r\n\r\n");
        output.write_all(format!("{head}{body}").as_bytes())?;
        if last {
            return Ok(());
        }
    }
}

impl Store {
    fn answer(&mut self, node: usize, request: &Request) -> Response {
        let Request { method, path, headers, body } = request;
        match (method.as_str(), path.as_str()) {
            // It is no operation, and wears no session out.
            ("GET", "/status") => {
                let session = headers.get("x-session").map_or("", String::as_str);
                if self.habits.session_lasts.is_some() && session != self.session.to_string() {
                    return plain(401, "log in");
                }
                let leader = format!("n{}", self.leader + 1);
                let applied = self.values.values().map(|(_, version)| version).sum::<u64>();
                return plain(200, json!({"leader": leader, "applied": applied}));
            }
            ("POST", "/login") => {
                (self.session, self.requests) = (self.session + 1, 0);
                self.logins += 1;
                return plain(200, json!({"session": self.session}));
            }
            ("GET", "/dump") if !self.is_known(headers) => return plain(401, "log in"),
            ("GET", "/dump") => {
                let held = self.values.iter().map(|(key, (value, _))| (key.clone(), value.clone()));
                return plain(200, Value::Object(held.collect()));
            }
            _ => {}
        }
        if let Some(to) = path.strip_prefix("/lead/n") {
            let leader = format!("n{}", self.leader + 1);
            if !self.is_known(headers) {
                return plain(401, "log in");
            }
            if headers.get("x-instead-of").is_some_and(|instead_of| *instead_of != leader) {
                return plain(409, format!("{leader} leads"));
            }
            self.leader = to.parse::<usize>().expect("a node has a number") - 1;
            return plain(200, "");
        }
        if let Some(hint) = self.habits.leads
            && node != self.leader
        {
            let leader = self.addresses[self.leader];
            return match hint {
                Hint::Header => Response {
                    status: 400,
                    header: Some(("X-Leader", format!("http://{leader}/"))),
                    body: "no".into(),
                },
                Hint::Body => plain(400, format!("not me; the leader is {leader}, ask there")),
            };
        }
        if let Some(lasts) = self.habits.session_lasts {
            self.requests += 1;
            let session = headers.get("x-session").map_or("", String::as_str);
            if self.requests > lasts || session != self.session.to_string() {
                return plain(401, "log in");
            }
        }
        let (what, key) = path[1..].split_once('/').unwrap_or_default();
        let key = key.to_owned();
        if what == "keys" {
            let is_new = !self.values.contains_key(&key);
            self.values.entry(key).or_insert((Value::Null, 0));
            return plain(if is_new { 201 } else { 409 }, "");
        }
        if self.habits.keys_are_created && !self.values.contains_key(&key) {
            return plain(410, "no such key");
        }
        let (value, version) = self.values.get(&key).cloned().unwrap_or_default();
        let sent = || serde_json::from_str::<Value>(body).expect("JSON was sent");
        match (method.as_str(), what) {
            ("GET", "kv") => {
                let before = self.before.get(&key).filter(|(_, at)| at.elapsed() < STALE_FOR);
                let value = match before {
                    Some((before, _)) if self.habits.is_stale && node == 2 => before.clone(),
                    _ => value,
                };
                let header = Some(("ETag", format!("\"{version}\"")));
                let status = if value.is_null() { 404 } else { 200 };
                Response { status, header, body: json!({"value": value}).to_string() }
            }
            ("PUT", "kv") => {
                let asked = headers.get("if-match");
                if asked.is_some_and(|asked| *asked != format!("\"{version}\"")) {
                    return plain(412, "");
                }
                self.write(key, sent());
                plain(204, "")
            }
            ("POST", "cas" | "refuse") => {
                let pair = sent();
                let is_as_expected = pair[0] == value;
                if is_as_expected {
                    self.write(key, pair[1].clone());
                }
                match (what, is_as_expected) {
                    ("cas", done) => plain(200, done),
                    (_, true) => plain(204, ""),
                    (_, false) => plain(409, "refused"),
                }
            }
            _ => plain(404, "no such thing"),
        }
    }

    /// Returns true if it came with a session that there ever was, where there are sessions.
    fn is_known(&self, headers: &BTreeMap<String, String>) -> bool {
        let session = headers.get("x-session").and_then(|session| session.parse().ok());
        self.habits.session_lasts.is_none()
            || session.is_some_and(|session: u32| (1..=self.session).contains(&session))
    }

    fn write(&mut self, key: String, value: Value) {
        let entry = self.values.entry(key.clone()).or_default();
        let before = std::mem::replace(&mut entry.0, value);
        entry.1 += 1;
        self.before.insert(key, (before, std::time::Instant::now()));
    }
}
