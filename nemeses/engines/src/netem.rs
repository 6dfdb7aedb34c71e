//! A trial of netem, the kernel's own packet faults (`tc-netem(8)`).
//!
//! Nothing here uses it: our switch does the same on every machine, by the link rather than by the
//! interface, and counts what it does. The doctor reports on it, so that its absence is not taken
//! for the reason of anything.

use std::io;

use super::namespace::NetNs;
use super::netlink::Netlink;

const INTERFACE: &str = "probe0";

/// Adds one to a link in a scratch namespace. The error says why it could not.
pub fn try_out() -> Result<String, String> {
    let tried = (|| -> io::Result<()> {
        let (scratch, other) = (NetNs::create()?, NetNs::create()?);
        scratch.run(|| {
            let mut netlink = Netlink::open()?;
            netlink.add_veth(INTERFACE, "probe1", &other, [2, 0, 0, 0, 0, 1])?;
            netlink.add_netem(INTERFACE)
        })?
    })();
    match tried {
        Ok(()) => Ok("it can be had; the switch does packet faults all the same".to_owned()),
        // The kernel's word for a kind that it does not know.
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Err("this kernel has none; the switch does packet faults without it".to_owned())
        }
        Err(error) => Err(format!("{error}; the switch does packet faults without it")),
    }
}
