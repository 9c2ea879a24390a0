//! Counters to which everybody adds the same amount.
//!
//! A read then tells how many additions came before it. Let the k-th addition, in order, have a *slot* k with a window \[`from`,
//! `until`\]: `from` is the greatest call of a read that counted less than k, `until` the least return of one that counted k or
//! more. Neither falls as k grows. Let m be the largest count; behind slot m windows do not end.
//!
//! **Theorem.** There is an order if and only if every window of the first m is one (`from` ≤ `until`), and the additions can be
//! given different slots, every mandatory one some slot and the first m slots all one, such that each addition's interval meets its
//! slot's window.
//!
//! *Proof.* In an order with points, the k-th addition has its point in both. Conversely give each addition the point max(own call,
//! `from`), which is in both, and sort: the k-th point then is in the k-th window. For a point before `from`(k) comes from a slot
//! less than k, as windows do not fall, and there are k − 1 of those; and a point behind `until`(k) comes from a slot greater than
//! k. A read that counted k fits between the points k and k + 1: `until`(k) is at most its return, and its call at most `from`(k +
//! 1). ∎
//!
//! As windows do not fall, an addition meets the windows of a range of slots: those from the first with `until` ≥ its call to the
//! last with `from` ≤ its return. For jobs of one unit that each have a first and a last slot, taking in each slot the job whose
//! last slot is nearest finds an assignment if there is one (Jackson 1955: exchange any other choice).
//!
//! *A failure.* (1) A read of what no number of additions makes: its return. (2) A window k that ends before it begins: a read that
//! began behind the return of a larger one; its return. (3) No job for slot k: fewer than k additions were called by `until`(k),
//! which is a return. (4) A job missed its last slot d: too many additions, called behind `until`(s − 1) for some s and returned
//! before `from`(d + 1), for the slots s … d. The return of the read that gives `from`(d + 1) shows all of that. Each bounds the
//! first failure.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::order::{Order, Side};
use super::theory::{Failure, Inapplicable, Judgement, Stop, Theory, Timed};
use crate::budget::Watch;
use crate::history::OpId;
use crate::models::machine::NEVER;

/// What an operation does to a counter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Count {
    Add(i128),
    Read(i128),
}

/// A counter and where it starts.
pub(crate) struct Counter {
    pub(crate) initial: i128,
}

impl Theory for Counter {
    type Action = Count;

    fn judge(&self, operations: &[Timed<Count>], watch: &Watch<'_>) -> Result<Judgement, Stop> {
        let amount = amount(operations)?;
        let reads = self.reads(operations, amount);
        watch.look()?;
        let placed = reads.and_then(|reads| {
            let additions = additions(operations);
            let points = Slots::new(&reads, additions.len())?.assign(&additions)?;
            Ok((points, reads))
        });
        watch.look()?;
        Ok(match placed {
            Ok((points, reads)) => Judgement::Legal(order(operations, &points, &reads)),
            Err(position) => Judgement::Illegal(Failure::NoLaterThan(position)),
        })
    }
}

/// What everybody adds.
fn amount(operations: &[Timed<Count>]) -> Result<i128, Inapplicable> {
    let mut amounts = operations.iter().filter_map(|one| match one.action {
        Count::Add(amount) => (amount != 0).then_some(amount),
        Count::Read(_) => None,
    });
    let first = amounts.next().unwrap_or(1);
    if amounts.any(|amount| amount != first) {
        return Err(Inapplicable("different amounts are added"));
    }
    Ok(first)
}

/// A read and how many additions came before it.
#[derive(Clone, Copy)]
struct Read {
    count: usize,
    call: u64,
    ret: u64,
    operation: u32,
}

/// An addition that is not of nothing.
#[derive(Clone, Copy)]
struct Addition {
    call: u64,
    ret: u64,
    operation: u32,
}

impl Counter {
    /// The reads by count and call, or the first return of one that counted a fraction, or more than there are.
    fn reads(&self, operations: &[Timed<Count>], amount: i128) -> Result<Vec<Read>, u64> {
        let mut reads = Vec::new();
        let mut impossible = NEVER;
        for (number, one) in (0..).zip(operations) {
            let Count::Read(value) = one.action else {
                continue;
            };
            if !one.is_mandatory() {
                continue;
            }
            let difference = value - self.initial;
            let (count, rest) = (difference / amount, difference % amount);
            match usize::try_from(count) {
                Ok(count) if rest == 0 && count <= operations.len() => reads.push(Read {
                    count,
                    call: one.call,
                    ret: one.ret,
                    operation: number,
                }),
                Ok(_) | Err(_) => impossible = impossible.min(one.ret),
            }
        }
        if impossible != NEVER {
            return Err(impossible);
        }
        reads.sort_unstable_by_key(|read| (read.count, read.call));
        Ok(reads)
    }
}

