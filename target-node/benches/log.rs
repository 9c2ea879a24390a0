//! What a durable batch costs: the log, and beside it what the disk itself gives for the same bytes.
//!
//! The folder is made under `ADRASTEIA_BENCH_DIR`, or where temporary files go; on a disk in memory the numbers
//! say nothing.
#![expect(clippy::unwrap_used, reason = "a benchmark fails by panicking")]

use std::{env, fs::File, os::unix::fs::FileExt as _, path::Path};

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use target_node::LogProbe;
use tempfile::TempDir;

const ENTRY_BYTES: usize = 300;
const SEGMENT_BYTES: u64 = 1 << 20;

fn folder() -> TempDir {
    match env::var_os("ADRASTEIA_BENCH_DIR") {
        Some(parent) => tempfile::tempdir_in(parent).unwrap(),
        None => tempfile::tempdir().unwrap(),
    }
}

fn open(folder: &Path) -> LogProbe {
    LogProbe::open(folder, SEGMENT_BYTES).unwrap()
}

fn zeros() -> Vec<u8> {
    vec![0; usize::try_from(SEGMENT_BYTES).unwrap()]
}

/// Batches of 1 and 16 entries: by the log, over zeros, and at the end of a file that grows.
fn append(criterion: &mut Criterion) {
    for entries in [1, 16] {
        let mut group = criterion.benchmark_group(format!("append/{entries}"));
        let bytes = vec![7; ENTRY_BYTES * entries];

        let home = folder();
        let mut log = open(home.path());
        group.bench_function("log", |bencher| {
            bencher.iter(|| log.append(entries as u64, ENTRY_BYTES).unwrap());
        });

        let filled = File::create(home.path().join("filled")).unwrap();
        filled.write_all_at(&zeros(), 0).unwrap();
        filled.sync_all().unwrap();
        let mut offset = 0;
        group.bench_function("zero-filled", |bencher| {
            bencher.iter(|| {
                filled.write_all_at(&bytes, offset).unwrap();
                filled.sync_data().unwrap();
                offset = (offset + bytes.len() as u64) % (SEGMENT_BYTES - bytes.len() as u64);
            });
        });

        let growing = File::create(home.path().join("growing")).unwrap();
        let mut offset = 0;
        group.bench_function("growing", |bencher| {
            bencher.iter(|| {
                growing.write_all_at(&bytes, offset).unwrap();
                growing.sync_data().unwrap();
                offset += bytes.len() as u64;
            });
        });
        group.finish();
    }
}

/// The next segment: filled with zeros, or an old one with a new header.
fn segment(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("segment");
    let home = folder();
    let file = File::create(home.path().join("segment")).unwrap();
    for (name, bytes) in [("filled with zeros", zeros()), ("new header", vec![7; 72])] {
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                file.write_all_at(&bytes, 0).unwrap();
                file.sync_data().unwrap();
            });
        });
    }
    group.finish();
}

/// Reading 100 000 entries back.
fn recovery(criterion: &mut Criterion) {
    let home = folder();
    let mut log = open(home.path());
    for _ in 0..100 {
        log.append(1000, ENTRY_BYTES).unwrap();
        log.upkeep().unwrap();
    }
    drop(log);
    let mut group = criterion.benchmark_group("recovery");
    group.sample_size(10);
    group.bench_function("100000 entries", |bencher| {
        bencher.iter_batched(
            || (),
            |()| assert_eq!(open(home.path()).last_index(), 100_000),
            BatchSize::PerIteration,
        );
    });
    group.finish();
}

criterion_group!(benches, append, segment, recovery);
criterion_main!(benches);
