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
