//! The machine code, executed in this process and compared with what `clocks/setting.rs` says.
#![cfg(target_arch = "x86_64")]

use super::ClockCode;
use crate::clocks::layout::PAGE;
use crate::clocks::page::{ClockPage, Faked};
use crate::clocks::{Setting, Slope, Strobe};
use nix::libc::{self, clockid_t, time_t, timespec, timeval};
use proptest::prelude::*;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread;

const SECOND: i64 = 1_000_000_000;

/// The pages of a clock, mapped as in a victim, and its functions.
struct Worn {
    page: ClockPage,
    base: usize,
}

impl Worn {
    fn new() -> Worn {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let name = format!(
            "adrasteia-clock-{}-{}",
            std::process::id(),
            NUMBER.fetch_add(1, Ordering::Relaxed)
        );
        let path: PathBuf = std::env::temp_dir().join(name);
        let page = ClockPage::create(&path).unwrap();
        let file = std::fs::File::options()
            .read(true)
            .write(true)
            .open(&path)
            .unwrap();
        std::fs::remove_file(&path).unwrap();
        let all = libc::PROT_READ | libc::PROT_WRITE | libc::PROT_EXEC;
        // SAFETY: a new mapping at an address that the kernel chooses; it is never unmapped.
        let base = unsafe {
            libc::mmap(
                std::ptr::null_mut(),
                2 * PAGE,
                all,
                libc::MAP_SHARED,
                std::os::fd::AsRawFd::as_raw_fd(&file),
                0,
            )
        };
        assert_ne!(base, libc::MAP_FAILED);
        Worn {
            page,
            base: base.addr(),
        }
    }

    fn entry(&self, offset: u64) -> *const () {
        std::ptr::with_exposed_provenance(self.base + offset as usize)
    }

    fn clock_gettime(&self, clock: clockid_t) -> Result<i64, i32> {
        let mut time = timespec {
            tv_sec: 0,
            tv_nsec: 0,
        };
        let entry = self.entry(ClockCode::get().unwrap().clock_gettime);
        // SAFETY: the code at this place is a function of this type.
        let function: extern "C" fn(clockid_t, *mut timespec) -> i32 =
            unsafe { std::mem::transmute(entry) };
        match function(clock, &raw mut time) {
            0 => {
                assert!((0..SECOND).contains(&time.tv_nsec));
                Ok(time.tv_sec * SECOND + time.tv_nsec)
            }
            error => Err(error),
        }
    }

    /// Microseconds.
    fn gettimeofday(&self, zone: bool) -> i64 {
        let mut time = timeval {
            tv_sec: 0,
            tv_usec: 0,
        };
        let mut zone_bytes = [0xaa_u8; 8];
        let zone_pointer = match zone {
            true => zone_bytes.as_mut_ptr(),
            false => std::ptr::null_mut(),
        };
        let entry = self.entry(ClockCode::get().unwrap().gettimeofday);
        // SAFETY: the code at this place is a function of this type.
        let function: extern "C" fn(*mut timeval, *mut u8) -> i32 =
            unsafe { std::mem::transmute(entry) };
        assert_eq!(function(&raw mut time, zone_pointer), 0);
        assert_eq!(
            zone,
            zone_bytes != [0xaa; 8],
            "the time zone is told if asked for"
        );
        assert_eq!(function(std::ptr::null_mut(), std::ptr::null_mut()), 0);
        assert!((0..1_000_000).contains(&time.tv_usec));
        time.tv_sec * 1_000_000 + time.tv_usec
    }

    /// Seconds.
    fn time(&self) -> i64 {
        let mut stored: time_t = 0;
        let entry = self.entry(ClockCode::get().unwrap().time);
        // SAFETY: the code at this place is a function of this type.
        let function: extern "C" fn(*mut time_t) -> time_t = unsafe { std::mem::transmute(entry) };
        let told = function(&raw mut stored);
        assert_eq!(told, stored);
        assert!((told..=told + 1).contains(&function(std::ptr::null_mut())) || told == 0);
        told
    }
}

/// The true time of any clock.
fn truth(clock: clockid_t) -> i64 {
    let time = nix::time::clock_gettime(nix::time::ClockId::from_raw(clock)).unwrap();
    time.tv_sec() * SECOND + time.tv_nsec()
}

fn setting(now: i64) -> impl Strategy<Value = Setting> {
    let jump = prop_oneof![Just(0), -300 * SECOND..300 * SECOND, Just(-2 * now)];
    let until = prop_oneof![Just(i64::MAX), Just(i64::MIN), Just(now)];
    let slope = (
        0..100 * SECOND,
        -SECOND..SECOND,
        -900_000_000..4 * SECOND,
        until,
    )
        .prop_map(move |(ago, start_ns, rate_ppb, until_ns)| Slope {
            base_ns: now - ago,
            start_ns,
            rate_ppb,
            until_ns,
        });
    // Periods so long that no test sees one end.
    let strobe = (0u8..3, -5 * SECOND..5 * SECOND).prop_map(move |(phase, offset_ns)| Strobe {
        base_ns: now - i64::from(phase) * 1_000 * SECOND,
        period_ns: i64::from(phase.min(1)) * 1_000 * SECOND,
        offset_ns,
    });
    (jump, slope, strobe).prop_map(|(jump_ns, slope, strobe)| Setting {
        jump_ns,
        slope,
        strobe,
    })
}

