//! Values that follow each other by compare-and-set.
//!
//! Where a value comes once and so does its successor, whose only writer is a compare-and-set from it, the two are held one directly
//! after the other: nothing else fits in between. Such values form a chain, which is one block of any order.

use crate::models::machine::NEVER;
use crate::models::register::ValueId;

/// No value.
const NONE: ValueId = ValueId::MAX;

/// The chain of each value. A value that is in none is a chain by itself.
pub(super) struct Chains {
    root: Vec<ValueId>,
    depth: Vec<u32>,
    successor: Vec<ValueId>,
    /// For each value the first return that shows it or a later one of its chain; for a root, of the whole chain.
    first_return: Vec<u64>,
}

impl Chains {
    /// From the predecessor of each value that has one, and the first return that shows each value.
    pub(super) fn new(predecessor: &[Option<ValueId>], shown: &[u64]) -> Self {
        let mut successor = vec![NONE; predecessor.len()];
        for (value, before) in (0..).zip(predecessor) {
            if let Some(before) = before {
                successor[*before as usize] = value;
            }
        }
        let mut chains = Self {
            root: (0..).take(predecessor.len()).collect(),
            depth: vec![0; predecessor.len()],
            first_return: shown.to_vec(),
            successor: vec![NONE; predecessor.len()],
        };
        for root in (0..)
            .zip(predecessor)
            .filter(|(_, before)| before.is_none())
            .map(|(value, _)| value)
        {
            chains.follow(root, &successor);
        }
        chains
    }

    /// Compare-and-sets that go in a circle have no root, and no chain.
    fn follow(&mut self, root: ValueId, successor: &[ValueId]) {
        let mut members = vec![root];
        let mut value = successor[root as usize];
        while value != NONE {
            self.root[value as usize] = root;
            self.depth[value as usize] = members.len() as u32;
            self.successor[members[members.len() - 1] as usize] = value;
            members.push(value);
            value = successor[value as usize];
        }
        let mut first = NEVER;
        for &member in members.iter().rev() {
            let own = &mut self.first_return[member as usize];
            first = first.min(*own);
            *own = first;
        }
    }

    /// The first value of the chain, which names it.
    pub(super) fn root(&self, value: ValueId) -> ValueId {
        self.root[value as usize]
    }

    /// The first return that shows any value of the chain.
    pub(super) fn first_return(&self, value: ValueId) -> u64 {
        self.first_return[self.root(value) as usize]
    }

    /// Whether a value comes later in the chain of another.
    pub(super) fn follows(&self, later: ValueId, earlier: ValueId) -> bool {
        self.root(later) == self.root(earlier)
            && self.depth[later as usize] > self.depth[earlier as usize]
    }

    /// The values after one in its chain.
    pub(super) fn later(&self, value: ValueId) -> impl Iterator<Item = ValueId> {
        let next =
            |value: ValueId| Some(self.successor[value as usize]).filter(|&next| next != NONE);
        std::iter::successors(next(value), move |&value| next(value))
    }

    /// Whether a later value of the chain was shown before a position.
    pub(super) fn is_passed(&self, value: ValueId, before: u64) -> bool {
        let next = self.successor[value as usize];
        next != NONE && self.first_return[next as usize] < before
    }
}
