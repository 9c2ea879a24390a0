//! The `counter` workload: short-lived counters to which clients add one.
//!
//! Nothing is ever written over: what was lost or done twice, on whichever node, stays to be seen in every later read.

use rand::RngExt as _;
use rand_chacha::ChaCha8Rng;

use checker::Value;

use super::{FinalReads, Invocation, Part, RECOVERY_KEY, Workload};

/// Counters in use at a time.
const ACTIVE_COUNTERS: usize = 4;
/// Operations after which a counter is retired.
const OPERATIONS_PER_COUNTER: u32 = 100;
/// Of a hundred operations of a client that does everything, how many read; the others add.
const READS_BELOW: u32 = 30;

/// The state all clients of the workload share. The active counters are distinct, and a retired one never becomes active again.
#[derive(Debug)]
pub(super) struct Counter {
    active: Vec<ActiveCounter>,
    counters: u64,
}

#[derive(Debug)]
struct ActiveCounter {
    name: String,
    operations: u32,
}

impl Counter {
    pub(super) fn new() -> Self {
        let mut workload = Self {
            active: Vec::new(),
            counters: 0,
        };
        for _ in 0..ACTIVE_COUNTERS {
            let counter = workload.fresh_counter();
            workload.active.push(counter);
        }
        workload
    }

    fn fresh_counter(&mut self) -> ActiveCounter {
        self.counters += 1;
        ActiveCounter {
            name: counter_name(self.counters),
            operations: 0,
        }
    }
}

impl Workload for Counter {
    fn next(&mut self, part: Part, rng: &mut ChaCha8Rng) -> Invocation {
        let slot = rng.random_range(0..self.active.len());
        let reads = match part {
            Part::Everything => rng.random_range(0..100_u32) < READS_BELOW,
            Part::Reads => true,
        };
        if self.active[slot].operations >= OPERATIONS_PER_COUNTER {
            self.active[slot] = self.fresh_counter();
        }
        self.active[slot].operations += 1;
        let key = self.active[slot].name.clone();
        if reads {
            Invocation::Read { key }
        } else {
            Invocation::Add { key }
        }
    }

    fn recovery(&mut self) -> Invocation {
        Invocation::Add {
            key: RECOVERY_KEY.to_owned(),
        }
    }

    /// One more is one more.
    fn anew(&mut self, invocation: Invocation) -> Invocation {
        invocation
    }

    fn observe(&mut self, _: &Invocation, _: &Value) {}

    fn final_reads(&self) -> FinalReads {
        let active: Vec<&str> = self.active.iter().map(|one| one.name.as_str()).collect();
        let made = (1..=self.counters).map(counter_name);
        FinalReads::of(&active, made, Invocation::read)
    }
}

fn counter_name(number: u64) -> String {
    format!("c{number}")
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;
    use crate::workload::stream;

    fn drawn(part: Part, operations: usize) -> (Counter, Vec<Invocation>) {
        let mut workload = Counter::new();
        let mut rng = stream(7, 1);
        let drawn = (0..operations).map(|_| workload.next(part, &mut rng));
        let drawn = drawn.collect();
        (workload, drawn)
    }

    #[test]
    fn counters_are_retired_for_good_and_all_are_read_in_the_end() {
        let (workload, drawn) = drawn(Part::Everything, 4_000);
        let additions = drawn.iter().filter(|one| one.mutates()).count();
        assert!((2_600..3_000).contains(&additions), "{additions}");
        let mut uses: BTreeMap<&str, (usize, usize, u32)> = BTreeMap::new();
        for (number, invocation) in drawn.iter().enumerate() {
            let (_, last, count) = uses.entry(invocation.key()).or_insert((number, number, 0));
            (*last, *count) = (number, *count + 1);
        }
        assert!(uses.len() > 35);
        assert!(
            uses.values()
                .all(|(.., count)| *count <= OPERATIONS_PER_COUNTER)
        );
        let at_once = |at: usize| {
            uses.values()
                .filter(move |(first, last, _)| (*first..=*last).contains(&at))
        };
        assert!((0..drawn.len()).all(|at| at_once(at).count() <= ACTIVE_COUNTERS));
        let reads = workload.final_reads();
        let all = reads.active.iter().chain(&reads.retired);
        let read: BTreeSet<&str> = all.map(Invocation::key).collect();
        assert!(uses.keys().all(|key| read.contains(key)));
        assert!(read.contains(RECOVERY_KEY));
    }

    #[test]
    fn who_reads_does_nothing_else() {
        let (_, drawn) = drawn(Part::Reads, 100);
        assert!(drawn.iter().all(|invocation| !invocation.mutates()));
    }
}
