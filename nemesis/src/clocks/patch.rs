//! Puts a clock into a process that stands still at its `exec`: system calls are made in its name that map the pages, and the
//! functions of its vDSO are overwritten with jumps into them.

use super::layout::PAGE;
use super::vdso::{JUMP_LENGTH, Vdso};
use super::{ClockError, ClockWay};
use crate::kernel::clock_code::ClockCode;
use crate::kernel::ptrace::{Happened, wait_for};
use nix::errno::Errno;
use nix::libc::{self, user_regs_struct};
use nix::sys::ptrace;
use nix::unistd::Pid;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// How far below the stack pointer the path of the pages is written: at an exec nothing is below it.
const SCRATCH: u64 = 8192;

/// A stopped process in whose name system calls are made.
struct Puppet {
    pid: Pid,
    /// Its registers, which it gets back.
    own: user_regs_struct,
    vdso: Vdso,
    /// Signals that arrived meanwhile.
    withheld: Vec<i32>,
}

/// Puts the clock at `page` into the process, which must stand still at the end of an `exec`. The signals that arrived
/// meanwhile have not been delivered.
pub(super) fn put_on(pid: Pid, page: &Path) -> Result<Vec<i32>, ClockError> {
    let code = ClockCode::get().ok_or(ClockError::Architecture {
        way: ClockWay::Vdso,
    })?;
    let mut puppet = Puppet::take(pid)?;
    let dressed = puppet.dress(page, &code);
    // Dressed or not, it goes on where it stood.
    let withheld = puppet.let_go()?;
    dressed.map(|()| withheld)
}

/// `movabs rax, to; jmp rax`
fn jump(to: u64) -> [u8; JUMP_LENGTH as usize] {
    let mut code = [0x48, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xe0];
    code[2..10].copy_from_slice(&to.to_le_bytes());
    code
}

impl Puppet {
    fn take(pid: Pid) -> Result<Puppet, ClockError> {
        let own = ptrace::getregs(pid).map_err(refused(pid, "read its registers"))?;
        let vdso = Vdso::of(pid)?;
        Ok(Puppet {
            pid,
            own,
            vdso,
            withheld: Vec::new(),
        })
    }

    fn let_go(self) -> Result<Vec<i32>, ClockError> {
        ptrace::setregs(self.pid, self.own).map_err(refused(self.pid, "restore its registers"))?;
        Ok(self.withheld)
    }

    fn dress(&mut self, page: &Path, code: &ClockCode) -> Result<(), ClockError> {
        let base = self.map(page)?;
        for (from, to) in [
            (self.vdso.clock_gettime, code.clock_gettime),
            (self.vdso.gettimeofday, code.gettimeofday),
            (self.vdso.time, code.time),
        ] {
            self.write(from, &jump(base + to))?;
        }
        Ok(())
    }

    /// Maps the code and, right behind it, the numbers; the answer is where.
    fn map(&mut self, page: &Path) -> Result<u64, ClockError> {
        let path = self.own.rsp - SCRATCH;
        self.write(path, &[page.as_os_str().as_bytes(), &[0]].concat())?;
        let page = PAGE as u64;
        let flags = (libc::O_RDWR | libc::O_CLOEXEC) as u64;
        let here = libc::AT_FDCWD as u64;
        let file = self.call(
            "open the page of its clock",
            libc::SYS_openat,
            [here, path, flags, 0, 0, 0],
        )?;
        let code = (libc::PROT_READ | libc::PROT_EXEC) as u64;
        let shared = libc::MAP_SHARED as u64;
        let base = self.call(
            "map the code of its clock",
            libc::SYS_mmap,
            [0, 2 * page, code, shared, file, 0],
        )?;
        let numbers = (libc::PROT_READ | libc::PROT_WRITE) as u64;
        let fixed = (libc::MAP_SHARED | libc::MAP_FIXED) as u64;
        self.call(
            "map the numbers of its clock",
            libc::SYS_mmap,
            [base + page, page, numbers, fixed, file, page],
        )?;
        self.call(
            "close the page of its clock",
            libc::SYS_close,
            [file, 0, 0, 0, 0, 0],
        )?;
        Ok(base)
    }

