//! The namespaces of a lab, once they are made.

use nix::mount::{MsFlags, mount};

use super::launch_error::step;
use crate::netlink::Netlink;

/// Mounts of our own, of which the machine sees nothing, and a loopback that works.
pub(crate) fn set_up_namespaces() -> Result<(), String> {
    let none = None::<&str>;
    let private = MsFlags::MS_REC | MsFlags::MS_PRIVATE;
    step("make mounts private", mount(none, "/", none, private, none))?;
    let safe = MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC;
    step("mount /proc", mount(Some("proc"), "/proc", Some("proc"), safe, none))?;
    // iptables locks a file in /run, where an ordinary user may not write.
    let safe = MsFlags::MS_NOSUID | MsFlags::MS_NODEV;
    step("mount /run", mount(Some("tmpfs"), "/run", Some("tmpfs"), safe, Some("mode=0755")))?;
    step("set the loopback up", Netlink::open().and_then(|mut link| link.set_up("lo")))
}
