//! The namespaces themselves: leaving the old ones, and making the new ones habitable.

use super::{Lab, LabError, LabStep, status};
use nix::errno::Errno;
use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};
use nix::unistd::{getgid, getuid};
use std::fs;
use std::io;

/// CAP_NET_ADMIN and CAP_SYS_ADMIN, with which no user namespace is needed.
const NEEDED_CAPABILITIES: u64 = 1 << 12 | 1 << 21;

/// Leaves the namespaces of the host. The PID namespace takes effect for children only.
pub(super) fn unshare_all() -> Result<Lab, LabError> {
    let user_namespace = status::capabilities()? & NEEDED_CAPABILITIES != NEEDED_CAPABILITIES;
    if user_namespace {
        unshare_user()?;
    }
    unshare_rest()?;
    Ok(Lab { user_namespace })
}

/// Leaves the mounts, the network and, for children, the processes of the host.
pub(super) fn unshare_rest() -> Result<(), LabError> {
    let rest = CloneFlags::CLONE_NEWNS | CloneFlags::CLONE_NEWNET | CloneFlags::CLONE_NEWPID;
    unshare(rest).at(LabStep::Namespaces)
}

/// Enters a user namespace in which the present user is root. It comes before the other namespaces, so that a refusal
/// can be told from a refusal of those.
pub(super) fn unshare_user() -> Result<(), LabError> {
    let (uid, gid) = (getuid(), getgid());
    unshare(CloneFlags::CLONE_NEWUSER).at(LabStep::UserNamespace)?;
    write_map("setgroups", "deny")?;
    write_map("uid_map", &format!("0 {uid} 1"))?;
    write_map("gid_map", &format!("0 {gid} 1"))
}

/// Gives the inside its mounts and its loopback. Runs inside the PID namespace.
pub(crate) fn furnish() -> Result<(), LabError> {
    let none: Option<&str> = None;
    let private = MsFlags::MS_REC | MsFlags::MS_PRIVATE;
    mount(none, "/", none, private, none).at(LabStep::PrivateMounts)?;
    let safe = MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC;
    mount(Some("proc"), "/proc", Some("proc"), safe, none).at(LabStep::MountProc)?;
    let safe = MsFlags::MS_NOSUID | MsFlags::MS_NODEV;
    mount(Some("tmpfs"), "/run", Some("tmpfs"), safe, Some("mode=755")).at(LabStep::MountRun)?;
    fs::create_dir("/run/netns").at(LabStep::MountRun)?;
    crate::net::raise_loopback().map_err(|source| LabError::Loopback(Box::new(source)))
}

fn write_map(file: &str, content: &str) -> Result<(), LabError> {
    fs::write(format!("/proc/self/{file}"), content).at(LabStep::UserMap)
}

/// Names the step at which the kernel said no.
pub(super) trait At<T> {
    fn at(self, step: LabStep) -> Result<T, LabError>;
}

impl<T> At<T> for Result<T, Errno> {
    fn at(self, step: LabStep) -> Result<T, LabError> {
        self.map_err(|errno| LabError::at(step, errno))
    }
}

impl<T> At<T> for io::Result<T> {
    fn at(self, step: LabStep) -> Result<T, LabError> {
        self.map_err(|error| {
            let errno = error.raw_os_error().map_or(Errno::EIO, Errno::from_raw);
            LabError::at(step, errno)
        })
    }
}
