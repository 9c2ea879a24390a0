//! Reading an IPv4 packet as far as a switch must.

use std::net::Ipv4Addr;

const SHORTEST_HEADER: usize = 20;
const TCP: u8 = 6;

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

/// The connection a packet belongs to, when it is the first fragment, or the whole, of a TCP segment.
pub(super) fn tcp_flow(packet: &[u8]) -> Option<Flow> {
    let header = header(packet)?;
    let fragment_offset = u16::from_be_bytes([header[6], header[7]]) & 0x1fff;
    if header[9] != TCP || fragment_offset != 0 {
        return None;
    }
    let payload = packet.get(usize::from(header[0] & 0x0f) * 4..)?;
    Some(Flow {
        source: address(header, 12),
        destination: address(header, 16),
        ports: *payload.first_chunk()?,
    })
}

fn header(packet: &[u8]) -> Option<&[u8; SHORTEST_HEADER]> {
    let header: &[u8; SHORTEST_HEADER] = packet.first_chunk()?;
    (header[0] >> 4 == 4).then_some(header)
}

fn address(header: &[u8; SHORTEST_HEADER], at: usize) -> Ipv4Addr {
    Ipv4Addr::new(header[at], header[at + 1], header[at + 2], header[at + 3])
}
