//! How many indeterminate operations of each effect a configuration has used.
//!
//! Indeterminate operations stay pending for ever, so a configuration counts them by effect instead of keeping a slot for each. The
//! counts are interned: most configurations share a few.

use crate::interner::Interner;

/// Interned counts; [`Uses::NONE`] is empty.
pub(super) type UsesId = u32;

/// An effect that indeterminate operations have, numbered.
pub(super) type Class = u32;

/// All counts there are. Each is a list of classes, in order, with how many were used.
pub(super) struct Uses {
    counts: Interner<Vec<(Class, u32)>>,
    bytes: usize,
}

impl Uses {
    pub(super) const NONE: UsesId = 0;

    pub(super) fn new() -> Self {
        let mut counts = Interner::new();
        counts.intern(&Vec::new());
        Self { counts, bytes: 0 }
    }

    pub(super) fn count(&self, uses: UsesId, class: Class) -> u32 {
        let counts = self.counts.get(uses);
        counts
            .binary_search_by_key(&class, |(class, _)| *class)
            .map_or(0, |at| counts[at].1)
    }

    /// One more of a class.
    pub(super) fn plus(&mut self, uses: UsesId, class: Class) -> UsesId {
        let mut counts = self.counts.get(uses).clone();
        match counts.binary_search_by_key(&class, |(class, _)| *class) {
            Ok(at) => counts[at].1 += 1,
            Err(at) => counts.insert(at, (class, 1)),
        }
        let known = self.counts.len();
        let interned = self.counts.intern(&counts);
        if self.counts.len() > known {
            self.bytes += 2 * size_of_val(counts.as_slice()) + 64;
        }
        interned
    }

    /// Whether no class was used more often here than there.
    pub(super) fn is_within(&self, here: UsesId, there: UsesId) -> bool {
        here == there
            || self
                .counts
                .get(here)
                .iter()
                .all(|&(class, count)| count <= self.count(there, class))
    }

    pub(super) fn total(&self, uses: UsesId) -> u32 {
        self.counts.get(uses).iter().map(|(_, count)| count).sum()
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }
}
