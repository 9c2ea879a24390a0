//! Reading an IPv4 packet as far as a switch must, and damaging it.

use std::net::Ipv4Addr;

const SHORTEST_HEADER: usize = 20;
const TCP: u8 = 6;
const UDP: u8 = 17;

/// A TCP connection seen in one direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Flow {
    source: Ipv4Addr,
    destination: Ipv4Addr,
    /// Source and destination port.
    ports: [u8; 4],
}

/// The receiver of a packet, unless it is not IPv4.
pub(super) fn destination(packet: &[u8]) -> Option<Ipv4Addr> {
    let header = header(packet)?;
    Some(address(header, 16))
}

/// The sender of a packet, unless it is not IPv4.
pub(super) fn source(packet: &[u8]) -> Option<Ipv4Addr> {
    let header = header(packet)?;
    Some(address(header, 12))
}

/// The connection a packet belongs to, when it is the first fragment, or the whole, of a TCP segment.
pub(super) fn tcp_flow(packet: &[u8]) -> Option<Flow> {
    let header = header(packet)?;
    if header[9] != TCP || is_later_fragment(header) {
        return None;
    }
    let payload = packet.get(header_length(header)..)?;
    Some(Flow {
        source: address(header, 12),
        destination: address(header, 16),
        ports: *payload.first_chunk()?,
    })
}

/// Flips one bit behind the IPv4 header, where the transport's checksum shows it; `bit` chooses which. False when there is
/// none.
pub(super) fn flip_bit(packet: &mut [u8], bit: u32) -> bool {
    let segment = segment(packet);
    flip(segment, bit)
}

/// Flips one bit of what a TCP or UDP segment carries and makes its checksum fit. False when the packet is none, only a
/// fragment of one, or carries nothing.
pub(super) fn flip_bit_unnoticed(packet: &mut [u8], bit: u32) -> bool {
    let Some(header) = header(packet) else {
        return false;
    };
    let whole = u16::from_be_bytes([header[6], header[7]]) & 0x3fff == 0;
    let protocol = header[9];
    let segment = segment(packet);
    let (checksum_at, carried_from) = match (protocol, segment.get(12)) {
        (TCP, Some(offset)) => (16, usize::from(offset >> 4) * 4),
        (UDP, _) => (6, 8),
        _ => return false,
    };
    if !whole || carried_from < checksum_at + 2 || carried_from >= segment.len() {
        return false;
    }
    let at = carried_from + (bit / 8) as usize % (segment.len() - carried_from);
    let old = word(segment, at & !1);
    segment[at] ^= 1 << (bit % 8);
    let new = word(segment, at & !1);
    let checksum = word(segment, checksum_at);
    // A UDP datagram with checksum 0 has none.
    if protocol == TCP || checksum != 0 {
        let mended = adjusted(checksum, old, new);
        segment[checksum_at..checksum_at + 2].copy_from_slice(&mended.to_be_bytes());
    }
    true
}

/// The Internet checksum after one word of what it covers changed: equation 3 of RFC 1624.
fn adjusted(checksum: u16, old: u16, new: u16) -> u16 {
    let sum = u32::from(!checksum) + u32::from(!old) + u32::from(new);
    let folded = (sum & 0xffff) + (sum >> 16);
    let folded = (folded & 0xffff) + (folded >> 16);
    !(folded as u16)
}

/// The word at an even place; the last one may lack its second half.
fn word(segment: &[u8], at: usize) -> u16 {
    let second = segment.get(at + 1).copied().unwrap_or(0);
    u16::from_be_bytes([segment[at], second])
}

fn flip(bytes: &mut [u8], bit: u32) -> bool {
    let at = (bit / 8) as usize % bytes.len().max(1);
    match bytes.get_mut(at) {
        Some(byte) => {
            *byte ^= 1 << (bit % 8);
            true
        }
        None => false,
    }
}

/// What follows the IPv4 header, without anything a device put behind the packet.
fn segment(packet: &mut [u8]) -> &mut [u8] {
    let Some(header) = header(packet) else {
        return &mut [];
    };
    let start = header_length(header);
    let end = usize::from(u16::from_be_bytes([header[2], header[3]])).min(packet.len());
    packet.get_mut(start..end).unwrap_or_default()
}

fn is_later_fragment(header: &[u8; SHORTEST_HEADER]) -> bool {
    u16::from_be_bytes([header[6], header[7]]) & 0x1fff != 0
}

