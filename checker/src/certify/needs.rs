//! Which mutations of sets, queues, stacks, counters and lists may be left out although operations that observe something stay.
//!
//! Let L be an order of the whole history, and leave operations out of it. What is left has an order too, if for each mutation m that is
//! left out one of these holds. An *observer* is an operation that is left and counts with what it saw.
//! - Nobody looks later: all observers returned before m was called. Then they come before m, and after m everything is possible, if
//!   dequeues without an answer are left out there, which they may be.
//! - *Set*, m changes v: no observer looks at v. A read of all elements looks at v, unless no operation left changes v and the read has v
//!   if and only if the set had it at first: then that is so for what is left.
//! - *Queue, unordered queue, stack*: take a value out of L together with whoever took it, and all others find what they found, or
//!   nothing where nothing else was. So m may go if it puts in v and no observer takes v, because whoever took it in L is left out, or
//!   may be, since it counts without its answer. And m may go if it takes v and v was not there at first and is only put in by
//!   operations that are left out or may be. A dequeue that was answered with nil took nothing, where nil never was put in.
//! - *Lists*, m is a transaction: no observer that reads a list has seen anything of what m appended to it. So it comes before m.
//! - *Counter*: nothing else. Each addition counts.

use std::collections::{BTreeMap, BTreeSet};

use crate::certify::meaning::{Act, Element, Item, ListPart, NIL, Object, Taken};
use crate::counterexample::{Presence, Weakened};
use crate::history::{OpId, Outcome};
use crate::value::Value;

/// The last return of an observer, and whose.
type Last = (u64, OpId);

/// What the operations that are left need of those that are not.
#[derive(Default)]
pub(crate) struct Needs<'h> {
    /// Observers of anything.
    any: Option<Last>,
    /// Observers of an element or takers of a value.
    values: BTreeMap<&'h Value, Last>,
    /// Observers of an element of a list.
    elements: BTreeMap<(&'h Value, &'h Value), Last>,
    /// Reads of all elements.
    listings: Vec<(Last, BTreeSet<&'h Value>)>,
    /// Elements that are changed, and values that are certainly put in.
    changed: BTreeSet<&'h Value>,
    /// What was there at first.
    first: BTreeSet<&'h Value>,
    /// Nil may have been put in.
    holds_nil: bool,
}

impl<'h> Needs<'h> {
    /// From the operations that are left, with what of them counts.
    pub(crate) fn new<'l>(
        object: &Object<'h>,
        left: impl Iterator<Item = (&'l Item<'h>, &'l Weakened, &'l Act<'h>)>,
    ) -> Self
    where
        'h: 'l,
    {
        let first = object.initial.as_list().unwrap_or_default().iter();
        let puts_nil =
            |item: &Item<'_>| item.act == Act::Put(&NIL) && item.operation.outcome != Outcome::Fail;
        let mut needs = Self {
            first: first.collect(),
            holds_nil: object.items.iter().any(puts_nil),
            ..Self::default()
        };
        needs.holds_nil |= needs.first.contains(&NIL);
        for (item, weakened, act) in left {
            needs.note(item, weakened, act);
        }
        needs
    }

    fn note(&mut self, item: &Item<'h>, weakened: &Weakened, act: &Act<'h>) {
        let last = (item.ret(), item.id());
        if act.is_observation() {
            self.any = self.any.max(Some(last));
        }
        match act {
            Act::Element(element) => {
                if element.was.is_some() {
                    see(&mut self.values, element.value, last);
                }
                if act.is_mutation() {
                    self.changed.insert(element.value);
                }
            }
            Act::Listing(elements) => self.listings.push((last, elements.clone())),
            Act::Put(value) if weakened.presence == Presence::Mandatory => {
                self.changed.insert(value);
            }
            Act::Take(Taken::This(value)) => see(&mut self.values, value, last),
            Act::Take(Taken::Nil) => see(&mut self.values, &NIL, last),
            Act::Lists(parts) => {
                for part in parts {
                    if let ListPart::Read(key, list) = *part {
                        for element in list {
                            see(&mut self.elements, (key, element), last);
                        }
                    }
                }
            }
            Act::Parts(_)
            | Act::Text(_)
            | Act::Put(_)
            | Act::Take(Taken::Something)
            | Act::Add(_)
            | Act::Total(_)
            | Act::Silent => {}
        }
    }

    /// An operation that is left and needs this one.
    pub(crate) fn of(&self, mutation: &Item<'h>) -> Option<OpId> {
        if !mutation.act.is_mutation() {
            return None;
        }
        let call = mutation.operation.call;
        let later = |last: Option<&Last>| last.filter(|(ret, _)| *ret >= call).map(|(_, id)| *id);
        match &mutation.act {
            Act::Element(Element { value, .. }) => {
                later(self.values.get(value)).or_else(|| self.listing(value, call))
            }
            Act::Put(value) => later(self.values.get(value)),
            Act::Take(Taken::This(value)) if self.may_hold(value) => later(self.any.as_ref()),
            Act::Take(Taken::Nil) if self.holds_nil && self.may_hold(&NIL) => {
                later(self.any.as_ref())
            }
            Act::Take(Taken::Something) | Act::Add(_) => later(self.any.as_ref()),
            Act::Lists(parts) => parts.iter().find_map(|part| match *part {
                ListPart::Append(key, element) => later(self.elements.get(&(key, element))),
                ListPart::Read(..) | ListPart::Look(_) => None,
            }),
            Act::Parts(_)
            | Act::Text(_)
            | Act::Listing(_)
            | Act::Take(Taken::This(_) | Taken::Nil)
            | Act::Total(_)
            | Act::Silent => None,
        }
    }

    /// Whether a value stays inside if nobody takes it.
    fn may_hold(&self, value: &Value) -> bool {
        self.changed.contains(value) || self.first.contains(value)
    }

    /// A read of all elements that looks at this one, if it may come later.
    fn listing(&self, element: &Value, call: u64) -> Option<OpId> {
        let untouched = !self.changed.contains(element);
        let was = self.first.contains(element);
        let looks = |elements: &BTreeSet<&Value>| !untouched || elements.contains(element) != was;
        let mut listings = self.listings.iter();
        let found = listings.find(|((ret, _), elements)| *ret >= call && looks(elements));
        found.map(|((_, id), _)| *id)
    }
}

fn see<K: Ord>(seen: &mut BTreeMap<K, Last>, what: K, last: Last) {
    let known = seen.entry(what).or_insert(last);
    *known = last.max(*known);
}
