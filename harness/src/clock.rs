//! The one place of the harness that reads a clock.

use std::time::{Duration, Instant, SystemTime};

use checker::Nanos;

/// A monotonic clock that starts at zero when it is made; every time in a history is read from one of these.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock {
    start: Instant,
    began: SystemTime,
}

impl Clock {
    /// A clock that reads zero now.
    pub(crate) fn start() -> Self {
        Self {
            start: now(),
            began: wall(),
        }
    }

    /// What the wall clock said when this clock read zero.
    pub(crate) const fn began(&self) -> SystemTime {
        self.began
    }

    /// Time since the start.
    pub(crate) fn elapsed(&self) -> Duration {
        now().duration_since(self.start)
    }

    /// Time since the start in nanoseconds, as histories record it.
    pub(crate) fn nanos(&self) -> Nanos {
        Nanos(
            u64::try_from(self.elapsed().as_nanos()).expect("a run is shorter than five centuries"),
        )
    }

    /// The instant at which this clock reads `at_ns`.
    pub(crate) fn instant(&self, at_ns: u64) -> tokio::time::Instant {
        tokio::time::Instant::from_std(self.start + Duration::from_nanos(at_ns))
    }
}

/// The wall clock, for naming run folders and for reading what others wrote by it.
#[expect(
    clippy::disallowed_methods,
    reason = "this module owns the harness's clocks"
)]
pub(crate) fn wall() -> SystemTime {
    SystemTime::now()
}

#[expect(
    clippy::disallowed_methods,
    reason = "this module owns the harness's clocks"
)]
fn now() -> Instant {
    Instant::now()
}
