//! Which configurations have no future, as the rest of the history tells.
//!
//! Let v be a state that only operations called already leave behind, and that some mandatory operation *observes*: it is possible in v
//! only. A configuration with another state, which has not placed that operation and has nothing left that leaves v behind, has no plan: no
//! plan comes to v any more. So where not all configurations can be kept, these are the first to go. They count as left out all the same,
//! for the return that fails is the first that no order *reaches*, and these were reached. And if no configuration has a plan for v, that
//! tells nothing about which to prefer.
//!
//! This is how a beam finds its way where nearly every write has a value of its own.

use super::board::Board;
use super::{Configuration, Kind};
use crate::mask::Mask;
use crate::models::machine::{Machine, StateId, Step};
use crate::slots::FREE;
use crate::uses::{Class, Uses};

/// The states that can be missed, and how far the history is.
pub(super) struct Prospects {
    /// In the order in which the last operation that leaves them behind is called.
    ends: Vec<End>,
    /// How many of them have ended.
    ended: usize,
    /// Those of them that may be observed still.
    open: Vec<End>,
    /// The number of the next step when this was looked at.
    next_call: u32,
}

/// When a state is left behind for the last time.
#[derive(Clone, Copy, Debug)]
struct End {
    state: StateId,
    /// The last step that leaves it behind.
    left: u32,
    /// The last mandatory step that observes it.
    observed: u32,
    /// The last return of one.
    observed_until: u64,
}

/// A state that must be come to, or be there.
pub(super) struct Need<const WORDS: usize> {
    state: StateId,
    /// It is observed by an operation that was not called yet.
    later: bool,
    /// Pending operations that observe it.
    observers: Mask<WORDS>,
    /// Pending operations that leave it behind.
    sources: Mask<WORDS>,
    /// Indeterminate ones.
    classes: Vec<Class>,
}

impl Prospects {
    /// Reads all steps. `None` if the machine does not tell what its actions leave behind.
    pub(super) fn new(steps: &[Step], machine: &dyn Machine) -> Option<Self> {
        let mut ends: Vec<End> = Vec::new();
        for (number, step) in (0..).zip(steps) {
            if !machine.is_pure(step.action) {
                end(&mut ends, machine.left_behind(step.action)?).left = number;
            }
            if let Some(state) = machine.observes(step.action)
                && step.is_mandatory()
            {
                let end = end(&mut ends, state);
                end.observed = number;
                end.observed_until = end.observed_until.max(step.ret);
            }
        }
        ends.retain(|end| end.observed != FREE);
        ends.sort_by_key(|end| end.left);
        Some(Self {
            ends,
            ended: 0,
            open: Vec::new(),
            next_call: 0,
        })
    }

    /// What has to be left possible just before the return of a step, as far as it is in some configuration.
    pub(super) fn needs<const WORDS: usize>(
        &mut self,
        configurations: &[Configuration<WORDS>],
        step: u32,
        board: &Board<WORDS>,
        uses: &Uses,
    ) -> Vec<Need<WORDS>> {
        self.follow(board.next_call(), board.timeline.step(step).ret);
        let mut needs = self.all_needs(board);
        needs.retain(|need| {
            configurations
                .iter()
                .any(|one| need.is_met(one, board, uses))
        });
        needs
    }

    /// Goes to a position, backward as well.
    fn follow(&mut self, next_call: u32, position: u64) {
        if next_call < self.next_call {
            self.ended = 0;
            self.open.clear();
        }
        self.next_call = next_call;
        while let Some(end) = self.ends.get(self.ended)
            && end.left < next_call
        {
            self.open.push(*end);
            self.ended += 1;
        }
        self.open.retain(|end| end.observed_until >= position);
    }

    fn all_needs<const WORDS: usize>(&self, board: &Board<WORDS>) -> Vec<Need<WORDS>> {
        let mut needs: Vec<Need<WORDS>> = Vec::with_capacity(self.open.len());
        for end in &self.open {
            needs.push(Need {
                state: end.state,
                later: end.observed >= self.next_call,
                observers: Mask::EMPTY,
                sources: Mask::EMPTY,
                classes: Vec::new(),
            });
        }
        if needs.is_empty() {
            return needs;
        }
        let machine = &*board.machine;
        for slot in board.pending_slots() {
            let action = board.action(slot);
            let observed = machine.observes(action);
            let left = (board.kind_in(slot) != Kind::Pure).then(|| machine.left_behind(action));
            for need in &mut needs {
                if observed == Some(need.state) {
                    need.observers.insert(slot);
                }
                if left == Some(Some(need.state)) {
                    need.sources.insert(slot);
                }
            }
        }
        for (class, action) in board.live_classes() {
            let left = machine.left_behind(action);
            let sources = needs.iter_mut().filter(|need| left == Some(need.state));
            sources.for_each(|need| need.classes.push(class));
        }
        needs
    }
}

/// What is known of a state so far. States are numbered from 0 without gaps.
fn end(ends: &mut Vec<End>, state: StateId) -> &mut End {
    for state in ends.len() as u32..=state {
        ends.push(End {
            state,
            left: 0,
            observed: FREE,
            observed_until: 0,
        });
    }
    &mut ends[state as usize]
}

impl<const WORDS: usize> Need<WORDS> {
    pub(super) fn is_met(
        &self,
        one: &Configuration<WORDS>,
        board: &Board<WORDS>,
        uses: &Uses,
    ) -> bool {
        one.state == self.state
            || !one.left.and(&self.sources).is_empty()
            || !self.later
                && one.left.and(&self.observers).is_empty()
                && one.reads.and(&self.observers).is_empty()
            || self
                .classes
                .iter()
                .any(|&class| board.has_unused(class, one.used, uses))
    }
}
