//! A run that is killed at any moment leaves nothing on the machine but what it had written.
//!
//! A few runs are killed in every test run; `ADRASTEIA_KILLS=100` kills a hundred.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::thread;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use tempfile::TempDir;

use crate::program::{adrasteia, in_lab, text, told};

/// Runs that are killed where nobody says how many.
const KILLS: u32 = 4;
/// A run is killed within this time of its start: while it is set up, or while clients work.
const LATEST_MS: u64 = 5_000;
/// How long what is left of a run may take to go.
const PATIENCE: u32 = 100;
/// What is asked of the runs, in turn.
const RUNS: [&str; 4] = [
    "--nemesis partition,kill,pause",
    "--nemesis net --net switch --capture",
    "--nemesis power-loss,clock-jump,partition",
    "--nemesis disk-slow,blackout,kill",
];

struct Doomed {
    out: TempDir,
    child: Child,
}

impl Doomed {
    fn start(options: &str) -> Self {
        let out = tempfile::tempdir().unwrap();
        let child = adrasteia(options)
            .args(["--time-limit", "60s", "--out"])
            .arg(out.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        Self { out, child }
    }

    fn history(&self) -> PathBuf {
        self.out.path().join("latest/history.jsonl")
    }

    /// Whatever belongs to the run: its processes and their children, by process number.
    fn processes(&self) -> BTreeSet<u32> {
        let parents = parents();
        let mut found = BTreeSet::from([self.child.id()]);
        loop {
            let children = parents.iter().filter(|(_, parent)| found.contains(parent));
            let more: BTreeSet<u32> = children.map(|(pid, _)| *pid).collect();
            if more.is_subset(&found) {
                return found;
            }
            found.extend(more);
        }
    }

    /// The outer process, the lab's init or the harness itself.
    fn one_of_three(&self, rng: &mut ChaCha8Rng) -> u32 {
        let mut chosen = self.child.id();
        for _ in 0..rng.random_range(0..3) {
            let child = parents().into_iter().find(|(_, parent)| *parent == chosen);
            chosen = child.map_or(chosen, |(pid, _)| pid);
        }
        chosen
    }

    /// Kills the process and waits until the one that the user started is gone.
    fn end(&mut self, pid: u32) {
        kill(Pid::from_raw(pid.try_into().unwrap()), Signal::SIGKILL).unwrap();
        self.child.wait().unwrap();
    }
}

/// The parent of every process.
fn parents() -> BTreeMap<u32, u32> {
    let parent = |pid: u32| {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // The name before it may hold anything, but ends with the last bracket.
        let (_, rest) = stat.rsplit_once(')')?;
        Some((pid, rest.split_whitespace().nth(1)?.parse().ok()?))
    };
    pids().into_iter().filter_map(parent).collect()
}

fn pids() -> Vec<u32> {
    let entries = fs::read_dir("/proc").unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name());
    names
        .filter_map(|name| name.to_str()?.parse().ok())
        .collect()
}

/// The namespaces that a process lives in.
fn namespaces(pid: u32) -> BTreeSet<PathBuf> {
    let of_kind = |kind| fs::read_link(format!("/proc/{pid}/ns/{kind}")).ok();
    ["net", "mnt", "pid", "user"]
        .into_iter()
        .filter_map(of_kind)
        .collect()
}

/// What the host itself has of interfaces and mounts, and which namespaces it lives in.
#[derive(Debug, PartialEq, Eq)]
struct Host {
    interfaces: BTreeSet<String>,
    mounts: String,
    shared_memory: BTreeSet<PathBuf>,
}

impl Host {
    fn look() -> Self {
        let interfaces = fs::read_to_string("/proc/net/dev").unwrap();
        let names = interfaces.lines().skip(2);
        let shared = fs::read_dir("/dev/shm").into_iter().flatten();
        Self {
            interfaces: names
                .map(|line| line.split(':').next().unwrap().trim().to_owned())
                .collect(),
            mounts: fs::read_to_string("/proc/self/mountinfo").unwrap(),
            shared_memory: shared.map(|entry| entry.unwrap().path()).collect(),
        }
    }
}

/// What is left of a run: processes that name its folder, or that live where only it lived.
fn left(folder: &Path, lived_in: &BTreeSet<PathBuf>) -> Vec<String> {
    let folder = folder.to_str().unwrap();
    let what = |pid: u32| {
        let line = fs::read(format!("/proc/{pid}/cmdline")).ok()?;
        let line = String::from_utf8_lossy(&line).replace('\0', " ");
        let is_of_run = line.contains(folder) || !namespaces(pid).is_disjoint(lived_in);
        is_of_run.then(|| format!("{pid} {line}"))
    };
    pids().into_iter().filter_map(what).collect()
}

/// Kills one of the run's processes and looks until nothing of it is left.
fn kill_and_look(mut run: Doomed, pid: u32, host: &Host, what: &str) -> TempDir {
    let own = namespaces(std::process::id());
    let of_run = run.processes().into_iter().flat_map(namespaces);
    let lived_in: BTreeSet<PathBuf> = of_run.filter(|space| !own.contains(space)).collect();
    run.end(pid);
    for _ in 0..PATIENCE {
        if left(run.out.path(), &lived_in).is_empty() {
            break;
        }
        thread::sleep(Duration::from_millis(50));
    }
    assert_eq!(
        left(run.out.path(), &lived_in),
        Vec::<String>::new(),
        "{what}"
    );
    assert_eq!(Host::look(), *host, "{what}");
    run.out
}

#[test]
fn a_run_that_is_killed_at_any_moment_leaves_nothing() {
    let Some(_alone) = in_lab("a_run_that_is_killed_at_any_moment_leaves_nothing") else {
        return;
    };
    let kills = std::env::var("ADRASTEIA_KILLS").map_or(KILLS, |count| count.parse().unwrap());
    let host = Host::look();
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let mut at_work = 0;
    for (number, options) in (1..=kills).zip(RUNS.into_iter().cycle()) {
        let run = Doomed::start(&format!("{options} --seed {number}"));
        let after = Duration::from_millis(rng.random_range(0..LATEST_MS));
        thread::sleep(after);
        let victim = run.one_of_three(&mut rng);
        let what = format!("run {number} ({options}), killed after {after:?}");
        let history = run.history();
        at_work += u32::from(history.exists());
        kill_and_look(run, victim, &host, &what);
    }
    println!("{kills} runs were killed, {at_work} of them while clients worked");
    assert!(at_work > 0, "none lived long enough");
}

#[test]
fn a_killed_run_leaves_a_readable_history() {
    let Some(_alone) = in_lab("a_killed_run_leaves_a_readable_history") else {
        return;
    };
    let host = Host::look();
    let run = Doomed::start("--nemesis partition,kill,pause --seed 2");
    let lines = || fs::read_to_string(run.history()).map_or(0, |text| text.lines().count());
    while lines() < 500 {
        thread::sleep(Duration::from_millis(50));
    }
    assert!(run.processes().len() > 5, "{:?}", run.processes());
    let outer = run.child.id();
    let out = kill_and_look(run, outer, &host, "a run at work");
    let history = out.path().join("latest/history.jsonl");
    let verdict = told(&format!("check {}", history.display()));
    let said = text(&verdict.stderr);
    assert_eq!(verdict.status.code(), Some(0), "{said}");
}
