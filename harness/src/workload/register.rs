//! The `register` workload: many short-lived registers, each watched closely.
//!
//! Values are unique over the whole run, so a read names the one write it saw; keys are retired, so each key's
//! history stays short enough to be judged exactly, however long the run is.

use rand::RngExt as _;
use rand_chacha::ChaCha8Rng;

use checker::Value;

use super::{FinalReads, Invocation, Part, RECOVERY_KEY, Workload};

/// Keys in use at a time.
const ACTIVE_KEYS: usize = 5;
/// Operations after which a key is retired.
const OPERATIONS_PER_KEY: u32 = 100;
/// Of a hundred operations of a client that does everything, how many read; the rest below [`WRITES_BELOW`] write, the
/// others compare and set.
const READS_BELOW: u32 = 20;
const WRITES_BELOW: u32 = 70;

/// The state all clients of the workload share.
///
/// - The active keys are distinct, and a retired key never becomes active again.
/// - Every value handed out is handed out once, and is not zero.
#[derive(Debug)]
pub(super) struct Register {
    active: Vec<ActiveKey>,
    keys: u64,
    values: i64,
}

#[derive(Debug)]
struct ActiveKey {
    name: String,
    operations: u32,
    last_seen: Option<i64>,
}

impl Register {
    pub(super) fn new() -> Self {
        let mut workload = Self {
            active: Vec::new(),
            keys: 0,
            values: 0,
        };
        for _ in 0..ACTIVE_KEYS {
            let key = workload.fresh_key();
            workload.active.push(key);
        }
        workload
    }

    fn fresh_key(&mut self) -> ActiveKey {
        self.keys += 1;
        ActiveKey {
            name: key_name(self.keys),
            operations: 0,
            last_seen: None,
        }
    }

    fn fresh_value(&mut self) -> i64 {
        self.values += 1;
        self.values
    }
}

impl Workload for Register {
    fn next(&mut self, part: Part, rng: &mut ChaCha8Rng) -> Invocation {
        let slot = rng.random_range(0..self.active.len());
        let dice = match part {
            Part::Everything => rng.random_range(0..100_u32),
            Part::Reads => 0,
        };
        if self.active[slot].operations >= OPERATIONS_PER_KEY {
            self.active[slot] = self.fresh_key();
        }
        self.active[slot].operations += 1;
        let key = self.active[slot].name.clone();
        if dice < READS_BELOW {
            Invocation::Read { key }
        } else if dice < WRITES_BELOW {
            Invocation::Write {
                key,
                value: self.fresh_value(),
            }
        } else {
            let expected = self.active[slot].last_seen;
            Invocation::Cas {
                key,
                expected,
                value: self.fresh_value(),
            }
        }
    }

    fn recovery(&mut self) -> Invocation {
        Invocation::Write {
            key: RECOVERY_KEY.to_owned(),
            value: self.fresh_value(),
        }
    }

    fn anew(&mut self, invocation: Invocation) -> Invocation {
        let value = self.fresh_value();
        match invocation {
            Invocation::Write { key, .. } => Invocation::Write { key, value },
            Invocation::Cas { key, expected, .. } => Invocation::Cas {
                key,
                expected,
                value,
            },
            other @ (Invocation::Read { .. }
            | Invocation::Add { .. }
            | Invocation::Transact { .. }) => other,
        }
    }

    /// The next compare-and-set starts from what was seen last.
    fn observe(&mut self, invocation: &Invocation, seen: &Value) {
        let (key, value) = match (invocation, seen) {
            (Invocation::Write { key, value } | Invocation::Cas { key, value, .. }, _) => {
                (key, Some(*value))
            }
            (Invocation::Read { key }, Value::Int(value)) => (key, Some(*value)),
            (Invocation::Read { key }, Value::Nil) => (key, None),
            // Nobody wrote such a value; the checker will say so.
            (Invocation::Read { .. } | Invocation::Add { .. } | Invocation::Transact { .. }, _) => {
                return;
            }
        };
        if let Some(active) = self.active.iter_mut().find(|active| active.name == *key) {
            active.last_seen = value;
        }
    }

    fn final_reads(&self) -> FinalReads {
        let active: Vec<&str> = self.active.iter().map(|key| key.name.as_str()).collect();
        FinalReads::of(&active, (1..=self.keys).map(key_name), Invocation::read)
    }
}

fn key_name(number: u64) -> String {
    format!("k{number}")
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;
    use crate::workload::stream;

    fn drawn(operations: usize) -> (Register, Vec<Invocation>) {
        let mut workload = Register::new();
        let mut rng = stream(7, 1);
        let invocations = (0..operations)
            .map(|_| workload.next(Part::Everything, &mut rng))
            .collect();
        (workload, invocations)
    }

    fn written(invocation: &Invocation) -> Option<i64> {
        match invocation {
            Invocation::Read { .. } | Invocation::Add { .. } | Invocation::Transact { .. } => None,
            Invocation::Write { value, .. } | Invocation::Cas { value, .. } => Some(*value),
        }
    }

    #[test]
    fn written_values_are_unique_over_the_run() {
        let (_, invocations) = drawn(5_000);
        let values: Vec<i64> = invocations.iter().filter_map(written).collect();
        assert!(values.len() > 2_000);
        assert_eq!(values.iter().collect::<BTreeSet<_>>().len(), values.len());
    }

    #[test]
    fn a_key_is_retired_for_good_after_its_operations() {
        let (workload, invocations) = drawn(5_000);
        let mut uses: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (position, invocation) in invocations.iter().enumerate() {
            uses.entry(invocation.key()).or_default().push(position);
        }
        assert!(
            uses.values()
                .all(|positions| positions.len() <= OPERATIONS_PER_KEY as usize)
        );
        let FinalReads { active, retired } = workload.final_reads();
        assert_eq!(active.len(), ACTIVE_KEYS + 1, "and that of recovery");
        assert_eq!(retired.len() + ACTIVE_KEYS, uses.len());
        let full = |read: &Invocation| uses[read.key()].len() == OPERATIONS_PER_KEY as usize;
        assert!(retired.iter().all(full));
    }

    #[test]
    fn a_cas_expects_the_value_seen_last() {
        let mut workload = Register::new();
        let mut rng = stream(3, 0);
        for read in workload.final_reads().active {
            workload.observe(&read, &Value::Int(-9));
        }
        let expected: Vec<Option<i64>> = (0..200)
            .filter_map(|_| match workload.next(Part::Everything, &mut rng) {
                Invocation::Cas { expected, .. } => Some(expected),
                Invocation::Read { .. }
                | Invocation::Write { .. }
                | Invocation::Add { .. }
                | Invocation::Transact { .. } => None,
            })
            .collect();
        assert!(!expected.is_empty());
        assert!(expected.iter().all(|value| *value == Some(-9)));
    }

    #[test]
    fn a_reader_never_writes() {
        let mut workload = Register::new();
        let mut rng = stream(1, 1);
        let read = |_| {
            matches!(
                workload.next(Part::Reads, &mut rng),
                Invocation::Read { .. }
            )
        };
        assert!((0..500).all(read));
    }

    #[test]
    fn the_same_stream_gives_the_same_operations() {
        assert_eq!(drawn(300).1, drawn(300).1);
    }
}
