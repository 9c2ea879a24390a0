//! What a faked clock shows, as a function of the true one. Pure.
//!
//! The machine code in `kernel/clock_code.rs` computes the same function inside the victim, and is tested against this one.

/// A faked clock: the true time plus the sum of three parts, each of which belongs to one kind of fault, so that faults
/// of different kinds can overlap and end in any order.
///
/// All times are in nanoseconds of the true clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Setting {
    /// A constant part.
    pub jump_ns: i64,
    /// A part that grows or shrinks with time.
    pub slope: Slope,
    /// A part that comes and goes.
    pub strobe: Strobe,
}

/// An offset of `start_ns` at `base_ns` that changes by `rate_ppb` nanoseconds a second, until it is nothing from
/// `until_ns` on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slope {
    /// The true time at which it begins.
    pub base_ns: i64,
    /// The offset at that time.
    pub start_ns: i64,
    /// Parts per billion that the clock runs fast.
    pub rate_ppb: i64,
    /// The true time from which on there is no offset.
    pub until_ns: i64,
}

/// An offset of `offset_ns` in every second period since `base_ns`, beginning with the second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Strobe {
    /// The true time at which it begins.
    pub base_ns: i64,
    /// The length of a period; with zero there is no strobe.
    pub period_ns: i64,
    /// The offset in the odd periods.
    pub offset_ns: i64,
}

const BILLION: i64 = 1_000_000_000;

/// How a clock that ran ahead goes back without ever going backwards: at half the true speed.
const EASE_AHEAD_PPB: i64 = -BILLION / 2;
/// And how one that fell behind catches up: at double speed.
const EASE_BEHIND_PPB: i64 = BILLION;

impl Setting {
    /// A clock that shows the true time.
    pub const TRUE: Setting = Setting {
        jump_ns: 0,
        slope: Slope::NONE,
        strobe: Strobe::NONE,
    };

    /// What is added to the true time at `true_ns`.
    pub fn offset_ns(&self, true_ns: i64) -> i64 {
        self.jump_ns + self.slope.offset_ns(true_ns) + self.strobe.offset_ns(true_ns)
    }

    /// What the clock shows at `true_ns`; never a time before zero.
    pub fn shows_ns(&self, true_ns: i64) -> i64 {
        (true_ns + self.offset_ns(true_ns)).max(0)
    }
}

impl Slope {
    /// No offset, ever.
    pub const NONE: Slope = Slope {
        base_ns: 0,
        start_ns: 0,
        rate_ppb: 0,
        until_ns: i64::MIN,
    };

    /// From `now_ns` on the clock runs fast by `rate_ppb`, or slow where that is negative, without a jump.
    pub fn drift(self, now_ns: i64, rate_ppb: i64) -> Slope {
        Slope {
            base_ns: now_ns,
            start_ns: self.offset_ns(now_ns),
            rate_ppb,
            until_ns: i64::MAX,
        }
    }

    /// From `now_ns` on the clock approaches the true time, and then keeps to it, without a jump and never backwards.
    pub fn ease(self, now_ns: i64) -> Slope {
        let start_ns = self.offset_ns(now_ns);
        let rate_ppb = match start_ns {
            0 => return Slope::NONE,
            ..0 => EASE_BEHIND_PPB,
            1.. => EASE_AHEAD_PPB,
        };
        let takes = i128::from(start_ns.abs()) * i128::from(BILLION) / i128::from(rate_ppb.abs());
        let takes_ns = i64::try_from(takes).unwrap_or(i64::MAX);
        Slope {
            base_ns: now_ns,
            start_ns,
            rate_ppb,
            until_ns: now_ns.saturating_add(takes_ns),
        }
    }

    fn offset_ns(self, true_ns: i64) -> i64 {
        if true_ns >= self.until_ns {
            return 0;
        }
        let elapsed = i128::from(true_ns - self.base_ns);
        let gained = elapsed * i128::from(self.rate_ppb) / i128::from(BILLION);
        self.start_ns + i64::try_from(gained).expect("rates and runs are small")
    }
}

