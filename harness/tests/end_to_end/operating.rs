//! The operator's page, carried out from top to bottom: each command is done to a real cluster, and each
//! answer has the shape of the one that is shown.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::background::signal;
use crate::common::{scratch, stormproof};
use crate::turn::turn;

/// The time that a cluster may take to answer as it should. Generous: it only ends a test that hangs.
const PATIENCE: Duration = Duration::from_secs(90);

/// The number of nodes that the page speaks of, and the ports that it gives them.
const NODES: u16 = 4;
const CLIENTS: u16 = 7001;
const PEERS: u16 = 7101;

/// Commands of the page, and the answer to the last of them.
struct Example {
    line: usize,
    commands: Vec<String>,
    answer: Option<Value>,
}

/// The examples of the page.
fn examples() -> Vec<Example> {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/operating.md");
    let page = std::fs::read_to_string(page).expect("the page is there");
    let mut examples: Vec<Example> = Vec::new();
    let mut inside: Option<&str> = None;
    for (line, text) in (1..).zip(page.lines()) {
        match (text.strip_prefix("```"), inside) {
            (Some(_), Some(_)) => inside = None,
            (Some(kind), None) => {
                inside = Some(kind);
                if kind == "sh" {
                    examples.push(Example { line, commands: Vec::new(), answer: None });
                }
            }
            (None, Some("sh")) => {
                let command = text.split("     #").next().unwrap_or_default();
                examples.last_mut().expect("it has begun").commands.push(command.to_string());
            }
            (None, Some("json")) => {
                let answer = serde_json::from_str(text);
                let answer = answer.unwrap_or_else(|error| panic!("line {line}: {error}"));
                let shown = examples.last_mut().expect("a command comes first");
                assert!(shown.answer.replace(answer).is_none(), "line {line}: a second answer");
            }
            (None, Some(kind)) => panic!("line {line}: a block of {kind:?}"),
            (None, None) => {}
        }
    }
    examples
}

/// True if an answer is as it is shown: numbers may differ, and what is shown as `…`.
fn is_like(shown: &Value, answer: &Value) -> bool {
    match (shown, answer) {
        (Value::String(shown), _) if shown == "…" => true,
        (Value::String(shown), Value::String(answer)) => match shown.split_once('…') {
            Some((start, end)) => answer.starts_with(start) && answer.ends_with(end),
            None => shown == answer,
        },
        (Value::Number(_), Value::Number(_)) => true,
        (Value::Array(shown), Value::Array(answer)) => {
            shown.len() == answer.len()
                && shown.iter().zip(answer).all(|(one, it)| is_like(one, it))
        }
        (Value::Object(shown), Value::Object(answer)) => {
            shown.keys().eq(answer.keys())
                && shown.iter().all(|(key, value)| is_like(value, &answer[key]))
        }
        _ => shown == answer,
    }
}

/// The cluster of the page, on ports of its own.
struct Page {
    directory: PathBuf,
    /// The port of the first node for clients.
    port: u16,
    up: Option<(Child, Receiver<String>)>,
    /// The process of each node.
    processes: BTreeMap<String, String>,
}

impl Drop for Page {
    fn drop(&mut self) {
        self.stop();
    }
}

/// The first of ports in a row that are free, with those for the other nodes above them.
fn free_ports() -> u16 {
    let is_free = |port: u16| TcpListener::bind(("127.0.0.1", port)).is_ok();
    let drawn = || TcpListener::bind(("127.0.0.1", 0))?.local_addr().map(|it| it.port());
    let all_are = |first: &u16| {
        let ports = |from| (from..).take(NODES.into());
        *first < u16::MAX - 200 && ports(*first).chain(ports(first + 100)).all(is_free)
    };
    std::iter::repeat_with(|| drawn().expect("a free port")).find(all_are).expect("it goes on")
}

impl Page {
    /// The text with the ports of this cluster in place of those of the page.
    fn with_ports(&self, text: &str) -> String {
        let mut text = text.to_string();
        for node in 0..NODES {
            for (shown, real) in [(CLIENTS, self.port), (PEERS, self.port + 100)] {
                text = text.replace(&format!(":{}", shown + node), &format!(":{}", real + node));
            }
        }
        text
    }

    fn stop(&mut self) {
        if let Some((mut up, _)) = self.up.take() {
            signal(up.id() as i32, "INT");
            up.wait().expect("it ends");
        }
    }

    /// Starts the cluster anew, by that command.
    fn start(&mut self, command: &str) {
        self.stop();
        let mut up = stormproof()
            .args(command.split_whitespace().skip(1))
            .args(["--port", &self.port.to_string(), "--election-timeout", "1s"])
            .current_dir(&self.directory)
            .stdout(Stdio::piped())
            .spawn()
            .expect("the binary starts");
        let out = BufReader::new(up.stdout.take().expect("it is piped"));
        let (tell, lines) = channel();
        std::thread::spawn(move || {
            for line in out.lines().map_while(Result::ok) {
                let _ = tell.send(line);
            }
        });
        self.up = Some((up, lines));
        self.lead();
        let noted = json!(["n1", "n2", "n3"]);
        self.until("all are noted", |page| {
            page.ask("GET", "/status", "").is_some_and(|it| it["noted"] == noted)
        });
    }

