//! The steps that are known so far, in the order of their calls, each with a slot while it is pending.
//!
//! - Numbers of steps and of returns count from the first step there ever was, also when the oldest have been forgotten.
//! - A mandatory step has a slot that no other mandatory step has between its call and its return.
//! - Returns are known in order up to the call of the last step; steps that are pushed later may return between later ones.

use crate::models::machine::Step;
use crate::slots::{FREE, Spare};

#[derive(Default)]
pub(super) struct Timeline {
    steps: Vec<Step>,
    /// The slot of each step, [`FREE`] for indeterminate ones.
    slots: Vec<u32>,
    /// The mandatory steps in the order of their returns.
    returns: Vec<u32>,
    forgotten: Forgotten,
    giving: Giving,
}

/// How many steps and returns are gone.
#[derive(Clone, Copy, Debug, Default)]
struct Forgotten {
    steps: u32,
    returns: u32,
}

/// Which slots can be given.
#[derive(Clone, Default)]
struct Giving {
    spare: Spare,
    /// How many returns gave their slots back.
    released: u32,
}

/// How far a timeline went at some time.
pub(super) struct Extent {
    steps: u32,
    giving: Giving,
}

impl Timeline {
    /// The steps are in the order of their calls.
    pub(super) fn new(steps: Vec<Step>) -> Self {
        let mut timeline = Self::default();
        for step in steps {
            timeline.push(step);
        }
        timeline
    }

    /// Adds a step that is called after all others.
    pub(super) fn push(&mut self, step: Step) {
        debug_assert!(self.steps.last().is_none_or(|last| last.call < step.call));
        let number = self.len();
        let slot = if step.is_mandatory() {
            self.give_slot(step.call)
        } else {
            FREE
        };
        self.steps.push(step);
        self.slots.push(slot);
        if step.is_mandatory() {
            let later = |&&other: &&u32| self.step(other).ret > step.ret;
            let later = self.returns.iter().rev().take_while(later).count();
            self.returns.insert(self.returns.len() - later, number);
        }
    }

    /// Whether a step that is called now gets one of so many slots.
    pub(super) fn has_slot(&mut self, call: u64, slots: u32) -> bool {
        self.release(call);
        self.giving.spare.is_within(slots)
    }

    fn give_slot(&mut self, call: u64) -> u32 {
        self.release(call);
        self.giving.spare.give()
    }

    fn release(&mut self, call: u64) {
        while let Some(returned) = self.returning(self.giving.released)
            && self.step(returned).ret < call
        {
            let slot = self.slot(returned);
            self.giving.spare.take_back(slot);
            self.giving.released += 1;
        }
    }

    /// How many steps there were.
    pub(super) fn len(&self) -> u32 {
        let known = u32::try_from(self.steps.len()).expect("steps are numbered by 32 bits");
        self.forgotten.steps + known
    }

    /// How many slots there are.
    pub(super) fn width(&self) -> u32 {
        self.giving.spare.width()
    }

    /// The steps that are not forgotten.
    pub(super) fn steps(&self) -> &[Step] {
        &self.steps
    }

    pub(super) fn step(&self, number: u32) -> &Step {
        &self.steps[(number - self.forgotten.steps) as usize]
    }

    /// The next step in the order of calls; `None` behind the last.
    pub(super) fn called(&self, number: u32) -> Option<&Step> {
        self.steps.get((number - self.forgotten.steps) as usize)
    }

    pub(super) fn slot(&self, number: u32) -> u32 {
        self.slots[(number - self.forgotten.steps) as usize]
    }

    /// The step with a return; `None` behind the last.
    pub(super) fn returning(&self, number: u32) -> Option<u32> {
        let at = number - self.forgotten.returns;
        self.returns.get(at as usize).copied()
    }

    /// How many returns there are.
    pub(super) fn return_count(&self) -> u32 {
        self.forgotten.returns + self.returns.len() as u32
    }

    /// The steps with returns that are not forgotten, in the order of these.
    pub(super) fn returns(&self) -> &[u32] {
        &self.returns
    }

    /// Remembers how far it goes.
    pub(super) fn extent(&self) -> Extent {
        Extent {
            steps: self.len(),
            giving: self.giving.clone(),
        }
    }

    /// The steps that were pushed since.
    pub(super) fn steps_since(&self, then: &Extent) -> &[Step] {
        &self.steps[(then.steps - self.forgotten.steps) as usize..]
    }

    /// Whether at least so many steps before one are known.
    pub(super) fn is_known(&self, number: u32, steps: u32) -> bool {
        number - self.forgotten.steps >= steps
    }

    /// Drops all steps that were pushed since.
    pub(super) fn retract(&mut self, to: Extent) {
        let kept = (to.steps - self.forgotten.steps) as usize;
        self.steps.truncate(kept);
        self.slots.truncate(kept);
        self.returns.retain(|&number| number < to.steps);
        self.giving = to.giving;
    }

    /// Forgets steps and returns before these, but for those that still hold a slot.
    pub(super) fn forget(&mut self, steps: u32, returns: u32) {
        let returns = returns.min(self.giving.released);
        let old_returns = (returns - self.forgotten.returns) as usize;
        let held = self.returns[old_returns..].iter().copied();
        let steps = held.fold(steps, u32::min);
        let old_steps = (steps - self.forgotten.steps) as usize;
        self.steps.drain(..old_steps);
        self.slots.drain(..old_steps);
        self.returns.drain(..old_returns);
        self.forgotten = Forgotten { steps, returns };
    }

    pub(super) fn bytes(&self) -> usize {
        self.steps.capacity() * size_of::<Step>()
            + (self.slots.capacity() + self.returns.capacity()) * size_of::<u32>()
    }
}
