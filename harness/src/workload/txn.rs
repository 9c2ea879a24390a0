//! The `txn` workload: transactions over a few registers, read one by one as well.
//!
//! Registers come in small groups, and a transaction stays within its group, so each group is judged apart; groups are
//! retired, so that its history stays short. Values are unique over the whole run. Single registers are read by the way of
//! any other read: it is there, and not in another transaction, that half of a transaction shows.

use rand::RngExt as _;
use rand::seq::SliceRandom as _;
use rand_chacha::ChaCha8Rng;

use checker::Value;

use super::{FinalReads, Invocation, Micro, Part, RECOVERY_KEY, Workload};

/// Groups in use at a time.
const ACTIVE_GROUPS: usize = 3;
/// Transactions after which a group is retired.
const TRANSACTIONS_PER_GROUP: u32 = 60;
/// What the registers of a group are called behind its name.
const REGISTERS: [&str; 3] = ["x", "y", "z"];
/// Of a hundred transactions of a client that does everything: below the first so many read one register, below the
/// second all of a group; below the third they write two or three, and the rest read one and write another.
const DICE: [u32; 3] = [30, 45, 85];
/// The same for a client that only reads.
const READERS_DICE: u32 = 75;

/// The state all clients of the workload share.
///
/// - The active groups are distinct, and a retired group never becomes active again.
/// - Every value handed out is handed out once, and is not zero.
#[derive(Debug)]
pub(super) struct Txn {
    active: Vec<ActiveGroup>,
    groups: u64,
    values: i64,
}

#[derive(Debug)]
struct ActiveGroup {
    name: String,
    transactions: u32,
}

impl Txn {
    pub(super) fn new() -> Self {
        let mut workload = Self {
            active: Vec::new(),
            groups: 0,
            values: 0,
        };
        for _ in 0..ACTIVE_GROUPS {
            let group = workload.fresh_group();
            workload.active.push(group);
        }
        workload
    }

    fn fresh_group(&mut self) -> ActiveGroup {
        self.groups += 1;
        ActiveGroup {
            name: group_name(self.groups),
            transactions: 0,
        }
    }

    fn write(&mut self, register: String) -> Micro {
        self.values += 1;
        Micro::Write {
            register,
            value: self.values,
        }
    }
}

impl Workload for Txn {
    fn next(&mut self, part: Part, rng: &mut ChaCha8Rng) -> Invocation {
        let slot = rng.random_range(0..self.active.len());
        let dice = rng.random_range(0..100_u32);
        if self.active[slot].transactions >= TRANSACTIONS_PER_GROUP {
            self.active[slot] = self.fresh_group();
        }
        self.active[slot].transactions += 1;
        let group = self.active[slot].name.clone();
        let mut registers = registers(&group);
        registers.shuffle(rng);
        let [one, all, write] = DICE;
        let (one, all) = match part {
            Part::Everything => (one, all),
            Part::Reads => (READERS_DICE, 100),
        };
        let parts = if dice < one {
            registers.truncate(1);
            registers.into_iter().map(Micro::read).collect()
        } else if dice < all {
            registers.into_iter().map(Micro::read).collect()
        } else if dice < write {
            registers.truncate(rng.random_range(2..=REGISTERS.len()));
            registers.into_iter().map(|it| self.write(it)).collect()
        } else {
            let written = self.write(registers.swap_remove(0));
            vec![Micro::read(registers.swap_remove(0)), written]
        };
        Invocation::Transact { group, parts }
    }

    fn recovery(&mut self) -> Invocation {
        let registers = registers(RECOVERY_KEY);
        Invocation::Transact {
            group: RECOVERY_KEY.to_owned(),
            parts: registers.into_iter().map(|it| self.write(it)).collect(),
        }
    }

    fn anew(&mut self, invocation: Invocation) -> Invocation {
        match invocation {
            Invocation::Transact { group, parts } => {
                let anew = |part| match part {
                    Micro::Read { register } => Micro::Read { register },
                    Micro::Write { register, .. } => self.write(register),
                };
                let parts = parts.into_iter().map(anew).collect();
                Invocation::Transact { group, parts }
            }
            other @ (Invocation::Read { .. }
            | Invocation::Write { .. }
            | Invocation::Cas { .. }
            | Invocation::Add { .. }) => other,
        }
    }

    fn observe(&mut self, _: &Invocation, _: &Value) {}

