//! The inside of a frame, as far as faults are concerned: its segments, its checksums, its bits.
//!
//! Nodes leave two pieces of work to a network card that they do not have: to cut up to 64 KB of a
//! TCP stream into packets, and to fill in checksums. Each frame says what is left to do in the
//! header of `linux/virtio_net.h` before it. A frame that merely passes keeps that header. Where
//! single packets are lost, doubled or slowed, the work is done here first, so that a fault hits
//! what would be one packet on a wire; and before a bit is flipped its checksum is filled in from
//! the unharmed bytes, else the damage would look sound to the receiver.

use std::ops::Range;

/// The header before each frame.
pub(super) const OFFLOAD_HEADER: usize = 10;
/// The destination address leads the frame.
pub(super) const MAC_LENGTH: usize = 6;
/// A frame of a TCP stream that is segmented later is at most 64 KB, headers apart.
pub(super) const LARGEST_FRAME: usize = (64 << 10) + 256;

/// `VIRTIO_NET_HDR_F_NEEDS_CSUM`.
const NEEDS_CHECKSUM: u8 = 1;
/// `VIRTIO_NET_HDR_GSO_TCPV4`.
const SEGMENTS_OF_TCP: u8 = 1;
/// `VIRTIO_NET_HDR_GSO_UDP_L4`.
const SEGMENTS_OF_UDP: u8 = 5;
/// `VIRTIO_NET_HDR_GSO_ECN`, a flag beside the kind.
const SEGMENTS_WITH_ECN: u8 = 0x80;

const ETHERNET_HEADER: usize = 14;
const IPV4: [u8; 2] = [0x08, 0x00];
const TCP: u8 = 6;
const UDP: u8 = 17;
const UDP_HEADER: usize = 8;
/// The port of the datagrams by which the lab looks at its links: that of the discard service (RFC
/// 863), which nothing else uses.
pub(crate) const PROBE_PORT: u16 = 9;
/// In the TCP header.
const SEQUENCE: Range<usize> = 4..8;
const TCP_FLAGS: usize = 13;
const SYN: u8 = 0x02;
const FIN_AND_PSH: u8 = 0x09;
const CWR: u8 = 0x80;

/// The places of the parts of a frame that is IPv4 with TCP or UDP, and no fragment. They count
/// from the start of the offload header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Layout {
    ip: usize,
    transport: usize,
    payload: usize,
    end: usize,
    protocol: u8,
}

impl Layout {
    fn of(packet: &[u8]) -> Option<Self> {
        let ethernet = packet.get(OFFLOAD_HEADER..)?;
        if ethernet.get(2 * MAC_LENGTH..ETHERNET_HEADER)? != IPV4 {
            return None;
        }
        let ip = OFFLOAD_HEADER + ETHERNET_HEADER;
        let transport = ip + usize::from(packet.get(ip)? & 0x0f) * 4;
        let end = ip + usize::from(number(packet, ip + 2)?);
        let fragment = number(packet, ip + 6)? & 0x3fff;
        let protocol = *packet.get(ip + 9)?;
        let header = match protocol {
            TCP => usize::from(packet.get(transport + 12)? >> 4) * 4,
            UDP => UDP_HEADER,
            _ => return None,
        };
        let payload = transport + header;
        let whole = fragment == 0 && payload <= end && end <= packet.len();
        whole.then_some(Self { ip, transport, payload, end, protocol })
    }

    fn checksum(&self) -> usize {
        self.transport + if self.protocol == TCP { 16 } else { 6 }
    }
}

/// The bytes that it takes on a wire.
pub(super) fn wire_length(packet: &[u8]) -> usize {
    packet.len().saturating_sub(OFFLOAD_HEADER)
}

/// The bytes of a TCP stream that a frame carries; none where it is anything else.
pub(super) fn stream_bytes(packet: &[u8]) -> Option<&[u8]> {
    let layout = Layout::of(packet)?;
    (layout.protocol == TCP).then(|| &packet[layout.payload..layout.end])
}

/// A segment of TCP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Segment<'a> {
    /// The sender's port.
    pub(super) from: u16,
    /// The receiver's port.
    pub(super) to: u16,
    /// True for the first one of a connection.
    pub(super) begins: bool,
    /// The number of its first byte.
    pub(super) number: u32,
    /// The bytes of the stream.
    pub(super) bytes: &'a [u8],
}

/// The segment of TCP that a frame is.
pub(super) fn segment_of(packet: &[u8]) -> Option<Segment<'_>> {
    let layout = Layout::of(packet)?;
    if layout.protocol != TCP {
        return None;
    }
    let at = layout.transport;
    let sequence = packet.get(at + SEQUENCE.start..at + SEQUENCE.end)?.try_into().ok()?;
    Some(Segment {
        from: number(packet, at)?,
        to: number(packet, at + 2)?,
        begins: packet.get(at + TCP_FLAGS)? & SYN != 0,
        number: u32::from_be_bytes(sequence),
        bytes: &packet[layout.payload..layout.end],
    })
}

