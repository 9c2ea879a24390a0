//! Small numbers for large things: equal things get equal numbers, in the order they first appear.

use std::hash::{Hash, Hasher as _};

use rustc_hash::FxHasher;

use crate::parted::Parted;
use crate::segmented::Segmented;

/// Gives each distinct thing a number from 0 upward.
#[derive(Clone)]
pub(crate) struct Interner<T> {
    /// By hash; of several things with the same hash each later one is at the next number that is free.
    numbers: Parted<u64, u32>,
    things: Segmented<T>,
}

impl<T> Default for Interner<T> {
    fn default() -> Self {
        Self {
            numbers: Parted::new(),
            things: Segmented::default(),
        }
    }
}

impl<T: Clone + Eq + Hash> Interner<T> {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    pub(crate) fn intern(&mut self, thing: &T) -> u32 {
        let mut place = hash(thing);
        while let Some(&number) = self.numbers.get(&place) {
            if self.things.at(number as usize) == thing {
                return number;
            }
            place = place.wrapping_add(1);
        }
        let number =
            u32::try_from(self.things.len()).expect("memory ends before four billion things");
        *self.numbers.of(place) = number;
        self.things.push(thing.clone());
        number
    }

    pub(crate) fn get(&self, number: u32) -> &T {
        self.things.at(number as usize)
    }

    pub(crate) fn len(&self) -> usize {
        self.things.len()
    }
}

fn hash(thing: &impl Hash) -> u64 {
    let mut hasher = FxHasher::default();
    thing.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn things_with_the_same_hash_are_kept_apart() {
        #[derive(Clone, Debug, PartialEq, Eq)]
        struct Alike(u32);
        impl Hash for Alike {
            fn hash<H: std::hash::Hasher>(&self, _state: &mut H) {}
        }
        let mut interner = Interner::new();
        for round in 0..2 {
            for thing in 0..50 {
                assert_eq!(interner.intern(&Alike(thing)), thing, "round {round}");
            }
        }
        assert_eq!((interner.len(), interner.get(7)), (50, &Alike(7)));
    }
}
