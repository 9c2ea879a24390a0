//! The frontier of an object whose history is still being written.
//!
//! It knows the returns of what it was given. What comes later cannot change what it found: a linearizable history has linearizable
//! prefixes only. For let some order exist for all of a history. Cut it behind the last operation that returned within the prefix.
//! What was called later is behind the cut, so the part before is an order of everything that returned within the prefix, and of some
//! operations that were pending at its end.
//!
//! It keeps every configuration, for one that was left out could not be made up for when the steps before are forgotten; and it keeps no
//! trail, so that memory does not grow with the length.

use std::collections::VecDeque;

use super::meter::{Halt, Meter};
use super::timeline::Timeline;
use super::{Configuration, Frontier, MAX_PENDING, Patience, Trail};
use crate::budget::{Budget, Limit};
use crate::engine::Answer;
use crate::history::OpId;
use crate::models::machine::{Machine, NEVER, Step};
use crate::value::Value;

/// Everything is kept.
const PATIENCE: Patience = Patience {
    beams: [usize::MAX; 3],
    returns_per_mark: u32::MAX,
    attempts: &[],
};

/// How many steps are forgotten together.
const FORGOTTEN_AT_ONCE: u32 = 1024;

/// The operation with the first return that no order reaches, and the values the object may have before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stuck {
    pub(crate) operation: OpId,
    pub(crate) states: Vec<Value>,
}

/// A frontier that steps can be given to. Its masks grow with the number of operations that are pending at once.
pub(crate) struct Live(Box<dyn Growing>);

impl Live {
    pub(crate) fn new(machine: Box<dyn Machine>) -> Self {
        let mut frontier = Frontier::<1>::new(machine, Timeline::default(), PATIENCE);
        frontier.trail = Trail::none();
        Self(Box::new(frontier))
    }

    pub(crate) fn machine(&mut self) -> &mut dyn Machine {
        self.0.machine()
    }

    /// Adds a step that is called after all others.
    ///
    /// # Errors
    /// If too many operations are pending at once.
    pub(crate) fn push(&mut self, step: Step) -> Result<(), Limit> {
        while !self.0.push(step) {
            self.widen()?;
        }
        Ok(())
    }

    /// Goes behind all returns before a position; every step that is called before it must be there. `Some` if one cannot be passed.
    ///
    /// # Errors
    /// If the budget does not allow it; it can go on later.
    pub(crate) fn settle(
        &mut self,
        position: u64,
        budget: &dyn Budget,
    ) -> Result<Option<Stuck>, Limit> {
        let settled = self.0.pass_until(position, budget)?;
        self.0.forget();
        Ok(settled)
    }

    /// What would become of it with some more steps and then no call any more.
    ///
    /// # Errors
    /// If the budget does not allow it, or too many operations are pending at once.
    pub(crate) fn look_ahead(
        &mut self,
        steps: &[Step],
        budget: &dyn Budget,
    ) -> Result<Option<Stuck>, Limit> {
        loop {
            match self.0.look_ahead(steps, budget)? {
                Ahead::Full => self.widen()?,
                Ahead::Clear => return Ok(None),
                Ahead::Stuck(stuck) => return Ok(Some(stuck)),
            }
        }
    }

    fn widen(&mut self) -> Result<(), Limit> {
        let wider = self.0.wider();
        self.0 = wider.ok_or(Limit::Pending(MAX_PENDING))?;
        Ok(())
    }

    /// An estimate of what it occupies.
    pub(crate) fn bytes(&self) -> u64 {
        self.0.bytes()
    }
}

/// What was found ahead.
enum Ahead {
    /// Every return can be passed.
    Clear,
    Stuck(Stuck),
    /// The masks are too narrow to tell.
    Full,
}

/// A frontier with masks of some width.
trait Growing: Send {
    fn machine(&mut self) -> &mut dyn Machine;
    /// False if the masks are too narrow.
    fn push(&mut self, step: Step) -> bool;
    fn pass_until(&mut self, position: u64, budget: &dyn Budget) -> Result<Option<Stuck>, Limit>;
    /// Everything is as before afterwards.
    fn look_ahead(&mut self, steps: &[Step], budget: &dyn Budget) -> Result<Ahead, Limit>;
    fn forget(&mut self);
    /// The same with wider masks, which takes its place; `None` if there are none.
    fn wider(&mut self) -> Option<Box<dyn Growing>>;
    fn bytes(&self) -> u64;
}

impl<const WORDS: usize> Growing for Frontier<WORDS> {
    fn machine(&mut self) -> &mut dyn Machine {
        &mut *self.board.machine
    }

    fn push(&mut self, step: Step) -> bool {
        let room =
            !step.is_mandatory() || self.board.timeline.has_slot(step.call, 64 * WORDS as u32);
        if room {
            self.board.push(step);
        }
        room
    }

    fn pass_until(&mut self, position: u64, budget: &dyn Budget) -> Result<Option<Stuck>, Limit> {
        let mut meter = Meter::new(u64::MAX, budget);
        while let Some(step) = self.board.returning()
            && self.board.timeline.step(step).ret < position
        {
            match self.go_behind(step, &mut meter) {
                Ok(None) => {}
                Ok(Some(Answer::Invalid { stuck, states })) => {
                    let operation = stuck;
                    return Ok(Some(Stuck { operation, states }));
                }
                Err(Halt::Stopped(limit)) => return Err(limit),
                Ok(Some(Answer::Valid(_) | Answer::Unknown { .. })) | Err(Halt::Paused) => {
                    unreachable!("a return is passed or not, and the work is not bounded")
                }
            }
        }
        Ok(None)
    }

    fn look_ahead(&mut self, steps: &[Step], budget: &dyn Budget) -> Result<Ahead, Limit> {
        let extent = self.board.timeline.extent();
        let place = self.place();
        let all = steps.iter().all(|step| self.push(*step));
        let found = if all {
            self.pass_until(NEVER, budget)
        } else {
            Ok(None)
        };
        self.board.retract(extent);
        self.board.moment = place.moment;
        self.configurations = place.configurations;
        Ok(match found? {
            Some(stuck) => Ahead::Stuck(stuck),
            None if all => Ahead::Clear,
            None => Ahead::Full,
        })
    }

    fn forget(&mut self) {
        self.board.forget(FORGOTTEN_AT_ONCE);
    }

    fn wider(&mut self) -> Option<Box<dyn Growing>> {
        Some(match WORDS {
            1 => Box::new(self.widened::<2>()),
            2 => Box::new(self.widened::<4>()),
            3..=4 => Box::new(self.widened::<16>()),
            5..=16 => Box::new(self.widened::<64>()),
            _ => return None,
        })
    }

    fn bytes(&self) -> u64 {
        self.bytes() + self.board.timeline.bytes() as u64
    }
}

impl<const WORDS: usize> Frontier<WORDS> {
    /// Takes everything into a frontier with wider masks.
    fn widened<const MORE: usize>(&mut self) -> Frontier<MORE> {
        let configurations = self.configurations.iter().map(|one| Configuration {
            state: one.state,
            used: one.used,
            trail: one.trail,
            left: one.left.widened(),
            must: one.must.widened(),
            reads: one.reads.widened(),
        });
        Frontier {
            configurations: configurations.collect(),
            board: self.board.widened(),
            uses: std::mem::take(&mut self.uses),
            trail: Trail::none(),
            patience: self.patience,
            beam: self.beam,
            resumed: self.resumed,
            complete: None,
            prospects: None,
            marks: VecDeque::new(),
            furthest: self.furthest,
            peak: self.peak,
        }
    }
}
