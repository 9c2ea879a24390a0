//! Which operations can be placed next: those called before the next return that is not placed yet.
//!
//! An operation called after that return must follow it, and one that returned earlier is placed already. So a configuration of the
//! search only has to remember the operations pending at one return, by slots that are given out at a call and free again at the
//! return. Indeterminate operations never return; they have slots of their own behind the others.

use crate::models::machine::Step;
use crate::slots::{FREE, Slots};

/// The operations pending at one return, movable from return to return.
pub(super) struct Window {
    /// Steps in the order of their returns.
    returns: Vec<u32>,
    /// For each return how many steps were called before it.
    called: Vec<u32>,
    /// The slot of each step.
    slots: Vec<u32>,
    /// The pending step of each slot.
    pending: Vec<u32>,
    /// The return the window stands at.
    at: u32,
    /// The slots from here on belong to indeterminate steps.
    first_indeterminate: u32,
}

impl Window {
    /// Stands at the first return. The steps are in the order of their calls.
    pub(super) fn new(steps: &[Step]) -> Self {
        let Slots {
            returns,
            mut slots,
            width,
        } = Slots::new(steps);
        let count = add_indeterminate(steps, &mut slots, width);
        let called = returns
            .iter()
            .map(|&number| steps.partition_point(|step| step.call < steps[number as usize].ret))
            .map(narrow)
            .collect();
        let mut window = Self {
            returns,
            called,
            slots,
            pending: vec![FREE; count],
            at: 0,
            first_indeterminate: width,
        };
        for step in 0..window.called.first().copied().unwrap_or(0) {
            window.pending[window.slots[step as usize] as usize] = step;
        }
        window
    }

    pub(super) fn at(&self) -> u32 {
        self.at
    }

    /// How many slots there are.
    pub(super) fn width(&self) -> usize {
        self.pending.len()
    }

    pub(super) fn indeterminate_slots(&self) -> std::ops::Range<u32> {
        self.first_indeterminate..narrow(self.pending.len())
    }

    pub(super) fn slot(&self, step: u32) -> u32 {
        self.slots[step as usize]
    }

    /// The step that returns here; `None` behind the last.
    pub(super) fn returning(&self) -> Option<u32> {
        self.returns.get(self.at as usize).copied()
    }

    /// The step with the return of this number.
    pub(super) fn return_number(&self, number: u32) -> u32 {
        self.returns[number as usize]
    }

    /// The pending steps with their slots.
    pub(super) fn pending(&self) -> impl Iterator<Item = (u32, u32)> {
        (0..)
            .zip(&self.pending)
            .filter(|(_, step)| **step != FREE)
            .map(|(slot, &step)| (slot, step))
    }

    /// Moves behind a return. Gives the steps that are called before the next one.
    pub(super) fn advance(&mut self) -> std::ops::Range<u32> {
        let returned = self.returns[self.at as usize];
        self.pending[self.slots[returned as usize] as usize] = FREE;
        let calls = self.calls_after(self.at);
        for step in calls.clone() {
            self.pending[self.slots[step as usize] as usize] = step;
        }
        self.at += 1;
        calls
    }

    /// Moves back to an earlier return.
    pub(super) fn rewind(&mut self, to: u32) {
        while self.at > to {
            self.at -= 1;
            for step in self.calls_after(self.at) {
                self.pending[self.slots[step as usize] as usize] = FREE;
            }
            let returned = self.returns[self.at as usize];
            self.pending[self.slots[returned as usize] as usize] = returned;
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

/// Slots of their own for indeterminate steps, behind those of the others. Also how many slots there are now.
fn add_indeterminate(steps: &[Step], slots: &mut [u32], width: u32) -> usize {
    let mut next = width;
    for (slot, _) in slots
        .iter_mut()
        .zip(steps)
        .filter(|(_, step)| !step.is_mandatory())
    {
        *slot = next;
        next += 1;
    }
    next as usize
}

fn narrow(number: usize) -> u32 {
    u32::try_from(number).expect("memory ends before four billion operations")
}
