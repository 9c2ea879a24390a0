//! Stacks: last in, first out.
//!
//! In an order of the operations every element is inside from its push to its pop. The order is a stack's if and only if these
//! spans are nested or disjoint (and removals that found nothing stand where nothing is inside: [`cuts`](super::cuts)).
//!
//! An element without a zone is pushed and popped in one moment, at any position from `leave_from` to `enter_by`: both operations
//! have that position, and it is in nobody's way. Only the elements with a zone remain, and every span contains the zone.
//!
//! **Theorem.** Elements whose zones overlap, directly or through others, are a *cluster*. Let F be the least `enter_by` in it and
//! L the greatest `leave_from`. There is an order if and only if in each cluster some element has `enter_from` ≤ F and L ≤
//! `leave_by`, and there is an order of the rest of the cluster, whichever such element is taken out.
//!
//! *Proof.* (1) Clusters do not concern each other. From an order of all take one cluster, and move what happens before its F to F
//! and what happens behind its L to L, in the same order. No push passes its `enter_by`, no pop its `leave_from`, and the spans
//! remain nested. All clusters lie in disjoint intervals then, one after the other, and the positions between them, where removals
//! find nothing, remain free. (2) In an order of one cluster so moved, let v be pushed first. If v is not popped last, the stack is
//! empty between v's pop, at a point s, and the next push, at a point t ≥ s. It is F < s, as v's zone ends no later; and t < L, as
//! the zone of the next one begins no earlier. Zones overlap, so that some zone contains s, and the span of that element contains
//! the moment: it is not empty. So v is popped last, `enter_from`(v) ≤ F and L ≤ `leave_by`(v). (3) If v has both properties, take
//! it out of any order, push it at F and pop it at L around all others. The order remains one; and without v it is one of the rest.
//! ∎
//!
//! So the choice does not matter, and elements are taken out from the bottom up. Sorted by `enter_by` a cluster is a range. A tree
//! counts for each place how many zones of elements left contain its `enter_by`: where that is none, a cluster begins. Clusters
//! come in the order of their F, a cluster before its parts; so elements become fit to lie at a bottom, as F grows, in the order of
//! `enter_from`. All in all O(n log n).
//!
//! *A failure.* Take from a cluster without a bottom a chain of overlapping zones from F to L. It is a cluster without a bottom as
//! well, with the same F and L. It remains one in each prefix behind all its `enter_by`, which are returns of pushes (else there is
//! no zone), and behind the `leave_by` of those that F would allow at the bottom: what has not been popped by then only moves L
//! further. That bounds the first failure, and is nearly always it.
//!
//! The idea is that of Lee and Mathur (OOPSLA 2025, arXiv 2410.04581); Abdulla et al. (arXiv 2509.17795) tell which earlier
//! algorithms were wrong.

use super::coverage::{Coverage, Largest};
use super::cuts::Cuts;
use super::elements::{Access, Contents, Element, Elements};
use super::order::{Order, Side};
use super::theory::{Inapplicable, Judgement, Stop, Theory, Timed};
use crate::budget::Watch;
use crate::history::OpId;

/// Last in, first out.
pub(crate) struct Stack(pub(crate) Contents);

impl Theory for Stack {
    type Action = Access;

    fn judge(&self, operations: &[Timed<Access>], watch: &Watch<'_>) -> Result<Judgement, Stop> {
        let elements = Elements::new(operations, &self.0)?;
        watch.look()?;
        let cuts = match Cuts::new(&elements.list, operations) {
            Ok(cuts) if elements.contradiction.is_none() => cuts,
            cuts => return Ok(elements.illegal(cuts.err(), false)),
        };
        watch.look()?;
        Ok(match Nesting::new(&elements.list).nest() {
            Ok(moves) => Judgement::Legal(order(&elements.list, &moves, &cuts, operations)),
            Err(position) => elements.illegal(Some(position), false),
        })
    }

    fn room(&self) -> u64 {
        self.0.initial.len() as u64
    }

    fn doubt(&self, operations: &[Timed<Access>]) -> Option<Inapplicable> {
        Contents::doubt(operations)
    }
}

