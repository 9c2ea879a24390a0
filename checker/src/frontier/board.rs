//! Where in the history the frontier stands: what is pending, and what can be placed.

use std::ops::Range;

use super::Configuration;
use crate::mask::Mask;
use crate::models::machine::{ActionId, Machine, Problem, StateId, Step};
use crate::slots::{FREE, Slots};
use crate::uses::{Class, Classes, Uses, UsesId};

/// How an action takes part in the frontier's rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// It changes no state, as a read.
    Pure,
    /// It is possible in all states and leaves the same one behind, as a write.
    Blind,
    /// Whether it is possible, or what it leaves behind, depends on the state, as with a compare-and-set.
    Partial,
}

/// The history and the place in it.
pub(super) struct Board<const WORDS: usize> {
    pub(super) steps: Vec<Step>,
    pub(super) machine: Box<dyn Machine>,
    slots: Slots,
    kinds: Vec<Kind>,
    classes: Classes,
    pub(super) moment: Moment<WORDS>,
    /// The slots of all choices, each choice's in the order of their returns.
    by_choice: Vec<u32>,
}

/// A place in the history, just before a return.
#[derive(Clone)]
pub(super) struct Moment<const WORDS: usize> {
    /// The number of the next return.
    pub(super) at: u32,
    /// The next step to be called.
    next_call: u32,
    /// The pending mandatory step of each slot.
    pending: Vec<u32>,
    /// For each slot the slots with the same action that return no later.
    sooner: Vec<Mask<WORDS>>,
    /// For each slot the slots with the same action that return no earlier.
    later: Vec<Mask<WORDS>>,
    /// Slots of pending partial steps.
    pub(super) partial: Mask<WORDS>,
    /// Of each class how many were called.
    called: Vec<u32>,
    /// Classes of which some were called.
    live: Vec<Class>,
}

/// Pending operations with the same action: only the one that returns first need be tried.
#[derive(Clone, Debug)]
pub(super) struct Choice {
    pub(super) action: ActionId,
    pub(super) kind: Kind,
    /// Where in [`Board::by_choice`] its slots are.
    slots: Range<usize>,
    /// The indeterminate ones, [`FREE`] if there are none.
    class: Class,
}

/// One operation that a configuration can place.
#[derive(Clone, Copy, Debug)]
pub(super) enum Candidate {
    Mandatory(u32),
    Indeterminate(Class),
}

impl<const WORDS: usize> Board<WORDS> {
    pub(super) fn new(problem: Problem, slots: Slots) -> Self {
        let Problem { steps, machine } = problem;
        let actions = steps.iter().map(|step| step.action + 1).max().unwrap_or(0);
        let kinds = (0..actions).map(|action| kind(&*machine, action)).collect();
        let classes = Classes::new(&steps);
        let moment = Moment {
            at: 0,
            next_call: 0,
            pending: vec![FREE; slots.width as usize],
            sooner: vec![Mask::EMPTY; slots.width as usize],
            later: vec![Mask::EMPTY; slots.width as usize],
            partial: Mask::EMPTY,
            called: vec![0; classes.len()],
            live: Vec::new(),
        };
        Self {
            steps,
            machine,
            slots,
            kinds,
            classes,
            moment,
            by_choice: Vec::new(),
        }
    }

    pub(super) fn returns(&self) -> &[u32] {
        &self.slots.returns
    }

    /// The step that returns next; `None` behind the last.
    pub(super) fn returning(&self) -> Option<u32> {
        self.slots.returns.get(self.moment.at as usize).copied()
    }

    pub(super) fn slot(&self, step: u32) -> u32 {
        self.slots.slots[step as usize]
    }

    pub(super) fn kind_of(&self, step: u32) -> Kind {
        self.kinds[self.steps[step as usize].action as usize]
    }

    pub(super) fn action(&self, slot: u32) -> ActionId {
        self.step_in(slot).action
    }

    pub(super) fn deadline(&self, slot: u32) -> u64 {
        self.step_in(slot).ret
    }

    fn step_in(&self, slot: u32) -> &Step {
        &self.steps[self.moment.pending[slot as usize] as usize]
    }

    pub(super) fn apply(&mut self, state: StateId, action: ActionId) -> Option<StateId> {
        self.machine.apply(state, action)
    }

    /// Slots of pending operations.
    pub(super) fn pending_slots(&self) -> impl Iterator<Item = u32> {
        (0..self.slots.width).filter(|&slot| self.moment.pending[slot as usize] != FREE)
    }

    pub(super) fn kind_in(&self, slot: u32) -> Kind {
        self.kind_of(self.moment.pending[slot as usize])
    }

    /// All steps that were called so far.
    pub(super) fn called(&self) -> Range<u32> {
        0..self.moment.next_call
    }

    /// The next step that is called before a position.
    pub(super) fn next_called(&mut self, position: u64) -> Option<u32> {
        let number = self.moment.next_call;
        let step = self.steps.get(number as usize)?;
        if step.call >= position {
            return None;
        }
        self.moment.next_call += 1;
        let (action, kind) = (step.action, self.kind_of(number));
        let slot = self.slots.slots[number as usize];
        if slot == FREE {
            let class = self.classes.of_action(action);
            if self.moment.called[class as usize] == 0 {
                self.moment.live.push(class);
            }
            self.moment.called[class as usize] += 1;
        } else {
            self.moment.pending[slot as usize] = number;
            self.relate(slot);
            if kind == Kind::Partial {
                self.moment.partial.insert(slot);
            }
        }
        Some(number)
    }

