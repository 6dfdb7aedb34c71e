//! Links, addresses and neighbours, asked of the kernel over rtnetlink (`rtnetlink(7)`), so that
//! no `ip` command is needed.

use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};

use netlink_packet_core::{
    DefaultNla, NLM_F_ACK, NLM_F_CREATE, NLM_F_EXCL, NLM_F_REPLACE, NLM_F_REQUEST, NetlinkHeader,
    NetlinkMessage, NetlinkPayload,
};
use netlink_packet_route::address::{AddressAttribute, AddressMessage};
use netlink_packet_route::link::{
    BridgeStpState, InfoBridge, InfoData, InfoKind, InfoVeth, LinkAttribute, LinkFlags, LinkInfo,
    LinkMessage,
};
use netlink_packet_route::neighbour::{
    NeighbourAddress, NeighbourAttribute, NeighbourMessage, NeighbourState,
};
use netlink_packet_route::route::RouteType;
use netlink_packet_route::tc::{TcAttribute, TcHandle, TcMessage};
use netlink_packet_route::{AddressFamily, RouteNetlinkMessage};
use nix::net::if_::if_nametoindex;
use nix::sys::socket::{
    AddressFamily as SocketFamily, MsgFlags, SockFlag, SockProtocol, SockType, recv, send, socket,
};

/// A hardware address.
pub(super) type Mac = [u8; 6];

/// Options of a queue (linux/rtnetlink.h).
const TCA_OPTIONS: u16 = 2;
/// Longer than any answer to the requests made here.
const ANSWER_SIZE: usize = 16 << 10;

/// A conversation with the kernel about the network namespace of the thread that opened it. Names
/// are looked up in the namespace of the calling thread, so use it where it was opened.
pub(super) struct Netlink {
    socket: OwnedFd,
    sequence: u32,
}

impl Netlink {
    pub(super) fn open() -> io::Result<Self> {
        let kind = SockType::Raw;
        let flags = SockFlag::SOCK_CLOEXEC;
        let socket = socket(SocketFamily::Netlink, kind, flags, SockProtocol::NetlinkRoute)?;
        Ok(Self { socket, sequence: 0 })
    }

    /// Two linked ends: `name` here, `peer` in another namespace.
    pub(super) fn add_veth(
        &mut self,
        name: &str,
        peer: &str,
        peer_namespace: &impl AsFd,
        peer_mac: Mac,
    ) -> io::Result<()> {
        let mut other = LinkMessage::default();
        other.attributes = vec![
            LinkAttribute::IfName(peer.to_owned()),
            LinkAttribute::Address(peer_mac.to_vec()),
            LinkAttribute::NetNsFd(peer_namespace.as_fd().as_raw_fd()),
        ];
        let data = InfoData::Veth(InfoVeth::Peer(other));
        self.add_link(name, InfoKind::Veth, data)
    }

    /// A bridge that forwards from the first packet on: no spanning tree, no delay.
    pub(super) fn add_bridge(&mut self, name: &str) -> io::Result<()> {
        let data = InfoData::Bridge(vec![
            InfoBridge::StpState(BridgeStpState::Disabled),
            InfoBridge::ForwardDelay(0),
            InfoBridge::MulticastSnooping(false),
        ]);
        self.add_link(name, InfoKind::Bridge, data)
    }

    fn add_link(&mut self, name: &str, kind: InfoKind, data: InfoData) -> io::Result<()> {
        let mut link = LinkMessage::default();
        link.attributes = vec![
            LinkAttribute::IfName(name.to_owned()),
            LinkAttribute::LinkInfo(vec![LinkInfo::Kind(kind), LinkInfo::Data(data)]),
        ];
        self.request(RouteNetlinkMessage::NewLink(link), NLM_F_CREATE | NLM_F_EXCL)
            .map_err(|error| during(&format!("make the link {name}"), error))
    }

    /// Makes `name` a port of `bridge`.
    pub(super) fn join_bridge(&mut self, name: &str, bridge: &str) -> io::Result<()> {
        let bridge = if_nametoindex(bridge)?;
        self.change_link(name, |link| link.attributes.push(LinkAttribute::Controller(bridge)))
    }

    pub(super) fn set_up(&mut self, name: &str) -> io::Result<()> {
        self.change_link(name, |link| {
            link.header.flags = LinkFlags::Up;
            link.header.change_mask = LinkFlags::Up;
        })
    }