    /// Makes a system call in its name.
    fn call(
        &mut self,
        what: &'static str,
        number: libc::c_long,
        arguments: [u64; 6],
    ) -> Result<u64, ClockError> {
        let [rdi, rsi, rdx, r10, r8, r9] = arguments;
        let registers = user_regs_struct {
            rip: self.vdso.syscall,
            rax: number as u64,
            // Not inside a system call, so the kernel has none to restart.
            orig_rax: u64::MAX,
            rdi,
            rsi,
            rdx,
            r10,
            r8,
            r9,
            ..self.own
        };
        ptrace::setregs(self.pid, registers).map_err(refused(self.pid, "set its registers"))?;
        step(self.pid, &mut self.withheld)?;
        let after = ptrace::getregs(self.pid).map_err(refused(self.pid, "read its registers"))?;
        answer(after.rax).map_err(|errno| ClockError::Call {
            pid: self.pid.as_raw(),
            call: what,
            errno,
        })
    }

    fn write(&self, address: u64, bytes: &[u8]) -> Result<(), ClockError> {
        let word = |at: u64| ptrace::read(self.pid, at as ptrace::AddressType);
        let write = || -> Result<(), Errno> {
            for (at, chunk) in (address..).step_by(8).zip(bytes.chunks(8)) {
                let mut whole = match chunk.len() {
                    8 => [0; 8],
                    _ => word(at)?.to_le_bytes(),
                };
                whole[..chunk.len()].copy_from_slice(chunk);
                ptrace::write(
                    self.pid,
                    at as ptrace::AddressType,
                    i64::from_le_bytes(whole),
                )?;
            }
            Ok(())
        };
        write().map_err(refused(self.pid, "write to its memory"))
    }
}

/// Lets the process execute one instruction. Signals that arrive meanwhile are not delivered but put to the `withheld` ones; that it
/// is told to continue shows as a stop of its own besides.
pub(super) fn step(pid: Pid, withheld: &mut Vec<i32>) -> Result<(), ClockError> {
    loop {
        ptrace::step(pid, None).map_err(refused(pid, "let it make a step"))?;
        match wait_for(pid).map_err(refused(pid, "wait for it"))? {
            Happened::Stopped {
                signal: libc::SIGTRAP,
                event: 0,
                ..
            } => return Ok(()),
            Happened::Stopped {
                event: libc::PTRACE_EVENT_STOP,
                ..
            } => {}
            Happened::Stopped { signal, .. } => withheld.push(signal),
            Happened::Ended { .. } => return Err(ClockError::Ended { pid: pid.as_raw() }),
        }
    }
}

/// What a system call answered: small negative numbers are errors.
fn answer(rax: u64) -> Result<u64, Errno> {
    match rax.cast_signed() {
        error @ -4095..=-1 => Err(Errno::from_raw(-error as i32)),
        _ => Ok(rax),
    }
}

pub(super) fn refused(pid: Pid, step: &'static str) -> impl Fn(Errno) -> ClockError {
    move |errno| ClockError::Trace {
        step,
        pid: pid.as_raw(),
        errno,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_jump_holds_its_address() {
        let code = jump(0x1122_3344_5566_7788);
        assert_eq!(code[..3], [0x48, 0xb8, 0x88]);
        assert_eq!(code[9..], [0x11, 0xff, 0xe0]);
    }

    #[test]
    fn errors_are_small_negative_numbers() {
        assert_eq!(answer(7), Ok(7));
        assert_eq!(answer(0x7fff_0000_0000), Ok(0x7fff_0000_0000));
        assert_eq!(answer((-2i64).cast_unsigned()), Err(Errno::ENOENT));
    }
}
