//! Which mutations of registers and texts may be left out although operations that observe something stay.
//!
//! In any order of the history an observer sees the last mutation before it. So it has not seen
//! - a mutation of another value (of a text: one whose text is not part of the answer);
//! - a mutation called after the observer returned;
//! - a mutation that returned before another one of the same value was called (of a text: before a put that the answer begins with),
//!   if that one is acknowledged and returned before the observer was called: it stands in between, in every order.
//!
//! The other mutation of the third rule must be one that stays, so that what is left tells the whole story: the observer *could* have
//! seen that one. Everything here speaks of the intervals of the history itself, never of widened ones.

use std::collections::BTreeMap;

use crate::certify::meaning::{Act, Edit, Item, Part, RegisterName};
use crate::history::{OpId, Outcome};
use crate::value::Value;

/// A value in a register.
type Place<'h> = (RegisterName<'h>, &'h Value);

/// Until when earlier mutations of a value were hidden for certain by mutations that stay.
#[derive(Default)]
pub(crate) struct Covers<'h> {
    values: BTreeMap<Place<'h>, Vec<Cover>>,
    texts: Vec<(&'h str, Cover)>,
}

/// An acknowledged mutation.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Cover {
    ret: u64,
    /// Its call; in a sorted list the latest up to it.
    call: u64,
}

impl<'h> Covers<'h> {
    /// From the operations that stay.
    pub(crate) fn new<'i>(kept: impl Iterator<Item = &'i Item<'h>>) -> Self
    where
        'h: 'i,
    {
        let mut covers = Self::default();
        for item in kept.filter(|item| item.operation.outcome == Outcome::Ok) {
            let cover = Cover {
                ret: item.ret(),
                call: item.operation.call,
            };
            match &item.act {
                Act::Parts(parts) => {
                    for part in parts {
                        if let Part::Write(register, value) = *part {
                            let place = covers.values.entry((register, value));
                            place.or_default().push(cover);
                        }
                    }
                }
                Act::Text(Edit::Put(text)) => covers.texts.push((text, cover)),
                Act::Text(Edit::Append(_) | Edit::Get(_) | Edit::Nothing)
                | Act::Element(_)
                | Act::Listing(_)
                | Act::Put(_)
                | Act::Take(_)
                | Act::Add(_)
                | Act::Total(_)
                | Act::Lists(_)
                | Act::Silent => {}
            }
        }
        for mutations in covers.values.values_mut() {
            mutations.sort_unstable();
            for at in 1..mutations.len() {
                mutations[at].call = mutations[at].call.max(mutations[at - 1].call);
            }
        }
        covers
    }

    /// An observer of this value, called at this position, has not seen what returned before the result.
    fn of_value(&self, place: Place<'_>, call: u64) -> u64 {
        let mutations = self.values.get(&place).map_or(&[][..], Vec::as_slice);
        let returned = mutations.partition_point(|cover| cover.ret < call);
        returned
            .checked_sub(1)
            .map_or(0, |last| mutations[last].call)
    }

    /// The same for a text.
    fn of_text(&self, answer: &str, call: u64) -> u64 {
        let puts = self.texts.iter();
        puts.filter(|(text, cover)| cover.ret < call && answer.starts_with(text))
            .map(|(_, cover)| cover.call)
            .max()
            .unwrap_or(0)
    }
}

/// Observers of one value, or of a text, in the order of what they are blind to.
type Watch<'h> = Vec<Observer<'h>>;

struct Observer<'h> {
    id: OpId,
    ret: u64,
    /// What returned before this position it has not seen.
    blind_before: u64,
    /// Of it and those before it the last return, and whose.
    last_return: (u64, OpId),
    text: &'h str,
}

/// A set of observers.
#[derive(Default)]
pub(crate) struct Visibility<'h> {
    values: BTreeMap<Place<'h>, Watch<'h>>,
    texts: Watch<'h>,
}

impl<'h> Visibility<'h> {
    /// From the observers, with what of them counts.
    pub(crate) fn new<'i>(
        covers: &Covers<'h>,
        observers: impl Iterator<Item = (&'i Item<'h>, &'i Act<'h>)>,
    ) -> Self
    where
        'h: 'i,
    {
        let mut visibility = Self::default();
        for (item, act) in observers {
            let call = item.operation.call;
            match act {
                Act::Parts(parts) => {
                    for part in parts {
                        if let Part::Read(register, value) = *part {
                            let place = (register, value);
                            let observer = Observer::new(item, covers.of_value(place, call), "");
                            visibility.values.entry(place).or_default().push(observer);
                        }
                    }
                }
                Act::Text(Edit::Get(text)) => {
                    let observer = Observer::new(item, covers.of_text(text, call), text);
                    visibility.texts.push(observer);
                }
                Act::Text(Edit::Put(_) | Edit::Append(_) | Edit::Nothing)
                | Act::Element(_)
                | Act::Listing(_)
                | Act::Put(_)
                | Act::Take(_)
                | Act::Add(_)
                | Act::Total(_)
                | Act::Lists(_)
                | Act::Silent => {}
            }
        }
        for watch in visibility.values.values_mut() {
            arrange(watch);
        }
        arrange(&mut visibility.texts);
        visibility
    }

    /// An observer that may have seen this mutation.
    pub(crate) fn of(&self, mutation: &Item<'h>) -> Option<OpId> {
        match &mutation.act {
            Act::Parts(parts) => parts.iter().find_map(|part| match *part {
                Part::Write(register, value) => {
                    let watch = within(self.values.get(&(register, value))?, mutation);
                    let (ret, id) = watch.last()?.last_return;
                    (ret >= mutation.operation.call).then_some(id)
                }
                Part::Read(..) => None,
            }),
            Act::Text(Edit::Put(text) | Edit::Append(text)) => within(&self.texts, mutation)
                .iter()
                .find(|one| one.ret >= mutation.operation.call && one.text.contains(text))
                .map(|one| one.id),
            Act::Text(Edit::Get(_) | Edit::Nothing)
            | Act::Element(_)
            | Act::Listing(_)
            | Act::Put(_)
            | Act::Take(_)
            | Act::Add(_)
            | Act::Total(_)
            | Act::Lists(_)
            | Act::Silent => None,
        }
    }
}

impl<'h> Observer<'h> {
    fn new(item: &Item<'_>, blind_before: u64, text: &'h str) -> Self {
        Self {
            id: item.id(),
            ret: item.ret(),
            blind_before,
            last_return: (item.ret(), item.id()),
            text,
        }
    }
}

fn arrange(watch: &mut Watch<'_>) {
    watch.sort_by_key(|observer| observer.blind_before);
    for at in 1..watch.len() {
        watch[at].last_return = watch[at].last_return.max(watch[at - 1].last_return);
    }
}

/// The observers that are not blind to a mutation.
fn within<'w, 'h>(watch: &'w [Observer<'h>], mutation: &Item<'_>) -> &'w [Observer<'h>] {
    &watch[..watch.partition_point(|observer| observer.blind_before <= mutation.ret())]
}
