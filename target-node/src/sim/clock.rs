//! Clocks that run apart and jump, as monotonic clocks do: fast or slow, and forward.

use std::time::Duration;

const MILLION: u128 = 1_000_000;

/// A node's own clock. It never goes back.
#[derive(Debug, Clone, Copy)]
pub(super) struct Clock {
    /// A moment of the world's time, and what the clock said then.
    world: Duration,
    local: Duration,
    /// Microseconds of the clock in a second of the world.
    rate: u32,
}

impl Clock {
    /// A clock that starts with its node.
    pub(super) const fn start(world: Duration, rate: u32) -> Self {
        Self {
            world,
            local: Duration::ZERO,
            rate,
        }
    }

    /// What the clock says.
    pub(super) fn local(&self, world: Duration) -> Duration {
        let since = world.saturating_sub(self.world).as_nanos();
        self.local + nanos(since * u128::from(self.rate) / MILLION)
    }

    /// When the clock will say `local`, or have passed it.
    pub(super) fn world(&self, local: Duration) -> Duration {
        let until = local.saturating_sub(self.local).as_nanos();
        self.world + nanos((until * MILLION).div_ceil(u128::from(self.rate)))
    }

    pub(super) fn jump(&mut self, forward: Duration) {
        self.local += forward;
    }

    pub(super) fn set_rate(&mut self, world: Duration, rate: u32) {
        self.local = self.local(world);
        self.world = world;
        self.rate = rate;
    }
}

fn nanos(nanos: u128) -> Duration {
    Duration::from_nanos(u64::try_from(nanos).expect("worlds are short"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deadline_is_reached_when_it_is_due_and_not_before() {
        let ms = Duration::from_millis;
        for rate in [800_000, 999_999, 1_000_000, 1_200_000] {
            let mut clock = Clock::start(ms(70), rate);
            clock.set_rate(ms(90), rate + 1);
            clock.jump(ms(11));
            let due = clock.world(ms(333));
            assert!(clock.local(due) >= ms(333));
            assert!(clock.local(due - Duration::from_nanos(2)) < ms(333));
            assert!(clock.local(ms(90)) >= clock.local(ms(80)), "never back");
        }
    }
}
