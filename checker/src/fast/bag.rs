//! Unordered queues: a removal takes any element.
//!
//! *Nobody found it empty.* Then values concern only themselves, and it does not matter which of equal elements a removal takes.
//! Put every insertion at its call and every mandatory removal at its return: no order has, up to any position, more insertions or
//! fewer removals. So there is an order if and only if in this one no removal lacks its element, and the first one that does is the
//! first failure. What a removal of unknown result took can only be missing, so it is left out.
//!
//! *Somebody did.* Then what is removed must have been inserted once. As elements do not get into each other's way, it is enough
//! that each by itself fits ([`elements`](super::elements)) and the removals that found nothing find their [`cuts`](super::cuts).

use super::cuts::Cuts;
use super::elements::{Access, Contents, Element, Elements};
use super::order::Order;
use super::theory::{Failure, Inapplicable, Judgement, Stop, Theory, Timed};
use crate::budget::Watch;
use crate::history::OpId;

/// A queue in no order.
pub(crate) struct Bag(pub(crate) Contents);

impl Theory for Bag {
    type Action = Access;

    fn judge(&self, operations: &[Timed<Access>], watch: &Watch<'_>) -> Result<Judgement, Stop> {
        if !finds_empty(operations) {
            return Ok(count(operations, &self.0));
        }
        let elements = Elements::new(operations, &self.0)?;
        watch.look()?;
        Ok(match Cuts::new(&elements.list, operations) {
            Ok(cuts) if elements.contradiction.is_none() => {
                Judgement::Legal(order(&elements.list, &cuts, operations))
            }
            cuts => elements.illegal(cuts.err(), true),
        })
    }

    fn room(&self) -> u64 {
        self.0.initial.len() as u64
    }

    fn doubt(&self, operations: &[Timed<Access>]) -> Option<Inapplicable> {
        finds_empty(operations)
            .then(|| Contents::doubt(operations))
            .flatten()
    }
}

fn finds_empty(operations: &[Timed<Access>]) -> bool {
    operations
        .iter()
        .any(|one| one.action == Access::FindEmpty && one.is_mandatory())
}

/// Every insertion as early, every removal as late as can be.
fn count(operations: &[Timed<Access>], contents: &Contents) -> Judgement {
    let mut held = vec![0_u32; contents.values];
    for value in &contents.initial {
        held[*value as usize] += 1;
    }
    let mut moves: Vec<(u64, u32)> = (0..)
        .zip(operations)
        .filter_map(|(number, one)| match one.action {
            Access::Insert(_) => Some((one.call, number)),
            Access::Remove(_) => one.is_mandatory().then_some((one.ret, number)),
            Access::RemoveUnknown | Access::FindEmpty => None,
        })
        .collect();
    moves.sort_unstable();
    for (position, number) in &moves {
        match operations[*number as usize].action {
            Access::Insert(value) => held[value as usize] += 1,
            Access::Remove(value) => match held[value as usize].checked_sub(1) {
                Some(left) => held[value as usize] = left,
                None => return Judgement::Illegal(Failure::First(*position)),
            },
            Access::RemoveUnknown | Access::FindEmpty => {}
        }
    }
    let id = |(_, number): &(u64, u32)| operations[*number as usize].id;
    Judgement::Legal(moves.iter().map(id).collect())
}

/// Each element as early in its phase as can be.
fn order(elements: &[Element], cuts: &Cuts, operations: &[Timed<Access>]) -> Vec<OpId> {
    let mut order = Order::with_capacity(operations.len());
    let mut place = |element: &Element, from: u64, operation: Option<u32>| {
        let phase = cuts.phase(element);
        let point = from.max(cuts.start(phase));
        if let Some(operation) = operation {
            order.place(point, cuts.side(phase, point), operation);
        }
    };
    for element in elements {
        place(element, element.enter_from, element.insertion);
        place(element, element.leave_from, element.removal);
    }
    cuts.place(&mut order);
    order.finish(operations)
}
