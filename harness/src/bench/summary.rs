//! What follows from the samples: medians of the rounds, and ratios between the first two systems.
//!
//! A ratio is taken between the two measurements of one round, which saw about the same machine; what is told is the median
//! of these ratios, not the ratio of the medians.

use serde::Serialize;

use super::sample::{Cause, LoadSample, Outage, Record};
use crate::cli::{Operation, Target};

/// Medians and ratios of everything that was measured at least once.
#[derive(Debug, Serialize)]
pub(super) struct Summary {
    pub loads: Vec<LoadSummary>,
    pub outages: Vec<OutageSummary>,
    pub memory: Vec<MemorySummary>,
    /// First system to second.
    pub memory_ratio: Option<MemoryRatio>,
}

/// One load: every system's medians, in the order of the turns.
#[derive(Debug, Serialize)]
pub(super) struct LoadSummary {
    pub operation: Operation,
    pub clients: usize,
    pub systems: Vec<LoadMedian>,
    pub ratio: Option<LoadRatio>,
}

/// Medians of one system's rounds; errors are their sum.
#[derive(Debug, Serialize)]
pub(super) struct LoadMedian {
    pub target: Target,
    pub rounds: usize,
    pub per_second: f64,
    pub p50_us: f64,
    pub p99_us: f64,
    pub client_cpu_us: f64,
    pub cluster_cpu_us: f64,
    pub errors: u64,
    pub leader_changes: usize,
}

/// First system to second, median of the rounds that have both.
#[derive(Debug, Serialize)]
pub(super) struct LoadRatio {
    pub per_second: f64,
    pub p50: f64,
    pub p99: f64,
}

/// Outages of one system from one cause.
#[derive(Debug, Serialize)]
pub(super) struct OutageSummary {
    pub target: Target,
    pub cause: Cause,
    /// Median and longest in milliseconds; none where the system offers no such thing.
    pub median_ms: Option<f64>,
    pub longest_ms: Option<f64>,
}

/// Memory of one system, medians of the rounds.
#[derive(Debug, Serialize)]
pub(super) struct MemorySummary {
    pub target: Target,
    pub leader_kib: f64,
    pub leader_peak_kib: f64,
    pub sum_kib: f64,
    pub sum_peak_kib: f64,
}

#[derive(Debug, Serialize)]
pub(super) struct MemoryRatio {
    pub leader: f64,
    pub sum: f64,
}

impl Summary {
    pub(super) fn of(record: &Record) -> Self {
        Self {
            loads: loads(record),
            outages: outages(record),
            memory: memory(record),
            memory_ratio: memory_ratio(record),
        }
    }
}

fn loads(record: &Record) -> Vec<LoadSummary> {
    let mut loads = Vec::new();
    for &operation in &record.settings.operations {
        for &clients in &record.settings.clients {
            let of_load =
                |sample: &&LoadSample| sample.operation == operation && sample.clients == clients;
            let samples: Vec<&LoadSample> = record.loads.iter().filter(of_load).collect();
            let systems = record.settings.targets.iter();
            let systems: Vec<LoadMedian> = systems
                .filter_map(|target| load_median(*target, &samples))
                .collect();
            if !systems.is_empty() {
                loads.push(LoadSummary {
                    operation,
                    clients,
                    systems,
                    ratio: load_ratio(&record.settings.targets, &samples),
                });
            }
        }
    }
    loads
}

fn load_median(target: Target, samples: &[&LoadSample]) -> Option<LoadMedian> {
    let own: Vec<&LoadSample> = samples
        .iter()
        .copied()
        .filter(|sample| sample.target == target)
        .collect();
    let median_of = |value: fn(&LoadSample) -> f64| median(own.iter().map(|sample| value(sample)));
    Some(LoadMedian {
        target,
        rounds: own.len(),
        per_second: median_of(|sample| sample.measure.per_second)?,
        p50_us: median_of(|sample| sample.measure.p50_us)?,
        p99_us: median_of(|sample| sample.measure.p99_us)?,
        client_cpu_us: median_of(|sample| sample.measure.client_cpu_us)?,
        cluster_cpu_us: median_of(|sample| sample.measure.cluster_cpu_us)?,
        errors: own.iter().map(|sample| sample.measure.errors).sum(),
        leader_changes: own.iter().filter(|sample| sample.leader_changed).count(),
    })
}

