//! States of several parts under names, as numbers: registers of a transaction, lists under keys.
//!
//! Names may appear while states exist already, so a state holds its parts only up to the last that is not what it was at first; what is
//! missing behind is as it was at first.

use crate::interner::Interner;
use crate::models::machine::StateId;

/// States of which each part is a number.
#[derive(Clone)]
pub(super) struct Padded {
    states: Interner<Vec<u32>>,
    first: Vec<u32>,
}

impl Padded {
    /// The first state has the number 0.
    pub(super) fn new() -> Self {
        let mut states = Interner::new();
        states.intern(&Vec::new());
        Self {
            states,
            first: Vec::new(),
        }
    }

    /// Gives the parts that have none yet, up to so many, what they are at first.
    pub(super) fn begin(&mut self, parts: usize, mut first: impl FnMut(u32) -> u32) {
        for part in self.first.len()..parts {
            self.first.push(first(part as u32));
        }
    }

    /// All parts of a state.
    pub(super) fn parts(&self, state: StateId) -> Vec<u32> {
        let mut parts = self.states.get(state).clone();
        parts.extend_from_slice(&self.first[parts.len()..]);
        parts
    }

    /// The state of these parts.
    pub(super) fn state(&mut self, mut parts: Vec<u32>) -> StateId {
        while parts
            .last()
            .is_some_and(|last| *last == self.first[parts.len() - 1])
        {
            parts.pop();
        }
        self.states.intern(&parts)
    }

    /// An estimate of what the states occupy.
    pub(super) fn bytes(&self) -> usize {
        self.states.len() * (2 * size_of::<Vec<u32>>() + 8 * self.first.len() + 16)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_is_the_same_before_and_behind_the_first_mention_of_a_part() {
        let mut states = Padded::new();
        states.begin(1, |_| 7);
        assert_eq!((states.parts(0), states.state(vec![7])), (vec![7], 0));
        let changed = states.state(vec![5]);
        states.begin(3, |part| part);
        assert_eq!(states.parts(0), [7, 1, 2]);
        assert_eq!(states.parts(changed), [5, 1, 2]);
        assert_eq!(states.state(vec![5, 1, 2]), changed);
        assert_ne!(states.state(vec![5, 1, 1]), changed);
    }
}
