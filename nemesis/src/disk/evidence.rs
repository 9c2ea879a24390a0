//! What a disk did to its node, in numbers.

use serde::Serialize;

/// What a loss of power took away.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Lost {
    /// Bytes that read differently afterwards.
    pub bytes: u64,
    /// Sectors that went back to what the disk held.
    pub sectors: u64,
    /// Sectors that were not synced and are on the disk all the same.
    pub sectors_torn: u64,
    /// Files that lost data.
    pub files: u64,
    /// Names made, removed or renamed for which that was undone.
    pub names: u64,
}

impl Lost {
    /// Whether anything was lost.
    pub fn is_nothing(&self) -> bool {
        self.sectors == 0 && self.names == 0
    }

    pub(super) fn add(&mut self, file: Lost) {
        self.bytes += file.bytes;
        self.sectors += file.sectors;
        self.sectors_torn += file.sectors_torn;
        self.files += u64::from(file.sectors > 0);
    }
}

/// What the troubles of a disk have done so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Served {
    /// Calls answered with an input/output error.
    pub errors: u64,
    /// Calls answered with "no space left on device".
    pub refused: u64,
    /// Syncs answered late.
    pub delayed: u64,
    /// Syncs held back until the end.
    pub held: u64,
    /// Syncs answered that did nothing.
    pub lies: u64,
    /// Bits that were read wrong.
    pub flipped_bits: u64,
}

impl Served {
    /// What was added since `earlier`.
    #[must_use]
    pub fn since(&self, earlier: &Served) -> Served {
        Served {
            errors: self.errors - earlier.errors,
            refused: self.refused - earlier.refused,
            delayed: self.delayed - earlier.delayed,
            held: self.held - earlier.held,
            lies: self.lies - earlier.lies,
            flipped_bits: self.flipped_bits - earlier.flipped_bits,
        }
    }
}
