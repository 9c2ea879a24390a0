//! Which operations can be placed next: those called before the next return that is not placed yet.
//!
//! An operation called after that return must follow it, and one that returned earlier is placed already. So a configuration of the
//! search only has to remember the operations pending at one return, by slots that are given out at a call and free again at the
//! return. Indeterminate operations never return; they have slots of their own behind the others.

use crate::models::machine::Step;

/// No step.
const FREE: u32 = u32::MAX;

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
        let mut returns: Vec<u32> = (0..)
            .zip(steps)
            .filter(|(_, step)| step.is_mandatory())
            .map(|(number, _)| number)
            .collect();
        returns.sort_by_key(|&number| steps[number as usize].ret);
        let called = returns
            .iter()
            .map(|&number| steps.partition_point(|step| step.call < steps[number as usize].ret))
            .map(narrow)
            .collect();
        let (slots, first_indeterminate, count) = give_slots(steps, &returns);
        let mut window = Self {
            returns,
            called,
            slots,
            pending: vec![FREE; count],
            at: 0,
            first_indeterminate,
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

/// Gives each step a slot that no other step has while it is pending. Also the first slot of indeterminate steps, and the number of slots.
fn give_slots(steps: &[Step], returns: &[u32]) -> (Vec<u32>, u32, usize) {
    let mut slots = vec![FREE; steps.len()];
    let (mut free, mut used) = (Vec::new(), 0);
    let mut returned = returns.iter().copied().peekable();
    for (number, step) in steps
        .iter()
        .enumerate()
        .filter(|(_, step)| step.is_mandatory())
    {
        while let Some(earlier) =
            returned.next_if(|&earlier| steps[earlier as usize].ret < step.call)
        {
            free.push(slots[earlier as usize]);
        }
        slots[number] = free.pop().unwrap_or_else(|| {
            used += 1;
            used - 1
        });
    }
    let mut next = used;
    for (number, _) in steps
        .iter()
        .enumerate()
        .filter(|(_, step)| !step.is_mandatory())
    {
        slots[number] = next;
        next += 1;
    }
    (slots, used, next as usize)
}

fn narrow(number: usize) -> u32 {
    u32::try_from(number).expect("memory ends before four billion operations")
}
