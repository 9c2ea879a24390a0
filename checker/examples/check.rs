//! Judges a history and tells what that cost: `cargo run --release -p checker --example check -- --help`.
//!
//! Also shows what a budget is: this one ends a check by time, or by the memory the process holds.

#![expect(
    clippy::disallowed_methods,
    reason = "the crate has no clock; its callers do"
)]

use std::error::Error;
use std::fs::File;
use std::num::NonZero;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use checker::{
    Algorithm, Budget, CheckOptions, CheckProgress, KeyResult, Limit, check_with, formats,
};
use clap::Parser;

/// Judges a history by the model its header names.
#[derive(Parser)]
struct Arguments {
    /// The history.
    file: PathBuf,
    /// auto, search, fast or frontier.
    #[arg(long, default_value_t = Algorithm::Auto)]
    algorithm: Algorithm,
    /// How many threads may work at once.
    #[arg(long, default_value = "1")]
    workers: NonZero<usize>,
    /// After how many seconds the check ends.
    #[arg(long, default_value_t = 60)]
    time_limit_s: u64,
    /// At how many mebibytes of the process's resident set the check ends.
    #[arg(long, default_value_t = 4096)]
    memory_limit_mib: u64,
    /// How often the check is repeated; the last time counts.
    #[arg(long, default_value_t = 1)]
    repeat: u32,
    /// Also say which weaker models hold where the history is not linearizable.
    #[arg(long)]
    weaker: bool,
}

impl Arguments {
    fn limits(&self, start: Instant) -> Limits {
        Limits {
            start,
            time: Duration::from_secs(self.time_limit_s),
            memory_bytes: self.memory_limit_mib << 20,
            asked_us: AtomicU64::new(0),
            configurations: AtomicUsize::new(0),
            most_bytes: AtomicU64::new(0),
            most_configurations: AtomicUsize::new(0),
        }
    }
}

struct Limits {
    start: Instant,
    time: Duration,
    memory_bytes: u64,
    /// At how many microseconds the kernel was last asked what the process holds.
    asked_us: AtomicU64,
    /// How many configurations an engine holds, and what the checker thinks that all of them occupy, when it thought they were most.
    configurations: AtomicUsize,
    most_bytes: AtomicU64,
    most_configurations: AtomicUsize,
}

/// That costs a thousand times as much as a look at the clock.
const ASK_EVERY_US: u64 = 2_000;

impl Budget for Limits {
    fn exceeded(&self, own_memory_estimate_bytes: u64) -> Option<Limit> {
        if self
            .most_bytes
            .fetch_max(own_memory_estimate_bytes, Ordering::Relaxed)
            < own_memory_estimate_bytes
        {
            let configurations = self.configurations.load(Ordering::Relaxed);
            self.most_configurations
                .store(configurations, Ordering::Relaxed);
        }
        let elapsed = self.start.elapsed();
        if elapsed >= self.time {
            return Some(Limit::Time(self.time));
        }
        let now_us = u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX);
        if now_us < self.asked_us.load(Ordering::Relaxed) + ASK_EVERY_US {
            return None;
        }
        self.asked_us.store(now_us, Ordering::Relaxed);
        let held = status_bytes("VmRSS:").unwrap_or(own_memory_estimate_bytes);
        (held >= self.memory_bytes).then_some(Limit::Memory(self.memory_bytes))
    }

    fn progress(&self, progress: &CheckProgress) {
        self.configurations
            .store(progress.configurations, Ordering::Relaxed);
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments = Arguments::parse();
    let source = arguments.file.display().to_string();
    let start = Instant::now();
    let file = File::open(&arguments.file)?;
    let budget = arguments.limits(start);
    let history = formats::read_by(arguments.workers, file, None, &source, &budget)?;
    let parsed = start.elapsed();
    let options = CheckOptions {
        algorithm: arguments.algorithm,
        workers: arguments.workers,
    };
    for _ in 0..arguments.repeat {
        let start = Instant::now();
        let budget = arguments.limits(start);
        let analysis = check_with(&history, &history.default_model(), &options, &budget)?;
        let checked = start.elapsed();
        let peak = status_bytes("VmHWM:").unwrap_or(0) >> 20;
        println!(
            "{} operations {} parse {:.3} s check {:.4} s peak {peak} MiB, {} bytes for {} configurations",
            history.operations.len(),
            analysis.outcome(),
            parsed.as_secs_f64(),
            checked.as_secs_f64(),
            budget.most_bytes.load(Ordering::Relaxed),
            budget.most_configurations.load(Ordering::Relaxed),
        );
        let violation = analysis.violations().next();
        if let Some((_, violation)) = violation.filter(|_| arguments.weaker) {
            let near = Some(violation.operation);
            for found in checker::weaker(&history, &analysis.model, near, &budget) {
                println!("{found:?}");
            }
            let all = start.elapsed().as_secs_f64();
            println!("weaker models {:.3} s", all - checked.as_secs_f64());
        }
        for key in &analysis.keys {
            match &key.result {
                KeyResult::Valid { .. } => {}
                KeyResult::Invalid(violation) => println!("{}", violation.anomaly.explanation),
                KeyResult::Unknown { .. } => {
                    println!("{}", key.unknown_reason().unwrap_or_default());
                }
            }
        }
    }
    Ok(())
}

/// A line of the process's status, which the kernel keeps in kibibytes.
fn status_bytes(line: &str) -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let rest = status.lines().find_map(|one| one.strip_prefix(line))?;
    let kib: u64 = rest.split_whitespace().next()?.parse().ok()?;
    Some(kib << 10)
}
