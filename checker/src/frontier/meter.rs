//! How much work is left before the frontier pauses, and when to look at the budget.

use crate::budget::{Budget, CheckProgress, Limit};

/// How much is done between two looks at the budget.
const WORK_PER_POLL: u64 = 512;

/// What is spent are configurations; each is worth so many transitions.
const WORK_PER_SPENT: u64 = 8;

/// Why work ends early.
#[derive(Debug)]
pub(super) enum Halt {
    Paused,
    Stopped(Limit),
}

pub(super) struct Meter<'b> {
    budget: &'b dyn Budget,
    left: u64,
    unpolled: u64,
    /// What the frontier is thought to occupy.
    pub(super) bytes: u64,
    /// How far it is.
    pub(super) progress: CheckProgress,
}

impl<'b> Meter<'b> {
    pub(super) fn new(work: u64, budget: &'b dyn Budget) -> Self {
        Self {
            budget,
            left: work,
            unpolled: 0,
            bytes: 0,
            progress: CheckProgress::default(),
        }
    }

    /// Counts work that is about to be done.
    pub(super) fn spend(&mut self, work: u64) -> Result<(), Halt> {
        self.left = self.left.checked_sub(work).ok_or(Halt::Paused)?;
        self.look_after(work * WORK_PER_SPENT)
    }

    /// Counts transitions of the machine, which bring the next look at the budget closer.
    pub(super) fn look_after(&mut self, transitions: u64) -> Result<(), Halt> {
        self.unpolled += transitions;
        if self.unpolled < WORK_PER_POLL {
            return Ok(());
        }
        self.unpolled = 0;
        self.budget.progress(&self.progress);
        self.budget
            .exceeded(self.bytes)
            .map_or(Ok(()), |limit| Err(Halt::Stopped(limit)))
    }
}
