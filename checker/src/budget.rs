//! How much a check may cost.

use std::cell::Cell;
use std::fmt;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use serde::{Serialize, Serializer};

/// A bound that was reached before there was an answer. Serialises as the sentence it displays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// The time allowed.
    Time(Duration),
    /// The memory allowed, in bytes.
    Memory(u64),
    /// Someone asked to stop.
    Cancelled,
    /// More operations were pending at once than the search can tell apart.
    Pending(usize),
    /// Only the fast algorithm was allowed, and it does not apply to the object, for this reason.
    NotFast(&'static str),
}

impl fmt::Display for Limit {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Time(time) => write!(
                out,
                "the time limit of {} s was reached",
                time.as_secs_f64()
            ),
            Self::Memory(bytes) => {
                write!(out, "the memory limit of {} MiB was reached", bytes >> 20)
            }
            Self::Cancelled => out.write_str("the check was cancelled"),
            Self::Pending(operations) => {
                write!(out, "more than {operations} operations are pending at once")
            }
            Self::NotFast(reason) => {
                write!(
                    out,
                    "the fast algorithm does not apply, because {reason}; use auto"
                )
            }
        }
    }
}

impl Serialize for Limit {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Asked every few hundred transitions of the model whether to go on, by several threads if there are several workers. The caller owns
/// the clock; the checker has none.
///
/// The questions come some hundred thousand times a second, so that a limit is kept on models with large states as well: an answer
/// that costs more than a look at a clock should be given again for a while.
pub trait Budget: Sync {
    /// The bound that was reached, if any, given an estimate of the bytes the search holds by itself.
    fn exceeded(&self, own_memory_estimate_bytes: u64) -> Option<Limit>;

    /// Told as often how far the check is.
    fn progress(&self, progress: &CheckProgress) {
        let _ = progress;
    }
}

/// How far a check is, as one of its workers sees it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CheckProgress {
    /// How many objects have their answer.
    pub objects_done: usize,
    /// How many objects there are.
    pub objects: usize,
    /// Up to how many returns the object at hand is known to be linearizable.
    pub returns_proven: u64,
    /// How many returns it has.
    pub returns: u64,
    /// How many configurations are held for it.
    pub configurations: usize,
}

/// No bound at all.
#[derive(Clone, Copy, Debug)]
pub struct Unlimited;

impl Budget for Unlimited {
    fn exceeded(&self, _own_memory_estimate_bytes: u64) -> Option<Limit> {
        None
    }
}

/// How many small steps are made between two looks at the budget.
const STEPS_PER_LOOK: u32 = 4096;

/// A budget that is asked at each step of long work, and looked at once in many. What it said once it says for good.
pub(crate) struct Watch<'b> {
    budget: &'b dyn Budget,
    /// What the work is thought to occupy.
    bytes: u64,
    steps: Cell<u32>,
    over: Cell<Option<Limit>>,
}

impl<'b> Watch<'b> {
    pub(crate) fn new(budget: &'b dyn Budget, bytes: u64) -> Self {
        Self {
            budget,
            bytes,
            steps: Cell::new(0),
            over: Cell::new(None),
        }
    }

    /// One more step.
    pub(crate) fn step(&self) -> Result<(), Limit> {
        let steps = self.steps.get() + 1;
        self.steps.set(steps % STEPS_PER_LOOK);
        match steps {
            STEPS_PER_LOOK => self.look(),
            _ => self.over.get().map_or(Ok(()), Err),
        }
    }

    /// After a long stretch without steps.
    pub(crate) fn look(&self) -> Result<(), Limit> {
        let over = self.over.get().or_else(|| self.budget.exceeded(self.bytes));
        self.over.set(over);
        over.map_or(Ok(()), Err)
    }
}

/// Adds up what several engines hold and what is done, for one budget.
pub(crate) struct Ledger<'b> {
    budget: &'b dyn Budget,
    held_bytes: AtomicU64,
    /// 0 where the engines work on one object, of which the budget knows.
    objects: usize,
    objects_done: AtomicUsize,
}

/// The part of one engine, given back in the end.
pub(crate) struct Share<'l, 'b> {
    ledger: &'l Ledger<'b>,
    own_bytes: AtomicU64,
}

impl<'b> Ledger<'b> {
    /// For work on one object.
    pub(crate) fn new(budget: &'b dyn Budget) -> Self {
        Self::of_objects(budget, 0)
    }

    /// For work on so many objects.
    pub(crate) fn of_objects(budget: &'b dyn Budget, objects: usize) -> Self {
        Self {
            budget,
            held_bytes: AtomicU64::new(0),
            objects,
            objects_done: AtomicUsize::new(0),
        }
    }

    /// One more object has its answer.
    pub(crate) fn object_done(&self) {
        self.objects_done.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn share(&self) -> Share<'_, 'b> {
        Share {
            ledger: self,
            own_bytes: AtomicU64::new(0),
        }
    }
}

impl Share<'_, '_> {
    /// Changes the own part; the parts of all.
    fn update(&self, own_bytes: u64) -> u64 {
        let before = self.own_bytes.swap(own_bytes, Ordering::Relaxed);
        let change = own_bytes.wrapping_sub(before);
        let held = &self.ledger.held_bytes;
        held.fetch_add(change, Ordering::Relaxed)
            .wrapping_add(change)
    }
}

impl Budget for Share<'_, '_> {
    fn exceeded(&self, own_memory_estimate_bytes: u64) -> Option<Limit> {
        let held = self.update(own_memory_estimate_bytes);
        self.ledger.budget.exceeded(held)
    }

    fn progress(&self, progress: &CheckProgress) {
        let Ledger {
            budget,
            objects,
            objects_done,
            ..
        } = self.ledger;
        let counted = CheckProgress {
            objects_done: objects_done.load(Ordering::Relaxed),
            objects: *objects,
            ..*progress
        };
        budget.progress(if *objects > 0 { &counted } else { progress });
    }
}

impl Drop for Share<'_, '_> {
    fn drop(&mut self) {
        self.update(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_watch_looks_once_in_many_steps_and_never_comes_back() {
        struct Once(AtomicU64);
        impl Budget for Once {
            fn exceeded(&self, _own_memory_estimate_bytes: u64) -> Option<Limit> {
                (self.0.fetch_add(1, Ordering::Relaxed) == 1).then_some(Limit::Cancelled)
            }
        }
        let budget = Once(AtomicU64::new(0));
        let watch = Watch::new(&budget, 1);
        let steps = (0..3 * STEPS_PER_LOOK).take_while(|_| watch.step().is_ok());
        assert_eq!(steps.count() as u32, 2 * STEPS_PER_LOOK - 1);
        assert_eq!(watch.step(), Err(Limit::Cancelled));
        assert_eq!(watch.look(), Err(Limit::Cancelled));
        assert_eq!(budget.0.into_inner(), 2);
    }

    #[test]
    fn a_ledger_adds_up_what_its_shares_hold() {
        struct AtMost(u64);
        impl Budget for AtMost {
            fn exceeded(&self, own_memory_estimate_bytes: u64) -> Option<Limit> {
                (own_memory_estimate_bytes > self.0).then_some(Limit::Memory(self.0))
            }
        }
        let ledger = Ledger::new(&AtMost(100));
        let (one, other) = (ledger.share(), ledger.share());
        assert_eq!(one.exceeded(60), None);
        assert_eq!(other.exceeded(60), Some(Limit::Memory(100)));
        assert_eq!(one.exceeded(30), None);
        drop(one);
        assert_eq!(other.exceeded(100), None);
    }
}
