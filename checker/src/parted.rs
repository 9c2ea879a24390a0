//! A hash table that grows in small parts once it is large.
//!
//! A table that has to grow is copied, old and new beside each other. In one piece that would be a jump of up to half of what a check
//! that explodes holds, between two looks at the memory there is.

use std::hash::{Hash, Hasher as _};

use rustc_hash::{FxHashMap, FxHasher};

/// From so many keys on the table is in parts.
const LARGE: usize = 1 << 14;

/// How many parts.
const PARTS: usize = 64;

#[derive(Clone)]
pub(crate) struct Parted<K, V> {
    /// All while there are few.
    small: FxHashMap<K, V>,
    /// All once there are many, by hash.
    parts: Vec<FxHashMap<K, V>>,
}

impl<K: Eq + Hash, V: Default> Parted<K, V> {
    pub(crate) fn new() -> Self {
        Self {
            small: FxHashMap::default(),
            parts: Vec::new(),
        }
    }

    pub(crate) fn get(&self, key: &K) -> Option<&V> {
        match self.parts.is_empty() {
            true => self.small.get(key),
            false => self.parts[part(key)].get(key),
        }
    }

    /// The value of a key, to be changed; the default value if there was none.
    pub(crate) fn of(&mut self, key: K) -> &mut V {
        if self.small.len() == LARGE {
            self.divide();
        }
        match self.parts.is_empty() {
            true => self.small.entry(key).or_default(),
            false => self.parts[part(&key)].entry(key).or_default(),
        }
    }

    fn divide(&mut self) {
        self.parts = (0..PARTS).map(|_| FxHashMap::default()).collect();
        for (key, value) in std::mem::take(&mut self.small) {
            self.parts[part(&key)].insert(key, value);
        }
    }
}

/// By other bits of the hash than those a table goes by.
fn part(key: &impl Hash) -> usize {
    let mut hasher = FxHasher::default();
    key.hash(&mut hasher);
    (hasher.finish() >> 40) as usize % PARTS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_in_a_table_stays_there_when_it_is_divided() {
        let mut table: Parted<_, Vec<u32>> = Parted::new();
        let keys = 3 * LARGE as u32;
        for number in 0..2 * keys {
            table.of((number % keys, 7_u64)).push(number);
        }
        assert_eq!(table.parts.len(), PARTS);
        for key in 0..keys {
            assert_eq!(table.get(&(key, 7)), Some(&vec![key, key + keys]));
        }
        assert_eq!(table.get(&(keys, 7)), None);
        let fullest = table.parts.iter().map(FxHashMap::len).max();
        assert!(fullest < Some(LARGE), "{fullest:?} in one part");
    }
}
