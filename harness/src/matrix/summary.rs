//! What follows from the runs: values in, values out.

use std::collections::BTreeMap;

use serde::Serialize;
use target_node::Bug;

use super::outcome::End;
use super::plan::{Cell, Plan};
use super::store::Record;
use crate::exit::Exit;

/// Version of the JSON object; a change of a field's meaning is a new one.
const VERSION: u32 = 1;

/// All of it.
#[derive(Debug, PartialEq, Serialize)]
pub(super) struct Summary {
    version: u32,
    pub bugs: Vec<BugRow>,
    pub healthy: HealthyRow,
    /// Runs of the plan that were not made.
    pub missing: usize,
    /// Why runs could not be made, each reason once.
    pub broken: Vec<String>,
}

/// The runs of one bug.
#[derive(Debug, PartialEq, Serialize)]
pub(super) struct BugRow {
    pub bug: &'static str,
    /// What the bug's entry says that it shows as.
    pub expected: &'static str,
    pub exposed_by: &'static str,
    pub found: usize,
    pub runs: usize,
    /// How often each class was found.
    pub classes: BTreeMap<String, usize>,
    /// Time to detection in milliseconds.
    pub median_ms: Option<u64>,
    pub worst_ms: Option<u64>,
    /// Operations of the smallest counterexample.
    pub counterexample: Option<usize>,
}

/// The runs without a bug.
#[derive(Debug, Default, PartialEq, Serialize)]
pub(super) struct HealthyRow {
    pub runs: usize,
    /// Class, seed and folder of each finding: a defect of the node, or of this tool.
    pub findings: Vec<String>,
    pub unknown: usize,
    pub vacuous: usize,
}

impl Summary {
    /// Of the plan's runs; others that the store remembers do not count.
    pub(super) fn of(plan: &Plan, records: &[Record]) -> Self {
        let of_cell = |cell: &Cell| records.iter().find(|one| one.arguments == cell.arguments);
        let made: Vec<&Record> = plan.cells.iter().filter_map(of_cell).collect();
        let broken = made.iter().filter(|one| one.outcome.end == End::Broken);
        let mut reasons: Vec<String> = broken
            .clone()
            .filter_map(|one| one.outcome.why.clone())
            .collect();
        reasons.sort_unstable();
        reasons.dedup();
        let missing = plan.cells.len() - made.len() + broken.count();
        let told: Vec<&Record> = made
            .into_iter()
            .filter(|one| one.outcome.end != End::Broken)
            .collect();
        Self {
            version: VERSION,
            bugs: plan
                .bugs
                .iter()
                .map(|bug| BugRow::of(*bug, &told))
                .collect(),
            healthy: HealthyRow::of(&told),
            missing,
            broken: reasons,
        }
    }

    /// Bugs that were found at least once.
    pub(super) fn found(&self) -> usize {
        self.bugs.iter().filter(|row| row.found > 0).count()
    }

    pub(super) fn exit(&self, require_found: usize) -> Exit {
        if !self.healthy.findings.is_empty() {
            Exit::Violation
        } else if self.missing > 0 {
            Exit::Harness
        } else if self.found() < require_found {
            Exit::Strength
        } else {
            Exit::Valid
        }
    }
}

impl BugRow {
    fn of(bug: Bug, records: &[&Record]) -> Self {
        let own: Vec<&&Record> = records
            .iter()
            .filter(|one| one.bug.as_deref() == Some(bug.name()))
            .collect();
        let found = own.iter().filter(|one| one.outcome.end == End::Found);
        let mut classes = BTreeMap::new();
        for class in found.clone().filter_map(|one| one.outcome.class.clone()) {
            *classes.entry(class).or_insert(0) += 1;
        }
        let mut times: Vec<u64> = found
            .clone()
            .filter_map(|one| one.outcome.after_ms)
            .collect();
        times.sort_unstable();
        Self {
            bug: bug.name(),
            expected: bug.class().name(),
            exposed_by: bug.exposed_by(),
            found: found.clone().count(),
            runs: own.len(),
            classes,
            median_ms: times.get(times.len() / 2).copied(),
            worst_ms: times.last().copied(),
            counterexample: found.filter_map(|one| one.outcome.counterexample).min(),
        }
    }
}

