//! How it is told to people.

use bytesize::ByteSize;

use super::disk::{DiskSpeed, Syncs};
use super::sample::{Record, Settings};
use super::summary::{LoadMedian, LoadRatio, LoadSummary, MemorySummary, OutageSummary, Summary};
use crate::cli::Target;

/// What a sync costs here.
pub(super) fn disk_line(disk: &DiskSpeed) -> String {
    let syncs = |syncs: &Syncs| {
        let ms = |us: u64| milliseconds(us as f64);
        format!("p50 {}, p99 {}", ms(syncs.p50_us), ms(syncs.p99_us))
    };
    format!(
        "disk: a sync of 4 KiB takes {} written over, {} appended",
        syncs(&disk.overwrite),
        syncs(&disk.append)
    )
}

/// The whole answer.
pub(super) fn lines(record: &Record, summary: &Summary) -> Vec<String> {
    let mut lines = vec![settings_line(&record.settings)];
    if record.interrupted {
        lines.push("ended early: figures are of the measurements that were finished".to_owned());
    }
    if record.disk.is_tmpfs {
        lines.push("the disk is a tmpfs: nothing was synced".to_owned());
    }
    if !summary.loads.is_empty() {
        lines.push(String::new());
        lines.push(load_header(&record.settings.targets));
        let targets = &record.settings.targets;
        lines.extend(summary.loads.iter().map(|load| load_line(targets, load)));
    }
    if !summary.outages.is_empty() {
        lines.push(String::new());
        lines.extend(summary.outages.iter().map(outage_line));
    }
    if !summary.memory.is_empty() {
        lines.push(String::new());
        lines.extend(summary.memory.iter().map(memory_line));
    }
    if let Some(ratio) = &summary.memory_ratio {
        lines.push(format!(
            "resident memory, {}: leader {:.2}, all nodes {:.2}",
            versus(&record.settings.targets),
            ratio.leader,
            ratio.sum
        ));
    }
    lines
}

fn settings_line(settings: &Settings) -> String {
    let Settings {
        targets,
        route,
        value_bytes,
        keys,
        nodes,
        duration_ms,
        rounds,
        ..
    } = settings;
    let names: Vec<&str> = targets.iter().map(|target| target.name()).collect();
    format!(
        "{}: {nodes} nodes, {value_bytes} B values, {keys} keys, route {}, {:.1} s a measurement, medians of {}; cpu is µs an operation: all nodes/load generator",
        names.join(" and "),
        route.name(),
        *duration_ms as f64 / 1e3,
        plural(*rounds as usize, "round")
    )
}

fn versus(targets: &[Target]) -> String {
    let names: Vec<&str> = targets.iter().take(2).map(|target| target.name()).collect();
    names.join("/")
}

fn load_header(targets: &[Target]) -> String {
    let mut line = format!("{:<4}{:>8}", "", "clients");
    for target in targets {
        line += &format!(
            "  | {:>5} {:>9} {:>9} {:>9} {:>7} {:>9}",
            target.name(),
            "ops/s",
            "p50",
            "p99",
            "errors",
            "cpu"
        );
    }
    if targets.len() > 1 {
        let versus = versus(targets);
        line += &format!("  | {versus} {:>6} {:>6} {:>6}", "ops/s", "p50", "p99");
    }
    line
}

fn load_line(targets: &[Target], load: &LoadSummary) -> String {
    let mut line = format!("{:<4}{:>8}", load.operation.name(), load.clients);
    for target in targets {
        let own = load.systems.iter().find(|system| system.target == *target);
        line += &own.map_or_else(nothing, median_cells);
    }
    if targets.len() > 1 {
        let width = versus(targets).len();
        line += &load.ratio.as_ref().map_or_else(
            || format!("  | {:width$} {:>6}", "", "-"),
            |ratio| ratio_cells(width, ratio),
        );
    }
    line
}

fn nothing() -> String {
    format!(
        "  | {:>5} {:>9} {:>9} {:>9} {:>7} {:>9}",
        "", "-", "", "", "", ""
    )
}

fn median_cells(median: &LoadMedian) -> String {
    let cpu = format!("{:.0}/{:.0}", median.cluster_cpu_us, median.client_cpu_us);
    let mark = match median.leader_changes {
        0 => "",
        _ => "moved",
    };
    format!(
        "  | {mark:>5} {:>9.0} {:>9} {:>9} {:>7} {cpu:>9}",
        median.per_second,
        milliseconds(median.p50_us),
        milliseconds(median.p99_us),
        median.errors,
    )
}

