//! Ports on TUN devices: whole IPv4 packets, without a frame around them.

use super::{INTERFACE, Port};
use crate::kernel;
use crate::net::NetError;
use crate::net::namespace::Namespace;
use crate::net::netlink::Netlink;
use crate::net::seats::Seats;
use nix::fcntl::OFlag;
use std::fs::{File, OpenOptions};
use std::io;
use std::net::Ipv4Addr;
use std::os::fd::AsFd;
use std::os::unix::fs::OpenOptionsExt;

pub(super) const DEVICE: &str = "/dev/net/tun";

/// Large packets make few of them: eight times the throughput of mtu 1500, at a quarter of the latency.
const MTU: u32 = 65_000;

/// Opens the device all TUN interfaces are made from.
pub(super) fn open() -> io::Result<File> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .custom_flags(OFlag::O_NONBLOCK.bits())
        .open(DEVICE)
}

pub(super) fn open_all(seats: &Seats, harness: &Namespace) -> Result<Vec<Port>, NetError> {
    let all = seats.with(harness);
    all.map(|(namespace, addresses)| namespace.run(|| open_port(addresses)))
        .collect()
}

/// Makes the interface of the calling thread's namespace.
fn open_port(addresses: &[Ipv4Addr]) -> Result<Port, NetError> {
    let device = open().map_err(NetError::interface(format!("open {DEVICE}")))?;
    kernel::attach_tun(device.as_fd(), INTERFACE).map_err(NetError::interface(format!(
        "create the TUN interface {INTERFACE}"
    )))?;
    Netlink::open()?.configure(INTERFACE, MTU, addresses)?;
    Ok(Port { device, header: 0 })
}
