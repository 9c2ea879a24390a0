//! Small numbers for the operations that are pending together.

use crate::models::machine::Step;

/// No slot, no step.
pub(crate) const FREE: u32 = u32::MAX;

/// Slots that can be given out: the one that came back last, or else a new one.
#[derive(Clone, Default)]
pub(crate) struct Spare {
    free: Vec<u32>,
    given: u32,
}

impl Spare {
    pub(crate) fn give(&mut self) -> u32 {
        self.free.pop().unwrap_or_else(|| {
            self.given += 1;
            self.given - 1
        })
    }

    /// A slot is free again from its step's return on.
    pub(crate) fn take_back(&mut self, slot: u32) {
        self.free.push(slot);
    }

    /// How many slots there are.
    pub(crate) fn width(&self) -> u32 {
        self.given
    }

    /// Whether the next one is one of so many.
    pub(crate) fn is_within(&self, slots: u32) -> bool {
        !self.free.is_empty() || self.given < slots
    }
}

/// The mandatory steps in the order of their returns, each with a slot that no other mandatory step has while it is pending.
pub(crate) struct Slots {
    pub(crate) returns: Vec<u32>,
    /// The slot of each step, [`FREE`] for indeterminate ones.
    pub(crate) slots: Vec<u32>,
    /// How many slots there are.
    pub(crate) width: u32,
}

impl Slots {
    /// The steps are in the order of their calls.
    pub(crate) fn new(steps: &[Step]) -> Self {
        let mut returns: Vec<u32> = mandatory(steps).collect();
        returns.sort_by_key(|&number| steps[number as usize].ret);
        let (slots, width) = give(steps, &returns);
        Self {
            returns,
            slots,
            width,
        }
    }
}

fn mandatory(steps: &[Step]) -> impl Iterator<Item = u32> {
    (0..)
        .zip(steps)
        .filter(|(_, step)| step.is_mandatory())
        .map(|(number, _)| number)
}

fn give(steps: &[Step], returns: &[u32]) -> (Vec<u32>, u32) {
    let mut slots = vec![FREE; steps.len()];
    let mut spare = Spare::default();
    let mut returned = returns.iter().copied().peekable();
    for number in mandatory(steps) {
        let call = steps[number as usize].call;
        while let Some(earlier) = returned.next_if(|&earlier| steps[earlier as usize].ret < call) {
            spare.take_back(slots[earlier as usize]);
        }
        slots[number as usize] = spare.give();
    }
    (slots, spare.width())
}
