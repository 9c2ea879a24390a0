//! Where each number stands in the pages of a clock: for the harness, which writes them, and for the machine code in the
//! victim, which reads them.

/// The size of a page. The code is in the first one, the numbers are in the second.
pub(crate) const PAGE: usize = 4096;

/// Distance from the numbers of the wall clock to those of the monotonic clock.
pub(crate) const STRIDE: usize = 128;

/// Odd while the numbers are written.
pub(crate) const SEQUENCE: usize = 0;
/// The parts of a [`Setting`](super::Setting), of eight bytes each.
pub(crate) const JUMP: usize = 8;
pub(crate) const SLOPE_BASE: usize = 16;
pub(crate) const SLOPE_START: usize = 24;
pub(crate) const SLOPE_RATE: usize = 32;
pub(crate) const SLOPE_UNTIL: usize = 40;
pub(crate) const STROBE_BASE: usize = 48;
pub(crate) const STROBE_PERIOD: usize = 56;
pub(crate) const STROBE_OFFSET: usize = 64;

/// Distance from the numbers of a clock to what the victim writes: the parts of a [`Witness`](super::Witness).
pub(crate) const WITNESS: usize = 256;
pub(crate) const READS: usize = 0;
pub(crate) const LAST: usize = 8;
pub(crate) const TURNS: usize = 16;

/// How many processes have mapped the numbers by themselves, because the library of [`Preload`](super::ClockWay::Preload) was loaded into them.
pub(crate) const WEARERS: usize = 512;
