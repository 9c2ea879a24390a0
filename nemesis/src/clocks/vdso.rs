//! The vDSO of a process that stands still: where it is mapped, and what in it is to be replaced.

use super::ClockError;
use nix::unistd::Pid;
use object::read::elf::ElfFile64;
use object::{Endianness, Object, ObjectSymbol};
use std::fs::{self, File};
use std::os::unix::fs::FileExt;

/// The length of what is written over the beginning of a function: `movabs rax, address; jmp rax`.
pub(super) const JUMP_LENGTH: u64 = 12;

/// `syscall`
const SYSCALL: [u8; 2] = [0x0f, 0x05];

/// Addresses in the memory of the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Vdso {
    /// An instruction that makes a system call.
    pub(super) syscall: u64,
    pub(super) clock_gettime: u64,
    pub(super) gettimeofday: u64,
    pub(super) time: u64,
}

impl Vdso {
    pub(super) fn of(pid: Pid) -> Result<Vdso, ClockError> {
        let foreign = |why: String| ClockError::Vdso {
            pid: pid.as_raw(),
            why,
        };
        let maps = fs::read_to_string(format!("/proc/{pid}/maps"));
        let maps = maps.map_err(|error| foreign(format!("cannot read its memory map: {error}")))?;
        let (begin, end) = range(&maps)
            .ok_or_else(|| foreign("it has none (was the kernel booted with vdso=0?)".into()))?;
        let mut image = vec![0; usize::try_from(end - begin).expect("two pages")];
        File::open(format!("/proc/{pid}/mem"))
            .and_then(|memory| memory.read_exact_at(&mut image, begin))
            .map_err(|error| foreign(format!("cannot read it: {error}")))?;
        read(&image, begin).map_err(foreign)
    }
}

/// Where a memory map has the vDSO.
fn range(maps: &str) -> Option<(u64, u64)> {
    let line = maps.lines().find(|line| line.ends_with("[vdso]"))?;
    let (begin, end) = line.split_whitespace().next()?.split_once('-')?;
    let address = |text| u64::from_str_radix(text, 16).ok();
    Some((address(begin)?, address(end)?))
}

fn read(image: &[u8], begin: u64) -> Result<Vdso, String> {
    let elf = ElfFile64::<Endianness>::parse(image)
        .map_err(|error| format!("it is none of a 64-bit program ({error})"))?;
    let function = |name: &str| {
        let symbol = elf
            .dynamic_symbols()
            .find(|symbol| symbol.name() == Ok(name))
            .ok_or_else(|| format!("it lacks {name}"))?;
        match symbol.size() {
            ..JUMP_LENGTH => Err(format!("{name} has {} bytes only", symbol.size())),
            _ => Ok(begin + symbol.address()),
        }
    };
    let syscall = image
        .windows(SYSCALL.len())
        .position(|bytes| bytes == SYSCALL)
        .ok_or("it makes no system calls")?;
    Ok(Vdso {
        syscall: begin + syscall as u64,
        clock_gettime: function("__vdso_clock_gettime")?,
        gettimeofday: function("__vdso_gettimeofday")?,
        time: function("__vdso_time")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_vdso_of_this_process_has_what_is_needed() {
        let this = Vdso::of(Pid::this()).unwrap();
        let maps = fs::read_to_string("/proc/self/maps").unwrap();
        let (begin, end) = range(&maps).unwrap();
        for address in [
            this.syscall,
            this.clock_gettime,
            this.gettimeofday,
            this.time,
        ] {
            assert!((begin..end).contains(&address));
        }
    }

    #[test]
    fn what_is_no_vdso_is_refused() {
        assert_eq!(range("00400000-00452000 r-xp 0 08:02 1 /bin/sh\n"), None);
        assert!(read(&[0; 8192], 0).unwrap_err().contains("64-bit"));
    }
}
