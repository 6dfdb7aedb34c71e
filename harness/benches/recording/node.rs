//! One node of the bundled cluster with its log on a tmpfs, where an fsync costs nothing.

use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use stormproof::targets::{Bundled, Client, Member, PeerDoor, Target};

/// The tmpfs that Linux mounts and every user may write to.
const TMPFS: &str = "/dev/shm";

/// The number of times that a fresh node is asked whether it leads, and the pause between them. It
/// waits for nothing but its election time-out.
const QUESTIONS: u32 = 100;
const BETWEEN_QUESTIONS: Duration = Duration::from_millis(100);

/// A node that leads itself. Dropped, it is gone with its data.
pub struct Node {
    /// The client by which a run would speak to it.
    pub client: Arc<dyn Client>,
    process: Child,
    data: PathBuf,
}

impl Node {
    /// Starts one and waits until it leads.
    pub async fn start() -> Result<Self> {
        let (listener, for_peers) = (any_port()?, any_port()?);
        let (address, peers) = (listener.local_addr()?, for_peers.local_addr()?);
        drop((listener, for_peers));
        let data = Path::new(TMPFS).join(format!("stormproof-recording-{}", std::process::id()));
        let member = Member::at("n1", address, data.clone());
        let members = [member.with_peers_at(vec![PeerDoor::open(peers)])];
        let client = Bundled::default().client(&members, "bench", "register")?;
        let process = Command::new(env!("CARGO_BIN_EXE_stormproof"))
            .args(&Bundled::default().launch(&members, 0).argv[1..])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .context("start a node")?;
        let node = Node { client, process, data };
        for _ in 0..QUESTIONS {
            if node.client.status(0).await.is_some_and(|status| status.leader.is_some()) {
                return Ok(node);
            }
            tokio::time::sleep(BETWEEN_QUESTIONS).await;
        }
        bail!("a node that is alone did not come to lead")
    }
}

fn any_port() -> std::io::Result<TcpListener> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
}

impl Drop for Node {
    fn drop(&mut self) {
        // It has ended only if something is wrong, which the figures then tell.
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = fs::remove_dir_all(&self.data);
    }
}