fn ratio_cells(width: usize, ratio: &LoadRatio) -> String {
    format!(
        "  | {:width$} {:>6.2} {:>6.2} {:>6.2}",
        "", ratio.per_second, ratio.p50, ratio.p99
    )
}

fn outage_line(outage: &OutageSummary) -> String {
    let time = match (outage.median_ms, outage.longest_ms) {
        (Some(median), Some(longest)) => format!("{median:.0} ms, at most {longest:.0} ms"),
        (None, _) | (_, None) => "not asked of this system".to_owned(),
    };
    let (target, cause) = (outage.target.name(), outage.cause.describe());
    format!("{target:<5} no write served {cause}: {time}")
}

fn memory_line(memory: &MemorySummary) -> String {
    let size = |kib: f64| ByteSize::kib(kib as u64).display().iec().to_string();
    format!(
        "{:<5} resident memory: leader {} (peak {}), all nodes {} (peak {})",
        memory.target.name(),
        size(memory.leader_kib),
        size(memory.leader_peak_kib),
        size(memory.sum_kib),
        size(memory.sum_peak_kib)
    )
}

/// So many of something.
pub(super) fn plural(count: usize, what: &str) -> String {
    match count {
        1 => format!("1 {what}"),
        _ => format!("{count} {what}s"),
    }
}

/// Microseconds as milliseconds with as many digits as they deserve.
fn milliseconds(us: f64) -> String {
    match us {
        us if us < 10_000.0 => format!("{:.2} ms", us / 1e3),
        us if us < 100_000.0 => format!("{:.1} ms", us / 1e3),
        us => format!("{:.0} ms", us / 1e3),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::sample::{Cause, LoadSample, Measure, MemorySample, Outage, OutageSample};
    use crate::bench::usage::Memory;
    use crate::cli::{Operation, Route};

    fn record() -> Record {
        let syncs = Syncs {
            count: 200,
            p50_us: 90,
            p99_us: 12_345,
        };
        let disk = DiskSpeed {
            is_tmpfs: false,
            overwrite: syncs,
            append: syncs,
        };
        let settings = Settings {
            targets: vec![Target::Node, Target::Etcd],
            operations: vec![Operation::Put, Operation::Get],
            clients: vec![1, 64],
            route: Route::Leader,
            value_bytes: 256,
            keys: 10_000,
            nodes: 3,
            duration_ms: 10_000,
            warm_up_ms: 2_000,
            rounds: 1,
        };
        Record::new(settings, disk, Vec::new())
    }

    fn load(target: Target, clients: usize, per_second: f64) -> LoadSample {
        let measure = Measure {
            operations: 1_000,
            errors: 3,
            per_second,
            p50_us: 512.3,
            p99_us: 1e7 / per_second,
            max_us: 1e6,
            client_cpu_us: 11.2,
            cluster_cpu_us: 33.3,
            first_error: None,
        };
        LoadSample {
            round: 1,
            target,
            operation: Operation::Put,
            clients,
            leader_changed: clients == 1,
            measure,
        }
    }

    fn told(record: &Record) -> String {
        lines(record, &Summary::of(record)).join("\n")
    }

    #[test]
    fn a_full_record_is_told_in_columns() {
        let mut record = record();
        record.loads = vec![
            load(Target::Node, 64, 30_000.0),
            load(Target::Etcd, 64, 10_000.0),
            load(Target::Node, 1, 2_000.0),
        ];
        let outage = |target, cause, outage| OutageSample {
            round: 1,
            target,
            cause,
            outage,
        };
        record.outages = vec![
            outage(Target::Node, Cause::Kill, Outage::Milliseconds(312.4)),
            outage(Target::Node, Cause::HandOver, Outage::NotOffered),
        ];
        let memory = Memory {
            resident_kib: 20_480,
            peak_kib: 30_720,
        };
        record.memory = vec![MemorySample {
            round: 1,
            target: Target::Node,
            leader: memory,
            sum: memory,
        }];
        insta::assert_snapshot!(told(&record));
    }

    #[test]
    fn a_record_that_ended_early_says_so() {
        let mut record = record();
        record.interrupted = true;
        let told = told(&record);
        assert!(told.contains("ended early"), "{told}");
        assert!(!told.contains("ops/s"), "{told}");
    }

    #[test]
    fn the_disk_is_told_in_milliseconds() {
        assert_eq!(
            disk_line(&record().disk),
            "disk: a sync of 4 KiB takes p50 0.09 ms, p99 12.3 ms written over, p50 0.09 ms, p99 12.3 ms appended"
        );
    }
}