fn header_length(header: &[u8; SHORTEST_HEADER]) -> usize {
    usize::from(header[0] & 0x0f) * 4
}

fn header(packet: &[u8]) -> Option<&[u8; SHORTEST_HEADER]> {
    let header: &[u8; SHORTEST_HEADER] = packet.first_chunk()?;
    (header[0] >> 4 == 4 && header_length(header) >= SHORTEST_HEADER).then_some(header)
}

fn address(header: &[u8; SHORTEST_HEADER], at: usize) -> Ipv4Addr {
    Ipv4Addr::new(header[at], header[at + 1], header[at + 2], header[at + 3])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The checksum over pseudo-header and segment, as RFC 1071 defines it.
    fn sum(packet: &[u8]) -> u16 {
        let segment = &packet[20..];
        let mut words = packet[12..20].to_vec();
        words.extend([0, packet[9]]);
        words.extend((segment.len() as u16).to_be_bytes());
        words.extend(segment);
        words.push(0);
        let sum: u64 = words
            .chunks_exact(2)
            .map(|pair| u64::from(pair[0]) << 8 | u64::from(pair[1]))
            .sum();
        (sum % 0xffff) as u16
    }

    fn segment(protocol: u8, carried: &[u8]) -> Vec<u8> {
        let (header, checksum_at) = match protocol {
            TCP => (20, 36),
            _ => (8, 26),
        };
        let mut bytes = vec![0; 20 + header];
        bytes[0] = 0x45;
        bytes[9] = protocol;
        bytes[12..20].copy_from_slice(&[10, 99, 0, 1, 10, 99, 0, 2]);
        bytes[20..24].copy_from_slice(&[7, 1, 7, 2]);
        if protocol == TCP {
            bytes[32] = 0x50;
        }
        bytes.extend(carried);
        let length = bytes.len() as u16;
        bytes[2..4].copy_from_slice(&length.to_be_bytes());
        let checksum = !sum(&bytes);
        bytes[checksum_at..checksum_at + 2].copy_from_slice(&checksum.to_be_bytes());
        bytes
    }

    fn changed_bits(one: &[u8], other: &[u8]) -> u32 {
        let pairs = one.iter().zip(other);
        pairs.map(|(one, other)| (one ^ other).count_ones()).sum()
    }

    proptest! {
        #[test]
        fn a_flipped_bit_shows_in_the_checksum_unless_that_is_mended(
            tcp: bool, carried in prop::collection::vec(any::<u8>(), 1..50), bit: u32,
        ) {
            let packet = segment(if tcp { TCP } else { UDP }, &carried);
            prop_assert_eq!(sum(&packet), 0);
            let mut broken = packet.clone();
            prop_assert!(flip_bit(&mut broken, bit));
            prop_assert_ne!(sum(&broken), 0);
            prop_assert_eq!(changed_bits(&packet, &broken), 1);
            let mut mended = packet.clone();
            prop_assert!(flip_bit_unnoticed(&mut mended, bit));
            prop_assert_eq!(sum(&mended), 0);
            let carried_from = packet.len() - carried.len();
            prop_assert_eq!(changed_bits(&packet[carried_from..], &mended[carried_from..]), 1);
        }

        #[test]
        fn whatever_the_bytes_nothing_else_is_touched(bytes in prop::collection::vec(any::<u8>(), 0..60), bit: u32) {
            for damage in [flip_bit, flip_bit_unnoticed] {
                let mut damaged = bytes.clone();
                let done = damage(&mut damaged, bit);
                prop_assert!(done || damaged == bytes);
                prop_assert_eq!(&damaged[..bytes.len().min(20)], &bytes[..bytes.len().min(20)]);
            }
        }
    }

    #[test]
    fn what_carries_nothing_is_left_alone() {
        for (mut packet, why) in [
            (segment(TCP, &[]), "no payload"),
            (segment(1, &[1, 2, 3]), "neither TCP nor UDP"),
            (
                {
                    let mut fragment = segment(TCP, &[1, 2, 3]);
                    fragment[6] = 0x20;
                    fragment
                },
                "a first fragment",
            ),
        ] {
            assert!(!flip_bit_unnoticed(&mut packet, 7), "{why}");
        }
        assert!(!flip_bit(&mut [0x45; 20], 7));
    }
}
