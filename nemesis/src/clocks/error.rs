//! Why a clock could not be faked.

use nix::errno::Errno;
use std::io;
use std::path::PathBuf;

/// A clock could not be faked.
#[derive(Debug, thiserror::Error)]
pub enum ClockError {
    /// There is no machine code for this processor.
    #[error(
        "clocks can be faked on x86-64 only, and this is {}; leave the clock faults out",
        std::env::consts::ARCH
    )]
    Architecture,
    /// The shared page could not be made, written or read.
    #[error("cannot use {} as the page of a clock: {source}; it must be on a tmpfs that may be executed from", path.display())]
    Page {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The kernel refused to trace the process.
    #[error(
        "cannot {step} (pid {pid}): {errno}; ptrace must be allowed: sysctl kernel.yama.ptrace_scope below 3, and \
         --cap-add SYS_PTRACE in a container"
    )]
    Trace {
        /// What was tried.
        step: &'static str,
        /// Its process number.
        pid: i32,
        /// The kernel's answer.
        errno: Errno,
    },
    /// It ended before its clock was in place.
    #[error("pid {pid} ended while its clock was being replaced")]
    Ended {
        /// Its process number.
        pid: i32,
    },
    /// A system call made in the name of the process was refused.
    #[error(
        "pid {pid} may not {call}: {errno}; its sandbox or its mounts keep the page of its clock from it"
    )]
    Call {
        /// Its process number.
        pid: i32,
        /// The call.
        call: &'static str,
        /// The kernel's answer.
        errno: Errno,
    },
    /// Its vDSO is not one that can be patched.
    #[error("the vDSO of pid {pid} cannot be patched: {why}")]
    Vdso {
        /// Its process number.
        pid: i32,
        /// Why.
        why: String,
    },
}
