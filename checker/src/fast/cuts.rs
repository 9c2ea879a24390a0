//! Where an object may be empty.
//!
//! A removal that found nothing needs a position between its call and its return that lies strictly inside no zone: at any other
//! position some element is inside in every order. Where there is one, take the first: a *cut*. Cuts do not get into each other's
//! way, nor into that of anything else: an element belongs to the phase that ends with the first cut at or behind its `leave_from`.
//! Both its insertion and its removal fit into that phase. Their calls do not lie behind its end, for they are at most
//! `leave_from`. And the cut t before it is less than `leave_from` and not inside the zone, so that t ≤ `enter_by`, which no return
//! precedes.
//!
//! An unfit removal of nothing contradicts the zones as soon as it returns. A zone begins with the return of an insertion (if the
//! removal returned first, there is no zone), so that in the prefix up to some position all zones that begin before it are there,
//! and reach as far or further.

use super::elements::{Access, Element};
use super::order::{Order, Side};
use super::theory::Timed;

/// Where the object is empty.
pub(super) struct Cuts {
    /// In order, all different.
    positions: Vec<u64>,
    /// The removals that found nothing, each at its cut.
    finds: Vec<(u64, u32)>,
}

impl Cuts {
    /// Or the first return of a removal that cannot have found nothing.
    pub(super) fn new(elements: &[Element], operations: &[Timed<Access>]) -> Result<Self, u64> {
        let mut finds: Vec<(u64, u32)> = (0..)
            .zip(operations)
            .filter(|(_, one)| one.action == Access::FindEmpty && one.is_mandatory())
            .map(|(number, one)| (one.call, number))
            .collect();
        if finds.is_empty() {
            return Ok(Self {
                positions: Vec::new(),
                finds,
            });
        }
        let occupied = occupied(elements);
        let mut unfit: Option<u64> = None;
        for (position, number) in &mut finds {
            *position = first_free(&occupied, *position);
            let ret = operations[*number as usize].ret;
            if *position > ret {
                unfit = Some(unfit.map_or(ret, |least| least.min(ret)));
            }
        }
        match unfit {
            Some(ret) => Err(ret),
            None => Ok(Self::at(finds)),
        }
    }

    fn at(mut finds: Vec<(u64, u32)>) -> Self {
        finds.sort_unstable();
        let mut positions: Vec<u64> = finds.iter().map(|(position, _)| *position).collect();
        positions.dedup();
        Self { positions, finds }
    }

    /// The number of the phase of an element.
    pub(super) fn phase(&self, element: &Element) -> u32 {
        let phase = self
            .positions
            .partition_point(|cut| *cut < element.leave_from);
        u32::try_from(phase).expect("fewer cuts than operations")
    }

    /// Where a phase begins.
    pub(super) fn start(&self, phase: u32) -> u64 {
        let before = phase.checked_sub(1);
        before.map_or(0, |before| self.positions[before as usize])
    }

    /// On which side of the removals that found nothing an operation of a phase stands.
    pub(super) fn side(&self, phase: u32, point: u64) -> Side {
        if phase > 0 && point == self.start(phase) {
            Side::Behind
        } else {
            Side::Before
        }
    }

    /// Puts every removal that found nothing at its cut.
    pub(super) fn place(&self, order: &mut Order) {
        for (position, number) in &self.finds {
            order.place(*position, Side::At, *number);
        }
    }
}

/// The union of the zones: disjoint open intervals in order.
fn occupied(elements: &[Element]) -> Vec<[u64; 2]> {
    let mut zones: Vec<[u64; 2]> = elements
        .iter()
        .filter(|element| element.has_zone())
        .map(|element| [element.enter_by, element.leave_from])
        .collect();
    zones.sort_unstable();
    let mut union: Vec<[u64; 2]> = Vec::new();
    for [from, to] in zones {
        match union.last_mut() {
            Some([_, end]) if from < *end => *end = to.max(*end),
            Some(_) | None => union.push([from, to]),
        }
    }
    union
}

/// The first position from one on that lies inside no interval.
fn first_free(occupied: &[[u64; 2]], position: u64) -> u64 {
    let begun = occupied.partition_point(|[from, _]| *from < position);
    begun
        .checked_sub(1)
        .map_or(position, |last| position.max(occupied[last][1]))
}