fn load_ratio(targets: &[Target], samples: &[&LoadSample]) -> Option<LoadRatio> {
    let ratio_of = |value: fn(&LoadSample) -> f64| {
        let samples = samples.iter();
        median_ratio(
            targets,
            samples.map(|sample| (sample.round, sample.target, value(sample))),
        )
    };
    Some(LoadRatio {
        per_second: ratio_of(|sample| sample.measure.per_second)?,
        p50: ratio_of(|sample| sample.measure.p50_us)?,
        p99: ratio_of(|sample| sample.measure.p99_us)?,
    })
}

fn outages(record: &Record) -> Vec<OutageSummary> {
    let mut outages = Vec::new();
    for &target in &record.settings.targets {
        for cause in Cause::ALL {
            let of_cause = record
                .outages
                .iter()
                .filter(|sample| (sample.target, sample.cause) == (target, cause));
            let measured: Vec<Option<f64>> = of_cause
                .map(|sample| match sample.outage {
                    Outage::Milliseconds(ms) => Some(ms),
                    Outage::NotOffered => None,
                })
                .collect();
            if !measured.is_empty() {
                let times = measured.iter().flatten().copied();
                outages.push(OutageSummary {
                    target,
                    cause,
                    median_ms: median(times.clone()),
                    longest_ms: times.max_by(f64::total_cmp),
                });
            }
        }
    }
    outages
}

fn memory(record: &Record) -> Vec<MemorySummary> {
    let of_target = |target: &Target| {
        let own = record
            .memory
            .iter()
            .filter(|sample| sample.target == *target);
        Some(MemorySummary {
            target: *target,
            leader_kib: median(own.clone().map(|sample| sample.leader.resident_kib as f64))?,
            leader_peak_kib: median(own.clone().map(|sample| sample.leader.peak_kib as f64))?,
            sum_kib: median(own.clone().map(|sample| sample.sum.resident_kib as f64))?,
            sum_peak_kib: median(own.map(|sample| sample.sum.peak_kib as f64))?,
        })
    };
    record
        .settings
        .targets
        .iter()
        .filter_map(of_target)
        .collect()
}

fn memory_ratio(record: &Record) -> Option<MemoryRatio> {
    let targets = &record.settings.targets;
    let samples = || record.memory.iter();
    let leader = samples().map(|s| (s.round, s.target, s.leader.resident_kib as f64));
    let sum = samples().map(|s| (s.round, s.target, s.sum.resident_kib as f64));
    Some(MemoryRatio {
        leader: median_ratio(targets, leader)?,
        sum: median_ratio(targets, sum)?,
    })
}

/// The median of first to second system over the rounds that have a value of both.
fn median_ratio(
    targets: &[Target],
    values: impl Iterator<Item = (u32, Target, f64)>,
) -> Option<f64> {
    let [first, second, ..] = *targets else {
        return None;
    };
    let values: Vec<(u32, Target, f64)> = values.collect();
    let of = |wanted: Target, round: u32| {
        let mut own = values
            .iter()
            .filter(|(at, target, _)| (*at, *target) == (round, wanted));
        own.next().map(|(_, _, value)| *value)
    };
    let rounds = values
        .iter()
        .filter(|(_, target, _)| *target == first)
        .map(|(round, _, _)| *round);
    let ratios = rounds.filter_map(|round| {
        let divisor = of(second, round).filter(|value| *value > 0.0)?;
        Some(of(first, round)? / divisor)
    });
    median(ratios)
}

/// The middle value, or the mean of the two in the middle; none of nothing.
fn median(values: impl Iterator<Item = f64>) -> Option<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => None,
        odd if odd % 2 == 1 => Some(values[middle]),
        _ => Some(f64::midpoint(values[middle - 1], values[middle])),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle() {
        assert_eq!(median([3.0, 1.0, 2.0].into_iter()), Some(2.0));
        assert_eq!(median([4.0, 1.0, 2.0, 3.0].into_iter()), Some(2.5));
        assert_eq!(median(std::iter::empty()), None);
    }

    #[test]
    fn a_ratio_compares_within_a_round() {
        use Target::{Etcd, Node};
        // The machine was ten times slower in the second round, and the third has no second system.
        let values = [
            (1, Node, 2_000.0),
            (1, Etcd, 1_000.0),
            (2, Node, 220.0),
            (2, Etcd, 100.0),
            (3, Node, 9_000.0),
        ];
        let ratio = |targets: &[Target]| median_ratio(targets, values.into_iter());
        assert!((ratio(&[Node, Etcd]).unwrap() - 2.1).abs() < 1e-9);
        assert_eq!(ratio(&[Node]), None);
    }
}