fn additions(operations: &[Timed<Count>]) -> Vec<Addition> {
    (0..)
        .zip(operations)
        .filter_map(|(number, one)| match one.action {
            Count::Read(_) | Count::Add(0) => None,
            Count::Add(_) => Some(Addition {
                call: one.call,
                ret: one.ret,
                operation: number,
            }),
        })
        .collect()
}

/// When each addition, in order, may take place. The first slot is number 1; behind the last one all is free.
struct Slots {
    windows: Vec<Window>,
    /// Of the slots behind.
    free_from: u64,
    /// The return of the read that began at `free_from`.
    free_shown: u64,
}

#[derive(Clone, Copy)]
struct Window {
    from: u64,
    until: u64,
    /// The return of the read that began at `from`.
    shown: u64,
}

impl Slots {
    /// From reads by count; or a return by which there are not enough additions, or a window ends before it begins.
    fn new(reads: &[Read], additions: usize) -> Result<Self, u64> {
        let most = reads.last().map_or(0, |read| read.count);
        if most > additions {
            let more = reads.iter().filter(|read| read.count > additions);
            return Err(more.map(|read| read.ret).min().unwrap_or(NEVER));
        }
        let unbound = Window {
            from: 0,
            until: NEVER,
            shown: 0,
        };
        let mut windows = vec![unbound; most];
        let (mut from, mut shown) = (0, 0);
        for (at, read) in reads.iter().enumerate() {
            if read.call > from {
                (from, shown) = (read.call, read.ret);
            }
            let next = reads.get(at + 1).map_or(read.count, |read| read.count);
            for window in &mut windows[read.count..next] {
                (window.from, window.shown) = (from, shown);
            }
        }
        let mut until = NEVER;
        let mut end = most;
        for read in reads.iter().rev() {
            windows[read.count..end]
                .iter_mut()
                .for_each(|window| window.until = until);
            end = read.count;
            until = until.min(read.ret);
        }
        windows[..end]
            .iter_mut()
            .for_each(|window| window.until = until);
        let slots = Self {
            windows,
            free_from: from,
            free_shown: shown,
        };
        slots.checked()
    }

    fn checked(self) -> Result<Self, u64> {
        let mut windows = self.windows.iter();
        match windows.find(|window| window.from > window.until) {
            Some(window) => Err(window.shown),
            None => Ok(self),
        }
    }

    /// The points of additions in order, or a return by which they do not fit.
    fn assign(&self, additions: &[Addition]) -> Result<Vec<(u64, u32)>, u64> {
        let mut points = Vec::with_capacity(additions.len());
        let mut waiting = BinaryHeap::new();
        let mut called = additions.iter().peekable();
        for (slot, window) in self.windows.iter().enumerate() {
            while let Some(addition) = called.next_if(|one| one.call <= window.until) {
                waiting.push(Reverse(self.job(addition)));
            }
            let Some(Reverse((end, call, operation))) = waiting.pop() else {
                return Err(window.until);
            };
            if end <= slot {
                return Err(self.shown(end));
            }
            points.push((window.from.max(call), operation));
        }
        let late = called.map(|addition| Reverse(self.job(addition)));
        for Reverse((end, call, operation)) in waiting.into_iter().chain(late) {
            if end <= self.windows.len() {
                return Err(self.shown(end));
            }
            points.push((self.free_from.max(call), operation));
        }
        points.sort_unstable();
        Ok(points)
    }

    /// The first slot, counted from 0, whose window begins behind the addition, with its call and number.
    fn job(&self, addition: &Addition) -> (usize, u64, u32) {
        let met = |window: &Window| window.from <= addition.ret;
        let end = if self.free_from <= addition.ret {
            usize::MAX
        } else {
            self.windows.partition_point(met)
        };
        (end, addition.call, addition.operation)
    }

    /// The return of the read that began at the beginning of a slot.
    fn shown(&self, slot: usize) -> u64 {
        self.windows
            .get(slot)
            .map_or(self.free_shown, |window| window.shown)
    }
}

/// The additions at their points, and between them the reads.
fn order(operations: &[Timed<Count>], points: &[(u64, u32)], reads: &[Read]) -> Vec<OpId> {
    let mut order = Order::with_capacity(operations.len());
    for (number, one) in (0..).zip(operations) {
        if one.action == Count::Add(0) {
            order.place(one.call, Side::At, number);
        }
    }
    let mut reads = reads.iter().peekable();
    let mut place_reads = |order: &mut Order, count: usize, behind: u64| {
        while let Some(read) = reads.next_if(|read| read.count == count) {
            order.place(read.call.max(behind), Side::At, read.operation);
        }
    };
    place_reads(&mut order, 0, 0);
    for (count, (point, operation)) in points.iter().enumerate() {
        order.place(*point, Side::At, *operation);
        place_reads(&mut order, count + 1, *point);
    }
    order.finish(operations)
}