impl Strobe {
    /// No offset, ever.
    pub const NONE: Strobe = Strobe {
        base_ns: 0,
        period_ns: 0,
        offset_ns: 0,
    };

    fn offset_ns(self, true_ns: i64) -> i64 {
        match self.period_ns {
            0 => 0,
            period => match (true_ns - self.base_ns) / period % 2 {
                0 => 0,
                _ => self.offset_ns,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NOW: i64 = 1_800_000_000 * BILLION;

    proptest! {
        /// A clock that drifts and is eased back is continuous, never goes backwards, and is true in the end.
        #[test]
        fn a_drift_comes_and_goes_without_a_jump(
            rate in -900_000_000i64..=4_000_000_000,
            lasts in 0..20 * BILLION,
            probes in prop::collection::vec(0..200 * BILLION, 2..40),
        ) {
            let drifting = Slope::NONE.drift(NOW, rate);
            let eased = drifting.ease(NOW + lasts);
            let shows = |t: i64| {
                let slope = if t < NOW + lasts { drifting } else { eased };
                Setting { slope, ..Setting::TRUE }.shows_ns(t)
            };
            prop_assert_eq!(shows(NOW), NOW);
            let before = Setting { slope: drifting, ..Setting::TRUE };
            prop_assert_eq!(shows(NOW + lasts), before.shows_ns(NOW + lasts));
            let mut probes = probes;
            probes.push(lasts);
            probes.push(eased.until_ns.saturating_sub(NOW).clamp(0, 1_000 * BILLION));
            probes.sort_unstable();
            prop_assert!(probes.windows(2).all(|pair| shows(NOW + pair[0]) <= shows(NOW + pair[1])));
            prop_assert_eq!(shows(NOW + 300 * BILLION), NOW + 300 * BILLION);
            let end = eased.until_ns;
            prop_assert!(end < NOW || (shows(end) - shows(end - 1)).abs() <= 3);
        }

        /// Parts of different kinds add up.
        #[test]
        fn parts_add_up(jump: i32, rate in -900_000_000i64..900_000_000, offset: i32, period in 1..BILLION, t in 0..60 * BILLION) {
            let slope = Slope::NONE.drift(NOW, rate);
            let strobe = Strobe { base_ns: NOW, period_ns: period, offset_ns: offset.into() };
            let all = Setting { jump_ns: jump.into(), slope, strobe };
            let alone = [
                Setting { jump_ns: jump.into(), ..Setting::TRUE },
                Setting { slope, ..Setting::TRUE },
                Setting { strobe, ..Setting::TRUE },
            ];
            let sum: i64 = alone.iter().map(|setting| setting.offset_ns(NOW + t)).sum();
            prop_assert_eq!(all.offset_ns(NOW + t), sum);
        }
    }

    #[test]
    fn a_strobe_shows_both_times() {
        let strobe = Strobe {
            base_ns: NOW,
            period_ns: 10,
            offset_ns: 500,
        };
        let seen: Vec<i64> = (0..30).map(|t| strobe.offset_ns(NOW + t)).collect();
        assert_eq!(seen, [[0; 10], [500; 10], [0; 10]].concat());
    }

    #[test]
    fn no_clock_shows_a_time_before_zero() {
        let setting = Setting {
            jump_ns: -2 * NOW,
            ..Setting::TRUE
        };
        assert_eq!(setting.shows_ns(NOW), 0);
        assert_eq!(Setting::TRUE.shows_ns(NOW), NOW);
    }

    #[test]
    fn a_second_drift_begins_where_the_first_one_left_the_clock() {
        let second = Slope::NONE
            .drift(NOW, 100_000_000)
            .drift(NOW + BILLION, -50_000_000);
        assert_eq!(second.offset_ns(NOW + BILLION), 100_000_000);
        assert_eq!(second.offset_ns(NOW + 2 * BILLION), 50_000_000);
    }
}