    fn change_link(&mut self, name: &str, change: impl FnOnce(&mut LinkMessage)) -> io::Result<()> {
        let mut link = LinkMessage::default();
        link.header.index = if_nametoindex(name)?;
        change(&mut link);
        self.request(RouteNetlinkMessage::SetLink(link), 0)
            .map_err(|error| during(&format!("change the link {name}"), error))
    }

    /// Removes a link; of a veth, the other end goes with it.
    pub(super) fn remove_link(&mut self, name: &str) -> io::Result<()> {
        let mut link = LinkMessage::default();
        link.header.index = if_nametoindex(name)?;
        self.request(RouteNetlinkMessage::DelLink(link), 0)
            .map_err(|error| during(&format!("remove the link {name}"), error))
    }

    /// A queue on `name` that delays, loses and doubles packets, set to do nothing of that.
    pub(super) fn add_netem(&mut self, name: &str) -> io::Result<()> {
        // `struct tc_netem_qopt` of linux/pkt_sched.h; its second word is how many packets wait.
        let options = [0, 1_000, 0, 0, 0, 0].map(u32::to_ne_bytes).concat();
        let mut queue = TcMessage::with_index(if_nametoindex(name)? as i32);
        queue.header.parent = TcHandle::ROOT;
        queue.attributes = vec![
            TcAttribute::Kind("netem".to_owned()),
            TcAttribute::Other(DefaultNla::new(TCA_OPTIONS, options)),
        ];
        let flags = NLM_F_CREATE | NLM_F_EXCL;
        self.request(RouteNetlinkMessage::NewQueueDiscipline(queue), flags)
            .map_err(|error| during(&format!("add netem to {name}"), error))
    }

    pub(super) fn add_address(
        &mut self,
        name: &str,
        address: Ipv4Addr,
        prefix_length: u8,
    ) -> io::Result<()> {
        let mut message = AddressMessage::default();
        message.header.family = AddressFamily::Inet;
        message.header.prefix_len = prefix_length;
        message.header.index = if_nametoindex(name)?;
        message.attributes = vec![
            AddressAttribute::Local(IpAddr::V4(address)),
            AddressAttribute::Address(IpAddr::V4(address)),
        ];
        let flags = NLM_F_CREATE | NLM_F_EXCL;
        self.request(RouteNetlinkMessage::NewAddress(message), flags)
            .map_err(|error| during(&format!("give {name} the address {address}"), error))
    }

    /// Tells for good which hardware address `address` has.
    pub(super) fn add_neighbour(
        &mut self,
        name: &str,
        address: Ipv4Addr,
        mac: Mac,
    ) -> io::Result<()> {
        let mut message = NeighbourMessage::default();
        message.header.family = AddressFamily::Inet;
        message.header.ifindex = if_nametoindex(name)?;
        message.header.state = NeighbourState::Permanent;
        message.header.kind = RouteType::Unicast;
        message.attributes = vec![
            NeighbourAttribute::Destination(NeighbourAddress::Inet(address)),
            NeighbourAttribute::LinkLayerAddress(mac.to_vec()),
        ];
        let flags = NLM_F_CREATE | NLM_F_REPLACE;
        self.request(RouteNetlinkMessage::NewNeighbour(message), flags)
            .map_err(|error| during(&format!("make {address} known on {name}"), error))
    }

    /// Sends one request and waits for its acknowledgement.
    fn request(&mut self, body: RouteNetlinkMessage, flags: u16) -> io::Result<()> {
        self.sequence += 1;
        let mut header = NetlinkHeader::default();
        header.flags = NLM_F_REQUEST | NLM_F_ACK | flags;
        header.sequence_number = self.sequence;
        let mut message = NetlinkMessage::new(header, NetlinkPayload::from(body));
        message.finalize();
        let mut bytes = vec![0; message.buffer_len()];
        message.serialize(&mut bytes);
        send(self.socket.as_raw_fd(), &bytes, MsgFlags::empty())?;

        let mut answer = vec![0; ANSWER_SIZE];
        let length = recv(self.socket.as_raw_fd(), &mut answer, MsgFlags::empty())?;
        let answer = NetlinkMessage::<RouteNetlinkMessage>::deserialize(&answer[..length])
            .map_err(io::Error::other)?;
        match answer.payload {
            NetlinkPayload::Error(error) if error.code.is_some() => Err(error.to_io()),
            NetlinkPayload::Error(_) => Ok(()),
            other => Err(io::Error::other(format!("no acknowledgement but {other:?}"))),
        }
    }
}

/// The error with what it interrupted.
fn during(what: &str, error: io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("cannot {what}: {error}"))
}
