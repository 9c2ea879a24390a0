//! What was searched in vain, with dominance between indeterminate operations.
//!
//! Two configurations that agree in the next return, the placed mandatory operations and the state differ only in how many
//! indeterminate operations of each effect they have used. Those are optional: whatever can follow the one that used more can follow
//! the one that used no more of any effect. So a configuration need not be searched if one that used no more was.
//!
//! A configuration is remembered when it is left, not when it is entered: while it is on the current branch the search cannot meet it
//! again, since a step only adds to what is placed. What goes well at once is never remembered.

use rustc_hash::FxHashMap;

use super::Configuration;
use crate::mask::Mask;
use crate::models::machine::StateId;
use crate::uses::{Uses, UsesId};

/// The end of a list in [`Shard::more`].
const END: u32 = u32::MAX;

/// A table that has to grow is copied; in so many parts no copy is large beside the whole.
const SHARDS: usize = 64;

pub(super) struct Memo<const WORDS: usize> {
    shards: Vec<Shard<WORDS>>,
    len: usize,
    /// How many remembered configurations were looked at.
    pub(super) compared: u64,
}

struct Shard<const WORDS: usize> {
    /// What was used in each configuration that is otherwise the same.
    used: FxHashMap<Key<WORDS>, Used>,
    /// More that was used, where one list is not within the other.
    more: Vec<Used>,
}

/// A configuration but for its indeterminate operations.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Key<const WORDS: usize> {
    next: u32,
    state: StateId,
    placed: Mask<WORDS>,
}

#[derive(Clone, Copy)]
struct Used {
    used: UsesId,
    /// The place of the next of the list.
    next: u32,
}

impl<const WORDS: usize> Memo<WORDS> {
    pub(super) fn new() -> Self {
        let shard = || Shard {
            used: FxHashMap::default(),
            more: Vec::new(),
        };
        Self {
            shards: (0..SHARDS).map(|_| shard()).collect(),
            len: 0,
            compared: 0,
        }
    }

    /// Whether a remembered configuration dominates this one.
    pub(super) fn covers(&mut self, configuration: &Configuration<WORDS>, uses: &Uses) -> bool {
        let shard = &self.shards[shard(configuration)];
        let mut entry = shard.used.get(&key(configuration)).copied();
        while let Some(Used { used, next }) = entry {
            self.compared += 1;
            if uses.is_within(used, configuration.used) {
                return true;
            }
            entry = shard.more.get(next as usize).copied();
        }
        false
    }

    /// Remembers a configuration that none dominates.
    pub(super) fn insert(&mut self, configuration: &Configuration<WORDS>, uses: &Uses) {
        let Shard { used, more } = &mut self.shards[shard(configuration)];
        let new = Used {
            used: configuration.used,
            next: END,
        };
        let mut len = self.len + 1;
        used.entry(key(configuration))
            .and_modify(|first| {
                if uses.is_within(configuration.used, first.used) {
                    first.used = configuration.used;
                    len -= 1;
                } else {
                    more.push(*first);
                    let next =
                        u32::try_from(more.len() - 1).expect("memory ends before four billion");
                    *first = Used { next, ..new };
                }
            })
            .or_insert(new);
        self.len = len;
    }

    /// How many configurations are remembered.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn bytes(&self) -> u64 {
        let entry = size_of::<(Key<WORDS>, Used)>() + 1;
        let bytes = |shard: &Shard<WORDS>| {
            shard.used.capacity() * entry * 8 / 7 + shard.more.capacity() * size_of::<Used>()
        };
        self.shards.iter().map(bytes).sum::<usize>() as u64
    }
}

fn key<const WORDS: usize>(configuration: &Configuration<WORDS>) -> Key<WORDS> {
    Key {
        next: configuration.next,
        state: configuration.state,
        placed: configuration.placed,
    }
}

/// Returns are spread over the shards.
fn shard<const WORDS: usize>(configuration: &Configuration<WORDS>) -> usize {
    let mixed = (configuration.next ^ configuration.state.rotate_left(16))
        .wrapping_mul(0x9e37_79b1)
        .rotate_left(7);
    mixed as usize % SHARDS
}