/// Returns whether the lab looks at its links by this frame.
pub(super) fn is_probe(packet: &[u8]) -> bool {
    let is_sent_to_it = |layout: Layout| {
        layout.protocol == UDP && number(packet, layout.transport + 2) == Some(PROBE_PORT)
    };
    Layout::of(packet).is_some_and(is_sent_to_it)
}

/// Cuts a frame into the packets that it stands for, each whole and with its checksums; none when
/// it is one packet already. What is neither TCP nor UDP over IPv4 stays as it is.
pub(super) fn segments(packet: &[u8]) -> Option<Vec<Vec<u8>>> {
    let kind = packet[1] & !SEGMENTS_WITH_ECN;
    let size = usize::from(u16::from_ne_bytes([packet[4], packet[5]]));
    let layout = Layout::of(packet)?;
    let matches = match layout.protocol {
        TCP => kind == SEGMENTS_OF_TCP,
        _ => kind == SEGMENTS_OF_UDP,
    };
    if !matches || size == 0 {
        return None;
    }
    let payload = &packet[layout.payload..layout.end];
    let count = payload.len().div_ceil(size);
    let segment = |(index, part): (usize, &[u8])| {
        let headers = &packet[OFFLOAD_HEADER..layout.payload];
        let mut segment = [&[0; OFFLOAD_HEADER], headers, part].concat();
        fill_in(&mut segment, &layout, index * size, index, index + 1 == count);
        segment
    };
    Some(payload.chunks(size).enumerate().map(segment).collect())
}

/// Makes the copied headers of a segment its own.
fn fill_in(segment: &mut [u8], of: &Layout, offset: usize, index: usize, is_last: bool) {
    let Layout { ip, transport, .. } = *of;
    let length = |from: usize| u16::try_from(segment.len() - from).expect("it is part of a frame");
    let (ip_length, transport_length) = (length(ip), length(transport));
    put(segment, ip + 2, ip_length);
    let first = number(segment, ip + 4).expect("it has an IP header");
    put(segment, ip + 4, first.wrapping_add(index as u16));
    put(segment, ip + 10, 0);
    let sum = !folded(sum_of(&segment[ip..transport]));
    put(segment, ip + 10, sum);
    if of.protocol == TCP {
        let at = transport + SEQUENCE.start..transport + SEQUENCE.end;
        let sequence = segment[at.clone()].try_into().expect("it is four bytes long");
        let sequence = u32::from_be_bytes(sequence).wrapping_add(offset as u32);
        segment[at].copy_from_slice(&sequence.to_be_bytes());
        // As a card does: the first reports congestion, the last ends.
        let flags = &mut segment[transport + TCP_FLAGS];
        if index > 0 {
            *flags &= !CWR;
        }
        if !is_last {
            *flags &= !FIN_AND_PSH;
        }
    } else {
        put(segment, transport + 4, transport_length);
    }
    put(segment, of.checksum(), 0);
    let pseudo = sum_of(&segment[ip + 12..ip + 20]) + u64::from(of.protocol);
    let sum = pseudo + u64::from(transport_length) + sum_of(&segment[transport..]);
    put_checksum(segment, of.checksum(), sum);
}

/// Fills in the checksum that was left to the card. It is true of the bytes as they are now.
pub(super) fn complete_checksum(packet: &mut [u8]) {
    if packet[0] & NEEDS_CHECKSUM != 0 {
        let field = |at: usize| usize::from(u16::from_ne_bytes([packet[at], packet[at + 1]]));
        let start = OFFLOAD_HEADER + field(6);
        let at = start + field(8);
        if at + 2 <= packet.len() {
            // The field holds the sum of the pseudo header so far.
            put_checksum(packet, at, sum_of(&packet[start..]));
        }
    }
    packet[..OFFLOAD_HEADER].fill(0);
}

/// Flips one bit of a packet such that its checksum shows it, and returns whether it did:
/// never in what has no checksum, else the damage would reach a program, which is not what a
/// network does. `pick` chooses the bit among those there are.
///
/// One flipped bit always changes a sum of 16-bit words. In TCP every bit of the segment counts; of
/// UDP the header is spared, since its length says what is summed.
pub(super) fn corrupt(packet: &mut [u8], pick: impl FnOnce(Range<usize>) -> usize) -> bool {
    let Some(layout) = Layout::of(packet) else { return false };
    if packet[1] != 0 {
        // Whole segments only: a card would sum each anew.
        return false;
    }
    complete_checksum(packet);
    let bytes = match layout.protocol {
        TCP => layout.transport..layout.end,
        _ if number(packet, layout.checksum()) == Some(0) => return false,
        _ => layout.payload..layout.end,
    };
    if bytes.is_empty() {
        return false;
    }
    let bit = pick(bytes.start * 8..bytes.end * 8);
    packet[bit / 8] ^= 1 << (bit % 8);
    true
}

