//! Leaves out and weakens operations as long as the rest stays illegal.
//!
//! Each step only ever weakens, so a step that once made an order possible does so for good. But what was not allowed before, because
//! an operation might have seen the mutation, can be allowed once that operation is gone: therefore rounds, until one changes nothing.

use std::collections::BTreeSet;
use std::ops::Range;

use super::judge::{Judge, Left};
use crate::certify::meaning::{Act, Item, Object};
use crate::certify::needs::Needs;
use crate::certify::visibility::{Covers, Visibility};
use crate::counterexample::{Effect, Presence, Weakened};
use crate::history::{OpId, Outcome};
use crate::value::Value;
use crate::verdict::Violation;

/// How many links of a chain of compare-and-sets are followed, one after the other, before all mutations stay.
const MAX_LINKS: usize = 16;

/// How often what is kept is asked what it needs, before all mutations stay.
const MAX_ROUNDS: usize = 256;

/// How many operations are tried first.
const FIRST_WINDOW: usize = 16;

pub(super) struct Shrink<'a, 'h> {
    object: &'a Object<'h>,
    judge: Judge<'a, 'h>,
    /// Illegal, in the order of the object.
    left: Vec<Left>,
}

impl<'a, 'h> Shrink<'a, 'h> {
    /// With everything that says anything still there.
    pub(super) fn new(object: &'a Object<'h>, judge: Judge<'a, 'h>) -> Self {
        Self {
            left: (0..object.items.len())
                .filter_map(|at| whole(object, at))
                .collect(),
            object,
            judge,
        }
    }

    pub(super) fn operations(&self) -> Vec<Weakened> {
        self.left.iter().map(|left| left.weakened).collect()
    }

    /// Jumps to what the engine pointed at, if that is enough: the operations of its contradiction, or with them the last few before
    /// the one that could not be placed, or twice as many, and so on.
    pub(super) fn start(&mut self, violation: &Violation) {
        let mut named: BTreeSet<OpId> = violation.anomaly.operations.iter().copied().collect();
        named.insert(violation.operation);
        let end = self
            .item_of(violation.operation)
            .map_or(u64::MAX, Item::ret);
        let called = |left: &Left| self.item(left).operation.call < end;
        let until = self.left.partition_point(called);
        let mut size = 0;
        while size < 2 * until && !self.judge.is_over() {
            let last = until.saturating_sub(size)..until;
            let last: Vec<usize> = self.left[last].iter().map(|left| left.at).collect();
            let keep = |left: &Left| {
                named.contains(&left.weakened.id) || last.binary_search(&left.at).is_ok()
            };
            let starts = [
                self.closed(&self.left, keep, |one| self.write_only(one).unwrap_or(*one)),
                self.closed(&self.left, keep, |one| *one),
            ];
            for start in starts.into_iter().flatten() {
                if start.len() < self.left.len() && self.try_out(start) {
                    return;
                }
            }
            size = (2 * size).max(FIRST_WINDOW);
        }
    }

    /// Whether nothing more can go.
    pub(super) fn run(&mut self) -> bool {
        loop {
            let before = self.left.clone();
            self.judge.unanswered = 0;
            self.drop_by_chunks();
            self.drop_by_value();
            self.weaken_by_chunks();
            self.weaken_each();
            if self.judge.is_over() {
                return false;
            }
            if self.left == before {
                return self.judge.unanswered == 0;
            }
        }
    }

    fn drop_by_chunks(&mut self) {
        self.by_chunks(|shrink, range| {
            // They are in order, so a range of them is a range of the object.
            let [first, last] = [range.start, range.end - 1].map(|place| shrink.left[place].at);
            let kept = |left: &Left| !(first..=last).contains(&left.at);
            let candidate = shrink.closed(&shrink.left, kept, |one| *one)?;
            (candidate.len() < shrink.left.len()).then_some(candidate)
        });
    }

    /// What is put in and what takes it out need each other, so they go together.
    fn drop_by_value(&mut self) {
        let values = self
            .left
            .iter()
            .filter_map(|left| self.item(left).act.value());
        for value in values.collect::<BTreeSet<&Value>>() {
            if self.judge.is_over() {
                return;
            }
            let other = |left: &Left| self.item(left).act.value() != Some(value);
            let candidate = self.closed(&self.left, other, |one| *one);
            if let Some(candidate) = candidate.filter(|one| one.len() < self.left.len()) {
                self.try_out(candidate);
            }
        }
    }

