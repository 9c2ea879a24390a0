//! The exact search: depth first over the orders of operations, with a memo of what was searched in vain.
//!
//! After Wing and Gong (1993) and Lowe (2017), but a configuration remembers only what is pending at one return (see [`window`]) and
//! how many indeterminate operations of each effect it has used, so that its size does not depend on the length of the history. These
//! rules cut branches:
//! - a read that fits the state is placed at once, because it takes nothing from any other order;
//! - of several pending operations with the same effect only the one that returns first is tried, because two such operations can
//!   change places, and of indeterminate ones the one called first;
//! - an indeterminate operation needs a *purpose*: it changes the state, and then a pending read fits, or a partial operation is
//!   possible (one that depends on the state, as compare-and-set);
//! - what [`memo`] remembers to dominate a configuration, or a configuration on the current branch does, makes it superfluous.
//!
//! *They lose no answer.* Call the rest of an order from a configuration a *plan*, its length the number of operations in it that are
//! no reads. If a configuration has a plan, one that uses no less of what is placed already has one of at most that length: the same
//! without what it has placed. Suppose the search ends without an answer though the start has a plan. Of all configurations that were
//! entered and have a plan take the one whose shortest plan is shortest. The first operation of that plan that is no read is one of
//! those tried, by the second rule: the change of places keeps the length. The third does not exclude it: an indeterminate
//! operation behind which no read fits and no partial operation is possible is followed by a blind one, and the plan without it is
//! shorter. So the configuration behind it, which has a shorter plan, was either entered, or one that dominates it was, which has a
//! plan no longer than that. Both contradict the choice. ∎

mod memo;
mod window;

use std::collections::BTreeSet;

use crate::budget::{Budget, CheckProgress, Limit};
use crate::engine::{Answer, Engine, Foothold, Placed, Progress, Standing};
use crate::history::OpId;
use crate::mask::Mask;
use crate::models::machine::{ActionId, Problem, StateId};
use crate::slots::Slots;
use crate::uses::{Class, Classes, Uses, UsesId};
use crate::value::Value;
use memo::Memo;
use window::Window;

/// How much is done between two looks at the budget: transitions of the machine and comparisons of configurations.
const WORK_PER_POLL: u64 = 512;

/// The first slice of work ends early if so many configurations did not bring the search any further; each later one after twice as many.
const FIRST_PATIENCE: u64 = 12_500;

/// How many operations can be pending at once.
const MAX_PENDING: usize = 64 * 512;

/// Prepares the search for an order of all mandatory and any indeterminate operations that the machine accepts.
///
/// # Errors
/// If too many operations are pending at once.
pub(crate) fn engine(problem: Problem) -> Result<Box<dyn Engine>, Limit> {
    let slots = Slots::new(&problem.steps);
    Ok(match (slots.width as usize).div_ceil(64) {
        0 | 1 => Box::new(Search::<1>::new(problem, slots)),
        2 => Box::new(Search::<2>::new(problem, slots)),
        3 | 4 => Box::new(Search::<4>::new(problem, slots)),
        5..=16 => Box::new(Search::<16>::new(problem, slots)),
        17..=64 => Box::new(Search::<64>::new(problem, slots)),
        65..=512 => Box::new(Search::<512>::new(problem, slots)),
        _ => return Err(Limit::Pending(MAX_PENDING)),
    })
}

/// Where a branch of the search stands.
///
/// - All operations whose return comes before `next` are placed.
/// - `placed` are slots of operations pending at that return; free slots are never in it.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Configuration<const WORDS: usize> {
    next: u32,
    state: StateId,
    used: UsesId,
    placed: Mask<WORDS>,
}

/// A configuration on the current branch with the steps still to be tried there.
struct Frame<const WORDS: usize> {
    configuration: Configuration<WORDS>,
    /// How long the order is at this configuration.
    ordered: u32,
    /// Where its candidates begin.
    candidates: u32,
}

