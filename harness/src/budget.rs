//! The limits of a check, kept by the one side that may look at clocks and at the process's memory.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use checker::{Budget, CheckProgress, Limit};

use crate::clock::Clock;
use crate::headway::Headway;
use crate::run::Ending;

/// How long a check may take, and how much memory the process may hold meanwhile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Limits {
    pub time: Duration,
    pub memory_bytes: u64,
}

/// A check's limits, counted from when it began, and the user who may end it early.
#[derive(Debug)]
pub(crate) struct Watchdog {
    clock: Clock,
    limits: Limits,
    ending: Option<Ending>,
    headway: Option<Headway>,
    /// When the resident set was last looked at, in microseconds; never, at first.
    looked_us: AtomicU64,
}

/// Explaining a violation must not keep anyone waiting who already has the verdict.
const EXPLAINING: Duration = Duration::from_secs(10);

/// The kernel is asked for the resident set at most this often: that costs a hundred times as much as a look at the clock.
const LOOK_EVERY_US: u64 = 1_000;

/// The check ends when a sixteenth of the memory is left, or of the time: it takes some of both to end, and more between
/// two looks.
const RESERVE: u32 = 16;

impl Limits {
    /// What may be spent on explaining a violation further.
    pub(crate) fn explaining(self) -> Self {
        Self {
            time: self.time.min(EXPLAINING),
            ..self
        }
    }

    /// Starts counting.
    pub(crate) fn start(self) -> Watchdog {
        Watchdog {
            clock: Clock::start(),
            limits: self,
            ending: None,
            headway: None,
            looked_us: AtomicU64::new(u64::MAX),
        }
    }
}

impl Watchdog {
    /// Ends the check as well when `ending` is given.
    pub(crate) fn ended_by(self, ending: Option<Ending>) -> Self {
        Self { ending, ..self }
    }

    /// What is left for explaining a violation further.
    pub(crate) fn rest(&self) -> Self {
        let left = self.limits.time.saturating_sub(self.clock.elapsed());
        let limits = Limits {
            time: left,
            ..self.limits
        };
        limits.explaining().start().ended_by(self.ending.clone())
    }

    /// Shows on a terminal how far the check is.
    pub(crate) fn shown(self) -> Self {
        Self {
            headway: Headway::new(),
            ..self
        }
    }

    fn is_time_to_look(&self, elapsed: Duration) -> bool {
        let now = u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX - 1);
        let looked = self.looked_us.load(Relaxed);
        let due = looked == u64::MAX || now.saturating_sub(looked) >= LOOK_EVERY_US;
        if due {
            self.looked_us.store(now, Relaxed);
        }
        due
    }
}

impl Budget for Watchdog {
    fn exceeded(&self, estimate_bytes: u64) -> Option<Limit> {
        if self.ending.as_ref().is_some_and(Ending::is_given) {
            return Some(Limit::Cancelled);
        }
        let elapsed = self.clock.elapsed();
        let limit = self.limits.time;
        if elapsed >= limit - limit / RESERVE {
            return Some(Limit::Time(limit));
        }
        if !self.is_time_to_look(elapsed) {
            return None;
        }
        let limit = self.limits.memory_bytes;
        let held = resident_bytes().unwrap_or(estimate_bytes);
        (held >= limit - limit / u64::from(RESERVE)).then_some(Limit::Memory(limit))
    }

    fn progress(&self, progress: &CheckProgress) {
        if let Some(headway) = &self.headway {
            headway.show(self.clock.elapsed(), progress);
        }
    }
}

/// The process's resident set, as the kernel counts it; `None` where `/proc` does not tell.
fn resident_bytes() -> Option<u64> {
    let statm = std::fs::read_to_string("/proc/self/statm").ok()?;
    let pages: u64 = statm.split_whitespace().nth(1)?.parse().ok()?;
    let page_bytes = nix::unistd::sysconf(nix::unistd::SysconfVar::PAGE_SIZE).ok()??;
    Some(pages * u64::try_from(page_bytes).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_limit_is_named_when_it_is_reached() {
        let generous = Limits {
            time: Duration::from_secs(3_600),
            memory_bytes: u64::MAX,
        };
        assert_eq!(generous.start().exceeded(0), None);
        let no_time = Limits {
            time: Duration::ZERO,
            ..generous
        };
        assert_eq!(
            no_time.start().exceeded(0),
            Some(Limit::Time(Duration::ZERO))
        );
        let no_memory = Limits {
            memory_bytes: 4_096,
            ..generous
        };
        assert_eq!(no_memory.start().exceeded(0), Some(Limit::Memory(4_096)));
    }
}