    fn weaken_by_chunks(&mut self) {
        self.by_chunks(|shrink, range| {
            let mut candidate = shrink.left.clone();
            for one in &mut candidate[range] {
                *one = shrink.write_only(one).unwrap_or(*one);
            }
            (candidate != shrink.left).then_some(candidate)
        });
    }

    /// Changes halves, quarters, … and single operations, from the last to the first, so that an early contradiction stays.
    fn by_chunks(&mut self, change: impl Fn(&Self, Range<usize>) -> Option<Vec<Left>>) {
        let mut size = self.left.len();
        while size > 0 && !self.judge.is_over() {
            let mut end = self.left.len();
            while end > 0 && !self.judge.is_over() {
                let from = end.saturating_sub(size);
                if let Some(candidate) = change(self, from..end) {
                    self.try_out(candidate);
                }
                end = from.min(self.left.len());
            }
            size = size.min(self.left.len()) / 2;
        }
    }

    fn weaken_each(&mut self) {
        for place in 0..self.left.len() {
            if self.judge.is_over() {
                return;
            }
            self.make_optional(place);
            self.call_earlier(place);
            self.return_later(place);
        }
    }

    fn make_optional(&mut self, place: usize) {
        let one = self.left[place].weakened;
        if one.presence == Presence::Mandatory {
            let optional = Weakened {
                presence: Presence::Optional,
                ret: None,
                ..one
            };
            self.try_at(place, optional);
        }
    }

    /// The earliest call that is enough: right after one of the returns before it, or at the start.
    fn call_earlier(&mut self, place: usize) {
        let one = self.left[place].weakened;
        let mut earlier: Vec<u64> = self
            .others(place)
            .filter_map(|other| other.ret)
            .filter(|&ret| ret < one.call)
            .map(|ret| ret + 1)
            .collect();
        earlier.push(0);
        earlier.sort_unstable();
        let reach = |call| Weakened { call, ..one };
        self.weakest(place, &earlier, reach);
    }

    /// The latest return that is enough: right before one of the calls after it, or never.
    fn return_later(&mut self, place: usize) {
        let one = self.left[place].weakened;
        let Some(ret) = one.ret else {
            return;
        };
        let mut later: Vec<Option<u64>> = self
            .others(place)
            .filter(|other| other.call > ret)
            .map(|other| Some(other.call - 1))
            .collect();
        later.sort_unstable_by(|a, b| b.cmp(a));
        later.insert(0, None);
        let reach = |ret| Weakened { ret, ..one };
        self.weakest(place, &later, reach);
    }

    /// Of steps that go from the weakest to the strongest, the last of which changes nothing, the weakest that stays illegal.
    fn weakest<T: Copy>(&mut self, place: usize, steps: &[T], make: impl Fn(T) -> Weakened) {
        let (mut legal, mut illegal) = (0, steps.len() - 1);
        while legal < illegal {
            let middle = usize::midpoint(legal, illegal);
            if self.try_at(place, make(steps[middle])) {
                illegal = middle;
            } else {
                legal = middle + 1;
            }
        }
        self.left[place].weakened = make(steps[illegal]);
    }

    fn others(&self, place: usize) -> impl Iterator<Item = Weakened> {
        let others = self.left.iter().enumerate();
        others
            .filter(move |(other, _)| *other != place)
            .map(|(_, left)| left.weakened)
    }

    fn try_at(&mut self, place: usize, weakened: Weakened) -> bool {
        let mut candidate = self.left.clone();
        candidate[place].weakened = weakened;
        self.try_out(candidate)
    }

    fn try_out(&mut self, candidate: Vec<Left>) -> bool {
        let illegal = self.judge.is_illegal(&candidate);
        if illegal {
            self.left = candidate;
        }
        illegal
    }

