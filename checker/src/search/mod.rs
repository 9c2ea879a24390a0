//! The exact search: depth first over the orders of operations, with a memo of what was searched.
//!
//! After Wing and Gong (1993) and Lowe (2017), but a configuration remembers only what is pending at one return (see [`window`]), so
//! that its size does not depend on the length of the history. Three rules cut branches without changing the answer:
//! - a read that fits the state is placed at once, because it takes nothing from any other order;
//! - of several pending operations with the same effect only the one that returns first is tried, because two such operations can
//!   change places;
//! - an indeterminate operation that would not change the state is not used, and see [`memo`] for fewer used ones.

mod memo;
mod window;

use std::collections::BTreeSet;

use crate::budget::{Budget, Limit};
use crate::engine::{Answer, Engine, Progress, Standing};
use crate::history::OpId;
use crate::mask::Mask;
use crate::models::machine::{Problem, StateId, Step};
use crate::value::Value;
use memo::Memo;
use window::Window;

/// How many configurations are searched between two looks at the budget.
const STEPS_PER_POLL: u64 = 4096;

/// A slice of work ends early if this part of it did not bring the search any further.
const STALLS_PER_SLICE: u64 = 8;

/// How many operations can be pending at once.
const MAX_PENDING: usize = 64 * 512;

/// Prepares the search for an order of all mandatory and any indeterminate operations that the machine accepts.
///
/// # Errors
/// If too many operations are pending at once.
pub(crate) fn engine(problem: Problem) -> Result<Box<dyn Engine>, Limit> {
    let window = Window::new(&problem.steps);
    Ok(match window.width().div_ceil(64) {
        0 | 1 => Box::new(Search::<1>::new(problem, window)),
        2 => Box::new(Search::<2>::new(problem, window)),
        3 | 4 => Box::new(Search::<4>::new(problem, window)),
        5..=16 => Box::new(Search::<16>::new(problem, window)),
        17..=64 => Box::new(Search::<64>::new(problem, window)),
        65..=512 => Box::new(Search::<512>::new(problem, window)),
        _ => return Err(Limit::Pending(MAX_PENDING)),
    })
}

/// Where a branch of the search stands.
///
/// - All operations whose return comes before `next` are placed.
/// - `placed` are slots of operations pending at that return; free slots are never in it.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Configuration<const WORDS: usize> {
    next: u32,
    state: StateId,
    placed: Mask<WORDS>,
}

/// A configuration on the current branch with the steps still to be tried there.
struct Frame<const WORDS: usize> {
    configuration: Configuration<WORDS>,
    /// How long the order is at this configuration.
    ordered: usize,
    /// Where its candidates begin.
    candidates: usize,
}

struct Search<const WORDS: usize> {
    problem: Problem,
    window: Window,
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
}

impl<const WORDS: usize> Search<WORDS> {
    fn new(problem: Problem, window: Window) -> Self {
        let mut optional = Mask::EMPTY;
        for slot in window.indeterminate_slots() {
            optional.insert(slot);
        }
        let start = Configuration {
            next: 0,
            state: problem.machine.initial(),
            placed: Mask::EMPTY,
        };
        Self {
            problem,
            window,
            memo: Memo::new(optional),
            frames: Vec::new(),
            candidates: Vec::new(),
            order: Vec::new(),
            branch: Some(start),
            furthest: 0,
            advanced: 0,
            states: BTreeSet::new(),
            searched: 0,
        }
    }

    /// Places the best candidate of the last frame.
    fn next_branch(&mut self) -> Option<Configuration<WORDS>> {
        let frame = self.frames.last()?;
        let step = self.candidates.pop()?;
        let mut configuration = frame.configuration;
        self.order.truncate(frame.ordered);
        self.window.rewind(configuration.next);
        configuration.placed.insert(self.window.slot(step));
        configuration.state = self.apply(configuration.state, step)?;
        self.order.push(step);
        Some(configuration)
    }

    /// Opens a frame unless the configuration was searched before. True if everything is placed.
    fn enter(&mut self, mut configuration: Configuration<WORDS>) -> bool {
        self.settle(&mut configuration);
        if self.window.returning().is_none() {
            return true;
        }
        if self.memo.insert(&configuration) {
            self.note_progress(&configuration);
            let candidates = self.candidates.len();
            self.push_candidates(&configuration);
            self.frames.push(Frame {
                configuration,
                ordered: self.order.len(),
                candidates,
            });
        }
        false
    }

