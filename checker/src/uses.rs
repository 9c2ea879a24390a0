//! How many indeterminate operations of each effect a configuration has used.
//!
//! Indeterminate operations stay pending for ever, so a configuration counts them by effect instead of keeping a slot for each: of those
//! with the same effect it uses the ones called first. The counts are interned: most configurations share a few.

use crate::interner::Interner;
use crate::models::machine::{ActionId, Step};
use crate::slots::FREE;

/// Interned counts; [`Uses::NONE`] is empty.
pub(crate) type UsesId = u32;

/// An effect that indeterminate operations have, numbered.
pub(crate) type Class = u32;

/// The indeterminate steps of a history by effect. Classes are numbered in the order of their first calls.
#[derive(Default)]
pub(crate) struct Classes {
    /// [`FREE`] where no indeterminate step has the action.
    of_action: Vec<Class>,
    actions: Vec<ActionId>,
    /// In the order of their calls.
    members: Vec<Vec<u32>>,
}

impl Classes {
    /// The steps are in the order of their calls.
    pub(crate) fn new(steps: &[Step]) -> Self {
        let mut classes = Self::default();
        for (number, step) in (0..).zip(steps) {
            classes.push(number, step);
        }
        classes
    }

    /// Adds a step, by its number, that is called after all others. A mandatory one has no class.
    pub(crate) fn push(&mut self, number: u32, step: &Step) {
        if step.is_mandatory() {
            return;
        }
        let action = step.action as usize;
        if self.of_action.len() <= action {
            self.of_action.resize(action + 1, FREE);
        }
        let class = &mut self.of_action[action];
        if *class == FREE {
            *class = u32::try_from(self.actions.len()).expect("fewer classes than actions");
            self.actions.push(step.action);
            self.members.push(Vec::new());
        }
        self.members[*class as usize].push(number);
    }

    /// Takes the last step back.
    pub(crate) fn pop(&mut self, step: &Step) {
        let class = self.of_action(step.action);
        if !step.is_mandatory() {
            self.members[class as usize].pop();
        }
    }

    /// How many classes there are.
    pub(crate) fn len(&self) -> usize {
        self.members.len()
    }

    /// The class with an effect, [`FREE`] if there is none.
    pub(crate) fn of_action(&self, action: ActionId) -> Class {
        self.of_action.get(action as usize).copied().unwrap_or(FREE)
    }

    /// The effect of a class.
    pub(crate) fn action(&self, class: Class) -> ActionId {
        self.actions[class as usize]
    }

    /// The step of a class that is called as the one of this number, from 0.
    pub(crate) fn member(&self, class: Class, number: u32) -> u32 {
        self.members[class as usize][number as usize]
    }
}

/// All counts there are. Each is a list of classes, in order, with how many were used.
#[derive(Default)]
pub(crate) struct Uses {
    counts: Interner<Vec<(Class, u32)>>,
    bytes: usize,
}

impl Uses {
    pub(crate) const NONE: UsesId = 0;

    pub(crate) fn new() -> Self {
        let mut counts = Interner::new();
        counts.intern(&Vec::new());
        Self { counts, bytes: 0 }
    }

    pub(crate) fn count(&self, uses: UsesId, class: Class) -> u32 {
        let counts = self.counts.get(uses);
        counts
            .binary_search_by_key(&class, |(class, _)| *class)
            .map_or(0, |at| counts[at].1)
    }

    /// One more of a class.
    pub(crate) fn plus(&mut self, uses: UsesId, class: Class) -> UsesId {
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
    pub(crate) fn is_within(&self, here: UsesId, there: UsesId) -> bool {
        here == there
            || self
                .counts
                .get(here)
                .iter()
                .all(|&(class, count)| count <= self.count(there, class))
    }

    pub(crate) fn total(&self, uses: UsesId) -> u32 {
        self.counts.get(uses).iter().map(|(_, count)| count).sum()
    }

    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }
}
