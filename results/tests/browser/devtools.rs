//! A headless Chromium, driven by its DevTools protocol.
//!
//! With `--remote-debugging-pipe`, Chromium reads JSON messages that end with a NUL from its
//! descriptor 3 and writes its own to 4. A shell puts them onto the pipes of input and output.

use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// The browser's names; the first that can be run is taken.
const NAMES: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

/// Longer than the slowest answer of a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// Headless, and with nothing that would ask a network.
const ARGUMENTS: [&str; 12] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-sync",
    "--hide-scrollbars",
    "--remote-debugging-pipe",
];

/// The errors of Chromium for an expression whose page was left before it had a value.
const LEFT: [&str; 3] = [
    "Inspected target navigated or closed",
    "Execution context was destroyed.",
    "Cannot find default execution context",
];

/// A browser with one page in view.
pub struct Browser {
    process: Child,
    profile: PathBuf,
    messages: Receiver<Value>,
    /// The events that were not waited for yet, in order.
    events: Vec<Value>,
    last_id: u64,
    session: Option<String>,
}

impl Browser {
    /// Starts a browser; none where there is no Chromium. `name` tells it from others.
    pub fn start(name: &str) -> Option<Browser> {
        let Some(program) = NAMES.into_iter().find(|name| works(name)) else {
            eprintln!("skipped: no Chromium on this machine (Debian's package is chromium)");
            return None;
        };
        let profile = format!("stormproof-browser-{name}-{}", std::process::id());
        let profile = std::env::temp_dir().join(profile);
        let mut process = Command::new("sh")
            .args(["-c", r#"exec "$0" "$@" 3<&0 4>&1 </dev/null >/dev/null 2>&1"#, program])
            .args(ARGUMENTS)
            .arg(format!("--user-data-dir={}", profile.display()))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("sh can be run");
        let mut output = BufReader::new(process.stdout.take().expect("it is piped"));
        let (sender, messages) = channel();
        thread::spawn(move || {
            let mut message = Vec::new();
            while output.read_until(0, &mut message).is_ok_and(|length| length > 0) {
                let json = message.strip_suffix(&[0]).unwrap_or(&message);
                let Ok(value) = serde_json::from_slice(json) else { break };
                if sender.send(value).is_err() {
                    break;
                }
                message.clear();
            }
        });
        let (events, session) = (Vec::new(), None);
        let mut browser = Browser { process, profile, messages, events, last_id: 0, session };
        let page = browser.call("Target.createTarget", json!({"url": "about:blank"}));
        let attach = json!({"targetId": page["targetId"], "flatten": true});
        let attached = browser.call("Target.attachToTarget", attach);
        browser.session = attached["sessionId"].as_str().map(str::to_owned);
        for domain in ["Page", "Runtime", "Log"] {
            browser.call(&format!("{domain}.enable"), json!({}));
        }
        Some(browser)
    }

    /// Calls a method and returns its result.
    pub fn call(&mut self, method: &str, parameters: Value) -> Value {
        let answer = self.ask(method, parameters);
        answer.unwrap_or_else(|error| panic!("{method}: {error}"))
    }

    /// Calls a method and returns its result, or its error.
    fn ask(&mut self, method: &str, parameters: Value) -> Result<Value, Value> {
        self.last_id += 1;
        let mut message = json!({"id": self.last_id, "method": method, "params": parameters});
        if let Some(session) = &self.session {
            message["sessionId"] = json!(session);
        }
        let input = self.process.stdin.as_mut().expect("it is piped");
        input.write_all(format!("{message}\0").as_bytes()).expect("the browser listens");
        loop {
            let mut message = self.receive(method);
            if message["id"] != self.last_id {
                self.events.push(message);
                continue;
            }
            return match message.get_mut("error") {
                Some(error) => Err(error.take()),
                None => Ok(message["result"].take()),
            };
        }
    }

    fn receive(&mut self, awaited: &str) -> Value {
        let message = self.messages.recv_timeout(PATIENCE);
        message.unwrap_or_else(|error| panic!("no answer to {awaited} by the browser: {error}"))
    }

    /// Opens an address and waits until its page is loaded and drawn. What earlier pages did is
    /// forgotten.
    pub fn open(&mut self, address: &str) {
        self.events.clear();
        // From one fragment to another of the same page, a browser would not load it anew.
        for address in ["about:blank", address] {
            self.events.retain(|event| event["method"] != "Page.loadEventFired");
            let opened = self.call("Page.navigate", json!({"url": address}));
            assert!(opened.get("errorText").is_none(), "{address}: {opened}");
            while !self.events.iter().any(|event| event["method"] == "Page.loadEventFired") {
                let event = self.receive(address);
                self.events.push(event);
            }
        }
        self.settle();
    }

    /// Waits until everything that was changed so far is drawn, in the page that a link leads to
    /// if one was followed.
    pub fn settle(&mut self) {
        let drawn =
            "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))";
        while self.evaluate_unless_left(drawn).is_none() {}
    }

    /// The value of an expression in the page, awaited if it is a promise.
    pub fn evaluate(&mut self, expression: &str) -> Value {
        let value = self.evaluate_unless_left(expression);
        value.unwrap_or_else(|| panic!("the page was left before it answered: {expression}"))
    }

    /// The value of an expression; none if the page was left for another before it answered.
    fn evaluate_unless_left(&mut self, expression: &str) -> Option<Value> {
        let parameters = json!({"expression": expression, "returnByValue": true,
            "awaitPromise": true, "userGesture": true});
        let mut result = match self.ask("Runtime.evaluate", parameters) {
            Ok(result) => result,
            Err(error) => {
                let message = error["message"].as_str().unwrap_or_default();
                assert!(LEFT.contains(&message), "{expression}: {error}");
                return None;
            }
        };
        assert!(result.get("exceptionDetails").is_none(), "{expression}: {result}");
        Some(result["result"]["value"].take())
    }

    /// Waits until an expression is true in the page, or in the one that a link leads to.
    pub fn wait_until(&mut self, expression: &str) {
        let begin = Instant::now();
        while self.evaluate_unless_left(expression) != Some(Value::Bool(true)) {
            assert!(begin.elapsed() < PATIENCE, "it never came true: {expression}");
            self.settle();
        }
    }

    /// The text of an element.
    pub fn text(&mut self, selector: &str) -> String {
        let text = self.evaluate(&format!("document.querySelector({selector:?}).textContent"));
        text.as_str().expect("a text").to_owned()
    }

    /// Everything that the page complained of since it was opened.
    pub fn complaints(&self) -> Vec<String> {
        let complaint = |event: &Value| {
            let parameters = &event["params"];
            match event["method"].as_str()? {
                "Runtime.exceptionThrown" => Some(parameters["exceptionDetails"].to_string()),
                "Runtime.consoleAPICalled" => Some(parameters.to_string()),
                "Log.entryAdded" => Some(parameters["entry"].to_string()),
                _ => None,
            }
        };
        self.events.iter().filter_map(complaint).collect()
    }

    /// Makes the window as wide as this, and tall enough for a laptop or a telephone.
    pub fn resize(&mut self, width: u32) {
        let metrics = json!({"width": width, "height": 900, "deviceScaleFactor": 1,
            "mobile": width < 700});
        self.call("Emulation.setDeviceMetricsOverride", metrics);
        self.settle();
    }

    /// Shows the page as on `media`, `screen` or `print`, in the `scheme` that a reader prefers.
    pub fn show_as(&mut self, media: &str, scheme: &str) {
        let features = json!([{"name": "prefers-color-scheme", "value": scheme}]);
        self.call("Emulation.setEmulatedMedia", json!({"media": media, "features": features}));
        self.settle();
    }

    /// Presses a key, named as in `KeyboardEvent.key`.
    pub fn press(&mut self, key: &str) {
        let code = match key {
            "Tab" => 9,
            "Enter" => 13,
            "Escape" => 27,
            " " => 32,
            "PageUp" => 33,
            "PageDown" => 34,
            "Home" => 36,
            "ArrowLeft" => 37,
            "ArrowRight" => 39,
            _ => 0,
        };
        let mut event = json!({"type": "keyDown", "key": key, "windowsVirtualKeyCode": code});
        match key {
            "Enter" => event["text"] = json!("\r"),
            key if key.chars().count() == 1 => event["text"] = json!(key),
            _ => {}
        }
        self.call("Input.dispatchKeyEvent", event.clone());
        event["type"] = json!("keyUp");
        self.call("Input.dispatchKeyEvent", event);
        self.settle();
    }

    /// Moves the mouse: `kind` is `mousePressed`, `mouseMoved` or `mouseReleased`.
    pub fn mouse(&mut self, kind: &str, (x, y): (f64, f64), pressed: bool) {
        let event = json!({"type": kind, "x": x, "y": y, "clickCount": 1,
            "button": if pressed { "left" } else { "none" }, "buttons": u8::from(pressed)});
        self.call("Input.dispatchMouseEvent", event);
    }

    /// Clicks into the middle of an element.
    pub fn click(&mut self, selector: &str) {
        let (left, top, width, height) = self.place(selector);
        let middle = (left + width / 2.0, top + height / 2.0);
        self.mouse("mousePressed", middle, true);
        self.mouse("mouseReleased", middle, true);
        self.settle();
    }

    /// Left, top, width and height of an element, which is brought into view.
    pub fn place(&mut self, selector: &str) -> (f64, f64, f64, f64) {
        let place = self.evaluate(&format!(
            "(() => {{ const element = document.querySelector({selector:?});
                element.scrollIntoView({{ block: \"center\" }});
                const box = element.getBoundingClientRect();
                return [box.left, box.top, box.width, box.height]; }})()"
        ));
        let number = |at: usize| place[at].as_f64().expect("a number");
        (number(0), number(1), number(2), number(3))
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        if let Some(mut input) = self.process.stdin.take() {
            let close = json!({"id": self.last_id + 1, "method": "Browser.close"});
            let _ = input.write_all(format!("{close}\0").as_bytes());
        }
        // Its pipe ends when the last of its processes does; then its profile can be removed.
        while self.messages.recv_timeout(PATIENCE).is_ok() {}
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = std::fs::remove_dir_all(&self.profile);
    }
}

/// True if a browser can be run under this name, and is no script that says where to get one.
fn works(name: &str) -> bool {
    let version = Command::new(name).arg("--version").stderr(Stdio::null()).output();
    version.is_ok_and(|output| output.status.success())
}