    /// What is kept, with all mutations of `from` that it may have seen, weakened, and what those may have seen, and so on. `None` if the
    /// budget ends.
    fn closed(
        &self,
        from: &[Left],
        keep: impl Fn(&Left) -> bool,
        weaken: impl Fn(&Left) -> Left,
    ) -> Option<Vec<Left>> {
        let (mut kept, mut out): (Vec<Left>, Vec<Left>) = from.iter().partition(|left| keep(left));
        out.retain(|left| self.item(left).act.is_mutation());
        if self.object.shows_last() {
            self.add_seen(from, &mut kept, out, weaken)?;
        } else {
            self.add_needed(&mut kept, out, weaken)?;
        }
        kept.sort_unstable_by_key(|left| left.at);
        Some(kept)
    }

    fn add_seen(
        &self,
        from: &[Left],
        kept: &mut Vec<Left>,
        mut out: Vec<Left>,
        weaken: impl Fn(&Left) -> Left,
    ) -> Option<()> {
        // The mutation that hides others from an observer can be seen by that observer, so it stays.
        let covers = Covers::new(from.iter().map(|left| self.item(left)));
        let mut new = 0;
        for link in 0.. {
            if self.judge.is_over() {
                return None;
            }
            let acts: Vec<(&Item<'h>, Act<'h>)> = kept[new..]
                .iter()
                .map(|left| {
                    let item = self.item(left);
                    (item, self.object.counted(item, &left.weakened))
                })
                .filter(|(_, act)| act.is_observation())
                .collect();
            let visibility = Visibility::new(&covers, acts.iter().map(|(item, act)| (*item, act)));
            let (seen, unseen): (Vec<Left>, Vec<Left>) = out
                .into_iter()
                .partition(|left| link == MAX_LINKS || visibility.of(self.item(left)).is_some());
            out = unseen;
            new = kept.len();
            kept.extend(seen.iter().map(&weaken));
            if seen.is_empty() || out.is_empty() {
                break;
            }
        }
        Some(())
    }

    fn add_needed(
        &self,
        kept: &mut Vec<Left>,
        mut out: Vec<Left>,
        weaken: impl Fn(&Left) -> Left,
    ) -> Option<()> {
        for round in 0.. {
            if self.judge.is_over() {
                return None;
            }
            let acts: Vec<(&Item<'h>, &Weakened, Act<'h>)> = kept
                .iter()
                .map(|left| {
                    let item = self.item(left);
                    (
                        item,
                        &left.weakened,
                        self.object.counted(item, &left.weakened),
                    )
                })
                .collect();
            let needs = Needs::new(
                self.object,
                acts.iter().map(|(item, one, act)| (*item, *one, act)),
            );
            let (needed, rest): (Vec<Left>, Vec<Left>) = out
                .into_iter()
                .partition(|left| round == MAX_ROUNDS || needs.of(self.item(left)).is_some());
            kept.extend(needed.iter().map(&weaken));
            if needed.is_empty() || rest.is_empty() {
                break;
            }
            out = rest;
        }
        Some(())
    }

    /// Without what it saw, if it saw anything and wrote something.
    fn write_only(&self, left: &Left) -> Option<Left> {
        let act = self.object.counted(self.item(left), &left.weakened);
        let write_only = act.write_only();
        // An insert that changed nothing is one that may have, too.
        (write_only.is_mutation() && write_only != act).then_some(Left {
            weakened: Weakened {
                effect: Effect::WriteOnly,
                ..left.weakened
            },
            ..*left
        })
    }

    fn item(&self, left: &Left) -> &'a Item<'h> {
        &self.object.items[left.at]
    }

    fn item_of(&self, id: OpId) -> Option<&'a Item<'h>> {
        self.object.items.iter().find(|item| item.id() == id)
    }
}

/// An operation as the history has it; `None` if it says nothing.
fn whole(object: &Object<'_>, at: usize) -> Option<Left> {
    let item = &object.items[at];
    let presence = match item.operation.outcome {
        Outcome::Ok => Presence::Mandatory,
        Outcome::Info => Presence::Optional,
        Outcome::Fail => return None,
    };
    let says_something =
        item.act.is_mutation() || presence == Presence::Mandatory && item.act.is_observation();
    says_something.then_some(Left {
        at,
        weakened: Weakened {
            id: item.id(),
            call: item.operation.call,
            ret: item
                .operation
                .ret
                .filter(|_| presence == Presence::Mandatory),
            presence,
            effect: Effect::Whole,
        },
    })
}
