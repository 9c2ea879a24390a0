//! Where an interface of a node ends in this process.

mod packet_socket;
mod tun;

use crate::net::NetError;
use crate::net::namespace::Namespace;
use crate::net::seats::Seats;
use nix::errno::Errno;
use std::fmt;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};

/// The name of the interface of a node, and of the harness.
const INTERFACE: &str = "eth0";

/// Longest frame of any kind of port.
pub(super) const LONGEST_FRAME: usize = 65_536;

/// What the ports of a switch are made of.
#[derive(Clone, Debug)]
pub(super) enum PortKind {
    /// A TUN device in each namespace.
    Tun,
    /// A veth pair for each node, with a packet socket at the far end; and why it is not TUN.
    PacketSocket { tun: String },
}

/// One end of the switch. Reads and writes do not block.
pub(super) struct Port {
    device: File,
    /// Bytes before the IPv4 header.
    header: usize,
}

impl Port {
    /// Takes the next frame into `buffer`; `None` when there is none at the moment.
    pub(super) fn read(&self, buffer: &mut [u8]) -> io::Result<Option<usize>> {
        match (&self.device).read(buffer) {
            Ok(length) => Ok(Some(length)),
            Err(error) if is_moment(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Gives the interface a frame. One it has no room for is lost, as on any network.
    pub(super) fn write(&self, frame: &[u8]) {
        let _ = (&self.device).write(frame);
    }

    /// Bytes of a frame before the IPv4 packet.
    pub(super) fn header(&self) -> usize {
        self.header
    }
}

impl AsFd for Port {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.device.as_fd()
    }
}

impl PortKind {
    /// TUN where its device can be opened.
    pub(super) fn here() -> PortKind {
        match tun::open() {
            Ok(_) => PortKind::Tun,
            Err(error) => PortKind::PacketSocket {
                tun: error.to_string(),
            },
        }
    }
}

impl fmt::Display for PortKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PortKind::Tun => f.write_str("TUN devices"),
            PortKind::PacketSocket { tun } => {
                write!(f, "packet sockets on veth pairs ({}: {tun})", tun::DEVICE)
            }
        }
    }
}

/// Opens a port for each node and, last, one for the harness, and gives the interfaces their addresses.
pub(super) fn open_all(
    seats: &Seats,
    harness: &Namespace,
) -> Result<(PortKind, Vec<Port>), NetError> {
    let kind = PortKind::here();
    let ports = match &kind {
        PortKind::Tun => tun::open_all(seats, harness)?,
        PortKind::PacketSocket { tun } => {
            packet_socket::open_all(seats, harness).map_err(|error| NetError::NoPorts {
                tun: tun.clone(),
                packet: error.to_string(),
            })?
        }
    };
    Ok((kind, ports))
}

/// Removes what would outlive the ports in the namespace of the harness, which is the calling thread's.
pub(super) fn close_all(kind: &PortKind) {
    match kind {
        // A TUN device goes with its descriptor.
        PortKind::Tun => {}
        PortKind::PacketSocket { .. } => packet_socket::close_all(),
    }
}

/// Makes a TUN port in a namespace of no further use.
pub(super) fn try_tun(scratch: &Namespace) -> Result<(), NetError> {
    tun::open_all(&Seats::default(), scratch).map(drop)
}

/// Makes a packet-socket port in a namespace of no further use.
pub(super) fn try_packet_socket(scratch: &Namespace) -> Result<(), NetError> {
    packet_socket::open_all(&Seats::default(), scratch).map(drop)
}

/// A read that failed for now only: nothing there, interrupted, or the interface is down at the moment.
fn is_moment(error: &io::Error) -> bool {
    let now = [Errno::EAGAIN, Errno::EINTR, Errno::ENETDOWN];
    now.iter()
        .any(|errno| error.raw_os_error() == Some(*errno as i32))
}
