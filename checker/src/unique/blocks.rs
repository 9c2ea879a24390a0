//! Blocks and zones.
//!
//! A *block* is a blind write (or the initial value) with the reads of its value, the compare-and-set from it, the reads of that value,
//! and so on. In any order that the register accepts a block is contiguous, because its values come once. Let f be the smallest return
//! in a block and l the largest call. Block A must precede block B if and only if some operation of A returned before one of B was
//! called, that is, f(A) < l(B). So an order exists if and only if each block is in order by itself and "must precede" has no cycle.
//!
//! Every cycle contains one of two blocks: the block A of smallest f precedes every block that any other precedes, hence also its own
//! predecessor in the cycle, which in turn precedes A. Call a block *forward* if f < l. Two blocks precede each other if and only if both
//! are forward and overlap as intervals, or one is backward and lies strictly within the other. And if there are no such two, blocks
//! sorted by min(f, l) are in order.

use crate::history::OpId;
use crate::models::machine::NEVER;
use crate::models::register::{Action, RegisterOp, ValueId};

/// No operation.
const NONE: u32 = u32::MAX;

pub(super) enum Judgement {
    /// An order exists.
    Legal(Blocks),
    /// None does. If that lies in two blocks, these are their operations.
    Illegal(Vec<OpId>),
}

/// A contiguous part of the order.
struct Block {
    first_return: u64,
    last_call: u64,
    /// The value at its end.
    value: ValueId,
    operations: Vec<OpId>,
}

impl Block {
    fn low(&self) -> u64 {
        self.first_return.min(self.last_call)
    }
}

/// Blocks in a legal order.
pub(super) struct Blocks(Vec<Block>);

impl Blocks {
    /// All operations in order.
    pub(super) fn order(&self) -> Vec<OpId> {
        self.0
            .iter()
            .flat_map(|block| &block.operations)
            .copied()
            .collect()
    }

    /// The values of blocks that no other must follow.
    pub(super) fn last_values(&self) -> impl Iterator<Item = ValueId> {
        let mut calls: Vec<u64> = self.0.iter().map(|block| block.last_call).collect();
        calls.sort_unstable_by(|a, b| b.cmp(a));
        let (largest, second) = (
            calls.first().copied().unwrap_or(0),
            calls.get(1).copied().unwrap_or(0),
        );
        self.0.iter().filter_map(move |block| {
            let others = if block.last_call == largest {
                second
            } else {
                largest
            };
            (block.first_return >= others).then_some(block.value)
        })
    }
}

/// Judges operations in the order of their calls, of which those without a return are optional and none has failed. Positions begin
/// behind 0, where the initial value is written. `None` if a value that matters is written twice.
pub(super) fn judge(
    operations: &[RegisterOp],
    initial: ValueId,
    values: usize,
) -> Option<Judgement> {
    let writers = Writers::new(operations, initial, values)?;
    let Some(kept) = writers.kept(operations)? else {
        return Some(Judgement::Illegal(Vec::new()));
    };
    let Some(uses) = Uses::new(&kept, values) else {
        return Some(Judgement::Illegal(Vec::new()));
    };
    let Some(mut blocks) = build(&kept, initial, &uses) else {
        return Some(Judgement::Illegal(Vec::new()));
    };
    blocks.sort_by_key(Block::low);
    Some(match conflict(&blocks) {
        None => Judgement::Legal(Blocks(blocks)),
        Some(pair) => Judgement::Illegal(pair.map(|block| block.operations.as_slice()).concat()),
    })
}

/// Who wrote each value.
struct Writers {
    initial: ValueId,
    /// For each value how many operations write it, and one of them.
    by_value: Vec<(u32, u32)>,
}

impl Writers {
    /// `None` if mandatory operations write the same value, or the initial one.
    fn new(operations: &[RegisterOp], initial: ValueId, values: usize) -> Option<Self> {
        let mut by_value = vec![(0, NONE); values];
        let mut mandatory = vec![false; values];
        mandatory[initial as usize] = true;
        for (number, operation) in (0..).zip(operations) {
            let Some(value) = operation.action.writes() else {
                continue;
            };
            let (count, writer) = &mut by_value[value as usize];
            *count += 1;
            *writer = number;
            if operation.ret != NEVER && std::mem::replace(&mut mandatory[value as usize], true) {
                return None;
            }
        }
        Some(Self { initial, by_value })
    }