struct Search<const WORDS: usize> {
    problem: Problem,
    classes: Classes,
    window: Window<WORDS>,
    uses: Uses,
    memo: Memo<WORDS>,
    frames: Vec<Frame<WORDS>>,
    /// The candidates of all frames, one frame after the other, the best last.
    candidates: Vec<u32>,
    /// The steps placed on the current branch.
    order: Vec<u32>,
    /// What was just placed and is not entered yet.
    branch: Option<Configuration<WORDS>>,
    /// The last return that some branch stopped before, and the states there.
    furthest: u32,
    /// When that was reached first.
    advanced: u64,
    states: BTreeSet<StateId>,
    searched: u64,
    /// How many configurations may bring it no further before a slice ends.
    patience: u64,
    /// Transitions since the last look at the budget.
    applied: u64,
    peak: usize,
}

impl<const WORDS: usize> Search<WORDS> {
    fn new(problem: Problem, slots: Slots) -> Self {
        let classes = Classes::new(&problem.steps);
        let window = Window::new(&problem.steps, slots, &classes, &*problem.machine);
        let start = Configuration {
            next: 0,
            state: problem.machine.initial(),
            used: Uses::NONE,
            placed: Mask::EMPTY,
        };
        Self {
            problem,
            classes,
            window,
            uses: Uses::new(),
            memo: Memo::new(),
            frames: Vec::new(),
            candidates: Vec::new(),
            order: Vec::new(),
            branch: Some(start),
            furthest: 0,
            advanced: 0,
            states: BTreeSet::new(),
            searched: 0,
            patience: FIRST_PATIENCE,
            applied: 0,
            peak: 0,
        }
    }

    /// Places the best candidate of the last frame, if that serves a purpose.
    fn next_branch(&mut self) -> Option<Configuration<WORDS>> {
        let frame = self.frames.last()?;
        let step = self.candidates.pop()?;
        let from = frame.configuration;
        self.order.truncate(frame.ordered as usize);
        self.window.rewind(from.next);
        let mut to = from;
        to.state = self.apply(from.state, step)?;
        match (self.window.slot(step), self.window.class(step)) {
            (Some(slot), _) => to.placed.insert(slot),
            (None, None) => {}
            (None, Some(class)) => {
                self.note_state(from.next, to.state);
                to.used = self.uses.plus(from.used, class);
                if !self.has_purpose(&to) {
                    return None;
                }
            }
        }
        self.order.push(step);
        Some(to)
    }

    /// Whether an indeterminate operation that led here is of any use.
    fn has_purpose(&mut self, to: &Configuration<WORDS>) -> bool {
        let waiting = self.window.reads().minus(&to.placed);
        let partial = self.window.changes().minus(&to.placed);
        let mut steps = waiting.slots().chain(partial.slots());
        steps.any(|slot| self.can_follow(to.state, self.window.step_in(slot)))
            || (0..self.window.live).any(|class| {
                let step = self.unused(to.used, class);
                step.is_some_and(|step| self.can_follow(to.state, step))
            })
    }

    /// Whether an operation that depends on the state is possible.
    fn can_follow(&mut self, state: StateId, step: u32) -> bool {
        let action = self.action(step);
        !self.problem.machine.is_blind(action) && self.apply(state, step).is_some()
    }

    /// The first indeterminate step of a class that is called and not used.
    fn unused(&self, used: UsesId, class: Class) -> Option<u32> {
        let count = self.uses.count(used, class);
        let called = self.window.called_of[class as usize];
        (count < called).then(|| self.classes.member(class, count))
    }

    /// Opens a frame unless the configuration is superfluous. True if everything is placed.
    fn enter(&mut self, mut configuration: Configuration<WORDS>) -> bool {
        self.settle(&mut configuration);
        if self.window.returning().is_none() {
            return true;
        }
        if !self.is_on_branch(&configuration) && !self.memo.covers(&configuration, &self.uses) {
            self.note_progress(&configuration);
            let candidates = narrow(self.candidates.len());
            self.push_candidates(&configuration);
            self.frames.push(Frame {
                configuration,
                ordered: narrow(self.order.len()),
                candidates,
            });
            self.peak = self.peak.max(self.frames.len() + self.memo.len());
        }
        false
    }

