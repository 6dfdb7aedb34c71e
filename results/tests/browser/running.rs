//! The page of a running cluster in a real browser, on a server that plays the cluster.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use serde_json::json;
use stormproof_results::event::{NodeChange, NodeEvent};
use stormproof_results::report::{
    Button, ClientOperation, Control, Running, running_html, running_now,
};

use crate::devtools::Browser;
use crate::{BROKEN_REFERENCES, ESCAPED, FAINT, TOO_WIDE};

const MS: u64 = 1_000_000;

const BUTTONS: [Button<'_>; 2] = [
    Button { name: "kill", word: "kill", undo: "start", about: "kill its process" },
    Button { name: "slow-disk", word: "slow disk", undo: "cure disk", about: "slow its disk" },
];

/// A cluster that is played: two leaders, the second once n1 was killed.
#[derive(Clone, Default)]
struct PlayedCluster(Arc<Mutex<Played>>);

#[derive(Default)]
struct Played {
    /// The heads of what was posted.
    pressed: Vec<String>,
    /// The number of times that it was asked what is going on.
    asked: u64,
}

impl PlayedCluster {
    /// Serves it at an address.
    fn serve(&self) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("it is bound").to_string();
        let cluster = self.clone();
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                cluster.answer(stream);
            }
        });
        format!("http://{address}/")
    }

    fn pressed(&self) -> Vec<String> {
        self.0.lock().expect("nothing panicked").pressed.clone()
    }

    fn answer(&self, mut stream: TcpStream) {
        let (mut head, mut part) = (Vec::new(), [0; 2048]);
        while !head.ends_with(b"\r\n\r\n") {
            match stream.read(&mut part) {
                Ok(length @ 1..) => head.extend_from_slice(&part[..length]),
                _ => return,
            }
        }
        let head = String::from_utf8_lossy(&head).into_owned();
        let (kind, body) = match head.split(' ').nth(1) {
            Some("/") => ("text/html", running_html(&nodes(), &BUTTONS, "secret")),
            Some("/now") => ("application/json", self.now()),
            _ => {
                self.0.lock().expect("nothing panicked").pressed.push(head);
                ("application/json", "{}".to_owned())
            }
        };
        let length = body.len();
        // A browser that went away needs no answer.
        let _ = write!(
            stream,
            "HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
        );
    }

    fn now(&self) -> String {
        let mut played = self.0.lock().expect("nothing panicked");
        played.asked += 1;
        let is_killed = !played.pressed.is_empty();
        let end = (2_000 + 250 * played.asked) * MS;
        let mut events = vec![role(200, "n1", "leader", 1), role(210, "n2", "follower", 1)];
        if is_killed {
            let status = "signal SIGKILL".to_owned();
            events.push(event(1_500, "n1", NodeChange::Exited { status }));
            events.push(role(1_800, "n2", "candidate", 2));
            events.push(role(1_805, "n2", "leader", 2));
        }
        let operation = |number: u64, outcome| ClientOperation {
            start: end - (4 - number) * 400 * MS,
            end: end - (4 - number) * 400 * MS + 3 * MS,
            f: "read",
            outcome,
            node: Some("n1".into()),
            value: (outcome == "ok").then_some(7),
            error: (outcome != "ok").then(|| "timeout".into()),
        };
        let nodes = nodes();
        let mut now = running_now(Running {
            nodes: &nodes,
            events: &events,
            faults: &[],
            operations: &[operation(1, "ok"), operation(2, "info"), operation(3, "ok")],
            end,
        });
        let control =
            |on: bool, why: Option<&str>| Control { on, busy: false, why: why.map(str::to_owned) };
        let of = |node: &str| {
            BTreeMap::from([
                ("kill", control(is_killed && node == "n1", None)),
                ("slow-disk", control(false, Some("there is no FUSE here"))),
            ])
        };
        now["controls"] = json!({"n1": of("n1"), "n2": of("n2")});
        now["log"] = if is_killed { json!(["kill n1: done"]) } else { json!([]) };
        now.to_string()
    }
}

fn nodes() -> Vec<String> {
    ["n1", "n2"].map(str::to_owned).to_vec()
}

fn event(millisecond: u64, node: &str, change: NodeChange) -> NodeEvent {
    NodeEvent { time: millisecond * MS, node: node.into(), change, at: None }
}

fn role(millisecond: u64, node: &str, role: &str, term: u64) -> NodeEvent {
    event(millisecond, node, NodeChange::Role { role: role.into(), term, leader: None })
}

