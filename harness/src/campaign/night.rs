//! What one night makes of the plan, with the lines of those before: first what failed, then fresh seeds.

use std::collections::BTreeSet;

use super::known::due;
use super::plan::{Again, Cell, Extent, Plan, Run};
use super::program::parted;
use super::record::Record;

/// What one night makes of the plan, with the lines of those before.
#[derive(Debug)]
pub(super) struct Night {
    /// Counted from 1.
    pub number: u32,
    pub first_seed: u64,
    /// What failed before.
    pub again: Vec<Run>,
    /// What failed before and has to wait for another night.
    pub waiting: usize,
    /// Fresh runs that an interrupted night of the same program has made already.
    pub there: Vec<Record>,
}

impl Night {
    /// The night after those of which the lines tell.
    pub(super) fn after(plan: &Plan, records: &[Record]) -> Self {
        let nights = records.iter().map(|record| record.night);
        let highest = records.iter().map(|record| record.seed).max();
        let behind = highest.map_or(1, |seed| seed.saturating_add(1));
        let first_seed = plan.first_seed.unwrap_or(behind);
        let (due, waiting) = due(records);
        let again = due.iter().map(|known| again(plan, known.first));
        let again: Vec<Run> = plan.part(again).collect();
        let there = match (plan.first_seed, plan.extent) {
            (None, _) | (_, Extent::For(_)) => Vec::new(),
            (Some(_), Extent::Seeds(_)) => there(plan, first_seed, records),
        };
        Self {
            number: nights.max().unwrap_or_default().saturating_add(1),
            first_seed,
            again,
            waiting,
            there,
        }
    }

    /// The fresh runs in their order, without those that are there.
    pub(super) fn fresh(&self, plan: &Plan) -> impl Iterator<Item = Run> {
        let there = self.there.iter().map(|record| record.arguments.clone());
        let there: BTreeSet<Vec<String>> = there.collect();
        let runs = plan.seeds(self.first_seed);
        runs.filter(move |run| !there.contains(&run.arguments))
    }

    /// What would be run.
    pub(super) fn told(&self, plan: &Plan) -> Vec<String> {
        let mut lines = vec![format!("night {}, {}", self.number, plan.program)];
        lines.extend(self.again.iter().map(|run| {
            let kept = run.again.as_ref().and_then(|again| again.faults.as_ref());
            let faults = kept.map_or_else(String::new, |file| {
                format!(" (faults of {})", file.display())
            });
            format!("again: {}{faults}", run.name())
        }));
        if self.waiting > 0 {
            lines.push(format!(
                "{} more that failed before wait for another night",
                self.waiting
            ));
        }
        if !self.there.is_empty() {
            lines.push(format!("{} fresh runs are there already", self.there.len()));
        }
        match plan.extent {
            Extent::Seeds(_) => {
                lines.extend(self.fresh(plan).map(|run| format!("fresh: {}", run.name())));
            }
            Extent::For(time) => {
                let cells = plan.cells.iter();
                lines.extend(cells.map(
                    |Cell {
                         workload, nemesis, ..
                     }| {
                        let time = humantime::format_duration(time);
                        let first = self.first_seed;
                        format!(
                            "fresh: {workload} under {nemesis}, seeds from {first} on, for {time}"
                        )
                    },
                ));
            }
        }
        lines
    }
}

/// The last run of each that is fresh in this night and was made already, if anything is known of it.
fn there(plan: &Plan, first_seed: u64, records: &[Record]) -> Vec<Record> {
    let of_run = |run: Run| {
        let mut made = records.iter().rev();
        made.find(|record| {
            record.arguments == run.arguments && record.program == plan.program && !record.is_lost()
        })
    };
    plan.seeds(first_seed).filter_map(of_run).cloned().collect()
}

/// The test that failed, on the system of this night.
fn again(plan: &Plan, first: &Record) -> Run {
    let (mut arguments, _) = parted(&first.arguments);
    arguments.extend(plan.system.clone());
    let faults = first.faults.as_ref().map(|below| plan.out.join(below));
    Run {
        workload: first.workload.clone(),
        nemesis: first.nemesis.clone(),
        seed: first.seed,
        arguments,
        again: Some(Again {
            // A schedule that is gone is drawn again from the seed, by this release.
            faults: faults.filter(|file| file.exists()),
        }),
    }
}

