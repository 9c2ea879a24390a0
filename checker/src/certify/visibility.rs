//! Which mutations a few observers can have seen.
//!
//! In any order of the history an observer sees the last mutation before it, so it cannot have seen
//! - a mutation of another value (of a text: one whose text is not part of the answer);
//! - a mutation called after the observer returned;
//! - a mutation that returned before another acknowledged mutation was called which itself returned before the observer was called:
//!   the other one stands in between, in every order. Of a text only a put covers what was before.
//!
//! Everything here speaks of the intervals of the history itself, never of widened ones.

use std::collections::BTreeMap;

use crate::certify::meaning::{Act, Edit, Item, Object, Part, RegisterName};
use crate::history::{OpId, Outcome};
use crate::value::Value;

/// When each register of an object was overwritten for certain.
pub(crate) struct Covers<'h> {
    /// For each register the acknowledged mutations by return; with each the latest call up to it.
    by_return: BTreeMap<RegisterName<'h>, Vec<(u64, u64)>>,
}

impl<'h> Covers<'h> {
    pub(crate) fn new(object: &Object<'h>) -> Self {
        let mut by_return: BTreeMap<RegisterName<'h>, Vec<(u64, u64)>> = BTreeMap::new();
        let acknowledged = |item: &&Item<'h>| item.operation.outcome == Outcome::Ok;
        for item in object.items.iter().filter(acknowledged) {
            for register in covered(&item.act) {
                let one = (item.ret(), item.operation.call);
                by_return.entry(register).or_default().push(one);
            }
        }
        for mutations in by_return.values_mut() {
            mutations.sort_unstable();
            let mut latest = 0;
            for (_, call) in mutations {
                latest = latest.max(*call);
                *call = latest;
            }
        }
        Self { by_return }
    }

    /// What returned before this position is not seen by an operation called at `call`.
    fn before(&self, register: RegisterName<'_>, call: u64) -> u64 {
        let mutations = self.by_return.get(&register).map_or(&[][..], Vec::as_slice);
        let returned = mutations.partition_point(|(ret, _)| *ret < call);
        returned.checked_sub(1).map_or(0, |last| mutations[last].1)
    }
}

/// The registers of which nothing older can be seen afterwards.
fn covered<'h>(act: &Act<'h>) -> Vec<RegisterName<'h>> {
    match act {
        Act::Parts(parts) => parts
            .iter()
            .filter_map(|part| match *part {
                Part::Write(register, _) => Some(register),
                Part::Read(..) => None,
            })
            .collect(),
        Act::Text(Edit::Put(_)) => vec![None],
        Act::Text(Edit::Append(_) | Edit::Get(_) | Edit::Nothing) => Vec::new(),
    }
}

/// Observers of one value, or of a text, in the order of their calls.
type Watch<'h> = Vec<Observer<'h>>;

struct Observer<'h> {
    id: OpId,
    call: u64,
    ret: u64,
    /// What returned before this position it does not see. Never decreases along a watch.
    blind_before: u64,
    /// Of it and those before it the last return, and whose.
    last_return: (u64, OpId),
    text: &'h str,
}

/// A set of observers.
pub(crate) struct Visibility<'h> {
    values: BTreeMap<(RegisterName<'h>, &'h Value), Watch<'h>>,
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
        let mut visibility = Self {
            values: BTreeMap::new(),
            texts: Vec::new(),
        };
        for (item, act) in observers {
            match act {
                Act::Parts(parts) => {
                    for part in parts {
                        if let Part::Read(register, value) = *part {
                            let observer = Observer::new(covers, item, register, "");
                            let watch = visibility.values.entry((register, value));
                            watch.or_default().push(observer);
                        }
                    }
                }
                Act::Text(Edit::Get(text)) => {
                    let observer = Observer::new(covers, item, None, text);
                    visibility.texts.push(observer);
                }
                Act::Text(Edit::Put(_) | Edit::Append(_) | Edit::Nothing) => {}
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
            Act::Text(Edit::Get(_) | Edit::Nothing) => None,
        }
    }
}

impl<'h> Observer<'h> {
    fn new(
        covers: &Covers<'h>,
        item: &Item<'h>,
        register: RegisterName<'h>,
        text: &'h str,
    ) -> Self {
        let call = item.operation.call;
        Self {
            id: item.id(),
            call,
            ret: item.ret(),
            blind_before: covers.before(register, call),
            last_return: (item.ret(), item.id()),
            text,
        }
    }
}

fn arrange(watch: &mut Watch<'_>) {
    watch.sort_by_key(|observer| observer.call);
    for at in 1..watch.len() {
        watch[at].last_return = watch[at].last_return.max(watch[at - 1].last_return);
    }
}

/// The observers that are not blind to a mutation.
fn within<'w, 'h>(watch: &'w [Observer<'h>], mutation: &Item<'_>) -> &'w [Observer<'h>] {
    &watch[..watch.partition_point(|observer| observer.blind_before <= mutation.ret())]
}