    /// Waits until that is so.
    fn until(&mut self, what: &str, mut is_so: impl FnMut(&mut Page) -> bool) {
        let start = Instant::now();
        while !is_so(self) {
            assert!(start.elapsed() < PATIENCE, "not within {PATIENCE:?}: {what}");
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// Has n1 lead, as on the page.
    fn lead(&mut self) {
        self.until("n1 leads", |page| {
            let Some(status) = page.ask("GET", "/status", "") else { return false };
            let Some(leader) = status["leader"].as_str() else { return false };
            let number: u16 = leader.trim_start_matches('n').parse().expect("a number");
            let to_n1 = r#"{"to":"n1"}"#;
            leader == "n1"
                || page
                    .ask_at(page.port + number - 1, "POST", "/admin/transfer", to_n1)
                    .is_some_and(|(_, answer)| answer["type"] == "ok")
        });
    }

    /// Asks n1.
    fn ask(&self, method: &str, path: &str, body: &str) -> Option<Value> {
        self.ask_at(self.port, method, path, body).map(|(_, answer)| answer)
    }

    /// Asks a node; gives the code and the answer, if there is one.
    fn ask_at(&self, port: u16, method: &str, path: &str, body: &str) -> Option<(u16, Value)> {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
        stream.set_read_timeout(Some(PATIENCE)).ok()?;
        let length = body.len();
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}"
        )
        .ok()?;
        let mut text = String::new();
        stream.read_to_string(&mut text).ok()?;
        let (head, body) = text.split_once("\r\n\r\n")?;
        let code = head.split_whitespace().nth(1)?.parse().ok()?;
        Some((code, serde_json::from_str(body).ok()?))
    }

    /// Does what curl would, until the answer is as it should be.
    fn curl(&mut self, command: &str, shown: Option<&Value>) {
        let words = words(&self.with_ports(command));
        let (mut method, mut body, mut url) = ("GET", "", "");
        let mut rest = words.iter().map(String::as_str).skip(1);
        while let Some(word) = rest.next() {
            match word {
                "-s" => {}
                "-X" => method = rest.next().expect("a method"),
                "-d" => (method, body) = ("POST", rest.next().expect("a body")),
                _ => url = word,
            }
        }
        let (address, path) = url.split_at(url.find('/').expect("a path"));
        let port = address.rsplit_once(':').expect("a port").1.parse().expect("a number");
        let start = Instant::now();
        loop {
            let answer = self.ask_at(port, method, path, body);
            let is_right = |(code, answer): &(u16, Value)| match shown {
                Some(shown) => is_like(shown, answer),
                None => *code == 200,
            };
            if answer.as_ref().is_some_and(is_right) {
                return;
            }
            let waited = start.elapsed();
            assert!(waited < PATIENCE, "{command}\nshown:  {shown:#?}\nanswer: {answer:#?}");
            // On a busy machine another node may have been elected meanwhile.
            if answer.is_some_and(|(code, _)| code == 421) {
                self.lead();
            }
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// Has a shell do it; the process that it speaks of is that of n3.
    fn shell(&mut self, command: &str) {
        let (_, lines) = self.up.as_ref().expect("a cluster runs");
        for line in lines.try_iter() {
            if let Some((node, process)) = line.split_once(" runs as process ") {
                self.processes.insert(node.to_string(), process.to_string());
            }
        }
        let command = command.replace("4242", &self.processes["n3"]);
        let mut shell = Command::new("sh");
        let done = shell.args(["-c", &command]).current_dir(&self.directory).status();
        assert!(done.expect("a shell").success(), "{command}");
    }
}

/// The words of a command line, of which some are in single quotes.
fn words(command: &str) -> Vec<String> {
    let parts = command.split('\'').enumerate();
    let words = parts.flat_map(|(number, part)| match number % 2 {
        0 => part.split_whitespace().map(String::from).collect(),
        _ => vec![part.to_string()],
    });
    words.collect()
}

#[test]
fn the_operators_page_tells_of_the_cluster_as_it_is() {
    let _turn = turn();
    let directory = scratch("operating");
    let (up, processes) = (None, BTreeMap::new());
    let mut page = Page { directory, port: free_ports(), up, processes };
    for Example { line, commands, answer } in examples() {
        eprintln!("line {line}: {}", commands.join("; "));
        let shown = answer.map(|answer| page.with_ports(&answer.to_string()));
        let shown: Option<Value> = shown.map(|text| serde_json::from_str(&text).expect("JSON"));
        let last = commands.len() - 1;
        for (number, command) in commands.iter().enumerate() {
            match command.split_whitespace().next() {
                Some("stormproof") => page.start(command),
                Some("curl") => {
                    page.curl(command, shown.as_ref().filter(|_| number == last));
                }
                _ => page.shell(command),
            }
        }
    }
}

#[test]
fn an_answer_is_like_one_that_is_shown() {
    let shown = json!({"a": 1, "b": "x…", "c": "…", "d": [null], "e": "f"});
    assert!(is_like(&shown, &json!({"a": 7, "b": "xyz", "c": {"z": 1}, "d": [null], "e": "f"})));
    for (key, other) in [("a", json!("1")), ("b", json!("y")), ("d", json!([])), ("e", json!("g"))]
    {
        let mut answer = shown.clone();
        answer[key] = other;
        assert!(!is_like(&shown, &answer), "{key}");
    }
    assert!(!is_like(&json!({"a": 1}), &json!({"a": 1, "b": 2})));
}