    /// Places all reads that fit, and moves behind all returns that are placed.
    fn settle(&mut self, configuration: &mut Configuration<WORDS>) {
        let pending: Vec<u32> = self.window.pending().map(|(_, step)| step).collect();
        for step in pending {
            self.place_if_read(configuration, step);
        }
        while let Some(step) = self
            .window
            .returning()
            .filter(|&step| configuration.placed.has(self.window.slot(step)))
        {
            configuration.placed.remove(self.window.slot(step));
            for called in self.window.advance() {
                self.place_if_read(configuration, called);
            }
            configuration.next = self.window.at();
        }
    }

    fn place_if_read(&mut self, configuration: &mut Configuration<WORDS>, step: u32) {
        let slot = self.window.slot(step);
        let action = self.problem.steps[step as usize].action;
        if self.problem.machine.is_pure(action)
            && !configuration.placed.has(slot)
            && self
                .problem
                .machine
                .apply(configuration.state, action)
                .is_some()
        {
            configuration.placed.insert(slot);
            self.order.push(step);
        }
    }

    /// The steps to try, of each effect the one that returns first; the one that returns first of all comes last.
    fn push_candidates(&mut self, configuration: &Configuration<WORDS>) {
        let from = self.candidates.len();
        for (slot, step) in self.window.pending() {
            let Problem { steps, machine } = &mut self.problem;
            let Step { action, .. } = steps[step as usize];
            if configuration.placed.has(slot) || machine.is_pure(action) {
                continue;
            }
            let after = machine.apply(configuration.state, action);
            let useless =
                !steps[step as usize].is_mandatory() && after == Some(configuration.state);
            if after.is_some() && !useless {
                self.candidates.push(step);
            }
        }
        let steps = &self.problem.steps;
        let urgency = |step: &u32| (steps[*step as usize].ret, steps[*step as usize].call);
        let own = &mut self.candidates[from..];
        own.sort_by_key(|step| (steps[*step as usize].action, urgency(step)));
        let mut kept = from;
        for at in from..self.candidates.len() {
            let action = |at: usize| steps[self.candidates[at] as usize].action;
            if kept == from || action(kept - 1) != action(at) {
                self.candidates[kept] = self.candidates[at];
                kept += 1;
            }
        }
        self.candidates.truncate(kept);
        self.candidates[from..].sort_by_key(|step| std::cmp::Reverse(urgency(step)));
    }

    fn apply(&mut self, state: StateId, step: u32) -> Option<StateId> {
        self.problem
            .machine
            .apply(state, self.problem.steps[step as usize].action)
    }

    fn note_progress(&mut self, configuration: &Configuration<WORDS>) {
        if configuration.next > self.furthest {
            self.furthest = configuration.next;
            self.advanced = self.searched;
            self.states.clear();
        }
        if configuration.next == self.furthest {
            self.states.insert(configuration.state);
        }
    }

    fn is_time_to_poll(&self) -> bool {
        self.searched.is_multiple_of(STEPS_PER_POLL)
    }

    fn bytes(&self) -> u64 {
        let stack = self.frames.capacity() * size_of::<Frame<WORDS>>()
            + (self.candidates.capacity() + self.order.capacity()) * 4;
        self.memo.bytes() + stack as u64 + self.problem.machine.bytes()
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
        let stalled = configurations / STALLS_PER_SLICE;
        while self.searched < end && self.searched - self.advanced.max(start) <= stalled {
            if let Some(configuration) = self.branch.take() {
                self.searched += 1;
                if self.enter(configuration) {
                    return Progress::Done(self.valid());
                }
                if self.is_time_to_poll()
                    && let Some(limit) = budget.exceeded(self.bytes())
                {
                    return Progress::Stopped(limit);
                }
            }
            let Some(frame) = self.frames.last() else {
                return Progress::Done(self.invalid());
            };
            if self.candidates.len() == frame.candidates {
                self.frames.pop();
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
            peak_configurations: self.memo.len(),
        }
    }
}