const STATE_OF_N1: &str = "document.querySelector('#states tbody tr td').textContent";

#[test]
fn the_player_keeps_up_and_a_button_pressed_by_key_is_posted_with_the_token() {
    let Some(mut browser) = Browser::start("running") else { return };
    let cluster = PlayedCluster::default();
    browser.resize(1400);
    browser.open(&cluster.serve());
    browser.wait_until("document.getElementById('state').textContent === 'live'");
    browser.wait_until(&format!("{STATE_OF_N1} === 'leader'"));
    assert_eq!(browser.text(".node[data-node=n1] .state"), "leader, term 1");
    assert_eq!(browser.text("#counter"), "7");
    assert_eq!((browser.text("#acknowledged"), browser.text("#unknown")), ("2".into(), "1".into()));
    assert_eq!(browser.text("#whys"), "slow disk: there is no FUSE here");

    let n1 = ".node[data-node=n1] [data-button=kill]";
    browser.evaluate(&format!("document.querySelector('{n1}').focus()"));
    browser.press("Enter");
    browser.wait_until(&format!("{STATE_OF_N1} === 'down'"));
    let pressed = cluster.pressed();
    assert!(pressed[0].starts_with("POST /press?button=kill&node=n1 "), "{pressed:?}");
    assert!(pressed[0].to_lowercase().contains("x-stormproof-token: secret"), "{pressed:?}");
    let button = format!("document.querySelector('{n1}')");
    browser.wait_until(&format!("{button}.getAttribute('aria-pressed') === 'true'"));
    assert_eq!(browser.evaluate(&format!("{button}.getAttribute('aria-label')")), "start n1");
    assert_eq!(browser.text("#done"), "kill n1: done");
    assert_eq!(browser.evaluate(&format!("document.activeElement === {button}")), true);
    browser.wait_until("document.getElementById('chapters').textContent.includes('n2')");

    // One that can do nothing says why, and nothing is posted.
    browser.click(".node[data-node=n2] [data-button=slow-disk]");
    assert_eq!(cluster.pressed().len(), 1);
    assert_eq!(browser.complaints(), Vec::<String>::new());
}

#[test]
fn a_reader_who_looks_back_stays_there_until_the_player_goes_on() {
    let Some(mut browser) = Browser::start("running-back") else { return };
    let cluster = PlayedCluster::default();
    browser.open(&cluster.serve());
    let moment = "Number(document.getElementById('moment').textContent.split(' ')[0])";
    browser.wait_until(&format!("{moment} > 2.2"));
    browser.evaluate("document.getElementById('cluster').focus()");
    browser.press("Home");
    let end = "Number(document.getElementById('scrub').value)";
    assert_eq!(browser.evaluate(moment), json!(0));
    // The cluster goes on meanwhile.
    let asked = || cluster.0.lock().expect("nothing panicked").asked;
    let before = asked();
    while asked() < before + 3 {
        browser.settle();
    }
    assert_eq!(browser.evaluate(moment), json!(0));
    browser.press(" ");
    browser.wait_until(&format!("{moment} > 2.2 && {end} > 900"));
    // An election is played step by step, and then the player keeps up again.
    browser
        .wait_until("document.querySelector('#chapters button.chapter:not(:disabled)') !== null");
    browser.click("#chapters button.chapter");
    assert_eq!(browser.evaluate("document.getElementById('speed').value"), "steps ×1");
    browser.evaluate("document.getElementById('speed').value = 'steps ×4'");
    browser.wait_until("document.getElementById('speed').value === 'live ×1'");
    assert_eq!(browser.complaints(), Vec::<String>::new());
}

#[test]
fn the_page_of_a_cluster_is_whole_at_every_width_in_both_themes() {
    let Some(mut browser) = Browser::start("running-whole") else { return };
    let cluster = PlayedCluster::default();
    let address = cluster.serve();
    for scheme in ["light", "dark"] {
        browser.show_as("screen", scheme);
        browser.open(&address);
        browser.wait_until(&format!("{STATE_OF_N1} === 'leader'"));
        assert_eq!(browser.evaluate(BROKEN_REFERENCES), json!([]));
        for width in [390, 800, 1400] {
            browser.resize(width);
            assert_eq!(browser.evaluate(TOO_WIDE), json!([]), "at {width}, {scheme}");
            assert_eq!(browser.evaluate(ESCAPED), json!([]), "at {width}, {scheme}");
            assert_eq!(browser.evaluate(FAINT), json!([]), "at {width}, {scheme}");
        }
    }
    assert_eq!(browser.complaints(), Vec::<String>::new());
}