/// The number at a place, in network order.
fn number(packet: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes(packet.get(at..at + 2)?.try_into().ok()?))
}

fn put(packet: &mut [u8], at: usize, value: u16) {
    packet[at..at + 2].copy_from_slice(&value.to_be_bytes());
}

fn put_checksum(packet: &mut [u8], at: usize, sum: u64) {
    // Zero would mean "none" in UDP, and 0xffff is the same number in this arithmetic.
    let sum = match !folded(sum) {
        0 => 0xffff,
        other => other,
    };
    put(packet, at, sum);
}

/// The sum of 16-bit words (RFC 1071), not folded yet; an odd byte at the end counts as a high one.
fn sum_of(bytes: &[u8]) -> u64 {
    // By the word it is several times as fast, and the ones' complement sum is the same.
    let words = bytes.chunks_exact(4);
    let rest = words.remainder();
    let word = |word: &[u8]| u64::from(u32::from_be_bytes(word.try_into().expect("four bytes")));
    let mut last = [0; 4];
    last[..rest.len()].copy_from_slice(rest);
    words.map(word).sum::<u64>() + u64::from(u32::from_be_bytes(last))
}

fn folded(mut sum: u64) -> u16 {
    while sum > 0xffff {
        sum = (sum >> 16) + (sum & 0xffff);
    }
    sum as u16
}

#[cfg(test)]
mod tests {
    //! Frames that are cut, summed and damaged.

    use super::*;

    /// A frame of `payload` from 10.77.0.1 to 10.77.0.2 whose checksum is left to the card, as a node
    /// sends it.
    fn frame(protocol: u8, payload: &[u8], segment_size: u16) -> Vec<u8> {
        let header: &[u8] = match protocol {
            TCP => &[0, 7, 0, 9, 0xff, 0xff, 0xff, 0xf0, 0, 0, 0, 1, 0x50, 0x99, 1, 0, 0, 0, 0, 0],
            _ => &[0, 7, 0, 9, 0, 0, 0, 0],
        };
        let mut packet = vec![NEEDS_CHECKSUM];
        packet.push(match (segment_size, protocol) {
            (0, _) => 0,
            (_, TCP) => SEGMENTS_OF_TCP,
            _ => SEGMENTS_OF_UDP,
        });
        let checksum_at = if protocol == TCP { 16 } else { 6 };
        for field in [0, segment_size, 34, checksum_at] {
            packet.extend(u16::to_ne_bytes(field));
        }
        packet.extend([2; 12]);
        packet.extend(IPV4);
        let transport_length = (header.len() + payload.len()) as u16;
        let [high, low] = (20 + transport_length).to_be_bytes();
        packet.extend([0x45, 0, high, low, 0xff, 0xff, 0x40, 0, 64, protocol, 0, 0]);
        packet.extend([10, 77, 0, 1, 10, 77, 0, 2]);
        let ip = OFFLOAD_HEADER + ETHERNET_HEADER;
        let sum = !folded(sum_of(&packet[ip..]));
        put(&mut packet, ip + 10, sum);
        packet.extend(header);
        packet.extend(payload);
        let layout = Layout::of(&packet).expect("it is IPv4");
        if protocol == UDP {
            put(&mut packet, layout.transport + 4, transport_length);
        }
        let pseudo = folded(pseudo_header(&packet, &layout));
        put(&mut packet, layout.checksum(), pseudo);
        packet
    }

    fn pseudo_header(packet: &[u8], layout: &Layout) -> u64 {
        let length = (layout.end - layout.transport) as u64;
        sum_of(&packet[layout.ip + 12..layout.ip + 20]) + u64::from(layout.protocol) + length
    }

    /// Returns whether a receiver that looks at the checksums accepts it.
    fn is_sound(packet: &[u8]) -> bool {
        is_sound_as(packet, &Layout::of(packet).expect("it is IPv4"))
    }

    /// The same of a packet whose header may be damaged.
    fn is_sound_as(packet: &[u8], layout: &Layout) -> bool {
        let ip = folded(sum_of(&packet[layout.ip..layout.transport]));
        let transport = sum_of(&packet[layout.transport..layout.end]);
        let transport = folded(pseudo_header(packet, layout) + transport);
        packet[..OFFLOAD_HEADER] == [0; OFFLOAD_HEADER] && (ip, transport) == (0xffff, 0xffff)
    }

    /// Bytes that are all different from their neighbours, of odd length.
    fn payload(length: usize) -> Vec<u8> {
        (0..length).map(|index| (index * 7 + index / 256) as u8).collect()
    }