/// What happens to an element with a zone, and at which point.
enum Move<'e> {
    Push(u64, &'e Element),
    Pop(u64, &'e Element),
}

fn order(
    elements: &[Element],
    moves: &[Move<'_>],
    cuts: &Cuts,
    operations: &[Timed<Access>],
) -> Vec<OpId> {
    let mut order = Order::with_capacity(operations.len());
    let mut place = |point, side, operation: Option<u32>| {
        if let Some(operation) = operation {
            order.place(point, side, operation);
        }
    };
    for one in moves {
        match one {
            Move::Push(point, element) => place(*point, Side::Behind, element.insertion),
            Move::Pop(point, element) => place(*point, Side::Before, element.removal),
        }
    }
    for element in elements.iter().filter(|element| !element.has_zone()) {
        place(element.leave_from, Side::At, element.insertion);
        place(element.leave_from, Side::At, element.removal);
    }
    cuts.place(&mut order);
    order.finish(operations)
}

/// Elements with zones on their way into each other.
struct Nesting<'e> {
    /// By `enter_by`.
    elements: Vec<&'e Element>,
    coverage: Coverage,
    /// The `leave_from` of those left.
    ends: Largest,
    /// The `leave_by` of those left that may lie at the bottom of the cluster at hand, as far as F goes.
    fit: Largest,
    /// The places by `enter_from`, and how many of them are fit.
    by_enter_from: Vec<usize>,
    tried: usize,
    left: Vec<bool>,
}

/// What remains to be done, the next on top.
enum Task {
    /// Find and nest the clusters in a range.
    Nest(usize, usize),
    /// Pop the element at this place, at this point.
    Pop(usize, u64),
}

impl<'e> Nesting<'e> {
    fn new(elements: &'e [Element]) -> Self {
        let mut elements: Vec<&Element> = elements.iter().filter(|one| one.has_zone()).collect();
        elements.sort_unstable_by_key(|element| element.enter_by);
        let mut by_enter_from: Vec<usize> = (0..elements.len()).collect();
        by_enter_from.sort_unstable_by_key(|place| elements[*place].enter_from);
        let mut ends = Largest::new(elements.len());
        for (place, element) in elements.iter().enumerate() {
            ends.set(place, element.leave_from);
        }
        Self {
            coverage: Coverage::new(&counts(&elements)),
            ends,
            fit: Largest::new(elements.len()),
            by_enter_from,
            tried: 0,
            left: vec![true; elements.len()],
            elements,
        }
    }

    /// Pushes and pops in order, or a return that cannot be.
    fn nest(mut self) -> Result<Vec<Move<'e>>, u64> {
        let mut moves = Vec::with_capacity(2 * self.elements.len());
        let mut tasks = vec![Task::Nest(0, self.elements.len())];
        while let Some(task) = tasks.pop() {
            match task {
                Task::Pop(place, point) => moves.push(Move::Pop(point, self.elements[place])),
                Task::Nest(from, to) => {
                    let Some(start) = self.coverage.first_free(from, to) else {
                        continue;
                    };
                    let end = self.coverage.first_free(start + 1, to).unwrap_or(to);
                    let (bottom, last) = self.bottom(start, end)?;
                    moves.push(Move::Push(
                        self.elements[start].enter_by,
                        self.elements[bottom],
                    ));
                    self.take_out(bottom);
                    tasks.push(Task::Nest(end, to));
                    tasks.push(Task::Pop(bottom, last));
                    tasks.push(Task::Nest(start, end));
                }
            }
        }
        Ok(moves)
    }

    /// The element at the bottom of a cluster, and the point of its pop.
    fn bottom(&mut self, start: usize, end: usize) -> Result<(usize, u64), u64> {
        let first = self.elements[start].enter_by;
        while let Some(place) = self.by_enter_from.get(self.tried).copied()
            && self.elements[place].enter_from <= first
        {
            self.tried += 1;
            if self.left[place] {
                self.fit.set(place, self.elements[place].leave_by);
            }
        }
        let (_, last) = self.ends.within(start, end);
        let (bottom, leave_by) = self.fit.within(start, end);
        if leave_by < last {
            return Err(self.failure(start, end));
        }
        Ok((bottom, last))
    }

    fn take_out(&mut self, place: usize) {
        self.left[place] = false;
        self.ends.set(place, 0);
        self.fit.set(place, 0);
        let covered = covered(&self.elements, place);
        self.coverage.uncover(place + 1, covered);
        self.coverage.take_out(place);
    }

    /// By which return a chain of zones through a cluster cannot be nested.
    fn failure(&self, start: usize, end: usize) -> u64 {
        let first = self.elements[start];
        let mut link = first;
        let mut reach = first;
        let mut failure = proof(first, first);
        let left = (start..end).filter(|place| self.left[*place]);
        for element in left.map(|place| self.elements[place]) {
            if element.enter_by >= link.leave_from {
                link = reach;
                failure = failure.max(proof(link, first));
            }
            if element.leave_from > reach.leave_from {
                reach = element;
            }
        }
        failure.max(proof(reach, first))
    }
}

/// From which position on it is known that an element in a chain is not the bottom.
fn proof(element: &Element, first: &Element) -> u64 {
    if element.enter_from <= first.enter_by {
        element.enter_by.max(element.leave_by)
    } else {
        element.enter_by
    }
}

/// For each element how many zones contain its `enter_by`.
fn counts(elements: &[&Element]) -> Vec<i32> {
    let mut changes = vec![0; elements.len() + 1];
    for place in 0..elements.len() {
        changes[place + 1] += 1;
        changes[covered(elements, place)] -= 1;
    }
    let mut count = 0;
    let sum = |change: &i32| {
        count += change;
        count
    };
    changes[..elements.len()].iter().map(sum).collect()
}

/// Where the places end whose `enter_by` lies in the zone of the element at a place.
fn covered(elements: &[&Element], place: usize) -> usize {
    let end = elements[place].leave_from;
    elements.partition_point(|other| other.enter_by < end)
}
