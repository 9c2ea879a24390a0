//! Why a clock could not be faked.

use super::ClockWay;
use nix::errno::Errno;
use std::io;
use std::path::PathBuf;

/// A clock could not be faked.
#[derive(Debug, thiserror::Error)]
pub enum ClockError {
    /// There is nothing for this processor.
    #[error(
        "clocks cannot be faked by --clocks {way} on {}; try the other way, or leave the clock faults out",
        std::env::consts::ARCH
    )]
    Architecture {
        /// By what they were to be faked.
        way: ClockWay,
    },
    /// The shared page could not be made, written or read.
    #[error("cannot use {} as the page of a clock: {source}; it must be on a tmpfs that may be executed from", path.display())]
    Page {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Nobody may be traced.
    #[error(
        "the kernel lets nobody be traced; ptrace must be allowed: sysctl kernel.yama.ptrace_scope below 3, and \
         --cap-add SYS_PTRACE in a container"
    )]
    Untraced,
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
    /// It does not load libraries, or did not load ours.
    #[error(
        "{} has not loaded the library that tells it a time of its own: {why}; --clocks vdso needs none", program.display()
    )]
    NotLoaded {
        /// The program.
        program: PathBuf,
        /// Why.
        why: String,
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
