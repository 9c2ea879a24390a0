//! Ports on veth pairs, for a user who may not open `/dev/net/tun`.
//!
//! The far ends of the pairs sit in a namespace of their own, where nothing but a packet socket listens. All near ends
//! share one hardware address and do not ask for others, so a frame sent by one is accepted by any other as it is.

use super::{INTERFACE, Port};
use crate::kernel;
use crate::net::NetError;
use crate::net::namespace::Namespace;
use crate::net::netlink::{Netlink, index_of};
use crate::net::seats::Seats;
use nix::sys::socket::{AddressFamily, SockFlag, SockType, socket};
use std::fs::File;
use std::net::Ipv4Addr;
use std::os::fd::{AsFd, OwnedFd};

/// Bytes of an Ethernet header.
const ETHERNET: usize = 14;

/// A packet socket's buffer is charged by the page; small frames use it best.
const MTU: u32 = 1500;

/// A locally administered address.
const SHARED_ADDRESS: [u8; 6] = [0x02, 0, 0, 0, 0, 0x01];

pub(super) fn open_all(seats: &Seats, harness: &Namespace) -> Result<Vec<Port>, NetError> {
    let patch_panel = Namespace::create()?;
    let all = seats.with(harness).enumerate();
    all.map(|(number, (namespace, addresses))| {
        let far = format!("port{number}");
        patch_panel.run(|| Netlink::open()?.add_veth(&far, INTERFACE, namespace))?;
        namespace.run(|| open_near_end(addresses))?;
        patch_panel.run(|| open_far_end(&far))
    })
    .collect()
}

/// Deletes the near end of the harness, which otherwise lasts until the kernel gets round to the far one.
pub(super) fn close_all() {
    // What cannot be taken back now goes with the lab.
    let _ = Netlink::open().and_then(|netlink| netlink.delete(INTERFACE));
}

fn open_near_end(addresses: &[Ipv4Addr]) -> Result<(), NetError> {
    let what = "switch checksum offload off";
    let any = any_socket().map_err(NetError::interface(what))?;
    kernel::complete_checksums(any.as_fd(), INTERFACE).map_err(NetError::interface(what))?;
    let netlink = Netlink::open()?;
    netlink.share_hardware_address(INTERFACE, SHARED_ADDRESS)?;
    netlink.configure(INTERFACE, MTU, addresses)
}

fn open_far_end(far: &str) -> Result<Port, NetError> {
    Netlink::open()?.up(far)?;
    let socket = kernel::packet_socket(index_of(far)?).map_err(NetError::interface(format!(
        "open a packet socket on {far}"
    )))?;
    Ok(Port {
        device: File::from(socket),
        header: ETHERNET,
    })
}

/// A socket to name an interface's namespace by.
fn any_socket() -> nix::Result<OwnedFd> {
    socket(
        AddressFamily::Inet,
        SockType::Datagram,
        SockFlag::SOCK_CLOEXEC,
        None,
    )
}
