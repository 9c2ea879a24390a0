//! What the engines cost: `cargo bench -p checker`. The larger cases, and memory, are in BENCHMARKS.md with the commands that measure them.

#[path = "../tests/it/simulate.rs"]
mod simulate;

use std::hint::black_box;
use std::num::NonZero;
use std::time::Duration;

use checker::{Algorithm, CheckOptions, History, Unlimited, check_with};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use simulate::Run;

/// One register of five values.
const REGISTER: Run = Run {
    operations: 10_000,
    clients: 10,
    operations_per_key: 10_000,
    values: 5,
    indeterminate: 0,
    stale: false,
    seed: 1,
};

fn cases() -> Vec<(&'static str, Algorithm, Run)> {
    let crashed = Run {
        indeterminate: 2,
        ..REGISTER
    };
    let unique = Run {
        operations: 100_000,
        operations_per_key: 100_000,
        values: 0,
        ..REGISTER
    };
    vec![
        ("search, 10 clients", Algorithm::Search, REGISTER),
        ("frontier, 10 clients", Algorithm::Frontier, REGISTER),
        ("auto, 10 clients", Algorithm::Auto, REGISTER),
        ("auto, 20 crashed", Algorithm::Auto, crashed),
        (
            "auto, 50 clients",
            Algorithm::Auto,
            Run {
                clients: 50,
                ..REGISTER
            },
        ),
        ("fast, unique values", Algorithm::Fast, unique),
        (
            "fast, unique values, stale",
            Algorithm::Fast,
            Run {
                stale: true,
                ..unique
            },
        ),
        (
            "auto, 100 keys",
            Algorithm::Auto,
            Run {
                operations_per_key: 100,
                ..REGISTER
            },
        ),
    ]
}

fn engines(criterion: &mut Criterion) {
    for (name, algorithm, run) in cases() {
        let history = simulate::history(run);
        let mut group = criterion.benchmark_group("check");
        group
            .sample_size(10)
            .warm_up_time(Duration::from_millis(500))
            .measurement_time(Duration::from_secs(3))
            .throughput(Throughput::Elements(run.operations as u64));
        group.bench_function(name, |bench| bench.iter(|| judge(&history, algorithm)));
        group.finish();
    }
}

fn judge(history: &History, algorithm: Algorithm) {
    let options = CheckOptions {
        algorithm,
        workers: NonZero::<usize>::MIN,
    };
    let analysis = check_with(history, &history.default_model(), &options, &Unlimited);
    black_box(analysis.expect("operations of the model"));
}

criterion_group!(benches, engines);
criterion_main!(benches);
