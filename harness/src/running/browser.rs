//! The user's browser, which shows the page.

use std::env;
use std::io::{IsTerminal as _, stdout};
use std::process::{Command, Stdio};

/// The seconds after which the browser opens the page: a cluster has started by then.
const STARTED: &str = "2";

/// Opens the browser once the cluster had time to start, if it runs then. The shell has ended at once and
/// left it to no one, so that it is none of the processes that end with the cluster.
const SHELL: &str = r#"(sleep "$1"; kill -0 "$2" && exec $3 "$4") </dev/null >/dev/null 2>&1 &"#;

/// Opens the page at a port of this machine in the user's browser, where a person sits before one. To be
/// called before anything else is started.
pub(crate) fn open_page(port: u16) {
    let is_set = |name: &str| env::var_os(name).is_some_and(|value| !value.is_empty());
    let has_desktop = is_set("DISPLAY") || is_set("WAYLAND_DISPLAY");
    let Some(browser) = browser(env::var("BROWSER").ok().as_deref(), has_desktop) else { return };
    if port == 0 || !stdout().is_terminal() {
        return;
    }
    let mut shell = Command::new("sh");
    shell.args(["-c", SHELL, "sh", STARTED, &std::process::id().to_string(), &browser]);
    // Who has no shell reads the address.
    let _ = shell.arg(format!("http://127.0.0.1:{port}/")).stdin(Stdio::null()).status();
}

/// The command of the browser: what is set, of several the first one; else that of a desktop.
fn browser(set: Option<&str>, has_desktop: bool) -> Option<String> {
    match set {
        Some(several) => several.split(':').next().filter(|it| !it.is_empty()).map(str::to_owned),
        None => has_desktop.then(|| "xdg-open".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_browser_is_what_is_set_or_that_of_a_desktop() {
        let of = |set, has_desktop| browser(set, has_desktop);
        assert_eq!(of(Some("firefox:w3m"), false).as_deref(), Some("firefox"));
        assert_eq!(of(None, true).as_deref(), Some("xdg-open"));
        assert_eq!(of(None, false), None);
        assert_eq!(of(Some(""), true), None, "nobody wants one");
    }
}
