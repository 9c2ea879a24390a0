//! The numbers from which a fault's own are drawn: how late, how much, how far. Each has a name, a unit, the range from
//! which it usually comes, and bounds within which it makes sense.

use super::FaultKind;
use super::clock::ClockKind;
use super::disk::DiskKind;
use super::network::NetworkKind;
use super::unit::Unit;
use std::fmt;
use std::str::FromStr;

/// A number of a kind of fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Parameter {
    /// How late packets are, without what may come on top.
    Delay,
    /// How many packets are lost.
    Loss,
    /// How many packets are held back.
    Reorder,
    /// For how long.
    ReorderBy,
    /// How many packets arrive twice.
    Duplicate,
    /// How many packets are damaged so that it shows.
    Corrupt,
    /// How many packets are damaged so that it does not show.
    CorruptUnnoticed,
    /// How much passes.
    Rate,
    /// How long links are down, and up.
    Flap,
    /// How far clocks jump, either way.
    ClockJump,
    /// How much faster or slower they run.
    ClockDrift,
    /// How far they flip.
    ClockStrobe,
    /// How long they show either time.
    ClockStrobePeriod,
    /// How much faster or slower monotonic clocks run.
    ClockMonotonic,
    /// How many unsynced sectors survive.
    TornWrite,
    /// How much longer syncs take.
    DiskSlow,
    /// One in how many reads is wrong.
    DiskMisread,
    /// How many bits flip.
    BitFlip,
}

/// All about a parameter; ranges include both ends.
struct Row {
    name: &'static str,
    kind: FaultKind,
    unit: Unit,
    usual: (u64, u64),
    bounds: (u64, u64),
    meaning: &'static str,
}

const MS: u64 = 1_000_000;
const SECOND: u64 = 1_000 * MS;
/// Of a rate in parts per billion.
const PERCENT: u64 = 10_000_000;
const MINUTE_MS: u64 = 60_000;
const YEAR: u64 = 365 * 24 * 3_600 * SECOND;

/// A share of packets.
const fn share(
    name: &'static str,
    kind: NetworkKind,
    usual: (u64, u64),
    meaning: &'static str,
) -> Row {
    Row {
        name,
        kind: FaultKind::Network(kind),
        unit: Unit::Permille,
        usual,
        bounds: (1, 1_000),
        meaning,
    }
}

/// A time in the network.
const fn wait(
    name: &'static str,
    kind: NetworkKind,
    usual: (u64, u64),
    meaning: &'static str,
) -> Row {
    Row {
        name,
        kind: FaultKind::Network(kind),
        unit: Unit::Milliseconds,
        usual,
        bounds: (1, MINUTE_MS),
        meaning,
    }
}

const fn jump(name: &'static str, kind: ClockKind, meaning: &'static str) -> Row {
    Row {
        name,
        kind: FaultKind::Clock(kind),
        unit: Unit::Nanoseconds,
        // What Jepsen's tests have done for years.
        usual: (11 * MS, 288 * SECOND),
        bounds: (MS, YEAR),
        meaning,
    }
}

const fn drift(name: &'static str, kind: ClockKind, meaning: &'static str) -> Row {
    Row {
        name,
        kind: FaultKind::Clock(kind),
        unit: Unit::PartsPerBillion,
        usual: (PERCENT, 50 * PERCENT),
        bounds: (PERCENT / 1_000, 90 * PERCENT),
        meaning,
    }
}

const fn of_disk(
    name: &'static str,
    kind: DiskKind,
    unit: Unit,
    usual: (u64, u64),
    bounds: (u64, u64),
    meaning: &'static str,
) -> Row {
    Row {
        name,
        kind: FaultKind::Disk(kind),
        unit,
        usual,
        bounds,
        meaning,
    }
}

/// A name that no parameter has.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("range {name:?} is not known: use one of {}", names())]
pub struct UnknownParameter {
    name: String,
}

impl Parameter {
    /// Every parameter.
    pub const ALL: [Parameter; 18] = [
        Parameter::Delay,
        Parameter::Loss,
        Parameter::Reorder,
        Parameter::ReorderBy,
        Parameter::Duplicate,
        Parameter::Corrupt,
        Parameter::CorruptUnnoticed,
        Parameter::Rate,
        Parameter::Flap,
        Parameter::ClockJump,
        Parameter::ClockDrift,
        Parameter::ClockStrobe,
        Parameter::ClockStrobePeriod,
        Parameter::ClockMonotonic,
        Parameter::TornWrite,
        Parameter::DiskSlow,
        Parameter::DiskMisread,
        Parameter::BitFlip,
    ];

