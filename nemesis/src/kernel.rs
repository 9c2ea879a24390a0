//! The one module with `unsafe` code: the calls for which no library offers a safe function.
//!
//! Everything else in this crate goes through `nix`, `rtnetlink` and the standard library.
#![expect(
    unsafe_code,
    reason = "fork, _exit, pre_exec, ioctl and packet sockets have no safe interface"
)]

#[cfg_attr(
    not(target_arch = "x86_64"),
    expect(dead_code, reason = "there is no machine code to put anywhere")
)]
pub(crate) mod clock_code;
#[cfg_attr(
    not(target_arch = "x86_64"),
    expect(dead_code, reason = "a vDSO is patched on x86-64 only")
)]
pub(crate) mod ptrace;

use nix::errno::Errno;
use nix::libc;
use nix::unistd::{ForkResult, Pid};
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::Command;

/// Which side of a fork this is.
pub(crate) enum Forked {
    Parent(Pid),
    Child,
}

/// Forks the process. The child has one thread; whatever lock another thread of the parent held stays held in it, so
/// callers either are single-threaded or do nothing in the child but system calls and allocation.
pub(crate) fn fork() -> Result<Forked, Errno> {
    // SAFETY: the child runs with a copy of all memory; glibc makes allocation usable in it, and the callers named in
    // this function's contract touch no lock another thread could hold.
    match unsafe { nix::unistd::fork() }? {
        ForkResult::Parent { child } => Ok(Forked::Parent(child)),
        ForkResult::Child => Ok(Forked::Child),
    }
}

/// Ends the process at once, without destructors, exit handlers or flushing: for a forked child.
pub(crate) fn exit_now(code: i32) -> ! {
    // SAFETY: _exit takes a number and does not return.
    unsafe { libc::_exit(code) }
}

/// Lets the process write to a terminal of which it is not the foreground group, whatever `stty tostop` says.
pub(crate) fn ignore_terminal_output_stops() -> Result<(), Errno> {
    use nix::sys::signal::{SigHandler, Signal, signal};
    // SAFETY: SIG_IGN installs no handler, so no code runs in signal context.
    unsafe { signal(Signal::SIGTTOU, SigHandler::SigIgn) }.map(drop)
}

/// Lets children be waited for, even when the program that started this one ignored the end of its children.
pub(crate) fn notice_children() -> Result<(), Errno> {
    use nix::sys::signal::{SigHandler, Signal, signal};
    // SAFETY: SIG_DFL installs no handler, so no code runs in signal context.
    unsafe { signal(Signal::SIGCHLD, SigHandler::SigDfl) }.map(drop)
}

/// Makes `command` start in the network namespace behind `namespace`, which must stay open until the spawn.
pub(crate) fn start_in_namespace(command: &mut Command, namespace: BorrowedFd<'_>) {
    let raw = namespace.as_raw_fd();
    let enter = move || {
        // SAFETY: setns is a single system call; a number that is no descriptor gives EBADF.
        match unsafe { libc::setns(raw, libc::CLONE_NEWNET) } {
            0 => Ok(()),
            _ => Err(std::io::Error::last_os_error()),
        }
    };
    // SAFETY: the closure makes one system call, allocates nothing and takes no lock, as is asked between fork and exec.
    unsafe { command.pre_exec(enter) };
}

/// Turns an open `/dev/net/tun` into the TUN device `name` of the thread's network namespace: IP packets, no header.
pub(crate) fn attach_tun(device: BorrowedFd<'_>, name: &str) -> Result<(), Errno> {
    let mut request = interface_request(name)?;
    request.ifr_ifru.ifru_flags = (libc::IFF_TUN | libc::IFF_NO_PI) as libc::c_short;
    // SAFETY: TUNSETIFF reads and writes one ifreq, which outlives the call.
    let result = unsafe { libc::ioctl(device.as_raw_fd(), libc::TUNSETIFF as _, &mut request) };
    Errno::result(result).map(drop)
}

/// Switches transmit checksum offload, and with it segmentation offload, of the interface `name` off, so that frames
/// read from a packet socket are complete. `socket` is any socket of the interface's network namespace.
pub(crate) fn complete_checksums(socket: BorrowedFd<'_>, name: &str) -> Result<(), Errno> {
    #[repr(C)]
    struct EthtoolValue {
        command: u32,
        data: u32,
    }
    const ETHTOOL_STXCSUM: u32 = 0x17;
    let mut off = EthtoolValue {
        command: ETHTOOL_STXCSUM,
        data: 0,
    };
    let mut request = interface_request(name)?;
    request.ifr_ifru.ifru_data = (&raw mut off).cast();
    // SAFETY: SIOCETHTOOL reads the ifreq and the two words it points to; both outlive the call.
    let result = unsafe { libc::ioctl(socket.as_raw_fd(), libc::SIOCETHTOOL as _, &mut request) };
    Errno::result(result).map(drop)
}

/// A non-blocking packet socket that carries the IPv4 frames, Ethernet header included, that arrive at the interface
/// with this index.
pub(crate) fn packet_socket(interface_index: u32) -> Result<OwnedFd, Errno> {
    let protocol = (libc::ETH_P_IP as u16).to_be();
    let kind = libc::SOCK_RAW | libc::SOCK_NONBLOCK | libc::SOCK_CLOEXEC;
    // SAFETY: socket takes three numbers; the descriptor it returns is owned by nobody else.
    let socket = unsafe {
        let raw = Errno::result(libc::socket(libc::AF_PACKET, kind, i32::from(protocol)))?;
        OwnedFd::from_raw_fd(raw)
    };
    // SAFETY: sockaddr_ll is plain numbers, for which all zeroes is a value.
    let mut address: libc::sockaddr_ll = unsafe { std::mem::zeroed() };
    address.sll_family = libc::AF_PACKET as u16;
    address.sll_protocol = protocol;
    address.sll_ifindex = i32::try_from(interface_index).map_err(|_| Errno::EINVAL)?;
    // SAFETY: the address is read during the call, with its true length.
    let bound = unsafe {
        libc::bind(
            socket.as_raw_fd(),
            (&raw const address).cast(),
            size_of::<libc::sockaddr_ll>() as libc::socklen_t,
        )
    };
    Errno::result(bound).map(|_| socket)
}

fn interface_request(name: &str) -> Result<libc::ifreq, Errno> {
    // SAFETY: ifreq is plain numbers and a null pointer, for which all zeroes is a value.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    if name.len() >= request.ifr_name.len() {
        return Err(Errno::ENAMETOOLONG);
    }
    for (slot, byte) in request.ifr_name.iter_mut().zip(name.bytes()) {
        *slot = byte as libc::c_char;
    }
    Ok(request)
}
