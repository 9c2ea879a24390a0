//! What an object holds, and how an act changes it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::Object;
use super::act::{Act, Edit, Element, ListPart, Part, RegisterName, Taken};
use crate::models::ModelName;
use crate::value::Value;

/// What an object holds.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum State<'h> {
    /// Registers that were written.
    Registers(BTreeMap<RegisterName<'h>, &'h Value>),
    Text(String),
    Set(BTreeSet<&'h Value>),
    /// The head first.
    Queue(VecDeque<&'h Value>),
    Bag(Bag<'h>),
    /// The top last.
    Stack(Vec<&'h Value>),
    Number(i128),
    /// Lists that are not empty.
    Lists(BTreeMap<&'h Value, Vec<&'h Value>>),
}

impl<'h> Object<'h> {
    pub(crate) fn initial_state(&self) -> State<'h> {
        let elements = self.initial.as_list().unwrap_or_default().iter();
        match self.model {
            ModelName::KvAppend => {
                State::Text(self.initial.as_text().unwrap_or_default().to_owned())
            }
            ModelName::Set => State::Set(elements.collect()),
            ModelName::Queue => State::Queue(elements.collect()),
            ModelName::Stack => State::Stack(elements.collect()),
            ModelName::UnorderedQueue => State::Bag(elements.fold(Bag::default(), Bag::with)),
            ModelName::Counter => State::Number(self.initial.as_int().unwrap_or(0).into()),
            ModelName::ListAppend => State::Lists(lists(self.initial)),
            ModelName::Register
            | ModelName::CasRegister
            | ModelName::MultiRegister
            | ModelName::Mutex
            | ModelName::Kv => State::Registers(BTreeMap::new()),
        }
    }

    /// Performs an act; false if the object cannot answer so.
    pub(crate) fn accepts(&self, state: &mut State<'h>, act: &Act<'h>) -> bool {
        match (state, act) {
            (_, Act::Silent) => true,
            (State::Registers(registers), Act::Parts(parts)) => self.perform(registers, parts),
            (State::Text(text), Act::Text(edit)) => edit_text(text, edit),
            (State::Set(set), Act::Listing(elements)) => set == elements,
            (State::Set(set), Act::Element(element)) => change(set, element),
            (State::Queue(queue), Act::Put(value)) => {
                queue.push_back(value);
                true
            }
            (State::Queue(queue), Act::Take(taken)) => fits(queue.pop_front(), taken),
            (State::Stack(stack), Act::Put(value)) => {
                stack.push(value);
                true
            }
            (State::Stack(stack), Act::Take(taken)) => fits(stack.pop(), taken),
            (State::Bag(bag), Act::Put(value)) => {
                bag.put(value);
                true
            }
            (State::Bag(bag), Act::Take(taken)) => bag.take(taken),
            (State::Number(sum), Act::Add(amount)) => {
                *sum += amount;
                true
            }
            (State::Number(sum), Act::Total(seen)) => sum == seen,
            (State::Lists(lists), Act::Lists(parts)) => append(lists, parts),
            (
                State::Registers(_)
                | State::Text(_)
                | State::Set(_)
                | State::Queue(_)
                | State::Stack(_)
                | State::Bag(_)
                | State::Number(_)
                | State::Lists(_),
                Act::Parts(_)
                | Act::Text(_)
                | Act::Element(_)
                | Act::Listing(_)
                | Act::Put(_)
                | Act::Take(_)
                | Act::Add(_)
                | Act::Total(_)
                | Act::Lists(_),
            ) => false,
        }
    }

    fn perform(
        &self,
        registers: &mut BTreeMap<RegisterName<'h>, &'h Value>,
        parts: &[Part<'h>],
    ) -> bool {
        parts.iter().all(|part| match *part {
            Part::Read(register, value) => {
                let held = registers.get(&register).copied();
                held.unwrap_or_else(|| self.first_value(register)) == value
            }
            Part::Write(register, value) => {
                registers.insert(register, value);
                true
            }
        })
    }
}

fn edit_text(text: &mut String, edit: &Edit<'_>) -> bool {
    match edit {
        Edit::Put(new) => {
            text.clear();
            text.push_str(new);
            true
        }
        Edit::Append(more) => {
            text.push_str(more);
            true
        }
        Edit::Get(seen) => text == seen,
        Edit::Nothing => true,
    }
}

fn change<'h>(set: &mut BTreeSet<&'h Value>, element: &Element<'h>) -> bool {
    let is = set.contains(element.value);
    match element.becomes {
        Some(true) => drop(set.insert(element.value)),
        Some(false) => drop(set.remove(element.value)),
        None => {}
    }
    element.was.is_none_or(|was| was == is)
}

/// Whether what came out, if anything, is what was taken.
fn fits(out: Option<&Value>, taken: &Taken<'_>) -> bool {
    match taken {
        Taken::This(value) => out == Some(value),
        Taken::Something => true,
        Taken::Nil => out.is_none_or(|out| *out == Value::Nil),
    }
}

fn lists(initial: &Value) -> BTreeMap<&Value, Vec<&Value>> {
    let Value::Map(lists) = initial else {
        return BTreeMap::new();
    };
    let elements = |list: &'_ Value| list.as_list().is_some_and(|list| !list.is_empty());
    lists
        .iter()
        .filter(|(_, list)| elements(list))
        .map(|(key, list)| (key, list.as_list().unwrap_or_default().iter().collect()))
        .collect()
}

fn append<'h>(lists: &mut BTreeMap<&'h Value, Vec<&'h Value>>, parts: &[ListPart<'h>]) -> bool {
    parts.iter().all(|part| match *part {
        ListPart::Read(key, seen) => match lists.get(key) {
            Some(list) => list.len() == seen.len() && list.iter().zip(seen).all(|(a, b)| *a == b),
            None => seen.is_empty(),
        },
        ListPart::Look(_) => true,
        ListPart::Append(key, value) => {
            lists.entry(key).or_default().push(value);
            true
        }
    })
}

