//! The server as its command starts it.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::thread;

use anyhow::{Context, Result};

use super::server::{listen, serve};
use super::site::Site;

/// Begins to serve the results in a folder, until the program ends, and returns the address at which.
///
/// # Errors
/// When the folder cannot be read, or nothing can listen there.
pub(crate) fn open(folder: &Path, address: SocketAddr) -> Result<SocketAddr> {
    let site = Arc::new(Site::of(folder, address.ip().is_loopback())?);
    let (listener, address) = listen(address)?;
    let answering = thread::Builder::new().name("serve".into());
    answering
        .spawn(move || serve(&listener, &site))
        .context("cannot start the thread of the server")?;
    Ok(address)
}
