//! The status of a server, which it answers to the word `srvr` instead of a request.
//!
//! Source: "The Four Letter Words" in ZooKeeper's administrator's guide.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// The time that a server may take to answer.
const PATIENCE: Duration = Duration::from_millis(500);

/// The status of a server that serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Role {
    /// True if it leads. A server without any others does.
    pub leads: bool,
    /// The last transaction that it applied.
    pub zxid: u64,
}

impl Role {
    /// The epoch of that transaction, as high as the number of leaders that were established by
    /// then: the upper half of a zxid.
    pub fn epoch(&self) -> u64 {
        self.zxid >> 32
    }
}

/// Asks a server; none when it does not answer in time, or serves no client because it follows no
/// server.
pub async fn role(address: SocketAddr) -> Option<Role> {
    let asked = async {
        let mut connection = TcpStream::connect(address).await.ok()?;
        connection.write_all(b"srvr").await.ok()?;
        let mut answer = String::new();
        connection.read_to_string(&mut answer).await.ok()?;
        understand(&answer)
    };
    timeout(PATIENCE, asked).await.ok()?
}

fn understand(answer: &str) -> Option<Role> {
    let told = |name: &str| answer.lines().find_map(|line| line.strip_prefix(name));
    let leads = match told("Mode: ")? {
        "leader" | "standalone" => true,
        "follower" => false,
        _ => return None,
    };
    let zxid = u64::from_str_radix(told("Zxid: 0x")?, 16).ok()?;
    Some(Role { leads, zxid })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_serves_tells_its_role_and_its_epoch() {
        let follower = "Zookeeper version: 3.8.0\nOutstanding: 0\nZxid: 0x300000012\n\
                        Mode: follower\nNode count: 5\n";
        let role = understand(follower).expect("it serves");
        assert_eq!((role.leads, role.epoch()), (false, 3));
        let leader = follower.replace("follower", "leader");
        assert!(understand(&leader).is_some_and(|role| role.leads));
    }

    #[test]
    fn one_that_follows_nobody_has_no_role() {
        assert_eq!(understand("This ZooKeeper instance is not currently serving requests\n"), None);
    }
}
