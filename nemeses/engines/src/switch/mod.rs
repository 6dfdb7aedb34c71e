//! A small switch in user space: it carries frames between the ports of a segment, can drop those
//! of any link in one direction, and can delay, lose, double, reorder, damage and slow them.
//!
//! It needs neither iptables nor netem nor any other kernel module. Its ports are raw sockets
//! (`packet(7)`) on the switch ends of veth pairs. With `PACKET_VNET_HDR` a frame comes with its
//! offload header and stands for up to 64 KB of a TCP stream, so that one thread carries gigabits;
//! on a link without trouble both are passed on as they are.
//!
//! [`links`] is what each link shall do and did; [`shaper`] decides about a packet, [`frame`] knows
//! what is inside of it, [`carrier`] is the thread that does it, [`watches`] see messages and hold
//! their links, and [`crossings`] keep them in a recorded order.

mod carrier;
mod crossings;
mod frame;
mod links;
mod packet_switch;
mod port;
mod shaper;
mod watches;

pub(crate) use frame::PROBE_PORT;
pub(crate) use packet_switch::Switch;
pub(crate) use port::Port;
pub(crate) use shaper::REORDER_HOLD;