    /// All mandatory operations and those optional ones whose value was seen: these took effect as well. The inner `None` says that a
    /// value was seen without a writer, the outer one that it has several.
    fn kept(&self, operations: &[RegisterOp]) -> Option<Option<Vec<RegisterOp>>> {
        let mut keep: Vec<bool> = operations
            .iter()
            .map(|operation| operation.ret != NEVER)
            .collect();
        let mut needed: Vec<ValueId> = operations
            .iter()
            .filter(|operation| operation.ret != NEVER)
            .filter_map(|one| one.action.observes())
            .collect();
        let mut complete = true;
        while let Some(value) = needed.pop() {
            match self.by_value[value as usize] {
                (0, _) => complete &= value == self.initial,
                (1, writer) if value != self.initial => {
                    if !std::mem::replace(&mut keep[writer as usize], true) {
                        needed.extend(operations[writer as usize].action.observes());
                    }
                }
                _ => return None,
            }
        }
        let kept = operations
            .iter()
            .zip(keep)
            .filter(|(_, keep)| *keep)
            .map(|(operation, _)| *operation);
        Some(complete.then(|| kept.collect()))
    }
}

/// What follows each value: reads, and at most one compare-and-set.
struct Uses {
    /// Reads sorted by value, then by call.
    reads: Vec<u32>,
    /// Where the reads of each value begin; one more at the end.
    reads_from: Vec<u32>,
    /// The compare-and-set from each value.
    successor: Vec<u32>,
}

impl Uses {
    /// `None` if two compare-and-sets replaced the same value.
    fn new(kept: &[RegisterOp], values: usize) -> Option<Self> {
        let mut successor = vec![NONE; values];
        let mut reads: Vec<(ValueId, u32)> = Vec::new();
        for (number, operation) in (0..).zip(kept) {
            match operation.action {
                Action::Read(value) => reads.push((value, number)),
                Action::Cas { expected, .. } => {
                    if std::mem::replace(&mut successor[expected as usize], number) != NONE {
                        return None;
                    }
                }
                Action::Write(_) | Action::ReadAny => {}
            }
        }
        reads.sort_unstable();
        let mut reads_from = vec![0; values + 1];
        for (value, _) in &reads {
            reads_from[*value as usize + 1] += 1;
        }
        for value in 0..values {
            reads_from[value + 1] += reads_from[value];
        }
        Some(Self {
            reads: reads.into_iter().map(|(_, number)| number).collect(),
            reads_from,
            successor,
        })
    }

    fn reads(&self, value: ValueId) -> &[u32] {
        let [from, to] = [value, value + 1].map(|value| self.reads_from[value as usize] as usize);
        &self.reads[from..to]
    }
}

/// All blocks, `None` if one is out of order in itself or compare-and-sets go in a circle.
fn build(kept: &[RegisterOp], initial: ValueId, uses: &Uses) -> Option<Vec<Block>> {
    let first = Block {
        first_return: 0,
        last_call: 0,
        value: initial,
        operations: Vec::new(),
    };
    let mut blocks = vec![chain(first, kept, uses)?];
    for operation in kept {
        if let Action::Write(value) = operation.action {
            let block = Block {
                first_return: operation.ret,
                last_call: operation.call,
                value,
                operations: vec![operation.id],
            };
            blocks.push(chain(block, kept, uses)?);
        }
    }
    let placed: usize = blocks.iter().map(|block| block.operations.len()).sum();
    (placed == kept.len()).then_some(blocks)
}

/// Follows the reads and compare-and-sets from a block's first value on.
fn chain(mut block: Block, kept: &[RegisterOp], uses: &Uses) -> Option<Block> {
    loop {
        let value = block.value;
        append(&mut block, kept, uses.reads(value))?;
        let successor = uses.successor[value as usize];
        if successor == NONE {
            return Some(block);
        }
        append(&mut block, kept, &[successor])?;
        block.value = kept[successor as usize].action.writes()?;
    }
}

/// Appends operations that may stand in any order among themselves. `None` if one of them returned before an earlier one was called.
fn append(block: &mut Block, kept: &[RegisterOp], group: &[u32]) -> Option<()> {
    let called_before = block.last_call;
    for &number in group {
        let operation = &kept[number as usize];
        if operation.ret < called_before {
            return None;
        }
        block.first_return = block.first_return.min(operation.ret);
        block.last_call = block.last_call.max(operation.call);
        block.operations.push(operation.id);
    }
    Some(())
}

/// Two blocks that must precede each other, if there are any. The blocks are sorted by their lower ends.
fn conflict(blocks: &[Block]) -> Option<[&Block; 2]> {
    let mut forward: Option<&Block> = None;
    for block in blocks {
        if let Some(forward) = forward.filter(|forward| block.first_return < forward.last_call) {
            return Some([forward, block]);
        }
        if block.first_return < block.last_call {
            forward = Some(block);
        }
    }
    None
}
