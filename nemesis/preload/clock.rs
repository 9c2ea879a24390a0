//! The library that tells a preloaded program the time: `clock_gettime` and its kin, in the place of the C library's.
//!
//! It is a program of its own, compiled by `build.rs` and carried in the harness as bytes. The dynamic linker maps it into a node because
//! `LD_PRELOAD` names it; it maps the pages that `ADRASTEIA_CLOCK` names, and computes what they show with the same code as the harness
//! (`clocks/setting.rs`). It has no dependency but the program's own C library, of which it takes what every one has, without a version.
//!
//! A program whose pages cannot be mapped has the true time, and its memory map says so.
#![no_std]

#[path = "../src/clocks/layout.rs"]
mod layout;
#[expect(dead_code, reason = "only the harness begins and ends faults")]
#[path = "../src/clocks/setting.rs"]
mod setting;

use core::ffi::{c_char, c_int, c_long, c_void};
use core::panic::PanicInfo;
use core::ptr::null_mut;
use core::sync::atomic::{AtomicI64, AtomicPtr, Ordering, fence};
use layout::*;
use setting::{Setting, Slope, Strobe};

unsafe extern "C" {
    fn abort() -> !;
    fn close(file: c_int) -> c_int;
    fn getenv(name: *const c_char) -> *const c_char;
    fn mmap(
        at: *mut c_void,
        length: usize,
        may: c_int,
        how: c_int,
        file: c_int,
        from: i64,
    ) -> *mut c_void;
    fn open(path: *const c_char, how: c_int, ...) -> c_int;
    /// Answers -1 and sets `errno`, as the functions have to that are replaced here.
    fn syscall(number: c_long, ...) -> c_long;
}

#[cfg(target_arch = "x86_64")]
const SYS_CLOCK_GETTIME: c_long = 228;
/// Where the kernel has the common table.
#[cfg(not(target_arch = "x86_64"))]
const SYS_CLOCK_GETTIME: c_long = 113;

const READ_WRITE_CLOEXEC: c_int = 0o2_000_002;
const PROT_READ_WRITE: c_int = 3;
const MAP_SHARED: c_int = 1;

const BILLION: i64 = 1_000_000_000;

const REALTIME: c_int = 0;
const MONOTONIC: c_int = 1;

/// What a clock goes by.
#[derive(Clone, Copy)]
struct Source {
    /// The clock whose time the setting is a function of.
    clock: c_int,
    /// From the first number of the wall clock.
    block: usize,
}

const WALL: Source = Source {
    clock: REALTIME,
    block: 0,
};

/// The page of numbers; null while it is not mapped.
static NUMBERS: AtomicPtr<u8> = AtomicPtr::new(null_mut());

/// The same, mapped.
#[derive(Clone, Copy)]
struct Numbers(*mut u8);

#[used]
#[unsafe(link_section = ".init_array")]
static AT_START: extern "C" fn() = put_on;

/// Maps the pages, whole: where the kernel's pages are larger than ours a part could not be mapped.
extern "C" fn put_on() {
    // SAFETY: the name ends in a zero. What getenv answers is only read, before the program has begun.
    let path = unsafe { getenv(c"ADRASTEIA_CLOCK".as_ptr()) };
    if path.is_null() {
        return;
    }
    // SAFETY: a path that ends in a zero.
    let file = unsafe { open(path, READ_WRITE_CLOEXEC) };
    if file < 0 {
        return;
    }
    // SAFETY: a new mapping at a place the kernel chooses; it is never unmapped.
    let pages = unsafe { mmap(null_mut(), 2 * PAGE, PROT_READ_WRITE, MAP_SHARED, file, 0) };
    // SAFETY: the file was opened here; its mapping stays.
    unsafe { close(file) };
    if pages.addr() != usize::MAX {
        let numbers = Numbers(pages.cast::<u8>().wrapping_add(PAGE));
        NUMBERS.store(numbers.0, Ordering::Release);
        numbers.at(WEARERS).fetch_add(1, Ordering::Relaxed);
    }
}

/// # Safety
/// As for the function of this name in POSIX: `time` may be written to.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn clock_gettime(clock: c_int, time: *mut [i64; 2]) -> c_int {
    let told = match source(clock) {
        Some(source) => told(clock, source),
        // SAFETY: the caller's pointer, which the kernel checks.
        None => return unsafe { syscall(SYS_CLOCK_GETTIME, c_long::from(clock), time) } as c_int,
    };
    match told {
        Some(ns) => {
            // SAFETY: the caller's promise.
            unsafe { time.write([ns / BILLION, ns % BILLION]) };
            0
        }
        None => -1,
    }
}

