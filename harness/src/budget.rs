//! The limits of a check, kept by the one side that may look at clocks and at the process's memory.

use std::time::Duration;

use checker::{Budget, Limit};

use crate::clock::Clock;
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
}

/// Explaining a violation must not keep anyone waiting who already has the verdict.
const EXPLAINING: Duration = Duration::from_secs(10);

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
        }
    }
}

impl Watchdog {
    /// Ends the check as well when `ending` is given.
    pub(crate) fn ended_by(self, ending: Option<Ending>) -> Self {
        Self { ending, ..self }
    }
}

impl Budget for Watchdog {
    fn exceeded(&self, estimate_bytes: u64) -> Option<Limit> {
        if self.ending.as_ref().is_some_and(Ending::is_given) {
            return Some(Limit::Cancelled);
        }
        if self.clock.elapsed() >= self.limits.time {
            return Some(Limit::Time(self.limits.time));
        }
        let held = resident_bytes().unwrap_or(estimate_bytes);
        (held >= self.limits.memory_bytes).then_some(Limit::Memory(self.limits.memory_bytes))
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
