//! Insertions matched with removals.
//!
//! If what is removed was inserted once, it is known which removal took which element. An element then is four positions: it is
//! inserted within \[`enter_from`, `enter_by`\] and removed within \[`leave_from`, `leave_by`\]. These intervals are those of the
//! two operations, cut where the insertion would be behind the return of the removal, or the removal before the call of the
//! insertion. Who stays is removed at infinity. The open interval from `enter_by` to `leave_from`, if it is one, is the element's
//! *zone*: there it is certainly inside.
//!
//! - A removal of what nobody had inserted by its return is illegal, and so is a second removal of the same element.
//! - An optional insertion that no mandatory operation took from is left out: the element would only be in the way.
//! - An optional insertion of what a mandatory removal took did take place, at any time up to that removal's return.
//! - An optional removal is treated as one that may happen at infinity, behind everything else; there it does not take place. Next
//!   to a mandatory removal it is left out; of several optional ones the one called first is kept, as its interval contains the
//!   others'.
//!
//! All of this is the same in every prefix of the history, with one exception: an optional removal that is left out for a mandatory
//! one, although it was called earlier, counts in the prefixes without that mandatory one's return. So before that position the
//! element's zone is shorter than it is behind, and what contradicts a zone there is no contradiction in the prefix.
//! [`Elements::illegal`] says so.

use super::theory::{Failure, Inapplicable, Judgement, Timed};
use crate::models::machine::NEVER;

/// A value, as a small number.
pub(crate) type ValueId = u32;

/// What an operation does to an object that things are put into and taken from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    Insert(ValueId),
    Remove(ValueId),
    /// A removal of which nobody knows what it took.
    RemoveUnknown,
    /// A removal that found nothing.
    FindEmpty,
}

/// What there was initially, and how many values there are in all.
#[derive(Clone, Debug)]
pub(crate) struct Contents {
    /// In the order in which they were inserted.
    pub(crate) initial: Vec<ValueId>,
    pub(crate) values: usize,
}

impl Contents {
    /// Removals of unknown elements are left out, but may have made way.
    pub(super) fn doubt(operations: &[Timed<Access>]) -> Option<Inapplicable> {
        operations
            .iter()
            .any(|one| one.action == Access::RemoveUnknown)
            .then_some(Inapplicable("it is not known what some removal took"))
    }
}

/// A thing that was inserted once and removed once, or at infinity.
#[derive(Clone, Copy, Debug)]
pub(super) struct Element {
    pub(super) enter_from: u64,
    pub(super) enter_by: u64,
    pub(super) leave_from: u64,
    pub(super) leave_by: u64,
    /// `None` for what was there initially.
    pub(super) insertion: Option<u32>,
    pub(super) removal: Option<u32>,
}

impl Element {
    /// Whether there is a time at which it is certainly inside.
    pub(super) fn has_zone(&self) -> bool {
        self.enter_by < self.leave_from
    }
}

/// All that was inserted for certain.
pub(super) struct Elements {
    pub(super) list: Vec<Element>,
    /// The first return of a removal that cannot have taken what it took.
    pub(super) contradiction: Option<u64>,
    /// Behind this position zones are as they are in each prefix.
    certain_from: u64,
}

impl Elements {
    /// Initial elements are inserted at the positions from 0 on.
    pub(super) fn new(
        operations: &[Timed<Access>],
        contents: &Contents,
    ) -> Result<Self, Inapplicable> {
        let fates = fates(operations, contents);
        let mut elements = Self {
            list: Vec::new(),
            contradiction: fates.iter().filter_map(|fate| fate.second_removal).min(),
            certain_from: fates
                .iter()
                .filter_map(Fate::certain_from)
                .max()
                .unwrap_or(0),
        };
        for (position, value) in (0..).zip(&contents.initial) {
            elements.insert(None, [position; 2], &fates[*value as usize])?;
        }
        for (number, operation) in (0..).zip(operations) {
            if let Access::Insert(value) = operation.action {
                let interval = [operation.call, operation.ret];
                elements.insert(Some(number), interval, &fates[value as usize])?;
            }
        }
        for fate in fates.iter().filter(|fate| fate.insertions == 0) {
            let taken_by = fate.removal.map_or(NEVER, |removal| removal.ret);
            elements.contradict(taken_by);
        }
        Ok(elements)
    }

    fn insert(
        &mut self,
        insertion: Option<u32>,
        [call, ret]: [u64; 2],
        fate: &Fate,
    ) -> Result<(), Inapplicable> {
        if fate.removal.is_some() && fate.insertions > 1 {
            return Err(Inapplicable("a value that was removed was inserted twice"));
        }
        let removal_return = fate.removal.map_or(NEVER, |removal| removal.ret);
        if removal_return < call {
            self.contradict(removal_return);
        } else if ret.min(removal_return) != NEVER {
            self.list.push(Element {
                enter_from: call,
                enter_by: ret.min(removal_return),
                leave_from: fate.removal.map_or(NEVER, |removal| removal.call.max(call)),
                leave_by: removal_return,
                insertion,
                removal: fate.removal.map(|removal| removal.number),
            });
        }
        Ok(())
    }

    fn contradict(&mut self, position: u64) {
        if position != NEVER {
            self.contradiction = Some(self.contradiction.unwrap_or(NEVER).min(position));
        }
    }

    /// The judgement if zones contradict others, or are contradicted, no later than at a return: the first one where that is so, if
    /// it is `exact`.
    pub(super) fn illegal(&self, zones: Option<u64>, exact: bool) -> Judgement {
        let zones = zones.unwrap_or(NEVER);
        let proven = zones.max(self.certain_from);
        let contradiction = self.contradiction.unwrap_or(NEVER);
        let position = contradiction.min(proven);
        Judgement::Illegal(if exact && position <= zones {
            Failure::First(position)
        } else {
            Failure::NoLaterThan(position)
        })
    }
}

#[derive(Clone, Copy)]
struct Removal {
    number: u32,
    call: u64,
    ret: u64,
}

/// What became of a value.
#[derive(Clone, Copy, Default)]
struct Fate {
    insertions: u32,
    /// The one that counts.
    removal: Option<Removal>,
    /// Whether another one that was called earlier does not count.
    replaced: bool,
    /// The return of the second mandatory removal.
    second_removal: Option<u64>,
}

impl Fate {
    fn remove(&mut self, removal: Removal) {
        let Some(kept) = self.removal else {
            self.removal = Some(removal);
            return;
        };
        let later = kept.ret.max(removal.ret);
        if later != NEVER {
            self.second_removal = Some(self.second_removal.unwrap_or(NEVER).min(later));
        }
        if removal.ret < kept.ret {
            self.removal = Some(removal);
            self.replaced = true;
        }
    }

    fn certain_from(&self) -> Option<u64> {
        self.removal
            .filter(|_| self.replaced)
            .map(|removal| removal.ret)
    }
}

/// The fate of each value, from operations in the order of their calls.
fn fates(operations: &[Timed<Access>], contents: &Contents) -> Vec<Fate> {
    let mut fates = vec![Fate::default(); contents.values];
    for value in &contents.initial {
        fates[*value as usize].insertions += 1;
    }
    for (number, operation) in (0..).zip(operations) {
        match operation.action {
            Access::Insert(value) => fates[value as usize].insertions += 1,
            Access::Remove(value) => fates[value as usize].remove(Removal {
                number,
                call: operation.call,
                ret: operation.ret,
            }),
            Access::RemoveUnknown | Access::FindEmpty => {}
        }
    }
    fates
}