impl HealthyRow {
    fn of(records: &[&Record]) -> Self {
        let mut row = Self::default();
        for record in records.iter().filter(|one| one.bug.is_none()) {
            row.runs += 1;
            match record.outcome.end {
                End::Found => {
                    let class = record.outcome.class.as_deref().unwrap_or("other");
                    let folder = record.folder.as_deref();
                    let place = folder.map_or_else(String::new, |at| format!(": {}", at.display()));
                    row.findings
                        .push(format!("{class}, seed {}{place}", record.seed));
                }
                End::Unknown => row.unknown += 1,
                End::Vacuous => row.vacuous += 1,
                End::Silent | End::Broken => {}
            }
        }
        row
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::cli::{Cli, Command};
    use crate::matrix::outcome::Outcome;

    fn plan() -> Plan {
        let line = "adrasteia matrix --bugs read-no-quorum,quorum-half --seeds 3 --healthy 2";
        match Cli::try_parse_from(line.split(' ')).unwrap().command {
            Some(Command::Matrix(args)) => Plan::new(&args).unwrap(),
            other => panic!("{other:?}"),
        }
    }

    fn record(cell: &Cell, end: End, after_ms: Option<u64>) -> Record {
        let outcome = Outcome {
            end,
            class: (end == End::Found).then(|| "stale-read".to_owned()),
            after_ms,
            counterexample: after_ms.map(|_| 3),
            why: (end == End::Broken).then(|| "no room".to_owned()),
        };
        let bug = cell.bug.map(|bug| bug.name().to_owned());
        Record::new(bug, cell.seed, cell.arguments.clone(), outcome, 1)
    }

    #[test]
    fn rows_count_what_was_made_and_name_what_was_not() {
        let plan = plan();
        let (planted, healthy): (Vec<&Cell>, Vec<&Cell>) =
            plan.cells.iter().partition(|cell| cell.bug.is_some());
        let times = [Some(900), None, Some(4_000), Some(2_000)];
        let mut records: Vec<Record> = planted
            .iter()
            .filter(|cell| cell.bug == Some(Bug::ReadNoQuorum))
            .zip(times)
            .map(|(cell, time)| record(cell, time.map_or(End::Silent, |_| End::Found), time))
            .collect();
        records.push(record(healthy[0], End::Silent, None));
        records.push(record(healthy[1], End::Broken, None));

        let summary = Summary::of(&plan, &records);
        let row = &summary.bugs[0];
        assert_eq!((row.found, row.runs), (2, 3));
        assert_eq!((row.median_ms, row.worst_ms), (Some(4_000), Some(4_000)));
        assert_eq!(row.counterexample, Some(3));
        assert_eq!((summary.bugs[1].found, summary.bugs[1].runs), (0, 0));
        assert_eq!(summary.healthy.runs, 1);
        assert_eq!(
            summary.missing, 4,
            "three of quorum-half, and the broken one"
        );
        assert_eq!(summary.broken, ["no room"]);
        assert_eq!(summary.exit(0), Exit::Harness);
    }

    #[test]
    fn a_finding_on_the_healthy_node_dominates() {
        let plan = plan();
        let all = |end| -> Vec<Record> {
            let cells = plan.cells.iter();
            cells
                .map(|cell| match cell.bug {
                    Some(_) => record(cell, End::Found, Some(10)),
                    None => record(cell, end, None),
                })
                .collect()
        };
        let silent = Summary::of(&plan, &all(End::Silent));
        assert_eq!((silent.found(), silent.missing), (2, 0));
        assert_eq!(silent.exit(2), Exit::Valid);
        assert_eq!(silent.exit(3), Exit::Strength);
        let loud = Summary::of(&plan, &all(End::Found));
        assert_eq!(loud.healthy.findings.len(), 2);
        assert_eq!(loud.exit(0), Exit::Violation);
    }
}