    /// Whether one that the branch came through dominates the configuration: only indeterminate operations were placed since.
    fn is_on_branch(&mut self, configuration: &Configuration<WORDS>) -> bool {
        let same = |frame: &&Frame<WORDS>| {
            let earlier = &frame.configuration;
            earlier.next == configuration.next && earlier.placed == configuration.placed
        };
        let mut earlier = self.frames.iter().rev().take_while(same);
        earlier.any(|frame| {
            self.applied += 1;
            frame.configuration.state == configuration.state
        })
    }

    /// Places all reads that fit, and moves behind all returns that are placed.
    fn settle(&mut self, configuration: &mut Configuration<WORDS>) {
        for slot in self.window.reads().minus(&configuration.placed).slots() {
            self.place_if_it_fits(configuration, slot, self.window.step_in(slot));
        }
        while let Some(slot) = self
            .window
            .returning()
            .and_then(|step| self.window.slot(step))
            && configuration.placed.has(slot)
        {
            configuration.placed.remove(slot);
            for called in self.window.advance() {
                if let Some(slot) = self.window.slot(called)
                    && self.window.is_pure(called)
                {
                    self.place_if_it_fits(configuration, slot, called);
                }
            }
        }
        configuration.next = self.window.at();
    }

    fn place_if_it_fits(&mut self, configuration: &mut Configuration<WORDS>, slot: u32, read: u32) {
        if self.apply(configuration.state, read).is_some() {
            configuration.placed.insert(slot);
            self.order.push(read);
        }
    }

    /// The steps to try, of each effect the one that returns first; the one that returns first of all comes last.
    fn push_candidates(&mut self, configuration: &Configuration<WORDS>) {
        let from = self.candidates.len();
        for slot in self.window.changes().minus(&configuration.placed).slots() {
            let step = self.window.step_in(slot);
            if self.apply(configuration.state, step).is_some() {
                self.candidates.push(step);
            }
        }
        for class in 0..self.window.live {
            if let Some(step) = self.unused(configuration.used, class) {
                let after = self.apply(configuration.state, step);
                if after.is_some_and(|after| after != configuration.state) {
                    self.candidates.push(step);
                }
            }
        }
        let steps = &self.problem.steps;
        let urgency = |step: &u32| (steps[*step as usize].ret, steps[*step as usize].call);
        let own = &mut self.candidates[from..];
        own.sort_unstable_by_key(|step| (steps[*step as usize].action, urgency(step)));
        let mut kept = from;
        for at in from..self.candidates.len() {
            let action = |at: usize| steps[self.candidates[at] as usize].action;
            if kept == from || action(kept - 1) != action(at) {
                self.candidates[kept] = self.candidates[at];
                kept += 1;
            }
        }
        self.candidates.truncate(kept);
        self.candidates[from..].sort_unstable_by_key(|step| std::cmp::Reverse(urgency(step)));
    }

    fn apply(&mut self, state: StateId, step: u32) -> Option<StateId> {
        self.applied += 1;
        let action = self.action(step);
        self.problem.machine.apply(state, action)
    }

    fn action(&self, step: u32) -> ActionId {
        self.problem.steps[step as usize].action
    }

    fn note_progress(&mut self, configuration: &Configuration<WORDS>) {
        if configuration.next > self.furthest {
            self.furthest = configuration.next;
            self.advanced = self.searched;
            self.states.clear();
        }
        self.note_state(configuration.next, configuration.state);
    }

    fn note_state(&mut self, next: u32, state: StateId) {
        if next == self.furthest {
            self.states.insert(state);
        }
    }

