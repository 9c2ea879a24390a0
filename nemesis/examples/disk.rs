//! What a disk that can fail costs: the same calls on the plain folder and on one with our disk over it.
//!
//! `cargo run --release -p nemesis --example disk -- FOLDER`
#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "a program that measures"
)]

use nemesis::disk::Disk;
use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

const TIMES: u32 = 2_000;

fn main() {
    nemesis::lab::enter().unwrap();
    let folder = PathBuf::from(std::env::args().nth(1).unwrap_or_else(|| ".".into()));
    let folder = folder.join("disk-measure");
    fs::create_dir(&folder).unwrap();
    println!("p50 over {TIMES} calls           plain      with our disk");
    let plain = measure(&folder);
    let disk = Disk::mount(&folder, 1).unwrap();
    let ours = measure(&folder);
    drop(disk);
    for ((what, plain), (_, ours)) in plain.iter().zip(&ours) {
        println!("{what:<28} {plain:>10.1?} {ours:>10.1?}");
    }
    fs::remove_dir_all(&folder).unwrap();
}

fn measure(folder: &Path) -> Vec<(&'static str, Duration)> {
    let path = folder.join("file");
    let file = File::create(&path).unwrap();
    let mut offset = 0;
    let append = median(|| {
        file.write_all_at(&[1; 4096], offset).unwrap();
        offset += 4096;
        file.sync_data().unwrap();
    });
    let overwrite = median(|| {
        file.write_all_at(&[2; 4096], 0).unwrap();
        file.sync_data().unwrap();
    });
    let small = median(|| file.write_all_at(&[3; 128], 0).unwrap());
    let names = median(|| {
        let (from, to) = (folder.join("from"), folder.join("to"));
        File::create(&from).unwrap();
        fs::rename(&from, &to).unwrap();
        fs::remove_file(&to).unwrap();
    });
    fs::remove_file(&path).unwrap();
    vec![
        ("append 4 KiB, fdatasync", append),
        ("overwrite 4 KiB, fdatasync", overwrite),
        ("write 128 bytes", small),
        ("create, rename, remove", names),
    ]
}

fn median(mut act: impl FnMut()) -> Duration {
    let time = |_| {
        let start = Instant::now();
        act();
        start.elapsed()
    };
    let mut times: Vec<Duration> = (0..TIMES).map(time).collect();
    times.sort();
    times[times.len() / 2]
}
