//! Small numbers for large things: equal things get equal numbers, in the order they first appear.

use std::hash::Hash;

use rustc_hash::FxHashMap;

/// Gives each distinct thing a number from 0 upward.
#[derive(Clone)]
pub(crate) struct Interner<T> {
    numbers: FxHashMap<T, u32>,
    things: Vec<T>,
}

impl<T: Clone + Eq + Hash> Interner<T> {
    pub(crate) fn new() -> Self {
        Self {
            numbers: FxHashMap::default(),
            things: Vec::new(),
        }
    }

    pub(crate) fn intern(&mut self, thing: &T) -> u32 {
        if let Some(&number) = self.numbers.get(thing) {
            return number;
        }
        let number =
            u32::try_from(self.things.len()).expect("memory ends before four billion things");
        self.numbers.insert(thing.clone(), number);
        self.things.push(thing.clone());
        number
    }

    pub(crate) fn get(&self, number: u32) -> &T {
        &self.things[number as usize]
    }

    pub(crate) fn len(&self) -> usize {
        self.things.len()
    }
}
