//! A library for the dynamic linker of a victim: the fallback where a vDSO cannot be patched.
//!
//! The kernel is asked for nothing, so it works where ptrace is refused, and on processors for which there is no machine code. It is
//! found by every program that is executed later, unless that has the rights of another user. What it cannot reach: programs that
//! are linked statically, and those that ask the vDSO themselves, as Go does.

use super::ClockError;
use super::page::ClockPage;
use crate::clock::Stopwatch;
use crate::kernel::ptrace::has_ended;
use nix::unistd::Pid;
use object::Endianness;
use object::elf::{ELFMAG, FileHeader64, PT_INTERP};
use object::read::elf::{FileHeader, ProgramHeader};
use std::ffi::{OsStr, OsString};
use std::fs::{self, File, Permissions};
use std::io::{self, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::Duration;

/// What `build.rs` made of `preload/clock.rs`; nothing where it knows no numbers of the kernel.
pub(super) const LIBRARY: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/clock.so"));

/// What the dynamic linker reads, and what the library does.
const PRELOAD: &str = "LD_PRELOAD";
const PAGES: &str = "ADRASTEIA_CLOCK";

/// How long a program may take from its exec until its libraries are loaded.
const PATIENCE: Duration = Duration::from_secs(5);

const LOOK_AGAIN: Duration = Duration::from_micros(200);

/// Where the headers of a program end at the latest, as linkers lay them out.
const HEADERS: u64 = 4096;

/// Writes the library beside the pages.
pub(super) fn write_beside(pages: &Path) -> Result<(), ClockError> {
    let library = beside(pages);
    let write = || {
        fs::write(&library, LIBRARY)?;
        fs::set_permissions(&library, Permissions::from_mode(0o755))
    };
    write().map_err(|source| ClockError::Page {
        path: library.clone(),
        source,
    })
}

/// Has the dynamic linker of `command` load the library.
pub(super) fn prepare(command: &mut Command, page: &ClockPage) -> Result<(), ClockError> {
    page.forget_wearers()?;
    let given = command.get_envs().find(|(name, _)| *name == PRELOAD);
    let others = match given {
        Some((_, given)) => given.map(OsStr::to_owned),
        None => std::env::var_os(PRELOAD),
    };
    command.env(PRELOAD, list(beside(page.path()).into(), others));
    command.env(PAGES, page.path());
    Ok(())
}

/// Waits until the process has mapped the pages.
pub(super) fn await_loaded(pid: Pid, program: &Path, page: &ClockPage) -> Result<(), ClockError> {
    let refuse = |why: &str| ClockError::NotLoaded {
        program: program.to_owned(),
        why: why.to_owned(),
    };
    if let Some(why) = loads_nothing(program) {
        return Err(refuse(why));
    }
    let watch = Stopwatch::start();
    loop {
        let ended = has_ended(pid) != Ok(false);
        // Asked after that, since one may do its work and end between two looks.
        if page.wearers()? > 0 {
            return Ok(());
        }
        match ended {
            true => return Err(refuse("it ended first; what it said is in its log")),
            false if watch.elapsed() > PATIENCE => {
                return Err(refuse(
                    "its dynamic linker did not, and may have said why in its log; that of a program with the rights of another user never does",
                ));
            }
            false => thread::sleep(LOOK_AGAIN),
        }
    }
}

fn beside(pages: &Path) -> PathBuf {
    pages.with_added_extension("so")
}

/// Ours comes first: of two functions with one name the first counts.
fn list(ours: OsString, others: Option<OsString>) -> OsString {
    match others {
        Some(others) if !others.is_empty() => [ours, others].join(OsStr::new(":")),
        _ => ours,
    }
}

/// Why no library is ever loaded into this program, as far as its first bytes tell. A script is as good as what it names.
fn loads_nothing(program: &Path) -> Option<&'static str> {
    let begin = begin_of(program).ok()?;
    if !begin.starts_with(&ELFMAG) {
        return None;
    }
    let Ok(header) = FileHeader64::<Endianness>::parse(begin.as_slice()) else {
        return Some("it is no 64-bit program");
    };
    let endian = header.endian().ok()?;
    let parts = header.program_headers(endian, begin.as_slice()).ok()?;
    let is_dynamic = parts.iter().any(|part| part.p_type(endian) == PT_INTERP);
    (!is_dynamic)
        .then_some("it is linked statically, as most programs in Go are, and loads no libraries")
}

fn begin_of(program: &Path) -> io::Result<Vec<u8>> {
    let mut begin = Vec::new();
    File::open(program)?.take(HEADERS).read_to_end(&mut begin)?;
    Ok(begin)
}
