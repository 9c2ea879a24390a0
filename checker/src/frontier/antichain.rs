//! Configurations of which none dominates another.

use super::Configuration;
use super::board::Board;
use super::meter::{Halt, Meter};
use crate::mask::Mask;
use crate::models::machine::StateId;
use crate::parted::Parted;
use crate::slots::FREE;
use crate::uses::Uses;

/// Comparing so many pairs counts as one configuration.
const COMPARISONS_PER_WORK: u64 = 8;

pub(super) struct Antichain<const WORDS: usize> {
    /// Every configuration that was ever accepted, in order.
    pub(super) members: Vec<Configuration<WORDS>>,
    /// Whether each is still undominated.
    alive: Vec<bool>,
    /// Only configurations with the same state and the same partial operations left can be compared.
    buckets: Parted<(StateId, Mask<WORDS>), Vec<u32>>,
}

impl<const WORDS: usize> Antichain<WORDS> {
    pub(super) fn new() -> Self {
        Self {
            members: Vec::new(),
            alive: Vec::new(),
            buckets: Parted::new(),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.members.len()
    }

    pub(super) fn is_alive(&self, number: usize) -> bool {
        self.alive[number]
    }

    pub(super) fn into_alive(self) -> Vec<Configuration<WORDS>> {
        let members = self.members.into_iter().zip(self.alive);
        members
            .filter(|(_, alive)| *alive)
            .map(|(member, _)| member)
            .collect()
    }

    /// Whether a member dominates the configuration.
    pub(super) fn covers(
        &self,
        configuration: &Configuration<WORDS>,
        board: &Board<WORDS>,
        uses: &Uses,
        meter: &mut Meter<'_>,
    ) -> Result<bool, Halt> {
        let Some(bucket) = self.buckets.get(&key(configuration, board)) else {
            return Ok(false);
        };
        meter.spend(bucket.len() as u64 / COMPARISONS_PER_WORK)?;
        Ok(bucket
            .iter()
            .any(|&other| dominates(&self.members[other as usize], configuration, board, uses)))
    }

    /// Accepts the configuration unless a member dominates it, and drops the members it dominates. True if it was accepted.
    pub(super) fn insert(
        &mut self,
        configuration: Configuration<WORDS>,
        board: &Board<WORDS>,
        uses: &Uses,
        meter: &mut Meter<'_>,
    ) -> Result<bool, Halt> {
        meter.spend(1)?;
        if self.covers(&configuration, board, uses, meter)? {
            return Ok(false);
        }
        let (members, alive) = (&self.members, &mut self.alive);
        let bucket = self.buckets.of(key(&configuration, board));
        bucket.retain(|&other| {
            let dominated = dominates(&configuration, &members[other as usize], board, uses);
            alive[other as usize] = !dominated;
            !dominated
        });
        let number = u32::try_from(self.members.len()).expect("memory ends before that");
        bucket.push(number);
        self.members.push(configuration);
        self.alive.push(true);
        meter.bytes += 2 * size_of::<Configuration<WORDS>>() as u64;
        Ok(true)
    }
}

fn key<const WORDS: usize>(
    configuration: &Configuration<WORDS>,
    board: &Board<WORDS>,
) -> (StateId, Mask<WORDS>) {
    (
        configuration.state,
        configuration.left.and(&board.moment.partial),
    )
}

/// Whether whatever can follow `b` can follow `a`, for configurations with equal keys; see the module above for the proof.
fn dominates<const WORDS: usize>(
    a: &Configuration<WORDS>,
    b: &Configuration<WORDS>,
    board: &Board<WORDS>,
    uses: &Uses,
) -> bool {
    uses.is_within(a.used, b.used)
        && obliges_less(&a.must, &b.must, board)
        && obliges_less(&a.reads, &b.reads, board)
        && offers_more(a, b, board, uses)
}

/// Whether each obligation of `a` is one of `b`, or met whenever an equal one of `b` is that comes due earlier.
fn obliges_less<const WORDS: usize>(
    a: &Mask<WORDS>,
    b: &Mask<WORDS>,
    board: &Board<WORDS>,
) -> bool {
    a.minus(b)
        .slots()
        .all(|slot| !b.and(board.sooner(slot)).is_empty())
}

/// Whether for each write that `b` has left `a` has one of the same value that returns no earlier.
fn offers_more<const WORDS: usize>(
    a: &Configuration<WORDS>,
    b: &Configuration<WORDS>,
    board: &Board<WORDS>,
    uses: &Uses,
) -> bool {
    b.left.minus(&a.left).slots().all(|missing| {
        let later = board.later(missing);
        let class = board.class_of(missing);
        let indeterminate = if class == FREE {
            0
        } else {
            uses.count(b.used, class) - uses.count(a.used, class)
        };
        a.left.and(later).len() + indeterminate >= b.left.and(later).len()
    })
}