#[cfg(test)]
mod tests {
    use reports::ci::FailureClass;

    use super::*;
    use crate::campaign::plan::tests::{names, plan};
    use crate::campaign::record::Circumstances;

    /// The lines that a night leaves whose runs all pass but for these seeds.
    fn made(plan: &Plan, night: &Night, failing: &[u64]) -> Vec<Record> {
        let circumstances = || Circumstances {
            night: night.number,
            when: String::new(),
            program: plan.program.clone(),
            took_ms: 1,
            folder: None,
        };
        let record = |run: Run| {
            let mut record = Record::new(&run, Err(""), circumstances());
            record.failure = failing
                .contains(&run.seed)
                .then_some(FailureClass::Violation);
            record
        };
        let runs = night.again.iter().cloned().chain(night.fresh(plan));
        runs.map(record).collect()
    }

    #[test]
    fn what_failed_comes_first_and_fresh_seeds_go_on_behind_the_highest() {
        let plan = plan("--nemesis kill --workload register --seeds 3 -- --bug no-dedup").unwrap();
        let mut records = made(&plan, &Night::after(&plan, &[]), &[2]);
        assert_eq!(records.len(), 3);
        let second = Night::after(&plan, &records);
        assert_eq!((second.number, second.first_seed), (2, 4));
        assert_eq!(
            names(second.again.iter().cloned()),
            ["register under kill, seed 2"]
        );
        let test = |arguments: &[String]| parted(arguments);
        assert_eq!(
            test(&second.again[0].arguments),
            test(&records[1].arguments)
        );
        for _ in 0..5 {
            let night = Night::after(&plan, &records);
            assert_eq!(night.again.len(), 1);
            records.extend(made(&plan, &night, &[]));
        }
        let settled = Night::after(&plan, &records);
        assert_eq!(
            (settled.number, settled.first_seed, settled.again.len()),
            (7, 19, 0)
        );
    }

    #[test]
    fn a_test_that_failed_is_made_again_on_the_system_of_tonight() {
        let buggy =
            plan("--nemesis kill --workload register --seeds 1 -- --rate 50 --bug no-dedup")
                .unwrap();
        let records = made(&buggy, &Night::after(&buggy, &[]), &[1]);
        let healthy =
            plan("--nemesis pause --workload counter --seeds 1 -- --node-arg=--x=1").unwrap();
        let again = &Night::after(&healthy, &records).again[0];
        let told = again.arguments.join(" ");
        assert!(
            told.contains("--nemesis kill") && told.contains("--rate 50"),
            "{told}"
        );
        assert!(
            !told.contains("no-dedup") && told.ends_with("--node-arg=--x=1"),
            "{told}"
        );
    }

    #[test]
    fn a_night_that_was_interrupted_goes_on_where_it_stopped() {
        let options = "--nemesis kill --workload register,txn --seeds 3 --seed 40";
        let plan = plan(options).unwrap();
        let first = Night::after(&plan, &[]);
        let all = names(first.fresh(&plan));
        let mut records = made(&plan, &first, &[]);
        records.truncate(4);
        records[2].failure = Some(FailureClass::Infrastructure);
        let second = Night::after(&plan, &records);
        assert_eq!(
            second.there.len(),
            3,
            "what could not be made is made again"
        );
        let left = names(second.fresh(&plan));
        assert_eq!(left, [&all[2..3], &all[4..]].concat());
        records[0].program = "another".to_owned();
        assert_eq!(
            Night::after(&plan, &records).there.len(),
            2,
            "another build is tested anew"
        );
    }

    #[test]
    fn what_would_be_run_is_told() {
        let plan_of = |options| plan(options).unwrap();
        let plan = plan_of("--nemesis kill --workload register --seeds 2");
        let first = Night::after(&plan, &[]);
        assert_eq!(
            first.told(&plan)[1..],
            [
                "fresh: register under kill, seed 1",
                "fresh: register under kill, seed 2"
            ]
        );
        let records = made(&plan, &first, &[2]);
        let endless = plan_of("--nemesis kill --workload register --for 2h");
        assert_eq!(
            Night::after(&endless, &records).told(&endless)[1..],
            [
                "again: register under kill, seed 2",
                "fresh: register under kill, seeds from 3 on, for 2h"
            ]
        );
    }
}
