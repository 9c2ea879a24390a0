//! What was searched already, with dominance between indeterminate operations.
//!
//! Two configurations that agree in the next return, the placed mandatory operations and the state differ only in which indeterminate
//! operations they have used. Those are optional: whatever can follow the one that used more can follow the one that used fewer. So a
//! configuration need not be searched if one with a subset of its used operations was.

use rustc_hash::FxHashMap;

use super::Configuration;
use crate::mask::Mask;

/// The end of a list in [`Memo::used`].
const END: u32 = u32::MAX;

pub(super) struct Memo<const WORDS: usize> {
    /// Slots of indeterminate operations.
    optional: Mask<WORDS>,
    /// For each configuration without its indeterminate operations, the list of what was used in it.
    lists: FxHashMap<Configuration<WORDS>, u32>,
    used: Vec<(Mask<WORDS>, u32)>,
}

impl<const WORDS: usize> Memo<WORDS> {
    pub(super) fn new(optional: Mask<WORDS>) -> Self {
        Self {
            optional,
            lists: FxHashMap::default(),
            used: Vec::new(),
        }
    }

    /// Whether the configuration is new, that is, not dominated by an earlier one.
    pub(super) fn insert(&mut self, configuration: &Configuration<WORDS>) -> bool {
        let used = configuration.placed.and(&self.optional);
        let key = Configuration {
            placed: configuration.placed.minus(&self.optional),
            ..*configuration
        };
        let head = self.lists.entry(key).or_insert(END);
        let mut entry = *head;
        while entry != END {
            let (earlier, next) = &self.used[entry as usize];
            if earlier.is_subset(&used) {
                return false;
            }
            entry = *next;
        }
        self.used.push((used, *head));
        *head = u32::try_from(self.used.len() - 1)
            .expect("memory ends before four billion configurations");
        true
    }

    /// How many configurations are remembered.
    pub(super) fn len(&self) -> usize {
        self.used.len()
    }

    pub(super) fn bytes(&self) -> u64 {
        let list = size_of::<(Configuration<WORDS>, u32)>() + 1;
        let used = size_of::<(Mask<WORDS>, u32)>();
        (self.lists.capacity() * list * 8 / 7 + self.used.capacity() * used) as u64
    }
}
