//! What a disk does wrong while its node runs.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Calls that fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Failing {
    /// Reading a file.
    Reads,
    /// Writing a file.
    Writes,
    /// `fsync` and its kin, for files and folders; what was to be written is dropped.
    Syncs,
}

impl Failing {
    /// All of them.
    pub const ALL: [Failing; 3] = [Failing::Reads, Failing::Writes, Failing::Syncs];
}

/// One thing that a disk does wrong from when it is told to until it is told not to. Several may be wrong at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// Input/output errors.
    Errors(Failing),
    /// No space: what writes, makes or lengthens anything is refused.
    Full,
    /// Every sync takes so much longer.
    Slow(Duration),
    /// No sync is answered until the end.
    Stuck,
    /// Syncs are answered and do nothing.
    Lying,
    /// One bit of one in so many reads is wrong.
    Misread {
        /// One in so many.
        one_in: u32,
    },
}

/// How soon a sync is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pace {
    Now,
    After(Duration),
    Held,
}

/// Everything that is wrong with a disk now.
#[derive(Debug, Default)]
pub(super) struct Troubles(Vec<Trouble>);

impl Troubles {
    pub(super) fn begin(&mut self, trouble: Trouble) {
        self.0.push(trouble);
    }

    /// Ends one trouble like this, should there be any.
    pub(super) fn end(&mut self, trouble: Trouble) {
        if let Some(at) = self.0.iter().position(|active| *active == trouble) {
            self.0.remove(at);
        }
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// Ends what would hold syncs back for good.
    pub(super) fn unstick(&mut self) {
        self.0.retain(|active| *active != Trouble::Stuck);
    }

    pub(super) fn fail(&self, calls: Failing) -> bool {
        self.0.contains(&Trouble::Errors(calls))
    }

    pub(super) fn are_full(&self) -> bool {
        self.0.contains(&Trouble::Full)
    }

    pub(super) fn lie(&self) -> bool {
        self.0.contains(&Trouble::Lying)
    }

    /// One in how many reads is wrong.
    pub(super) fn misread(&self) -> Option<u32> {
        self.0.iter().find_map(|trouble| match trouble {
            Trouble::Misread { one_in } => Some(*one_in),
            Trouble::Errors(_)
            | Trouble::Full
            | Trouble::Slow(_)
            | Trouble::Stuck
            | Trouble::Lying => None,
        })
    }

    /// The slowest that any of them asks for.
    pub(super) fn pace(&self) -> Pace {
        let delay = self.0.iter().filter_map(|trouble| match trouble {
            Trouble::Slow(delay) => Some(*delay),
            Trouble::Errors(_)
            | Trouble::Full
            | Trouble::Stuck
            | Trouble::Lying
            | Trouble::Misread { .. } => None,
        });
        match delay.max() {
            _ if self.0.contains(&Trouble::Stuck) => Pace::Held,
            Some(delay) => Pace::After(delay),
            None => Pace::Now,
        }
    }
}
