//! Sums that are too small for what was acknowledged, or too great for what was added at all.
//!
//! Judged only where nothing was taken away: then a read returns at least what was added before it, and at most what was added before it
//! ended.

use super::words::{acknowledged, called, then};
use super::{Claim, call, is_ok, may_be};
use crate::budget::{Limit, Watch};
use crate::certify::meaning::{Act, Item, Object};
use crate::value::Value;
use crate::verdict::AnomalyClass;

/// How many operations a sentence names.
const MAX_NAMED: usize = 6;

struct Counter<'o, 'h> {
    first: i128,
    /// In the order of their calls.
    adds: Vec<(&'o Item<'h>, i128)>,
    reads: Vec<(&'o Item<'h>, i128)>,
}

pub(super) fn find(object: &Object<'_>, watch: &Watch<'_>) -> Result<Option<Claim>, Limit> {
    let first = if let Value::Int(first) = object.initial {
        (*first).into()
    } else {
        0
    };
    let mut counter = Counter {
        first,
        adds: Vec::new(),
        reads: Vec::new(),
    };
    for item in object.items.iter().filter(|item| may_be(item)) {
        if let Act::Add(amount) = item.act {
            counter.adds.push((item, amount));
        } else if let (Act::Total(sum), true) = (&item.act, is_ok(item)) {
            counter.reads.push((item, *sum));
        }
    }
    if counter.adds.iter().any(|(_, amount)| *amount < 0) {
        return Ok(None);
    }
    watch.look()?;
    Ok(counter.too_small().or_else(|| counter.too_great()))
}

impl Counter<'_, '_> {
    fn too_small(&self) -> Option<Claim> {
        let mut returned: Vec<_> = self.adds.iter().filter(|(add, _)| is_ok(add)).collect();
        returned.sort_by_key(|(add, _)| add.ret());
        let mut sums = vec![self.first];
        for (_, amount) in &returned {
            sums.push(sums[sums.len() - 1] + amount);
        }
        self.reads.iter().find_map(|&(read, sum)| {
            let before = returned.partition_point(|(add, _)| add.ret() < call(read));
            if sums[before] <= sum {
                return None;
            }
            // The fewest of the last ones that are more than what was read.
            let mut missing = self.first;
            let enough = returned[..before].iter().rev().position(|(_, amount)| {
                missing += amount;
                missing > sum
            })?;
            let named = &returned[before - 1 - enough..before];
            let &&(last, amount) = named.last()?;
            let all = match named.len() {
                1 => String::new(),
                more => format!(", the last of {more} that together are {missing}"),
            };
            Some(Claim {
                class: AnomalyClass::StaleRead,
                operations: named
                    .iter()
                    .map(|(add, _)| add.id())
                    .chain([read.id()])
                    .collect(),
                explanation: format!(
                    "{}{all}; {} returned {sum}, less than the {} acknowledged by then",
                    acknowledged(last, &format!("added {amount}")),
                    then(last, read, &read.operation.f),
                    sums[before]
                ),
            })
        })
    }

    fn too_great(&self) -> Option<Claim> {
        let mut sums = vec![self.first];
        for (_, amount) in &self.adds {
            sums.push(sums[sums.len() - 1] + amount);
        }
        self.reads.iter().find_map(|&(read, sum)| {
            let called_by_then = self.adds.partition_point(|(add, _)| call(add) < read.ret());
            let most = sums[called_by_then];
            if sum <= most {
                return None;
            }
            let twice = self.adds[..called_by_then]
                .iter()
                .filter(|(_, amount)| *amount == sum - most);
            let twice: Vec<_> = twice.take(MAX_NAMED).collect();
            let saw = format!("{} returned {sum}", called(read, &read.operation.f));
            Some(match twice[..] {
                [(add, amount)] => Claim {
                    class: AnomalyClass::DoubleApply,
                    operations: vec![add.id(), read.id()],
                    explanation: format!(
                        "{saw}, though all that was ever added by then makes {most}: as if client {}'s add of {amount} had counted twice",
                        add.operation.process
                    ),
                },
                _ => Claim {
                    class: AnomalyClass::PhantomValue,
                    operations: vec![read.id()],
                    explanation: format!("{saw}, though all that was ever added by then makes {most}"),
                },
            })
        })
    }
}
