//! The definition of linearizability, by trying every order of a few operations.

use std::collections::HashSet;

use crate::budget::{Limit, Watch};
use crate::certify::meaning::{Act, Object, State};
use crate::counterexample::Presence;

/// An operation of a small history.
pub(super) struct Piece<'p> {
    pub(super) call: u64,
    /// The last position, if it has none.
    pub(super) ret: u64,
    pub(super) presence: Presence,
    pub(super) act: &'p Act<'p>,
}

/// Whether an order of all mandatory and any optional operations exists. `None` if there are more ways to begin one than `limit`.
pub(super) fn has_order<'p>(
    object: &Object<'p>,
    pieces: &[Piece<'p>],
    limit: usize,
    watch: &Watch<'_>,
) -> Result<Option<bool>, Limit> {
    let start = (
        vec![0_u64; pieces.len().div_ceil(64)],
        object.initial_state(),
    );
    let mut tried: HashSet<(Vec<u64>, State<'p>)> = HashSet::from([start.clone()]);
    let mut open = vec![start];
    while let Some((placed, state)) = open.pop() {
        let waiting = |number: &usize| placed[number / 64] >> (number % 64) & 1 == 0;
        let deadline = (0..pieces.len())
            .filter(waiting)
            .map(|number| &pieces[number])
            .filter(|piece| piece.presence == Presence::Mandatory)
            .map(|piece| piece.ret)
            .min();
        let Some(deadline) = deadline else {
            return Ok(Some(true));
        };
        for number in (0..pieces.len()).filter(waiting) {
            watch.step()?;
            let mut after = state.clone();
            let may_be_next = pieces[number].call <= deadline;
            if may_be_next && object.accepts(&mut after, pieces[number].act) {
                let mut placed = placed.clone();
                placed[number / 64] |= 1 << (number % 64);
                if tried.insert((placed.clone(), after.clone())) {
                    open.push((placed, after));
                }
            }
        }
        if tried.len() > limit {
            return Ok(None);
        }
    }
    Ok(Some(false))
}
