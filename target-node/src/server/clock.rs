//! The one place where a node looks at the time.

use std::time::{Duration, Instant};

/// Monotonic time since the node started.
#[derive(Debug, Clone, Copy)]
pub(super) struct Clock {
    origin: Instant,
}

impl Clock {
    pub(super) fn start() -> Self {
        Self { origin: instant() }
    }

    pub(super) fn now(self) -> Duration {
        instant().saturating_duration_since(self.origin)
    }

    /// The instant at which [`Clock::now`] will be `time`.
    pub(super) fn instant_at(self, time: Duration) -> tokio::time::Instant {
        (self.origin + time).into()
    }
}

#[expect(clippy::disallowed_methods, reason = "this is the clock of the crate")]
fn instant() -> Instant {
    Instant::now()
}

/// What the wall clock says. It may jump, and only a planted bug asks it for the time.
pub(super) fn wall() -> Duration {
    let since = std::time::SystemTime::UNIX_EPOCH.elapsed();
    since.unwrap_or_default()
}

/// A number that no other start of a node draws: its wall clock, which may jump, mixed with its process id.
pub(super) fn unique() -> u64 {
    let since = std::time::SystemTime::UNIX_EPOCH.elapsed();
    let nanos = since.map_or_else(|early| early.duration().as_nanos(), |late| late.as_nanos());
    let low = u64::try_from(nanos & u128::from(u64::MAX)).expect("masked");
    low ^ (u64::from(std::process::id()) << 40)
}