/// # Safety
/// As for the function of this name in POSIX: what is not null may be written to.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gettimeofday(time: *mut [i64; 2], zone: *mut [c_int; 2]) -> c_int {
    if !zone.is_null() {
        // SAFETY: the caller's promise. No C library knows a time zone here any more.
        unsafe { zone.write([0, 0]) };
    }
    if time.is_null() {
        return 0;
    }
    let Some(ns) = told(REALTIME, WALL) else {
        return -1;
    };
    // SAFETY: the caller's promise.
    unsafe { time.write([ns / BILLION, ns % BILLION / 1_000]) };
    0
}

/// # Safety
/// As for the function of this name in C: `stored` may be written to, unless it is null.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn time(stored: *mut i64) -> i64 {
    let seconds = told(REALTIME, WALL).map_or(-1, |ns| ns / BILLION);
    if !stored.is_null() {
        // SAFETY: the caller's promise.
        unsafe { stored.write(seconds) };
    }
    seconds
}

/// # Safety
/// As for the function of this name in C: `time` may be written to.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn timespec_get(time: *mut [i64; 2], base: c_int) -> c_int {
    // TIME_UTC, and TIME_MONOTONIC of later versions of C.
    let clock = match base {
        1 => REALTIME,
        2 => MONOTONIC,
        _ => return 0,
    };
    // SAFETY: the caller's promise.
    match unsafe { clock_gettime(clock, time) } {
        0 => base,
        _ => 0,
    }
}

/// The time that the program is told, in nanoseconds. None, with `errno`, when the kernel refuses it.
fn told(clock: c_int, source: Source) -> Option<i64> {
    let true_ns = truth(clock)?;
    let Some(numbers) = Numbers::mapped() else {
        return Some(true_ns);
    };
    // Coarse and raw clocks differ from the one they go by.
    let base_ns = match clock == source.clock {
        true => true_ns,
        false => truth(source.clock)?,
    };
    let offset_ns = numbers.setting(source.block).offset_ns(base_ns);
    numbers.record(source.block, offset_ns);
    Some((true_ns + offset_ns).max(0))
}

/// None for the clocks of processor time, and for those that do not exist.
fn source(clock: c_int) -> Option<Source> {
    match clock {
        // The wall clock; coarse; TAI.
        REALTIME | 5 | 11 => Some(WALL),
        // The monotonic clock; raw; coarse; the time since the machine was started.
        MONOTONIC | 4 | 6 | 7 => Some(Source {
            clock: MONOTONIC,
            block: STRIDE,
        }),
        _ => None,
    }
}

fn truth(clock: c_int) -> Option<i64> {
    let mut time = [0i64; 2];
    // SAFETY: the kernel writes a timespec of two such numbers.
    match unsafe { syscall(SYS_CLOCK_GETTIME, c_long::from(clock), &raw mut time) } {
        0 => Some(time[0] * BILLION + time[1]),
        _ => None,
    }
}

impl Numbers {
    fn mapped() -> Option<Numbers> {
        let numbers = NUMBERS.load(Ordering::Acquire);
        (!numbers.is_null()).then_some(Numbers(numbers))
    }

    fn at(self, offset: usize) -> &'static AtomicI64 {
        // SAFETY: within the page, which stays mapped, and at a multiple of eight.
        unsafe { AtomicI64::from_ptr(self.0.add(offset).cast()) }
    }

    /// What a clock shows: numbers that are all of one setting.
    fn setting(self, block: usize) -> Setting {
        let sequence = self.at(block + SEQUENCE);
        let number = |offset: usize| self.at(block + offset).load(Ordering::Relaxed);
        loop {
            let before = sequence.load(Ordering::Acquire);
            let setting = Setting {
                jump_ns: number(JUMP),
                slope: Slope {
                    base_ns: number(SLOPE_BASE),
                    start_ns: number(SLOPE_START),
                    rate_ppb: number(SLOPE_RATE),
                    until_ns: number(SLOPE_UNTIL),
                },
                strobe: Strobe {
                    base_ns: number(STROBE_BASE),
                    period_ns: number(STROBE_PERIOD),
                    offset_ns: number(STROBE_OFFSET),
                },
            };
            fence(Ordering::Acquire);
            if before % 2 == 0 && sequence.load(Ordering::Relaxed) == before {
                return setting;
            }
            core::hint::spin_loop();
        }
    }

    /// What is told goes on record.
    fn record(self, block: usize, offset_ns: i64) {
        let block = block + WITNESS;
        self.at(block + READS).fetch_add(1, Ordering::Relaxed);
        let before = self.at(block + LAST).swap(offset_ns, Ordering::Relaxed);
        if before != offset_ns {
            self.at(block + TURNS).fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// Settings that the harness writes do not overflow: whoever reads another has no time to tell.
#[panic_handler]
fn panicked(_: &PanicInfo<'_>) -> ! {
    // SAFETY: it takes nothing and does not return.
    unsafe { abort() }
}

// The core library is compiled to unwind and names this; nothing here unwinds.
core::arch::global_asm!(
    ".hidden rust_eh_personality",
    ".globl rust_eh_personality",
    "rust_eh_personality:"
);
