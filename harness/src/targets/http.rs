//! The common parts of clients that speak HTTP.

use std::time::Duration;

use anyhow::Context;

use super::{ErrorRow, row};

/// The time that a connection may take to open. A node that is up answers within a millisecond; one
/// that is not must not use up the operation's time.
const CONNECT_TIMEOUT: Duration = Duration::from_millis(300);

/// The errors that any HTTP client meets, as [`transport_error`] names them. `timeout` is what the
/// runner reports.
pub const TRANSPORT_ERRORS: [ErrorRow; 4] = [
    row("connection_refused", true, "no process listens there"),
    row("connect_timeout", true, "no connection could be opened, so nothing was sent"),
    row("timeout", false, "no answer in time"),
    row("connection_lost", false, "the connection broke after the request was sent"),
];

/// A client that talks to no address but those that it is given.
///
/// # Errors
/// When the system has no means for it.
pub fn client() -> anyhow::Result<reqwest::Client> {
    reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(CONNECT_TIMEOUT)
        .tcp_nodelay(true)
        .build()
        .context("cannot make an HTTP client")
}

/// Which row of the table an HTTP error is. Only a connection that never opened is definite.
pub fn transport_error(error: &reqwest::Error) -> &'static str {
    match (error.is_connect(), error.is_timeout()) {
        (true, true) => "connect_timeout",
        (true, false) => "connection_refused",
        (false, true) => "timeout",
        (false, false) => "connection_lost",
    }
}
