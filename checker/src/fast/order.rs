//! Orders built from positions.
//!
//! If every operation gets a point between its call and its return, any order by points respects real time: of an operation that
//! returned before another was called, the point comes first. So parts of an object that do not concern each other can be ordered each
//! by itself and merged by points; what happens at the same point may stand in any order as far as real time goes. (This is the locality of
//! linearizability: Herlihy and Wing 1990, theorem 1.) Within a part, giving each operation the point max(own call, point before) fails
//! if and only if the order contradicts real time.

use super::theory::Timed;
use crate::history::OpId;
use crate::models::machine::NEVER;

/// Where an operation stands among those at the same point, before the order in which they were placed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Side {
    Before,
    At,
    Behind,
}

#[derive(Clone, Copy)]
struct Placed {
    point: u64,
    operation: u32,
    side: Side,
}

/// Operations with their points, in any order yet.
pub(super) struct Order(Vec<Placed>);

impl Order {
    pub(super) fn with_capacity(operations: usize) -> Self {
        Self(Vec::with_capacity(operations))
    }

    /// Puts the operation of this number at a point. What stands behind the end of the history does not take place.
    pub(super) fn place(&mut self, point: u64, side: Side, operation: u32) {
        if point != NEVER {
            self.0.push(Placed {
                point,
                operation,
                side,
            });
        }
    }

    /// By point, by side, and as they were placed.
    pub(super) fn finish<A>(mut self, operations: &[Timed<A>]) -> Vec<OpId> {
        self.0.sort_by_key(|placed| (placed.point, placed.side));
        let id = |placed: &Placed| operations[placed.operation as usize].id;
        self.0.iter().map(id).collect()
    }
}
