//! Where in the history the frontier stands: what is pending, and what can be placed.

use std::ops::Range;

use super::Configuration;
use super::timeline::{Extent, Timeline};
use crate::mask::Mask;
use crate::models::machine::{ActionId, Machine, StateId, Step};
use crate::slots::FREE;
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
    pub(super) timeline: Timeline,
    pub(super) machine: Box<dyn Machine>,
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
    /// Before the first of the steps.
    pub(super) fn new(machine: Box<dyn Machine>, timeline: Timeline) -> Self {
        let mut board = Self {
            timeline: Timeline::default(),
            machine,
            kinds: Vec::new(),
            classes: Classes::default(),
            moment: Moment {
                at: 0,
                next_call: 0,
                pending: Vec::new(),
                sooner: Vec::new(),
                later: Vec::new(),
                partial: Mask::EMPTY,
                called: Vec::new(),
                live: Vec::new(),
            },
            by_choice: Vec::new(),
        };
        for (number, step) in (0..).zip(timeline.steps()) {
            board.learn(number, step);
        }
        board.timeline = timeline;
        board
    }

    /// Adds a step that is called after all others.
    pub(super) fn push(&mut self, step: Step) {
        self.learn(self.timeline.len(), &step);
        self.timeline.push(step);
    }

    /// Notes what kind of step it is.
    fn learn(&mut self, number: u32, step: &Step) {
        for action in self.kinds.len() as u32..=step.action {
            self.kinds.push(kind(&*self.machine, action));
        }
        self.classes.push(number, step);
    }

    /// Drops all steps that were pushed since a time.
    pub(super) fn retract(&mut self, to: Extent) {
        for step in self.timeline.steps_since(&to).iter().rev() {
            self.classes.pop(step);
        }
        self.timeline.retract(to);
    }

    /// Forgets the steps that can play no part any more, if they are so many.
    pub(super) fn forget(&mut self, at_once: u32) {
        let pending = self.moment.pending.iter().copied();
        let first = pending.fold(self.moment.next_call, u32::min);
        if self.timeline.is_known(first, at_once) {
            self.timeline.forget(first, self.moment.at);
        }
    }

    /// The same with wider masks; what can be moved is moved.
    pub(super) fn widened<const MORE: usize>(&mut self) -> Board<MORE> {
        Board {
            timeline: std::mem::take(&mut self.timeline),
            machine: self.machine.clone(),
            kinds: std::mem::take(&mut self.kinds),
            classes: std::mem::take(&mut self.classes),
            moment: self.moment.widened(),
            by_choice: Vec::new(),
        }
    }

    /// The step that returns next; `None` behind the last.
    pub(super) fn returning(&self) -> Option<u32> {
        self.timeline.returning(self.moment.at)
    }

    pub(super) fn slot(&self, step: u32) -> u32 {
        self.timeline.slot(step)
    }

    pub(super) fn kind_of(&self, step: u32) -> Kind {
        self.kinds[self.timeline.step(step).action as usize]
    }

    pub(super) fn action(&self, slot: u32) -> ActionId {
        self.step_in(slot).action
    }

    pub(super) fn deadline(&self, slot: u32) -> u64 {
        self.step_in(slot).ret
    }

    fn step_in(&self, slot: u32) -> &Step {
        self.timeline.step(self.moment.pending[slot as usize])
    }

    pub(super) fn apply(&mut self, state: StateId, action: ActionId) -> Option<StateId> {
        self.machine.apply(state, action)
    }

    /// Slots of pending operations.
    pub(super) fn pending_slots(&self) -> impl Iterator<Item = u32> {
        (0..self.moment.width()).filter(|&slot| self.moment.pending[slot as usize] != FREE)
    }

    pub(super) fn kind_in(&self, slot: u32) -> Kind {
        self.kind_of(self.moment.pending[slot as usize])
    }

    /// All steps that were called so far.
    pub(super) fn called(&self) -> Range<u32> {
        0..self.moment.next_call
    }

    /// The number of the next step to be called.
    pub(super) fn next_call(&self) -> u32 {
        self.moment.next_call
    }

    /// The classes of which some were called, with their effects.
    pub(super) fn live_classes(&self) -> impl Iterator<Item = (Class, ActionId)> {
        let live = self.moment.live.iter();
        live.map(|&class| (class, self.classes.action(class)))
    }

    /// Whether a class has more operations that were called than were used.
    pub(super) fn has_unused(&self, class: Class, used: UsesId, uses: &Uses) -> bool {
        uses.count(used, class) < self.moment.called[class as usize]
    }

    /// The next step that is called before a position.
    pub(super) fn next_called(&mut self, position: u64) -> Option<u32> {
        let number = self.moment.next_call;
        let step = self.timeline.called(number)?;
        if step.call >= position {
            return None;
        }
        self.moment.next_call += 1;
        let (action, kind) = (step.action, self.kind_of(number));
        let slot = self.slot(number);
        if slot == FREE {
            self.moment.call_of(self.classes.of_action(action));
        } else {
            self.moment.widen(slot + 1);
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
        for other in 0..self.moment.width() {
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
        let returned = self.returning().expect("a return was passed");
        let slot = self.slot(returned);
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
            let action = self.classes.action(class);
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
        slots.extend((0..self.moment.width()).filter(|&slot| {
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
        let indeterminate =
            choice.class != FREE && self.has_unused(choice.class, configuration.used, uses);
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
        self.class_of_action(self.action(slot))
    }

    pub(super) fn class_of_action(&self, action: ActionId) -> Class {
        self.classes.of_action(action)
    }

    /// The pending step in a slot.
    pub(super) fn step_number(&self, slot: u32) -> u32 {
        self.moment.pending[slot as usize]
    }
}

impl<const WORDS: usize> Moment<WORDS> {
    fn width(&self) -> u32 {
        self.pending.len() as u32
    }

    fn widened<const MORE: usize>(&self) -> Moment<MORE> {
        Moment {
            at: self.at,
            next_call: self.next_call,
            pending: self.pending.clone(),
            sooner: self.sooner.iter().map(Mask::widened).collect(),
            later: self.later.iter().map(Mask::widened).collect(),
            partial: self.partial.widened(),
            called: self.called.clone(),
            live: self.live.clone(),
        }
    }

    /// Makes room for so many slots.
    fn widen(&mut self, width: u32) {
        if self.width() < width {
            self.pending.resize(width as usize, FREE);
            self.sooner.resize(width as usize, Mask::EMPTY);
            self.later.resize(width as usize, Mask::EMPTY);
        }
    }

    /// An operation of a class is called.
    fn call_of(&mut self, class: Class) {
        if self.called.len() <= class as usize {
            self.called.resize(class as usize + 1, 0);
        }
        let called = &mut self.called[class as usize];
        if *called == 0 {
            self.live.push(class);
        }
        *called += 1;
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