    /// Gives up the last frame: nothing came of it.
    fn leave(&mut self) {
        if let Some(frame) = self.frames.pop() {
            self.memo.insert(&frame.configuration, &self.uses);
        }
    }

    /// Looks at the budget now and then.
    fn poll(&mut self, budget: &dyn Budget) -> Option<Limit> {
        let work = self.applied + self.memo.compared;
        if work < WORK_PER_POLL {
            return None;
        }
        (self.applied, self.memo.compared) = (0, 0);
        budget.progress(&CheckProgress {
            returns_proven: self.furthest.into(),
            returns: self.window.returns().into(),
            configurations: self.frames.len() + self.memo.len(),
            ..CheckProgress::default()
        });
        budget.exceeded(self.bytes())
    }

    fn bytes(&self) -> u64 {
        let stack = self.frames.capacity() * size_of::<Frame<WORDS>>()
            + (self.candidates.capacity() + self.order.capacity()) * 4;
        self.memo.bytes() + (stack + self.uses.bytes()) as u64 + self.problem.machine.bytes()
    }

    fn id(&self, step: u32) -> OpId {
        self.problem.steps[step as usize].id
    }

    fn valid(&self) -> Answer {
        Answer::Valid(self.order.iter().map(|&step| self.id(step)).collect())
    }

    fn invalid(&self) -> Answer {
        let mut states: Vec<Value> = self
            .states
            .iter()
            .map(|&state| self.problem.machine.value(state))
            .collect();
        states.sort();
        Answer::Invalid {
            stuck: self.id(self.window.return_number(self.furthest)),
            states,
        }
    }
}

impl<const WORDS: usize> Engine for Search<WORDS> {
    fn advance(&mut self, configurations: u64, budget: &dyn Budget) -> Progress {
        let start = self.searched;
        let end = start.saturating_add(configurations);
        let patience = self.patience;
        self.patience = patience.saturating_mul(2);
        while self.searched < end && self.searched - self.advanced.max(start) <= patience {
            if let Some(limit) = self.poll(budget) {
                return Progress::Stopped(limit);
            }
            if let Some(configuration) = self.branch.take() {
                self.searched += 1;
                if self.enter(configuration) {
                    return Progress::Done(self.valid());
                }
            }
            let Some(frame) = self.frames.last() else {
                return Progress::Done(self.invalid());
            };
            if self.candidates.len() == frame.candidates as usize {
                self.leave();
                continue;
            }
            self.branch = self.next_branch();
        }
        Progress::Paused
    }

    fn standing(&self) -> Standing {
        let last = self.furthest.checked_sub(1);
        Standing {
            returns: self.furthest,
            proven_until: last.map(|number| self.id(self.window.return_number(number))),
            peak_configurations: self.peak,
        }
    }

    fn foothold(&self, returns_back: u32) -> Option<Foothold> {
        let wanted = self.furthest.saturating_sub(returns_back);
        let behind = |frame: &&Frame<WORDS>| frame.configuration.next <= wanted;
        let (at, ordered) = match self.frames.iter().rev().find(behind) {
            Some(frame) => (frame.configuration.next, frame.ordered as usize),
            None => (0, 0),
        };
        Some(Foothold {
            problem: self.problem.clone(),
            at,
            path: self.path(&self.order[..ordered]),
        })
    }
}

impl<const WORDS: usize> Search<WORDS> {
    /// With each step the return it was placed before.
    fn path(&self, order: &[u32]) -> Vec<Placed> {
        let mut placed = vec![false; self.problem.steps.len()];
        let mut before = 0;
        let place = |&step: &u32| {
            let here = Placed { step, before };
            placed[step as usize] = true;
            while before < self.window.returns()
                && placed[self.window.return_number(before) as usize]
            {
                before += 1;
            }
            here
        };
        order.iter().map(place).collect()
    }
}

fn narrow(number: usize) -> u32 {
    u32::try_from(number).expect("memory ends before four billion")
}