/// What is in an unordered queue, where somebody may have taken nobody knows what.
///
/// Whoever took something unknown must have found it there. It is enough to see to it that each of them can have taken a value of its
/// own: of those put in before it that nobody is known to have taken there must be as many as such dequeues so far.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Bag<'h> {
    /// For each value how many unknown dequeues came before each time it was put in.
    values: BTreeMap<&'h Value, Vec<usize>>,
    count: usize,
    /// For each unknown dequeue how many more could have taken something by then.
    spare: Vec<usize>,
}

impl<'h> Bag<'h> {
    fn with(mut self, value: &'h Value) -> Self {
        self.put(value);
        self
    }

    fn put(&mut self, value: &'h Value) {
        let times = self.values.entry(value).or_default();
        times.push(self.spare.len());
        self.count += 1;
    }

    fn take(&mut self, taken: &Taken<'h>) -> bool {
        match taken {
            Taken::This(value) => self.take_known(value),
            Taken::Something => {
                // Where all are gone it found nothing.
                let others = self.count.checked_sub(self.spare.len() + 1);
                self.spare.extend(others);
                true
            }
            Taken::Nil if self.count == self.spare.len() => {
                *self = Self::default();
                true
            }
            Taken::Nil => self.take_known(&Value::Nil),
        }
    }

    /// The one that was put in last, which is of the least use to unknown dequeues.
    fn take_known(&mut self, value: &Value) -> bool {
        let Some(time) = self.values.get_mut(value).and_then(Vec::pop) else {
            return false;
        };
        self.count -= 1;
        let later = &mut self.spare[time..];
        let possible = later.iter().all(|spare| *spare > 0);
        if possible {
            later.iter_mut().for_each(|spare| *spare -= 1);
        }
        possible && self.count >= self.spare.len()
    }
}