fn any_setting() -> impl Strategy<Value = (Setting, Setting)> {
    (
        setting(truth(libc::CLOCK_REALTIME)),
        setting(truth(libc::CLOCK_MONOTONIC)),
    )
}

proptest! {
    /// Every clock shows what the setting says for a moment between the one before the call and the one after it.
    #[test]
    fn the_code_does_what_the_setting_says((wall, monotonic) in any_setting()) {
        let worn = Worn::new();
        worn.page.write(Faked::Wall, 1, &wall).unwrap();
        worn.page.write(Faked::Monotonic, 1, &monotonic).unwrap();
        let clocks = [
            (libc::CLOCK_REALTIME, wall, libc::CLOCK_REALTIME),
            (libc::CLOCK_REALTIME_COARSE, wall, libc::CLOCK_REALTIME),
            (libc::CLOCK_TAI, wall, libc::CLOCK_REALTIME),
            (libc::CLOCK_MONOTONIC, monotonic, libc::CLOCK_MONOTONIC),
            (libc::CLOCK_MONOTONIC_COARSE, monotonic, libc::CLOCK_MONOTONIC),
            (libc::CLOCK_MONOTONIC_RAW, monotonic, libc::CLOCK_MONOTONIC),
            (libc::CLOCK_BOOTTIME, monotonic, libc::CLOCK_MONOTONIC),
        ];
        for (clock, setting, goes_by) in clocks {
            let before = (truth(goes_by), truth(clock));
            let told = worn.clock_gettime(clock).unwrap();
            let after = (truth(clock), truth(goes_by));
            // The offset is that of the clock it goes by.
            let least = (before.1 + setting.offset_ns(before.0).min(setting.offset_ns(after.1))).max(0);
            let most = (after.0 + setting.offset_ns(before.0).max(setting.offset_ns(after.1))).max(0);
            prop_assert!((least..=most).contains(&told), "clock {}: {} <= {} <= {}", clock, least, told, most);
        }
        let before = wall.shows_ns(truth(libc::CLOCK_REALTIME));
        let (microseconds, seconds) = (worn.gettimeofday(false), worn.time());
        worn.gettimeofday(true);
        let after = wall.shows_ns(truth(libc::CLOCK_REALTIME));
        prop_assert!((before / 1_000..=after / 1_000).contains(&microseconds));
        prop_assert!((before / SECOND..=after / SECOND).contains(&seconds));
        let witness = worn.page.witness(Faked::Wall).unwrap();
        prop_assert!(witness.reads >= 5);
        let told = wall.offset_ns(truth(libc::CLOCK_REALTIME));
        prop_assert!((witness.last_offset_ns - told).abs() < 5 * SECOND);
    }
}

#[test]
fn clocks_of_processor_time_and_unknown_ones_are_as_they_are() {
    let worn = Worn::new();
    let jump = Setting {
        jump_ns: 3600 * SECOND,
        ..Setting::TRUE
    };
    worn.page.write(Faked::Wall, 1, &jump).unwrap();
    worn.page.write(Faked::Monotonic, 1, &jump).unwrap();
    for clock in [
        libc::CLOCK_PROCESS_CPUTIME_ID,
        libc::CLOCK_THREAD_CPUTIME_ID,
    ] {
        assert!(worn.clock_gettime(clock).unwrap() < 3600 * SECOND);
    }
    assert_eq!(worn.clock_gettime(30), Err(-libc::EINVAL));
    assert_eq!(worn.clock_gettime(1_000), Err(-libc::EINVAL));
    assert_eq!(worn.page.witness(Faked::Wall).unwrap().reads, 0);
}

/// While the numbers are exchanged without a pause, nobody is told a mixture of two settings.
#[test]
fn readers_never_see_half_a_setting() {
    let worn = Worn::new();
    let long = i64::MAX / 4;
    let pair = [-1, 1].map(|sign| Setting {
        jump_ns: sign * 100 * SECOND,
        slope: Slope {
            base_ns: 0,
            start_ns: sign * 10 * SECOND,
            rate_ppb: 0,
            until_ns: i64::MAX,
        },
        // In its first odd period.
        strobe: Strobe {
            base_ns: -long,
            period_ns: long,
            offset_ns: sign * SECOND,
        },
    });
    let done = AtomicBool::new(false);
    let tell = || {
        let before = truth(libc::CLOCK_REALTIME);
        let told = worn.clock_gettime(libc::CLOCK_REALTIME).unwrap();
        let after = truth(libc::CLOCK_REALTIME);
        let is = |setting: &Setting| {
            let offset = setting.offset_ns(before);
            (before + offset..=after + offset).contains(&told)
        };
        pair.iter().position(is).ok_or(told - before)
    };
    let mut seen = [0u32; 2];
    worn.page.write(Faked::Wall, 0, &pair[0]).unwrap();
    let mixed = thread::scope(|scope| {
        scope.spawn(|| {
            let settings = (1..).zip(pair.iter().cycle());
            for (number, setting) in settings.take_while(|_| !done.load(Ordering::Relaxed)) {
                worn.page.write(Faked::Wall, number, setting).unwrap();
            }
        });
        let mut told = tell();
        while let Ok(which) = told
            && seen.iter().any(|count| *count < 20_000)
        {
            seen[which] += 1;
            told = tell();
        }
        done.store(true, Ordering::Relaxed);
        told.err()
    });
    assert_eq!(mixed, None, "an offset that neither setting has");
}