    fn final_reads(&self) -> FinalReads {
        let active: Vec<&str> = self.active.iter().map(|one| one.name.as_str()).collect();
        FinalReads::of(&active, (1..=self.groups).map(group_name), whole)
    }
}

/// A read of all registers of a group at once.
fn whole(group: &str) -> Invocation {
    Invocation::Transact {
        group: group.to_owned(),
        parts: registers(group).into_iter().map(Micro::read).collect(),
    }
}

fn group_name(number: u64) -> String {
    format!("g{number}")
}

fn registers(group: &str) -> Vec<String> {
    REGISTERS.map(|suffix| format!("{group}{suffix}")).into()
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;
    use crate::workload::stream;

    fn drawn(part: Part, transactions: usize) -> (Txn, Vec<(String, Vec<Micro>)>) {
        let mut workload = Txn::new();
        let mut rng = stream(7, 1);
        let drawn = (0..transactions).map(|_| match workload.next(part, &mut rng) {
            Invocation::Transact { group, parts } => (group, parts),
            other @ (Invocation::Read { .. }
            | Invocation::Write { .. }
            | Invocation::Cas { .. }
            | Invocation::Add { .. }) => {
                panic!("{other:?}")
            }
        });
        let drawn = drawn.collect();
        (workload, drawn)
    }

    fn written(parts: &[Micro]) -> Vec<i64> {
        let value = |part: &Micro| match part {
            Micro::Read { .. } => None,
            Micro::Write { value, .. } => Some(*value),
        };
        parts.iter().filter_map(value).collect()
    }

    #[test]
    fn written_values_are_unique_and_transactions_stay_in_their_group() {
        let (_, drawn) = drawn(Part::Everything, 3_000);
        let values: Vec<i64> = drawn.iter().flat_map(|(_, parts)| written(parts)).collect();
        assert!(values.len() > 2_000);
        assert_eq!(values.iter().collect::<BTreeSet<_>>().len(), values.len());
        for (group, parts) in &drawn {
            let of_group = registers(group);
            let touched: BTreeSet<&str> = parts.iter().map(Micro::register).collect();
            assert_eq!(touched.len(), parts.len(), "each register once: {parts:?}");
            assert!(
                parts
                    .iter()
                    .all(|part| of_group.iter().any(|it| it == part.register()))
            );
        }
    }

    #[test]
    fn there_are_reads_of_one_and_of_all_and_writes_of_several() {
        let (_, everything) = drawn(Part::Everything, 1_000);
        let (_, reads) = drawn(Part::Reads, 1_000);
        let shape = |(_, parts): &(String, Vec<Micro>)| (parts.len(), written(parts).len());
        let shapes: BTreeSet<(usize, usize)> = everything.iter().map(shape).collect();
        assert_eq!(
            shapes,
            BTreeSet::from([(1, 0), (3, 0), (2, 2), (3, 3), (2, 1)])
        );
        let shapes: BTreeSet<(usize, usize)> = reads.iter().map(shape).collect();
        assert_eq!(shapes, BTreeSet::from([(1, 0), (3, 0)]));
    }

    #[test]
    fn a_group_is_retired_for_good_and_read_in_the_end() {
        let (workload, drawn) = drawn(Part::Everything, 2_000);
        let mut uses: BTreeMap<&str, u32> = BTreeMap::new();
        for (group, _) in &drawn {
            *uses.entry(group).or_default() += 1;
        }
        let FinalReads { active, retired } = workload.final_reads();
        assert_eq!(
            (active.len(), active.len() - 1 + retired.len()),
            (ACTIVE_GROUPS + 1, uses.len())
        );
        let full = |read: &Invocation| uses[read.key()] == TRANSACTIONS_PER_GROUP;
        assert!(retired.len() > 20 && retired.iter().all(full));
    }

    #[test]
    fn what_is_tried_anew_writes_other_values_to_the_same_registers() {
        let mut workload = Txn::new();
        let first = workload.recovery();
        let second = workload.anew(first.clone());
        let (Invocation::Transact { parts: first, .. }, Invocation::Transact { parts: second, .. }) =
            (first, second)
        else {
            panic!("recovery is a transaction");
        };
        let names = |parts: &[Micro]| {
            parts
                .iter()
                .map(|it| it.register().to_owned())
                .collect::<Vec<_>>()
        };
        assert_eq!(names(&first), names(&second));
        assert!(
            written(&first)
                .iter()
                .all(|value| !written(&second).contains(value))
        );
    }
}
