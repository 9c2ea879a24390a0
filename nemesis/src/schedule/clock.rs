//! The kinds of clock faults.

use crate::clocks::ClockChange;
use std::fmt;

/// A kind of clock fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ClockKind {
    /// The wall clock jumps.
    Jump,
    /// The wall clock runs fast or slow.
    Drift,
    /// The wall clock jumps to and fro.
    Strobe,
    /// The monotonic clock runs fast or slow.
    Monotonic,
}

impl ClockKind {
    /// Every kind.
    pub const ALL: [ClockKind; 4] = [
        ClockKind::Jump,
        ClockKind::Drift,
        ClockKind::Strobe,
        ClockKind::Monotonic,
    ];

    pub(super) fn name(self) -> &'static str {
        match self {
            ClockKind::Jump => "clock-jump",
            ClockKind::Drift => "clock-drift",
            ClockKind::Strobe => "clock-strobe",
            ClockKind::Monotonic => "clock-monotonic",
        }
    }

    pub(super) fn describe(self) -> &'static str {
        match self {
            ClockKind::Jump => {
                "lets the wall clock of the leader, a node or a minority jump by 11 ms to 288 s, either way, and back"
            }
            ClockKind::Drift => {
                "lets their wall clocks run fast or slow by 1 to 50 percent, and sets them right"
            }
            ClockKind::Strobe => "lets their wall clocks flip by 11 ms to 288 s every 1 to 250 ms",
            ClockKind::Monotonic => {
                "lets their monotonic clocks run fast or slow by 1 to 50 percent, and eases them back; more than most systems promise to survive"
            }
        }
    }

    pub(super) fn stream(self) -> u64 {
        match self {
            ClockKind::Jump => 31,
            ClockKind::Drift => 32,
            ClockKind::Strobe => 33,
            ClockKind::Monotonic => 34,
        }
    }
}

impl ClockChange {
    /// The kind of fault that makes this change.
    pub fn kind(&self) -> ClockKind {
        match self {
            ClockChange::Jump { .. } => ClockKind::Jump,
            ClockChange::Drift { .. } => ClockKind::Drift,
            ClockChange::Strobe { .. } => ClockKind::Strobe,
            ClockChange::Monotonic { .. } => ClockKind::Monotonic,
        }
    }
}

impl fmt::Display for ClockKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
