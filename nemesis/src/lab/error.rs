//! Why a lab could not be entered, and what to do about it.

use crate::net::NetError;
use nix::errno::Errno;
use std::fmt;
use std::fs;
use std::path::Path;

/// The lab could not be entered.
#[derive(Debug, thiserror::Error)]
pub enum LabError {
    /// The process already had threads, which namespaces do not follow.
    #[error(
        "the lab must be entered before any thread is started, but the process has {count} threads: call it first in main"
    )]
    Threads {
        /// How many it had.
        count: usize,
    },
    /// There is no `/proc` to read.
    #[error("/proc/self/status cannot be read ({0}): mount /proc")]
    NoProc(#[source] std::io::Error),
    /// The kernel refused a step.
    #[error("cannot {step}: {errno}; {remedy}")]
    Refused {
        /// What was tried.
        step: LabStep,
        /// The kernel's answer.
        errno: Errno,
        /// What to do about it.
        remedy: String,
    },
    /// The loopback interface of the new network namespace could not be set up.
    #[error("cannot raise the loopback interface of the lab: {0}")]
    Loopback(#[source] Box<NetError>),
}

/// The steps into a lab that a host may refuse.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LabStep {
    /// `unshare(CLONE_NEWUSER)`.
    UserNamespace,
    /// Writing `uid_map`, `gid_map` and `setgroups`.
    UserMap,
    /// `unshare` of mounts, network and PIDs.
    Namespaces,
    /// Pipes, signals and `fork`.
    Fork,
    /// Making the mounts private.
    PrivateMounts,
    /// Mounting a `/proc` for the new PID namespace.
    MountProc,
    /// Mounting an empty `/run`.
    MountRun,
}

impl fmt::Display for LabStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            LabStep::UserNamespace => "create a user namespace",
            LabStep::UserMap => "map the user into its user namespace",
            LabStep::Namespaces => "create mount, network and PID namespaces",
            LabStep::Fork => "start the processes of the lab",
            LabStep::PrivateMounts => "make the mounts of the lab private",
            LabStep::MountProc => "mount /proc in the lab",
            LabStep::MountRun => "mount an empty /run in the lab",
        })
    }
}

impl LabError {
    /// The kernel's refusal of a step, with the remedy that fits this host.
    pub(crate) fn at(step: LabStep, errno: Errno) -> LabError {
        LabError::Refused {
            step,
            errno,
            remedy: remedy(step, errno),
        }
    }
}

fn remedy(step: LabStep, errno: Errno) -> String {
    match step {
        LabStep::Fork => {
            "raise the limits on processes and open files (ulimit -u, ulimit -n)".into()
        }
        LabStep::UserNamespace
        | LabStep::UserMap
        | LabStep::Namespaces
        | LabStep::PrivateMounts
        | LabStep::MountProc
        | LabStep::MountRun => permission_remedy(errno),
    }
}

/// The first thing found on this host that is known to refuse namespaces.
fn permission_remedy(errno: Errno) -> String {
    if sysctl("kernel/apparmor_restrict_unprivileged_userns") == Some(1) {
        return "AppArmor restricts user namespaces here: run as root (sudo), or \
                `sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0`"
            .into();
    }
    if sysctl("kernel/unprivileged_userns_clone") == Some(0) {
        return "user namespaces are switched off: run as root (sudo), or \
                `sudo sysctl -w kernel.unprivileged_userns_clone=1`"
            .into();
    }
    if sysctl("user/max_user_namespaces") == Some(0) {
        return "user namespaces are limited to none: run as root (sudo), or \
                `sudo sysctl -w user.max_user_namespaces=15000`"
            .into();
    }
    if errno == Errno::ENOSPC {
        return "a limit on namespaces is reached: raise the user.max_*_namespaces sysctls".into();
    }
    if in_container() {
        return "containers forbid this by default: start the container with --privileged, or with --cap-add SYS_ADMIN \
                --cap-add NET_ADMIN --security-opt seccomp=unconfined --security-opt apparmor=unconfined"
            .into();
    }
    if errno == Errno::EINVAL {
        return "the kernel lacks namespaces: it needs CONFIG_USER_NS, CONFIG_NET_NS and CONFIG_PID_NS".into();
    }
    "run as root (sudo), or allow user namespaces in the security policy of this host".into()
}

fn sysctl(path: &str) -> Option<u64> {
    let text = fs::read_to_string(Path::new("/proc/sys").join(path)).ok()?;
    text.trim().parse().ok()
}

fn in_container() -> bool {
    ["/.dockerenv", "/run/.containerenv"]
        .iter()
        .any(|mark| Path::new(mark).exists())
}
