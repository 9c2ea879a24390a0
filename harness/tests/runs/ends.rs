//! How runs end before their time, and what they refuse to begin.

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Child, ExitStatus, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;
use tempfile::TempDir;

use crate::program::{Run, adrasteia, in_lab, text, told};

/// A run that was started and is now at work.
struct Started {
    out: TempDir,
    child: Child,
}

impl Started {
    fn until_clients_work(options: &str) -> Self {
        let out = tempfile::tempdir().unwrap();
        let mut child = adrasteia(options)
            .arg("--out")
            .arg(out.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let at_work = lines
            .by_ref()
            .any(|line| line.unwrap().contains("clients at work"));
        assert!(at_work, "the run ended before its clients worked");
        // Somebody must go on reading, or the run blocks on a full pipe.
        std::thread::spawn(move || lines.count());
        std::thread::sleep(Duration::from_secs(3));
        Self { out, child }
    }

    fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.child.id().try_into().unwrap()), signal).unwrap();
    }

    fn wait(&mut self) -> (ExitStatus, String) {
        let mut said = String::new();
        self.child
            .stdout
            .take()
            .unwrap()
            .read_to_string(&mut said)
            .unwrap();
        (self.child.wait().unwrap(), said)
    }
}

#[test]
fn an_interrupted_run_heals_and_still_gives_a_verdict() {
    let Some(_alone) = in_lab("an interrupted run") else {
        return;
    };
    let mut run = Started::until_clients_work("--nemesis partition --time-limit 60s --seed 4");
    run.signal(Signal::SIGINT);
    let (status, said) = run.wait();
    assert!(matches!(status.code(), Some(0 | 3)), "{status}: {said}");
    let result = std::fs::read_to_string(run.out.path().join("latest/result.json")).unwrap();
    let result: Value = serde_json::from_str(&result).unwrap();
    assert_eq!(result["interrupted"], true);
    assert_eq!(result["consistency"], "valid");
    assert_eq!(result["liveness"], "recovered");
    assert!(run.out.path().join("latest/report.html").exists());
}

#[test]
fn a_run_whose_nodes_die_before_any_client_says_so_in_its_result() {
    let Some(_alone) = in_lab("a run without nodes") else {
        return;
    };
    let run = Run::of("--node-bin /bin/false --nemesis none --time-limit 2s");
    assert_eq!(run.exit(), 255, "{}", run.said());
    let result = run.result();
    assert_eq!(result["infrastructure"], "failed", "{result}");
    assert_eq!(result["liveness"], "not-measured", "{result}");
    assert_ne!(result["infrastructure_error"], Value::Null, "{result}");
}

#[test]
fn a_dry_run_shows_the_schedule_and_touches_nothing() {
    let out = tempfile::tempdir().unwrap();
    let target = out.path().join("runs");
    let dry = |seed: u32| {
        let output = told(&format!(
            "--dry-run --seed {seed} --out {}",
            target.display()
        ));
        assert_eq!(output.status.code(), Some(0));
        text(&output.stdout)
    };
    assert!(
        dry(1)
            .lines()
            .filter(|line| line.contains("partition "))
            .count()
            >= 5
    );
    assert_eq!(dry(1), dry(1));
    assert_ne!(dry(1), dry(2));
    assert!(!target.exists());
}

#[test]
fn a_folder_that_cannot_be_used_is_refused_before_anything_starts() {
    for (out, part) in [("/proc/runs", "--out"), ("/dev/null/runs", "--out")] {
        let output = told(&format!("--out {out}"));
        assert_eq!(output.status.code(), Some(254), "{out}");
        let stderr = text(&output.stderr);
        assert!(stderr.contains(part) && stderr.contains(out), "{stderr}");
    }
}