    #[test]
    fn a_checksum_left_to_the_card_is_filled_in() {
        for protocol in [TCP, UDP] {
            for length in 0..70 {
                let mut packet = frame(protocol, &payload(length), 0);
                assert!(!is_sound(&packet));
                complete_checksum(&mut packet);
                assert!(is_sound(&packet), "protocol {protocol}, {length} bytes");
            }
        }
    }

    #[test]
    fn the_bytes_of_a_stream_are_those_behind_its_headers() {
        assert_eq!(stream_bytes(&frame(TCP, b"POST / HTTP/1.1", 0)), Some(&b"POST / HTTP/1.1"[..]));
        assert_eq!(stream_bytes(&frame(TCP, &payload(4000), 1448)), Some(&payload(4000)[..]));
        assert_eq!(stream_bytes(&frame(TCP, &[], 0)), Some(&[][..]));
        assert_eq!(stream_bytes(&frame(UDP, &payload(8), 0)), None);
        assert!(is_probe(&frame(UDP, &[0], 0)), "to port 9");
        assert!(!is_probe(&frame(TCP, &[0], 0)));
    }

    #[test]
    fn segments_carry_the_stream_on_and_are_sound() {
        let sent = payload(4001);
        for protocol in [TCP, UDP] {
            let whole = frame(protocol, &sent, 1448);
            let segments = segments(&whole).expect("it stands for several");
            assert_eq!(segments.len(), 3);
            let mut received: Vec<u8> = Vec::new();
            for (index, segment) in segments.iter().enumerate() {
                assert!(is_sound(segment), "protocol {protocol}, segment {index}");
                let layout = Layout::of(segment).unwrap();
                assert_eq!(
                    number(segment, layout.ip + 4),
                    Some(0xffff_u16.wrapping_add(index as u16))
                );
                if protocol == TCP {
                    let at = layout.transport;
                    let sequence = u32::from_be_bytes(segment[at + 4..at + 8].try_into().unwrap());
                    let expected = 0xffff_fff0_u32.wrapping_add(received.len() as u32);
                    assert_eq!(sequence, expected, "it wraps around");
                    let flags = [0x90, 0x10, 0x19][index];
                    assert_eq!(segment[at + TCP_FLAGS], flags, "congestion first, the end last");
                } else {
                    let length = (segment.len() - layout.transport) as u16;
                    assert_eq!(number(segment, layout.transport + 4), Some(length));
                }
                received.extend(&segment[layout.payload..layout.end]);
            }
            assert_eq!(received, sent);
        }
        assert_eq!(segments(&frame(TCP, &sent, 0)), None, "it is one packet");
    }

    #[test]
    fn every_flipped_bit_is_noticed_by_the_checksum() {
        for protocol in [TCP, UDP] {
            let intact = frame(protocol, &payload(21), 0);
            let layout = Layout::of(&intact).unwrap();
            let mut bits = 0..0;
            assert!(corrupt(&mut intact.clone(), |range| {
                bits = range.clone();
                range.start
            }));
            for bit in bits {
                let mut damaged = intact.clone();
                assert!(corrupt(&mut damaged, |_| bit));
                assert!(!is_sound_as(&damaged, &layout), "protocol {protocol}, bit {bit}");
                damaged[bit / 8] ^= 1 << (bit % 8);
                assert!(is_sound(&damaged), "nothing else was changed");
            }
        }
    }

    #[test]
    fn what_no_checksum_protects_is_not_damaged() {
        let never = |range: Range<usize>| panic!("no bit of {range:?} may be flipped");
        let mut without = frame(UDP, &payload(8), 0);
        let layout = Layout::of(&without).unwrap();
        without[0] = 0;
        put(&mut without, layout.checksum(), 0);
        assert!(!corrupt(&mut without, never));
        let mut empty = frame(UDP, &[], 0);
        assert!(!corrupt(&mut empty, never));
        let mut fragment = frame(UDP, &payload(8), 0);
        put(&mut fragment, layout.ip + 6, 0x2000);
        assert!(!corrupt(&mut fragment, never));
        let mut of_many = frame(TCP, &payload(4000), 1448);
        assert!(!corrupt(&mut of_many, never), "each segment would be summed anew");
        let mut question = frame(UDP, &payload(8), 0);
        question[OFFLOAD_HEADER + 12..][..2].copy_from_slice(&[0x08, 0x06]);
        assert!(!corrupt(&mut question, never), "ARP");
    }

    #[test]
    fn what_is_too_short_or_strange_is_left_alone() {
        let whole = frame(TCP, &payload(30), 0);
        for length in OFFLOAD_HEADER..whole.len() {
            let mut torn = whole[..length].to_vec();
            assert_eq!(segments(&torn), None);
            assert!(!corrupt(&mut torn, |range| range.start), "{length} bytes");
        }
    }
}
