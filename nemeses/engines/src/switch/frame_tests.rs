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
            assert_eq!(number(segment, layout.ip + 4), Some(0xffff_u16.wrapping_add(index as u16)));
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
