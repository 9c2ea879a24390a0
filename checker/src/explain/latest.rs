//! Of all operations that returned before a position, the one called last that is about another value.

use crate::models::register::{RegisterOp, ValueId};

type Best<'r> = [Option<(&'r RegisterOp, ValueId)>; 2];

/// For each return the two operations with different values that were called last among those returned by then.
pub(super) struct Latest<'r> {
    returns: Vec<u64>,
    best: Vec<Best<'r>>,
}

impl<'r> Latest<'r> {
    pub(super) fn new(operations: impl Iterator<Item = (&'r RegisterOp, ValueId)>) -> Self {
        let mut sorted: Vec<_> = operations.collect();
        sorted.sort_by_key(|(operation, _)| operation.ret);
        let mut latest = Self {
            returns: Vec::with_capacity(sorted.len()),
            best: Vec::with_capacity(sorted.len()),
        };
        let mut best = [None; 2];
        for (operation, value) in sorted {
            best = better(best, (operation, value));
            latest.returns.push(operation.ret);
            latest.best.push(best);
        }
        latest
    }

    /// The operation called last among those that returned before a position and have another value.
    pub(super) fn before(&self, position: u64, value: ValueId) -> Option<&'r RegisterOp> {
        let returned = self.returns.partition_point(|&ret| ret < position);
        let best = self.best.get(returned.checked_sub(1)?)?;
        best.iter()
            .flatten()
            .find(|(_, other)| *other != value)
            .map(|(operation, _)| *operation)
    }
}

fn better<'r>([first, second]: Best<'r>, new: (&'r RegisterOp, ValueId)) -> Best<'r> {
    let call = |entry: Option<(&RegisterOp, ValueId)>| entry.map(|(operation, _)| operation.call);
    if call(first) < call(Some(new)) {
        let same = first.is_some_and(|(_, value)| value == new.1);
        return [Some(new), if same { second } else { first }];
    }
    let other = first.is_none_or(|(_, value)| value != new.1);
    if other && call(second) < call(Some(new)) {
        [first, Some(new)]
    } else {
        [first, second]
    }
}