    fn row(self) -> Row {
        match self {
            // From hardly to about as long as a system waits for one.
            Parameter::Delay => wait(
                "delay",
                NetworkKind::Delay,
                (50, 500),
                "how late packets are; half as much again may come on top",
            ),
            // TCP gets through, slowly.
            Parameter::Loss => share(
                "loss",
                NetworkKind::Loss,
                (50, 500),
                "how many packets are lost",
            ),
            Parameter::Reorder => share(
                "reorder",
                NetworkKind::Reorder,
                (50, 500),
                "how many packets are held back",
            ),
            Parameter::ReorderBy => wait(
                "reorder-by",
                NetworkKind::Reorder,
                (5, 100),
                "for how long they are",
            ),
            Parameter::Duplicate => share(
                "duplicate",
                NetworkKind::Duplicate,
                (50, 500),
                "how many packets arrive twice",
            ),
            // The receiver notices: it is loss in another dress.
            Parameter::Corrupt => share(
                "corrupt",
                NetworkKind::Corrupt,
                (10, 200),
                "how many packets are damaged",
            ),
            // Most of them end a connection.
            Parameter::CorruptUnnoticed => share(
                "corrupt-unnoticed",
                NetworkKind::CorruptUnnoticed,
                (5, 50),
                "the same, unnoticed",
            ),
            Parameter::Rate => Row {
                name: "rate",
                kind: FaultKind::Network(NetworkKind::Rate),
                unit: Unit::BytesPerSecond,
                usual: (20_000, 500_000),
                bounds: (1_000, 1_000_000_000),
                meaning: "how much passes",
            },
            // Shorter than an election takes, and longer.
            Parameter::Flap => wait(
                "flap",
                NetworkKind::Flap,
                (50, 1_000),
                "how long links are down, and how long up",
            ),
            Parameter::ClockJump => jump(
                "clock-jump",
                ClockKind::Jump,
                "how far clocks jump, either way",
            ),
            Parameter::ClockDrift => drift(
                "clock-drift",
                ClockKind::Drift,
                "how much faster or slower they run",
            ),
            Parameter::ClockStrobe => jump(
                "clock-strobe",
                ClockKind::Strobe,
                "how far they flip, either way",
            ),
            Parameter::ClockStrobePeriod => Row {
                usual: (MS, 250 * MS),
                bounds: (MS, MINUTE_MS * MS),
                ..jump(
                    "clock-strobe-period",
                    ClockKind::Strobe,
                    "how long they show either time",
                )
            },
            Parameter::ClockMonotonic => drift(
                "clock-monotonic",
                ClockKind::Monotonic,
                "how much faster or slower monotonic clocks run",
            ),
            Parameter::TornWrite => of_disk(
                "torn-write",
                DiskKind::TornWrite,
                Unit::Percent,
                (10, 70),
                (1, 99),
                "how many unsynced sectors survive",
            ),
            Parameter::DiskSlow => of_disk(
                "disk-slow",
                DiskKind::Slow,
                Unit::Milliseconds,
                (20, 250),
                (1, MINUTE_MS),
                "how much longer syncs take",
            ),
            Parameter::DiskMisread => of_disk(
                "disk-misread",
                DiskKind::Misread,
                Unit::Number,
                (1, 4),
                (1, 1_000_000),
                "one in how many reads is wrong",
            ),
            Parameter::BitFlip => of_disk(
                "bit-flip",
                DiskKind::BitFlip,
                Unit::Number,
                (1, 16),
                (1, 1_000_000),
                "how many bits of each disk flip",
            ),
        }
    }

    /// The name on command lines and in files.
    pub fn name(self) -> &'static str {
        self.row().name
    }

    /// One sentence for people.
    pub fn describe(self) -> &'static str {
        self.row().meaning
    }

    /// The kind of fault whose number it is.
    pub fn kind(self) -> FaultKind {
        self.row().kind
    }

    /// The unit in which it is counted and typed.
    pub fn unit(self) -> Unit {
        self.row().unit
    }

    /// The range from which it comes where nothing was chosen.
    pub(super) fn usual(self) -> (u64, u64) {
        self.row().usual
    }

    /// The range outside of which it makes no sense.
    pub(super) fn bounds(self) -> (u64, u64) {
        self.row().bounds
    }
}

fn names() -> String {
    Parameter::ALL.map(Parameter::name).join(", ")
}

impl fmt::Display for Parameter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Parameter {
    type Err = UnknownParameter;

    fn from_str(text: &str) -> Result<Parameter, UnknownParameter> {
        let mut all = Parameter::ALL.into_iter();
        all.find(|parameter| parameter.name() == text)
            .ok_or_else(|| UnknownParameter {
                name: text.to_owned(),
            })
    }
}
