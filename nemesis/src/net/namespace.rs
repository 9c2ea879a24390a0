//! A network namespace, kept by a descriptor.

use super::NetError;
use crate::NodeName;
use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::sched::{CloneFlags, setns, unshare};
use std::fs::File;
use std::io::ErrorKind;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::{Path, PathBuf};
use std::thread;

/// The namespace of the calling thread.
const OWN: &str = "/proc/thread-self/ns/net";

/// Where `ip netns` looks for namespaces.
const PUBLISHED: &str = "/run/netns";

/// A network namespace. It lasts as long as this value or a process in it does.
#[derive(Debug)]
pub(super) struct Namespace {
    handle: File,
    /// Its name for others, which goes with this value.
    published: Option<PathBuf>,
}

impl Namespace {
    /// A new namespace with nothing but a loopback interface that is up, and without IPv6.
    pub(super) fn create() -> Result<Namespace, NetError> {
        on_a_thread(|| {
            unshare(CloneFlags::CLONE_NEWNET)
                .map_err(NetError::namespace("create a network namespace"))?;
            switch_ipv6_off()?;
            super::raise_loopback()?;
            Namespace::current()
        })
    }

    /// The namespace the calling thread is in.
    pub(super) fn current() -> Result<Namespace, NetError> {
        let handle = File::open(OWN).map_err(NetError::namespace_io(format!("open {OWN}")))?;
        Ok(Namespace {
            handle,
            published: None,
        })
    }

    /// Gives the namespace a name for `ip netns exec`, which somebody who looks into a running lab will want.
    pub(super) fn publish(&mut self, name: &NodeName) -> Result<(), NetError> {
        let path = Path::new(PUBLISHED).join(name.as_str());
        let what = format!(
            "publish the network namespace of {name} as {}",
            path.display()
        );
        File::create_new(&path).map_err(NetError::namespace_io(what.clone()))?;
        self.published = Some(path.clone());
        self.run(|| {
            let none: Option<&str> = None;
            mount(Some(OWN), &path, none, MsFlags::MS_BIND, none).map_err(NetError::namespace(what))
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

impl Drop for Namespace {
    fn drop(&mut self) {
        if let Some(path) = self.published.take() {
            // What cannot be taken back now goes with the lab.
            let _ = umount2(&path, MntFlags::MNT_DETACH);
            let _ = std::fs::remove_file(&path);
        }
    }
}

impl AsFd for Namespace {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.handle.as_fd()
    }
}

/// Nothing may flow around a cut. A kernel without IPv6 is as good.
fn switch_ipv6_off() -> Result<(), NetError> {
    for interfaces in ["all", "default"] {
        let path = format!("/proc/sys/net/ipv6/conf/{interfaces}/disable_ipv6");
        match std::fs::write(&path, "1") {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                return Err(NetError::namespace_io(format!("write 1 to {path}"))(error));
            }
            Ok(()) | Err(_) => {}
        }
    }
    Ok(())
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
