//! The one place of the crate that reads a clock: how long something took, and the true time from which a faked one departs.

use nix::time::{ClockId, clock_gettime};
use std::time::{Duration, Instant};

/// Time since it was started.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stopwatch(Instant);

impl Stopwatch {
    #[expect(
        clippy::disallowed_methods,
        reason = "waiting for the kernel needs a bound in real time"
    )]
    pub(crate) fn start() -> Stopwatch {
        Stopwatch(Instant::now())
    }

    pub(crate) fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }
}

/// The time of the wall clock, in nanoseconds since 1970.
pub(crate) fn wall_ns() -> i64 {
    nanoseconds(ClockId::CLOCK_REALTIME)
}

/// The time of the monotonic clock, in nanoseconds since a moment that the kernel chose.
pub(crate) fn monotonic_ns() -> i64 {
    nanoseconds(ClockId::CLOCK_MONOTONIC)
}

fn nanoseconds(clock: ClockId) -> i64 {
    let now = clock_gettime(clock).expect("every Linux has this clock");
    now.tv_sec() * 1_000_000_000 + now.tv_nsec()
}
