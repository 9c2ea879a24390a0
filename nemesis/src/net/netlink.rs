//! Changing interfaces without the `ip` program, which a bare machine does not have.

use super::NetError;
use super::namespace::Namespace;
use nix::net::if_::if_nametoindex;
use rtnetlink::packet_route::link::LinkMessage;
use rtnetlink::{Handle, LinkBridge, LinkUnspec, LinkVeth};
use std::net::Ipv4Addr;
use std::os::fd::{AsFd, AsRawFd};
use tokio::runtime::{Builder, Runtime};

/// Bits of the network part of every address.
const PREFIX: u8 = 24;

/// A netlink connection to the namespace of the thread that opened it. Use it on that thread.
pub(super) struct Netlink {
    runtime: Runtime,
    handle: Handle,
}

impl Netlink {
    /// Connects to the namespace of the calling thread.
    pub(super) fn open() -> Result<Netlink, NetError> {
        let fail = |error| NetError::interface::<std::io::Error>("open a netlink socket")(error);
        let runtime = Builder::new_current_thread()
            .enable_io()
            .build()
            .map_err(fail)?;
        let (connection, handle, _) = runtime
            .block_on(async { rtnetlink::new_connection() })
            .map_err(fail)?;
        runtime.spawn(connection);
        Ok(Netlink { runtime, handle })
    }

    /// Raises an interface.
    pub(super) fn up(&self, name: &str) -> Result<(), NetError> {
        let message = LinkUnspec::new_with_name(name).up().build();
        self.set(message, format!("raise interface {name}"))
    }

    /// Sets mtu and addresses, then raises the interface.
    pub(super) fn configure(
        &self,
        name: &str,
        mtu: u32,
        addresses: &[Ipv4Addr],
    ) -> Result<(), NetError> {
        let message = LinkUnspec::new_with_name(name).mtu(mtu).build();
        self.set(message, format!("set the mtu of {name} to {mtu}"))?;
        for address in addresses {
            self.add_address(name, *address)?;
        }
        self.up(name)
    }

    /// Gives an interface an address.
    pub(super) fn add_address(&self, name: &str, address: Ipv4Addr) -> Result<(), NetError> {
        let what = format!("give {name} the address {address}/{PREFIX}");
        let index = index_of(name)?;
        let request = self.handle.address().add(index, address.into(), PREFIX);
        self.runtime
            .block_on(request.execute())
            .map_err(NetError::interface(what))
    }

    /// Creates a bridge that forwards at once.
    pub(super) fn add_bridge(&self, name: &str) -> Result<(), NetError> {
        self.add(
            LinkBridge::new(name).build(),
            format!("create bridge {name}"),
        )
    }

    /// Creates a veth pair: `far` here, and `near` in another namespace from the start, which is ten times faster than
    /// to move it there.
    pub(super) fn add_veth(&self, far: &str, near: &str, to: &Namespace) -> Result<(), NetError> {
        let fd = to.as_fd().as_raw_fd();
        let message = LinkVeth::new(near, far).setns_by_fd(fd).build();
        self.add(message, format!("create veth pair {far}, {near}"))
    }

    /// Deletes an interface; with one end of a veth pair goes the other.
    pub(super) fn delete(&self, name: &str) -> Result<(), NetError> {
        let request = self.handle.link().del(index_of(name)?);
        self.runtime
            .block_on(request.execute())
            .map_err(NetError::interface(format!("delete interface {name}")))
    }

    /// Makes an interface a port of a bridge.
    pub(super) fn plug_into(&self, name: &str, bridge: &str) -> Result<(), NetError> {
        let message = LinkUnspec::new_with_name(name)
            .controller(index_of(bridge)?)
            .build();
        self.set(message, format!("plug {name} into bridge {bridge}"))
    }

    /// Gives an interface a hardware address, and lets it send to everybody under that address without asking.
    pub(super) fn share_hardware_address(
        &self,
        name: &str,
        address: [u8; 6],
    ) -> Result<(), NetError> {
        let message = LinkUnspec::new_with_name(name)
            .address(address.to_vec())
            .arp(false)
            .build();
        self.set(message, format!("set the hardware address of {name}"))
    }

    fn add(&self, message: LinkMessage, what: String) -> Result<(), NetError> {
        let request = self.handle.link().add(message);
        self.runtime
            .block_on(request.execute())
            .map_err(NetError::interface(what))
    }

    fn set(&self, message: LinkMessage, what: String) -> Result<(), NetError> {
        let request = self.handle.link().set(message);
        self.runtime
            .block_on(request.execute())
            .map_err(NetError::interface(what))
    }
}

/// The index of an interface of the calling thread's namespace.
pub(super) fn index_of(name: &str) -> Result<u32, NetError> {
    if_nametoindex(name).map_err(NetError::interface(format!("find interface {name}")))
}
