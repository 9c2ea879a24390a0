//! Small numbers for the operations that are pending together.

use crate::models::machine::Step;

/// No slot, no step.
pub(crate) const FREE: u32 = u32::MAX;

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

/// A slot is free again from the return on.
fn give(steps: &[Step], returns: &[u32]) -> (Vec<u32>, u32) {
    let mut slots = vec![FREE; steps.len()];
    let (mut free, mut width) = (Vec::new(), 0);
    let mut returned = returns.iter().copied().peekable();
    for number in mandatory(steps) {
        let call = steps[number as usize].call;
        while let Some(earlier) = returned.next_if(|&earlier| steps[earlier as usize].ret < call) {
            free.push(slots[earlier as usize]);
        }
        slots[number as usize] = free.pop().unwrap_or_else(|| {
            width += 1;
            width - 1
        });
    }
    (slots, width)
}
