//! The program as a user starts it, and what a run leaves behind.

use std::path::PathBuf;
use std::process::{Command, Output};
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::Value;
use tempfile::TempDir;

/// The machine without other runs; `.config/nextest.toml` says the same to nextest.
pub(crate) type Alone = MutexGuard<'static, ()>;

/// The program with these words.
pub(crate) fn adrasteia(words: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_adrasteia"));
    command.args(words.split_whitespace());
    command
}

/// What it says and how it ends.
pub(crate) fn told(words: &str) -> Output {
    adrasteia(words).output().unwrap()
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The machine, where labs are permitted. If they are not, says which test is skipped for it.
pub(crate) fn in_lab(test: &str) -> Option<Alone> {
    static ALONE: Mutex<()> = Mutex::new(());
    nemesis::doctor::lab_available()
        .inspect_err(|refusal| eprintln!("SKIPPED {test}: {refusal}"))
        .ok()?;
    Some(ALONE.lock().unwrap_or_else(PoisonError::into_inner))
}

/// Does this host permit one of `probes`? If not, says which test is skipped for it.
pub(crate) fn permits(probes: &[&str], test: &str) -> bool {
    let report = text(&told("doctor").stdout);
    let line = |probe: &&str| {
        let of_probe = |line: &&str| {
            line.split_once("  ")
                .is_some_and(|(_, rest)| rest.trim_start().starts_with(*probe))
        };
        report
            .lines()
            .find(of_probe)
            .unwrap_or_else(|| panic!("doctor does not know the probe {probe}:\n{report}"))
    };
    let lines: Vec<&str> = probes.iter().map(line).collect();
    let permitted = lines.iter().any(|line| line.starts_with("ok"));
    if !permitted {
        eprintln!("SKIPPED {test}: {lines:?}");
    }
    permitted
}

/// A run that is over.
pub(crate) struct Run {
    pub(crate) out: TempDir,
    pub(crate) output: Output,
}

impl Run {
    pub(crate) fn of(options: &str) -> Run {
        let out = tempfile::tempdir().unwrap();
        let output = told(&format!("{options} --out {}", out.path().display()));
        Run { out, output }
    }

    pub(crate) fn exit(&self) -> i32 {
        self.output.status.code().unwrap()
    }

    pub(crate) fn latest(&self, file: &str) -> PathBuf {
        self.out.path().join("latest").join(file)
    }

    pub(crate) fn json(&self, file: &str) -> Value {
        let text = std::fs::read_to_string(self.latest(file))
            .unwrap_or_else(|error| panic!("no {file} ({error}); the run said:\n{}", self.said()));
        serde_json::from_str(&text).unwrap()
    }

    pub(crate) fn result(&self) -> Value {
        self.json("result.json")
    }

    pub(crate) fn said(&self) -> String {
        text(&self.output.stdout) + &text(&self.output.stderr)
    }
}

pub(crate) fn faults<'a>(result: &'a Value, name: &str) -> Vec<&'a Value> {
    let all = result["faults"].as_array().unwrap().iter();
    all.filter(|fault| fault["name"] == name).collect()
}

pub(crate) fn assert_healthy(run: &Run) -> Value {
    assert_eq!(run.exit(), 0, "{}", run.said());
    let result = run.result();
    assert_eq!(result["consistency"], "valid", "{}", run.said());
    assert_eq!(result["liveness"], "recovered");
    assert_eq!(result["health"], "healthy");
    assert!(result["operations"]["ok"].as_u64().unwrap() > 200);
    for file in [
        "history.jsonl",
        "schedule.json",
        "config.json",
        "report.html",
        "plots/latency.svg",
        "n1.log",
    ] {
        assert!(
            run.latest(file).metadata().unwrap().len() > 0,
            "{file} is empty"
        );
    }
    result
}

/// Packets that a cut stopped, on all links.
pub(crate) fn dropped(fault: &Value) -> u64 {
    let links = fault["evidence"]["dropped_packets"].as_object().unwrap();
    links.values().map(|count| count.as_u64().unwrap()).sum()
}
