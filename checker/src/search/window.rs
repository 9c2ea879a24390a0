//! Which operations can be placed next: those called before the next return that is not placed yet.
//!
//! An operation called after that return must follow it, and one that returned earlier is placed already. So a configuration of the
//! search only has to remember the operations pending at one return, by slots that are given out at a call and free again at the
//! return. Indeterminate operations never return; they are counted by their effect.

use crate::mask::Mask;
use crate::models::machine::{Machine, Step};
use crate::slots::{FREE, Slots};
use crate::uses::{Class, Classes};

/// The operations pending at one return, movable from return to return.
pub(super) struct Window<const WORDS: usize> {
    /// Steps in the order of their returns.
    returns: Vec<u32>,
    /// For each return how many steps were called before it.
    called: Vec<u32>,
    /// The slot of each mandatory step; behind all slots the class of an indeterminate one.
    places: Vec<u32>,
    width: u32,
    /// Which steps change nothing.
    pure: Vec<bool>,
    /// The pending mandatory step of each slot.
    pending: Vec<u32>,
    /// Slots of pending steps that change nothing, and of the others.
    reads: Mask<WORDS>,
    changes: Mask<WORDS>,
    /// Of each class how many were called.
    pub(super) called_of: Vec<u32>,
    /// Of how many classes some were called; they are numbered in the order of their first calls.
    pub(super) live: Class,
    /// The return the window stands at.
    at: u32,
}

impl<const WORDS: usize> Window<WORDS> {
    /// Stands at the first return. The steps are in the order of their calls.
    pub(super) fn new(
        steps: &[Step],
        slots: Slots,
        classes: &Classes,
        machine: &dyn Machine,
    ) -> Self {
        let Slots {
            returns,
            slots: mut places,
            width,
        } = slots;
        for (place, step) in places.iter_mut().zip(steps) {
            if *place == FREE {
                *place = width + classes.of_action(step.action);
            }
        }
        let called = returns
            .iter()
            .map(|&number| steps.partition_point(|step| step.call < steps[number as usize].ret))
            .map(narrow)
            .collect();
        let pure = steps.iter().map(|step| machine.is_pure(step.action));
        let mut window = Self {
            returns,
            called,
            places,
            width,
            pure: pure.collect(),
            pending: vec![FREE; width as usize],
            reads: Mask::EMPTY,
            changes: Mask::EMPTY,
            called_of: vec![0; classes.len()],
            live: 0,
            at: 0,
        };
        for step in 0..window.called.first().copied().unwrap_or(0) {
            window.add(step);
        }
        window
    }

    pub(super) fn at(&self) -> u32 {
        self.at
    }

    /// How many returns there are.
    pub(super) fn returns(&self) -> u32 {
        narrow(self.returns.len())
    }

    /// The slot of a mandatory step.
    pub(super) fn slot(&self, step: u32) -> Option<u32> {
        let place = self.places[step as usize];
        (place < self.width).then_some(place)
    }

    /// The class of an indeterminate step.
    pub(super) fn class(&self, step: u32) -> Option<Class> {
        self.places[step as usize].checked_sub(self.width)
    }

    /// The pending step in a slot.
    pub(super) fn step_in(&self, slot: u32) -> u32 {
        self.pending[slot as usize]
    }

    pub(super) fn is_pure(&self, step: u32) -> bool {
        self.pure[step as usize]
    }

    /// Slots of pending steps that change nothing.
    pub(super) fn reads(&self) -> Mask<WORDS> {
        self.reads
    }

    /// Slots of pending steps that change something.
    pub(super) fn changes(&self) -> Mask<WORDS> {
        self.changes
    }

    /// The step that returns here; `None` behind the last.
    pub(super) fn returning(&self) -> Option<u32> {
        self.returns.get(self.at as usize).copied()
    }

    /// The step with the return of this number.
    pub(super) fn return_number(&self, number: u32) -> u32 {
        self.returns[number as usize]
    }

    /// Moves behind a return. Gives the steps that are called before the next one.
    pub(super) fn advance(&mut self) -> std::ops::Range<u32> {
        self.take(self.returns[self.at as usize]);
        let calls = self.calls_after(self.at);
        for step in calls.clone() {
            self.add(step);
        }
        self.at += 1;
        calls
    }

    /// Moves back to an earlier return.
    pub(super) fn rewind(&mut self, to: u32) {
        while self.at > to {
            self.at -= 1;
            for step in self.calls_after(self.at) {
                self.take(step);
            }
            self.add(self.returns[self.at as usize]);
        }
    }

    fn add(&mut self, step: u32) {
        let place = self.places[step as usize];
        if let Some(class) = place.checked_sub(self.width) {
            self.called_of[class as usize] += 1;
            self.live = self.live.max(class + 1);
        } else {
            self.pending[place as usize] = step;
            self.kind(step).insert(place);
        }
    }

    fn take(&mut self, step: u32) {
        let place = self.places[step as usize];
        if let Some(class) = place.checked_sub(self.width) {
            let called = &mut self.called_of[class as usize];
            *called -= 1;
            if *called == 0 {
                self.live = self.live.min(class);
            }
        } else {
            self.pending[place as usize] = FREE;
            self.kind(step).remove(place);
        }
    }

    fn kind(&mut self, step: u32) -> &mut Mask<WORDS> {
        if self.pure[step as usize] {
            &mut self.reads
        } else {
            &mut self.changes
        }
    }

    /// The steps called between a return and the next. What is called behind the last return constrains nothing.
    fn calls_after(&self, number: u32) -> std::ops::Range<u32> {
        let from = self.called[number as usize];
        from..self
            .called
            .get(number as usize + 1)
            .copied()
            .unwrap_or(from)
    }
}

fn narrow(number: usize) -> u32 {
    u32::try_from(number).expect("memory ends before four billion operations")
}
