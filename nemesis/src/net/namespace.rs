//! A network namespace, kept by a descriptor.

use super::NetError;
use crate::NodeName;
use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, setns, unshare};
use std::fs::File;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::Path;
use std::thread;

/// The namespace of the calling thread.
const OWN: &str = "/proc/thread-self/ns/net";

/// Where `ip netns` looks for namespaces.
const PUBLISHED: &str = "/run/netns";

/// A network namespace. It lasts as long as this value, a process in it, or its published name does.
#[derive(Debug)]
pub(super) struct Namespace {
    handle: File,
}

impl Namespace {
    /// A new namespace with nothing but a loopback interface that is up, and without IPv6.
    pub(super) fn create() -> Result<Namespace, NetError> {
        on_a_thread(|| {
            unshare(CloneFlags::CLONE_NEWNET)
                .map_err(NetError::namespace("create a network namespace"))?;
            set_sysctl("net/ipv6/conf/all/disable_ipv6", "1");
            set_sysctl("net/ipv6/conf/default/disable_ipv6", "1");
            super::raise_loopback()?;
            Namespace::current()
        })
    }

    /// The namespace the calling thread is in.
    pub(super) fn current() -> Result<Namespace, NetError> {
        let handle = File::open(OWN).map_err(NetError::namespace_io(format!("open {OWN}")))?;
        Ok(Namespace { handle })
    }

    /// Gives the namespace a name for `ip netns exec`, which somebody who looks into a running lab will want.
    pub(super) fn publish(&self, name: &NodeName) -> Result<(), NetError> {
        let path = Path::new(PUBLISHED).join(name.as_str());
        let what = || {
            format!(
                "publish the network namespace of {name} as {}",
                path.display()
            )
        };
        File::create_new(&path).map_err(NetError::namespace_io(what()))?;
        self.run(|| {
            let none: Option<&str> = None;
            mount(Some(OWN), &path, none, MsFlags::MS_BIND, none)
                .map_err(NetError::namespace(what()))
        })
    }

    /// Runs `work` on a short-lived thread inside the namespace. Sockets and devices it opens belong to the namespace
    /// and stay in it wherever they are used afterwards.
    pub(super) fn run<T: Send>(
        &self,
        work: impl FnOnce() -> Result<T, NetError> + Send,
    ) -> Result<T, NetError> {
        on_a_thread(|| {
            setns(&self.handle, CloneFlags::CLONE_NEWNET)
                .map_err(NetError::namespace("enter a network namespace"))?;
            work()
        })
    }
}

impl AsFd for Namespace {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.handle.as_fd()
    }
}

/// Writes a sysctl of the calling thread's network namespace; false when the kernel does not have it.
pub(super) fn set_sysctl(path: &str, value: &str) -> bool {
    std::fs::write(Path::new("/proc/sys").join(path), value).is_ok()
}

/// Namespaces belong to threads: one that ends right afterwards needs no way back.
fn on_a_thread<T: Send>(work: impl FnOnce() -> Result<T, NetError> + Send) -> Result<T, NetError> {
    thread::scope(|scope| match scope.spawn(work).join() {
        Ok(result) => result,
        Err(panic) => std::panic::resume_unwind(panic),
    })
}
