//! The server of the page of a running cluster. Only this machine is served, and only the page itself
//! may press a button.

use std::io::Read;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};
use results::report::{Running, running_html, running_now};
use serde_json::json;

use super::buttons::{Button, Press};
use super::client::Counting;
use super::operator::{Shown, is_none_of};
use super::record::Record;
use crate::serve::{Answers, Request, Response, listen, serve};

/// The time that a press may take. Generous: the thread that has the cluster may be undoing a fault.
const PATIENCE: Duration = Duration::from_secs(20);

/// Something that the thread which has the cluster is asked for, with the way for its answer.
pub(crate) struct Order {
    pub(crate) press: Press,
    pub(crate) answer: Sender<Result<(), String>>,
}

struct Site {
    nodes: Vec<String>,
    token: String,
    record: Arc<Record>,
    counting: Arc<Counting>,
    shown: Arc<Mutex<Shown>>,
    orders: Mutex<Box<dyn Fn(Order) + Send>>,
}

/// Begins to serve the page of these nodes at a port of this machine, and returns the address. `order`
/// brings presses to the thread that has the cluster.
///
/// # Errors
/// When the port is taken.
pub(crate) fn open(
    port: u16,
    nodes: Vec<String>,
    record: Arc<Record>,
    counting: Arc<Counting>,
    shown: Arc<Mutex<Shown>>,
    order: impl Fn(Order) + Send + 'static,
) -> Result<SocketAddr> {
    let orders: Mutex<Box<dyn Fn(Order) + Send>> = Mutex::new(Box::new(order));
    let token = token()?;
    let site = Arc::new(Site { nodes, token, record, counting, shown, orders });
    let (listener, address) = listen((Ipv4Addr::LOCALHOST, port).into())?;
    let answering = thread::Builder::new().name("page".into());
    answering.spawn(move || serve(&listener, &site)).context("cannot start the page's thread")?;
    Ok(address)
}

/// A word that cannot be guessed.
fn token() -> Result<String> {
    let mut bytes = [0; 16];
    std::fs::File::open("/dev/urandom")
        .and_then(|mut random| random.read_exact(&mut bytes))
        .context("cannot read /dev/urandom")?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

impl Answers for Site {
    fn answer(&self, request: &Request) -> Response {
        if !request.is_for_this_machine() {
            return Response::sentence("403 Forbidden", "ask by the address of this machine");
        }
        match (request.place().as_str(), request.acts) {
            ("", false) => Response::page(self.page()),
            ("now", false) => Response::json(&self.now()),
            ("press", true) => self.press(request),
            ("press", false) | ("" | "now", true) => {
                Response::sentence("405 Method Not Allowed", "the page is read, buttons are posted")
            }
            _ => Response::sentence("404 Not Found", "there is /, /now and /press"),
        }
    }
}

impl Site {
    fn page(&self) -> String {
        let buttons = Button::ALL.map(Button::on_page);
        running_html(&self.nodes, &buttons, &self.token)
    }

    fn now(&self) -> serde_json::Value {
        let (events, faults, end) = self.record.look();
        let operations = self.counting.operations();
        let running = Running {
            nodes: &self.nodes,
            events: &events,
            faults: &faults,
            operations: &operations,
            end,
        };
        let mut now = running_now(running);
        let Shown { mut controls, log } =
            self.shown.lock().unwrap_or_else(PoisonError::into_inner).clone();
        // One that does not vote can be added, whether it was removed or never was a member.
        let members = self.counting.members();
        for (node, controls) in &mut controls {
            if let Some(control) = controls.get_mut(Button::Remove.name()) {
                control.on |= is_none_of(members.as_ref(), node);
            }
        }
        now["controls"] = json!(controls);
        now["log"] = json!(log);
        now["members"] = json!(members);
        now
    }

    fn press(&self, request: &Request) -> Response {
        if !request.is_from_own_page(&self.token) {
            let why = "only the page of this server may press its buttons; load it again";
            return Response::sentence("403 Forbidden", why);
        }
        let asked = |name: &str| request.query.get(name).map(String::as_str).unwrap_or_default();
        let Some(button) = Button::named(asked("button")) else {
            let known = Button::ALL.map(Button::name).join(", ");
            return Response::sentence("400 Bad Request", format!("the buttons are {known}"));
        };
        let node = asked("node").to_owned();
        let (answer, answered) = channel();
        let order = Order { press: Press { button, node }, answer };
        (self.orders.lock().unwrap_or_else(PoisonError::into_inner))(order);
        match answered.recv_timeout(PATIENCE) {
            Ok(Ok(())) => Response::json(&json!({"done": true})),
            Ok(Err(why)) => Response::sentence("409 Conflict", why),
            Err(_) => Response::sentence("503 Service Unavailable", "the cluster is busy, or ends"),
        }
    }
}
