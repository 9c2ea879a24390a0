//! From a model's operations to those of a theory.

use std::collections::BTreeSet;

use super::bag::Bag;
use super::counter::{Count, Counter};
use super::elements::{Access, Contents};
use super::growing::{ElementId, GrowingSet, Growth};
use super::queue::Queue;
use super::stack::Stack;
use super::theory::{Inapplicable, Theory, Timed, solve};
use crate::budget::Budget;
use crate::engine::Answer;
use crate::interner::Interner;
use crate::models::adapter::{Object, Op};
use crate::models::buffer::{Action, Buffer};
use crate::models::{counter, queue, set, stack, unordered_queue};
use crate::value::Value;

pub(crate) fn queue(
    object: &Object<queue::Queue>,
    budget: &dyn Budget,
) -> Result<Answer, Inapplicable> {
    buffer(&object.operations, &object.model.0, Queue, budget)
}

pub(crate) fn unordered_queue(
    object: &Object<unordered_queue::UnorderedQueue>,
    budget: &dyn Budget,
) -> Result<Answer, Inapplicable> {
    buffer(&object.operations, &object.model.0, Bag, budget)
}

pub(crate) fn stack(
    object: &Object<stack::Stack>,
    budget: &dyn Budget,
) -> Result<Answer, Inapplicable> {
    buffer(&object.operations, &object.model.0, Stack, budget)
}

fn buffer<T: Theory<Action = Access>>(
    operations: &[Op<Action>],
    buffer: &Buffer,
    theory: impl Fn(Contents) -> T,
    budget: &dyn Budget,
) -> Result<Answer, Inapplicable> {
    let mut values = Interner::new();
    let initial = buffer.initial.iter().map(|value| values.intern(&value));
    let initial = initial.collect();
    let operations = timed(operations, |action| match action {
        Action::Put(value) => Ok(Access::Insert(values.intern(&value))),
        Action::Take(value) => Ok(Access::Remove(values.intern(&value))),
        Action::TakeAny => Ok(Access::RemoveUnknown),
        Action::Empty => Ok(Access::FindEmpty),
        Action::Nil => Err(Inapplicable("nil may be a value or none")),
    })?;
    let values = values.len();
    solve(&theory(Contents { initial, values }), operations, budget)
}

pub(crate) fn counter(
    object: &Object<counter::Counter>,
    budget: &dyn Budget,
) -> Result<Answer, Inapplicable> {
    let operations = timed(&object.operations, |action| match action {
        counter::Action::Add(amount) => Ok(Count::Add(*amount)),
        counter::Action::Read(seen) => Ok(Count::Read(*seen)),
    })?;
    let initial = object.model.initial;
    solve(&Counter { initial }, operations, budget)
}

/// A set that is read as a whole.
pub(crate) fn growing_set(
    object: &Object<set::Set>,
    budget: &dyn Budget,
) -> Result<Answer, Inapplicable> {
    let mut elements = Elements::new();
    let mut set = GrowingSet {
        initial: elements.initial(&object.model.initial),
        elements: 0,
        seen: Vec::new(),
    };
    let mut operations = Vec::with_capacity(object.operations.len());
    for one in &object.operations {
        let action = match &one.action {
            set::Action::Read(seen) => {
                set.seen.push(elements.all(seen));
                Growth::Read(u32::try_from(set.seen.len() - 1).expect("fewer than operations"))
            }
            set::Action::One {
                was: None,
                becomes: None,
                ..
            } => Growth::Nothing,
            set::Action::One {
                element,
                was,
                becomes: Some(true),
            } => elements.add(element, was.is_some()),
            set::Action::One {
                becomes: Some(false),
                ..
            } => return Err(Inapplicable("something is removed")),
            set::Action::One { becomes: None, .. } => {
                return Err(Inapplicable("elements are looked at one by one"));
            }
        };
        operations.push(with(one, action));
    }
    elements.check()?;
    set.elements = elements.known.len();
    solve(&set, operations, budget)
}

/// The elements of a set by number.
struct Elements<'o> {
    known: Interner<&'o Value>,
    /// How often each was added, or was there initially.
    additions: Vec<u32>,
    /// Those that were told to be new when they were added.
    told_new: Vec<ElementId>,
}

impl<'o> Elements<'o> {
    fn new() -> Self {
        Self {
            known: Interner::new(),
            additions: Vec::new(),
            told_new: Vec::new(),
        }
    }

    fn number(&mut self, element: &'o Value) -> ElementId {
        let number = self.known.intern(&element);
        self.additions.resize(self.known.len(), 0);
        number
    }

    fn initial(&mut self, elements: &'o BTreeSet<Value>) -> Vec<ElementId> {
        let numbers = self.all(elements);
        for number in &numbers {
            self.additions[*number as usize] += 1;
        }
        numbers
    }

    fn all(&mut self, elements: &'o BTreeSet<Value>) -> Vec<ElementId> {
        elements
            .iter()
            .map(|element| self.number(element))
            .collect()
    }

    fn add(&mut self, element: &'o Value, told_new: bool) -> Growth {
        let number = self.number(element);
        self.additions[number as usize] += 1;
        if told_new {
            self.told_new.push(number);
        }
        Growth::Add(number)
    }

    /// An element that nobody else added is new; that says no more than the addition itself.
    fn check(&self) -> Result<(), Inapplicable> {
        let once = |number: &ElementId| self.additions[*number as usize] == 1;
        if self.told_new.iter().all(once) {
            Ok(())
        } else {
            Err(Inapplicable(
                "an element that was told to be new was added twice",
            ))
        }
    }
}

fn timed<'o, A, B>(
    operations: &'o [Op<A>],
    mut action: impl FnMut(&'o A) -> Result<B, Inapplicable>,
) -> Result<Vec<Timed<B>>, Inapplicable> {
    let operations = operations.iter();
    operations
        .map(|one| Ok(with(one, action(&one.action)?)))
        .collect()
}

fn with<A, B>(one: &Op<A>, action: B) -> Timed<B> {
    Timed {
        id: one.id,
        call: one.call,
        ret: one.ret,
        action,
    }
}