    /// Compares a new slot with the others.
    fn relate(&mut self, slot: u32) {
        let (action, deadline) = (self.action(slot), self.deadline(slot));
        let (mut sooner, mut later) = (Mask::EMPTY, Mask::EMPTY);
        for other in 0..self.slots.width {
            self.moment.sooner[other as usize].remove(slot);
            self.moment.later[other as usize].remove(slot);
            if self.moment.pending[other as usize] == FREE || self.action(other) != action {
                continue;
            }
            if self.deadline(other) <= deadline {
                sooner.insert(other);
                self.moment.later[other as usize].insert(slot);
            }
            if self.deadline(other) >= deadline {
                later.insert(other);
                self.moment.sooner[other as usize].insert(slot);
            }
        }
        self.moment.sooner[slot as usize] = sooner;
        self.moment.later[slot as usize] = later;
    }

    /// Slots with the same action that return no later; also some that are free.
    pub(super) fn sooner(&self, slot: u32) -> &Mask<WORDS> {
        &self.moment.sooner[slot as usize]
    }

    /// Slots with the same action that return no earlier; also some that are free.
    pub(super) fn later(&self, slot: u32) -> &Mask<WORDS> {
        &self.moment.later[slot as usize]
    }

    /// Moves behind the next return.
    pub(super) fn advance(&mut self) {
        let slot = self.slot(self.slots.returns[self.moment.at as usize]);
        self.moment.pending[slot as usize] = FREE;
        self.moment.partial.remove(slot);
        self.moment.at += 1;
    }

    /// A configuration comes to a state: reads that fit are placed, and writes of what is there already could be.
    /// True if there was such a read.
    pub(super) fn visit(
        &mut self,
        configuration: &mut Configuration<WORDS>,
        state: StateId,
    ) -> bool {
        configuration.state = state;
        let reads = configuration.reads;
        for slot in reads.slots() {
            if self.apply(state, self.action(slot)).is_some() {
                configuration.reads.remove(slot);
            }
        }
        for slot in configuration.must.slots() {
            if self.apply(state, self.action(slot)) == Some(state) {
                configuration.must.remove(slot);
            }
        }
        configuration.reads != reads
    }

    /// All that is pending, but for the step in one slot.
    pub(super) fn choices(&mut self, without: u32) -> Vec<Choice> {
        self.sort_pending(without);
        let mut choices: Vec<Choice> = Vec::new();
        for (at, &slot) in self.by_choice.iter().enumerate() {
            let action = self.action(slot);
            match choices.last_mut() {
                Some(last) if last.action == action => last.slots.end = at + 1,
                _ => choices.push(self.choice(action, at..at + 1)),
            }
        }
        for &class in &self.moment.live {
            let first = self.classes.member(class, 0);
            let action = self.steps[first as usize].action;
            match choices.binary_search_by_key(&action, |choice| choice.action) {
                Ok(at) => choices[at].class = class,
                Err(at) => {
                    let mut choice = self.choice(action, 0..0);
                    choice.class = class;
                    choices.insert(at, choice);
                }
            }
        }
        choices
    }

    fn sort_pending(&mut self, without: u32) {
        let mut slots = std::mem::take(&mut self.by_choice);
        slots.clear();
        slots.extend((0..self.slots.width).filter(|&slot| {
            let step = self.moment.pending[slot as usize];
            slot != without && step != FREE && self.kind_of(step) != Kind::Pure
        }));
        slots.sort_unstable_by_key(|&slot| (self.action(slot), self.deadline(slot)));
        self.by_choice = slots;
    }

    fn choice(&self, action: ActionId, slots: Range<usize>) -> Choice {
        Choice {
            action,
            kind: self.kinds[action as usize],
            slots,
            class: FREE,
        }
    }

    /// The operation of a choice that returns first of those a configuration has left.
    pub(super) fn candidate(
        &self,
        choice: &Choice,
        configuration: &Configuration<WORDS>,
        uses: &Uses,
    ) -> Option<Candidate> {
        let mandatory = self.by_choice[choice.slots.clone()]
            .iter()
            .find(|&&slot| configuration.left.has(slot));
        if let Some(&slot) = mandatory {
            return Some(Candidate::Mandatory(slot));
        }
        let indeterminate = choice.class != FREE
            && uses.count(configuration.used, choice.class)
                < self.moment.called[choice.class as usize];
        indeterminate.then_some(Candidate::Indeterminate(choice.class))
    }

    /// The step of a candidate.
    pub(super) fn candidate_step(&self, candidate: Candidate, used: UsesId, uses: &Uses) -> u32 {
        match candidate {
            Candidate::Mandatory(slot) => self.moment.pending[slot as usize],
            Candidate::Indeterminate(class) => self.classes.member(class, uses.count(used, class)),
        }
    }

    /// The class with the effect of the step in a slot, [`FREE`] if there is none.
    pub(super) fn class_of(&self, slot: u32) -> Class {
        self.classes.of_action(self.action(slot))
    }
}

fn kind(machine: &dyn Machine, action: ActionId) -> Kind {
    if machine.is_pure(action) {
        Kind::Pure
    } else if machine.is_blind(action) {
        Kind::Blind
    } else {
        Kind::Partial
    }
}
