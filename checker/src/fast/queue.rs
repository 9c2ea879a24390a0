//! Queues: first in, first out.
//!
//! An order of the operations is a queue's if and only if elements leave in the order in which they enter, none before it entered
//! (and removals that found nothing stand where nothing is inside: [`cuts`](super::cuts)). Say that u must precede v if
//! `enter_by`(u) < `enter_from`(v) or `leave_by`(u) < `leave_from`(v): in both cases real time has u first, at the entrance or at
//! the exit.
//!
//! **Theorem.** If no two elements must precede each other, there is an order.
//!
//! *Proof.* Of the elements left let a be the one with the least `enter_by` and b the one with the least `leave_by`. None left must
//! precede a at the entrance, since even a's own `enter_by` is not less than its `enter_from`; none left must precede b at the
//! exit. If one must precede a at the exit, b does: `leave_by`(b) < `leave_from`(a). If one must precede b at the entrance, a does:
//! `enter_by`(a) < `enter_from`(b). If both were so, a and b must precede each other. So a or b can go next. Repeat. Let every
//! insertion have the point max(own `enter_from`, point before) in this order; as nobody is before someone who must precede him, no
//! point is behind `enter_by`. Likewise for removals with `leave_from`; and as no `leave_from` is less than the same element's
//! `enter_from`, no removal has a point before its insertion's. ∎
//!
//! *Cuts.* If u must precede v, u's phase is not behind v's: `enter_by`(u) < `leave_from`(v) ≤ t in both cases, where t is the cut
//! that ends the phase of v; t is not inside u's zone, so `leave_from`(u) ≤ t. So the order may go phase by phase, which ends each
//! with an empty queue.
//!
//! *The first failure.* Let u and v precede each other, u at the entrance. Had u's removal returned before its insertion, it would
//! be `leave_by`(u) < `enter_from`(v) ≤ `leave_by`(v) < `leave_from`(u). So u's insertion returned before v's was called, and as
//! soon as v's removal has returned there is the contradiction, whatever becomes of u later; and not before, as until then v may
//! still leave at infinity. So the first failure is the least `leave_by` of such a v.
//!
//! Compare Henzinger, Sezgin and Vafeiadis, "Aspect-oriented linearizability proofs" (CONCUR 2013), where the same four violations
//! are those of queues without pending operations, and Lee and Mathur (OOPSLA 2025) for the time of a sort.

use super::cuts::Cuts;
use super::elements::{Access, Contents, Element, Elements};
use super::order::Order;
use super::theory::{Inapplicable, Judgement, Stop, Theory, Timed};
use crate::budget::Watch;
use crate::history::OpId;

/// First in, first out.
pub(crate) struct Queue(pub(crate) Contents);

impl Theory for Queue {
    type Action = Access;

    fn judge(&self, operations: &[Timed<Access>], watch: &Watch<'_>) -> Result<Judgement, Stop> {
        let elements = Elements::new(operations, &self.0)?;
        watch.look()?;
        let cuts = Cuts::new(&elements.list, operations);
        if let (None, Ok(cuts)) = (elements.contradiction, &cuts)
            && let Some(order) = order(&elements.list, cuts, operations)
        {
            return Ok(Judgement::Legal(order));
        }
        watch.look()?;
        let zones = [cuts.err(), first_overtaking(&elements.list)];
        Ok(elements.illegal(zones.into_iter().flatten().min(), true))
    }

    fn room(&self) -> u64 {
        self.0.initial.len() as u64
    }

    fn doubt(&self, operations: &[Timed<Access>]) -> Option<Inapplicable> {
        Contents::doubt(operations)
    }
}

/// All operations in order, `None` if two elements must precede each other.
fn order(elements: &[Element], cuts: &Cuts, operations: &[Timed<Access>]) -> Option<Vec<OpId>> {
    let line = line(elements, cuts)?;
    let mut order = Order::with_capacity(operations.len());
    let mut point = 0;
    for (phase, element) in &line {
        point = point.max(cuts.start(*phase)).max(element.enter_from);
        if let Some(insertion) = element.insertion {
            order.place(point, cuts.side(*phase, point), insertion);
        }
    }
    point = 0;
    for (phase, element) in &line {
        point = point.max(cuts.start(*phase)).max(element.leave_from);
        if let Some(removal) = element.removal {
            order.place(point, cuts.side(*phase, point), removal);
        }
    }
    cuts.place(&mut order);
    Some(order.finish(operations))
}

/// The elements as they stand in line, with their phases.
fn line<'e>(elements: &'e [Element], cuts: &Cuts) -> Option<Vec<(u32, &'e Element)>> {
    let phases: Vec<u32> = elements.iter().map(|one| cuts.phase(one)).collect();
    let by_entrance = sorted(elements, |at, one| (phases[at], one.enter_by));
    let by_exit = sorted(elements, |at, one| (phases[at], one.leave_by));
    let mut gone = vec![false; elements.len()];
    let (mut entrance, mut exit) = (0, 0);
    let mut line = Vec::with_capacity(elements.len());
    for _ in elements {
        let first = skip(&by_entrance, &mut entrance, &gone);
        let last = skip(&by_exit, &mut exit, &gone);
        let (a, b) = (&elements[first], &elements[last]);
        let next = if a.leave_from <= b.leave_by {
            first
        } else if b.enter_from <= a.enter_by {
            last
        } else {
            return None;
        };
        gone[next] = true;
        line.push((phases[next], &elements[next]));
    }
    Some(line)
}

/// The numbers of the elements, by a key.
fn sorted<K: Ord>(elements: &[Element], key: impl Fn(usize, &Element) -> K) -> Vec<u32> {
    let mut keys: Vec<(K, u32)> = (0..)
        .zip(elements)
        .map(|(number, element)| (key(number as usize, element), number))
        .collect();
    keys.sort_unstable();
    keys.into_iter().map(|(_, number)| number).collect()
}

/// The next one that is not gone.
fn skip(numbers: &[u32], at: &mut usize, gone: &[bool]) -> usize {
    while gone[numbers[*at] as usize] {
        *at += 1;
    }
    numbers[*at] as usize
}

/// The first return of a removal whose element left before one that must precede it.
fn first_overtaking(elements: &[Element]) -> Option<u64> {
    let by_enter_by = sorted(elements, |_, one| one.enter_by);
    let by_enter_from = sorted(elements, |_, one| one.enter_from);
    let mut entered = by_enter_by
        .iter()
        .map(|number| &elements[*number as usize])
        .peekable();
    let mut stays_until = 0;
    let mut first: Option<u64> = None;
    for number in by_enter_from {
        let element = &elements[number as usize];
        while let Some(before) = entered.next_if(|one| one.enter_by < element.enter_from) {
            stays_until = stays_until.max(before.leave_from);
        }
        if element.leave_by < stays_until {
            first = Some(first.map_or(element.leave_by, |least| least.min(element.leave_by)));
        }
    }
    first
}
