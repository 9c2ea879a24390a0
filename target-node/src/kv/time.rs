//! The cluster's time, carried by the log.
//!
//! What must expire on all nodes at once cannot look at their clocks. The leader writes its idea of the time into
//! each entry (Raft thesis, section 6.3), and the state machine takes the greatest it has seen. Nobody's wall
//! clock is part of it: a node continues from what the log last said by its own monotonic clock, as LogCabin does.
//! So the time stands still while the whole cluster is down, and no clock that jumps can make it jump.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Milliseconds that the cluster has lived.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct ClusterTime(pub(crate) u64);

impl ClusterTime {
    pub(super) const fn after(self, ms: u64) -> Self {
        Self(self.0.saturating_add(ms))
    }
}

/// One node's idea of the cluster's time: what the log said last, and how long ago.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct ClusterClock {
    said: ClusterTime,
    /// When, by the node's own clock.
    at: Duration,
}

impl ClusterClock {
    /// The beginning of a cluster.
    pub(crate) const START: Self = Self {
        said: ClusterTime(0),
        at: Duration::ZERO,
    };

    /// The log says that it is `time`, and the node's own clock `now`.
    pub(crate) fn learn(&mut self, time: ClusterTime, now: Duration) {
        if time > self.time(now) {
            *self = Self {
                said: time,
                at: now,
            };
        }
    }

    pub(crate) fn time(&self, now: Duration) -> ClusterTime {
        let since = now.saturating_sub(self.at).as_millis();
        let since = u64::try_from(since).unwrap_or(u64::MAX);
        ClusterTime(self.said.0.saturating_add(since))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_goes_on_by_the_own_clock_and_never_back() {
        let ms = Duration::from_millis;
        let mut clock = ClusterClock::default();
        assert_eq!(clock.time(ms(5)), ClusterTime(5));
        clock.learn(ClusterTime(1000), ms(10));
        assert_eq!(clock.time(ms(12)), ClusterTime(1002));
        clock.learn(ClusterTime(1001), ms(12));
        assert_eq!(clock.time(ms(12)), ClusterTime(1002), "an older entry");
        assert_eq!(
            clock.time(ms(0)),
            ClusterTime(1000),
            "its own clock went back"
        );
    }
}
