//! Measures what a clock of its own costs a process: how much longer it takes to start, and to look at the clock.
//!
//! ```text
//! cargo run --release -p nemesis --example clocks
//! ```
#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "it measures real time, and is for people who read backtraces"
)]

use nemesis::clocks::{ClockChange, ClockWay, NodeClock};
use nemesis::process::{NodeProcess, ProcessSpec};
use nix::time::{ClockId, clock_gettime};
use std::fs::File;
use std::hint::black_box;
use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

const STARTS: usize = 200;
const LOOKS: u32 = 2_000_000;

fn main() {
    if std::env::args().nth(1).as_deref() == Some("look") {
        return look();
    }
    nemesis::lab::enter().unwrap();
    let [patched, preloaded] = [ClockWay::Vdso, ClockWay::Preload].map(|way| {
        let clock = NodeClock::create(&Path::new("/run").join(way.to_string()), way).unwrap();
        clock.install(ClockChange::Drift { rate_ppb: 1 }).unwrap();
        clock
    });
    for (what, clock) in [
        ("the host's clock", None),
        ("a patched vDSO", Some(&patched)),
        ("a preloaded library", Some(&preloaded)),
    ] {
        let mut starts: Vec<Duration> = (0..STARTS).map(|_| start(clock)).collect();
        starts.sort();
        let (median, worst) = (starts[STARTS / 2], starts[STARTS - 1]);
        println!("{what}: starts in {median:.0?} median, {worst:.0?} worst of {STARTS}");
        let itself = std::env::current_exe().unwrap();
        let mut process = spawn(&itself, &["look"], clock);
        assert!(process.wait(Duration::from_secs(60)).unwrap().success());
        print!("{what}: {}", std::fs::read_to_string("/run/log").unwrap());
    }
}

/// Until the process runs; a followed one included.
fn start(clock: Option<&NodeClock>) -> Duration {
    let started = Instant::now();
    let process = spawn(Path::new("/bin/sleep"), &["1000"], clock);
    let taken = started.elapsed();
    drop(process);
    taken
}

fn spawn(program: &Path, args: &[&str], clock: Option<&NodeClock>) -> NodeProcess {
    let spec = ProcessSpec {
        program,
        args: args.iter().map(Into::into).collect(),
        env: Vec::new(),
        log: File::create("/run/log").unwrap(),
        namespace: None,
        clock,
    };
    NodeProcess::spawn(&spec).unwrap()
}

/// In processor time, so that others on the machine do not count.
fn look() {
    let started = processor_ns();
    for _ in 0..LOOKS {
        black_box(SystemTime::now());
    }
    let taken = processor_ns() - started;
    println!("{:.0} ns a look", taken as f64 / f64::from(LOOKS));
}

fn processor_ns() -> i64 {
    let time = clock_gettime(ClockId::CLOCK_PROCESS_CPUTIME_ID).unwrap();
    time.tv_sec() * 1_000_000_000 + time.tv_nsec()
}
