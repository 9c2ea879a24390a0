//! Whole runs from outside, as a user starts them: real processes, real faults, one verdict.
//!
//! Each test that needs something of the host asks `adrasteia doctor` first and says aloud what it skipped.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;
use tempfile::TempDir;

/// Runs want the machine to themselves; `.config/nextest.toml` says the same to nextest.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn adrasteia() -> Command {
    Command::new(env!("CARGO_BIN_EXE_adrasteia"))
}

/// Does this host permit one of `probes`? If not, says which test is skipped for it.
fn permits(probes: &[&str], test: &str) -> bool {
    let output = adrasteia().arg("doctor").output().unwrap();
    let report = String::from_utf8(output.stdout).unwrap();
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

/// A run with these options, kept in `out`.
fn run_into(out: &TempDir, options: &str) -> Command {
    let mut command = adrasteia();
    command
        .args(options.split_whitespace())
        .arg("--out")
        .arg(out.path());
    command
}

struct Run {
    out: TempDir,
    output: Output,
}

impl Run {
    fn of(options: &str) -> Self {
        let out = tempfile::tempdir().unwrap();
        let output = run_into(&out, options).output().unwrap();
        Self { out, output }
    }

    fn exit(&self) -> i32 {
        self.output.status.code().unwrap()
    }

    fn latest(&self, file: &str) -> PathBuf {
        self.out.path().join("latest").join(file)
    }

    fn result(&self) -> Value {
        let text = std::fs::read_to_string(self.latest("result.json")).unwrap_or_else(|error| {
            panic!("no result.json ({error}); the run said:\n{}", self.said())
        });
        serde_json::from_str(&text).unwrap()
    }

    fn said(&self) -> String {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        text(&self.output.stdout) + &text(&self.output.stderr)
    }
}

fn faults<'a>(result: &'a Value, name: &str) -> Vec<&'a Value> {
    let all = result["faults"].as_array().unwrap().iter();
    all.filter(|fault| fault["name"] == name).collect()
}

fn dropped(fault: &Value) -> u64 {
    let links = fault["evidence"]["dropped_packets"].as_object().unwrap();
    links.values().map(|count| count.as_u64().unwrap()).sum()
}

fn assert_healthy(run: &Run) -> Value {
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

fn partitions_on(plane: &str, probes: &[&str]) {
    let _alone = alone();
    if !(permits(&["lab"], plane) && permits(probes, plane)) {
        return;
    }
    let run = Run::of(&format!(
        "--nemesis partition --net {plane} --time-limit 14s --seed 11"
    ));
    let result = assert_healthy(&run);
    assert_eq!(result["net"]["plane"], plane);
    let partitions = faults(&result, "partition");
    assert!(partitions.len() >= 2, "{partitions:?}");
    for partition in partitions {
        assert_eq!(partition["effect"], "installed", "{partition}");
        assert!(dropped(partition) > 0, "{partition}");
    }
    let verdict = adrasteia()
        .arg("check")
        .arg(run.latest("history.jsonl"))
        .output()
        .unwrap();
    assert_eq!(
        verdict.status.code(),
        Some(0),
        "the stored history has another verdict"
    );
}

#[test]
fn partitions_on_the_switch_leave_the_healthy_node_linearizable() {
    partitions_on("switch", &["tun", "packet sockets"]);
}

#[test]
fn partitions_on_iptables_leave_the_healthy_node_linearizable() {
    partitions_on("iptables", &["iptables"]);
}

/// What a disk lost at each node that it hit.
fn lost(fault: &Value) -> Vec<&Value> {
    let nodes = fault["evidence"]["nodes"].as_object().unwrap();
    nodes.values().map(|node| &node["lost"]["bytes"]).collect()
}

#[test]
fn the_healthy_node_survives_losses_of_power() {
    let _alone = alone();
    let test = "losses of power";
    if !(permits(&["lab"], test) && permits(&["disks"], test)) {
        return;
    }
    // A blackout has a lane of its own, and nobody is left then whom another loss could hit.
    for kinds in [&["power-loss", "torn-write"][..], &["blackout"]] {
        let nemesis = kinds.join(",");
        let run = Run::of(&format!("--nemesis {nemesis} --time-limit 16s --seed 5"));
        let result = assert_healthy(&run);
        for kind in kinds {
            let losses = faults(&result, kind);
            let acted = losses.iter().filter(|loss| loss["effect"] == "installed");
            let acted: Vec<_> = acted.collect();
            assert!(!acted.is_empty(), "no {kind} acted: {losses:?}");
            for loss in acted {
                assert!(lost(loss).iter().all(|bytes| bytes.is_u64()), "{loss}");
            }
        }
    }
}

/// The default plane cannot delay: the run takes the other one, and says why. Clients that are cut off are part of it.
#[test]
fn disturbed_links_leave_the_healthy_node_linearizable() {
    let _alone = alone();
    let here = "disturbed links";
    if !(permits(&["lab"], here) && permits(&["tun", "packet sockets"], here)) {
        return;
    }
    let run = Run::of(
        "--nemesis delay,loss,corrupt-unnoticed,flap,client-partition,lost-replies --time-limit 14s --seed 5",
    );
    let result = assert_healthy(&run);
    let reason = result["net"]["reason"].as_str().unwrap();
    assert!(
        reason.starts_with(
            "only the switch can do this: delay, corrupt-unnoticed, flap; the switch uses"
        ),
        "{reason}"
    );
    for (name, evidence) in [
        ("delay", "delayed_packets"),
        ("loss", "lost_packets"),
        ("flap", "dropped_packets"),
        ("client-partition", "dropped_packets"),
        ("lost-replies", "dropped_packets"),
    ] {
        let faults = faults(&result, name);
        let acted = |fault: &&&Value| fault["effect"] == "installed";
        assert!(faults.iter().any(|fault| acted(&fault)), "{faults:?}");
        for fault in faults.iter().filter(acted) {
            let links = fault["evidence"][evidence].as_object().unwrap();
            assert!(
                links.values().any(|count| count.as_u64() > Some(0)),
                "{fault}"
            );
        }
    }
}

#[test]
fn a_node_that_does_not_sync_is_found_when_power_is_lost() {
    let _alone = alone();
    let test = "a node without fsync";
    if !(permits(&["lab"], test) && permits(&["disks"], test)) {
        return;
    }
    let run = Run::of("--nemesis blackout --bug no-fsync --time-limit 12s --seed 1");
    assert_eq!(run.exit(), 1, "{}", run.said());
    let result = run.result();
    let blackouts = faults(&result, "blackout");
    let bytes = blackouts.iter().flat_map(|blackout| lost(blackout));
    assert!(bytes.filter_map(Value::as_u64).sum::<u64>() > 0);
}

#[test]
fn wrong_clocks_are_proven_by_what_nodes_were_told() {
    assert_clocks_are_wrong("vdso", "clocks");
}

#[test]
fn preloaded_clocks_are_as_wrong() {
    assert_clocks_are_wrong("preload", "preloaded clocks");
}

fn assert_clocks_are_wrong(way: &str, probe: &str) {
    let _alone = alone();
    if !permits(&[probe], probe) {
        return;
    }
    let run = Run::of(&format!(
        "--nemesis clock --clocks {way} --time-limit 20s --seed 3"
    ));
    let result = assert_healthy(&run);
    assert_eq!(result["clocks"]["way"], way);
    for name in ["clock-jump", "clock-drift", "clock-strobe"] {
        let acted = faults(&result, name);
        assert!(!acted.is_empty(), "{name}");
        for fault in acted {
            assert_eq!(fault["effect"], "installed", "{fault}");
            for (node, told) in fault["evidence"]["nodes"].as_object().unwrap() {
                let looked = told["looked_at_the_clock"].as_u64().unwrap();
                let pids = told["pids"].as_array().unwrap().len();
                assert!(looked > 0 && pids == 1, "{node}: {told}");
                assert_eq!(told["pids_on_true_time"], serde_json::json!([]));
            }
        }
    }
}

#[test]
fn kills_and_pauses_are_proven_and_undone() {
    let _alone = alone();
    if !permits(&["lab"], "kills and pauses") {
        return;
    }
    let run = Run::of("--nemesis kill,pause --time-limit 12s --seed 5");
    let result = assert_healthy(&run);
    for name in ["kill", "pause"] {
        let acted = faults(&result, name);
        let installed = acted
            .iter()
            .filter(|fault| fault["effect"] == "installed")
            .count();
        assert!(installed > 0, "no {name} acted: {acted:?}");
    }
}

/// The faults of a kind that acted, of which there must be some.
fn acted<'a>(result: &'a Value, name: &str) -> Vec<&'a Value> {
    let all = faults(result, name).into_iter();
    let acted: Vec<_> = all.filter(|fault| fault["effect"] == "installed").collect();
    assert!(
        !acted.is_empty(),
        "no {name} acted: {:?}",
        faults(result, name)
    );
    acted
}

/// What is told of each node that a fault hit.
fn by_node(fault: &Value) -> Vec<&Value> {
    let nodes = fault["evidence"]["nodes"].as_object().unwrap().values();
    nodes.filter(|told| told.is_object()).collect()
}

#[test]
fn crashes_restarts_and_slow_nodes_are_proven_and_undone() {
    let _alone = alone();
    if !permits(&["lab"], "crash loops, rolling restarts and slow nodes") {
        return;
    }
    let run = Run::of("--nemesis crash-loop,rolling-restart,slow-cpu --time-limit 16s --seed 5");
    let result = assert_healthy(&run);
    for fault in acted(&result, "crash-loop") {
        for told in by_node(fault) {
            let exits = told["exits"].as_array().unwrap();
            assert!(exits.len() > 1, "{fault}");
            let killed = |exit: &Value| exit["ended"].as_str().unwrap().starts_with("signal: 9");
            assert!(exits.iter().all(killed), "{fault}");
            assert!(told["ended_early"].is_null(), "{fault}");
        }
        for served in fault["evidence"]["serving_again_after_ms"]
            .as_object()
            .unwrap()
            .values()
        {
            assert!(served.is_u64(), "{fault}");
        }
    }
    for fault in acted(&result, "rolling-restart") {
        let restarted = by_node(fault);
        assert!(!restarted.is_empty());
        assert!(
            restarted.iter().all(|told| told["down_ms"].is_u64()),
            "{fault}"
        );
    }
    for fault in acted(&result, "slow-cpu") {
        for told in by_node(fault) {
            let number = |name: &str| told[name].as_u64().unwrap();
            assert!(number("stops") > 1 && number("stood_ms") > 0, "{fault}");
        }
    }
}

#[test]
fn wiped_and_rearranged_members_are_members_again() {
    let _alone = alone();
    if !permits(&["lab"], "wiped and rearranged members") {
        return;
    }
    let run = Run::of("--nemesis wipe,reconfigure --time-limit 20s --seed 3");
    let result = assert_healthy(&run);
    for fault in acted(&result, "wipe") {
        for told in by_node(fault) {
            assert!(told["wiped"]["bytes"].as_u64() > Some(0), "{fault}");
            assert!(told["member_again_after_ms"].is_u64(), "{fault}");
        }
    }
    for fault in acted(&result, "reconfigure") {
        assert!(
            fault["evidence"]["all_members_again_after_ms"].is_u64(),
            "{fault}"
        );
    }
}

#[test]
fn faults_hit_whom_they_were_told_to() {
    let _alone = alone();
    if !permits(&["lab"], "chosen targets") {
        return;
    }
    let run = Run::of(
        "--nemesis pause,partition --target followers,partition=n1+n3 --beyond-minority --fault-length 1s \
         --fault-interval 1.5s --time-limit 10s --seed 3 --require nothing",
    );
    assert_eq!(run.exit(), 0, "{}", run.said());
    let result = run.result();
    for cut in faults(&result, "partition") {
        assert_eq!(cut["description"], "cut, between n1 n3 and the rest");
        assert!(dropped(cut) > 0, "{cut}");
    }
    let stopped = |fault: &&Value| {
        fault["evidence"]["nodes"]
            .as_object()
            .map(serde_json::Map::len)
    };
    let pauses = faults(&result, "pause");
    assert!(
        pauses.iter().any(|pause| stopped(pause) == Some(4)),
        "{pauses:?}"
    );
    let text = std::fs::read_to_string(run.latest("config.json")).unwrap();
    let config: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(config["targets"], "followers,partition=n1+n3");
    assert_eq!(config["beyond_minority"], true);
    assert_eq!(config["fault_length"], "1s");
}

#[test]
fn a_planted_stale_read_is_found_named_and_placed() {
    let _alone = alone();
    if !permits(&["lab"], "a planted stale read") {
        return;
    }
    let run = Run::of("--nemesis none --bug follower-read-local --time-limit 8s --seed 1");
    assert_eq!(run.exit(), 1, "{}", run.said());
    let result = run.result();
    assert_eq!(result["consistency"], "violation");
    let anomalies = result["anomalies"].as_array().unwrap();
    let stale = anomalies
        .iter()
        .find(|anomaly| anomaly["class"] == "stale-read");
    let stale = stale.unwrap_or_else(|| panic!("no stale read among {anomalies:?}"));
    assert!(stale["operations"].as_array().unwrap().len() >= 2);
    assert!(
        stale["explanation"].as_str().unwrap().contains(" s"),
        "{stale}"
    );
    let verdict = adrasteia()
        .arg("check")
        .arg(run.latest("history.jsonl"))
        .output()
        .unwrap();
    assert_eq!(
        verdict.status.code(),
        Some(1),
        "the stored history has another verdict"
    );
}

#[test]
fn transactions_of_the_healthy_node_are_atomic_and_half_ones_are_found() {
    let _alone = alone();
    if !permits(&["lab"], "transactions") {
        return;
    }
    let run = Run::of("--workload txn --nemesis partition,kill --time-limit 14s --seed 3");
    let result = assert_healthy(&run);
    assert_eq!(result["workload"], "txn");
    let run = Run::of(
        "--workload txn --nemesis none --bug txn-not-atomic --online --time-limit 20s --seed 1",
    );
    assert_eq!(run.exit(), 1, "{}", run.said());
    let history = std::fs::read_to_string(run.latest("history.jsonl")).unwrap();
    let header = history.lines().next().unwrap();
    assert!(header.contains("multi-register"), "{header}");
}

#[test]
fn a_run_with_an_online_check_ends_at_the_first_violation() {
    let _alone = alone();
    if !permits(&["lab"], "an online check") {
        return;
    }
    let run =
        Run::of("--nemesis none --bug follower-read-local --online --time-limit 60s --seed 1");
    assert_eq!(run.exit(), 1, "{}", run.said());
    assert!(
        run.said().contains("violation found after"),
        "{}",
        run.said()
    );
    let result = run.result();
    assert_eq!(result["consistency"], "violation");
    assert_eq!(result["interrupted"], false);
    let stopped = &result["stopped_online"];
    let at = |field: &str| stopped[field].as_u64().unwrap();
    assert!(at("completed_ns") <= at("at_ns"), "{stopped}");
    let history = std::fs::read_to_string(run.latest("history.jsonl")).unwrap();
    let events = history.lines().skip(1);
    let events = events.map(|line| serde_json::from_str::<Value>(line).unwrap());
    let events: Vec<Value> = events.collect();
    let healed = events.iter().find(|event| event["f"] == "final-heal");
    assert!(at("at_ns") <= healed.unwrap()["time"].as_u64().unwrap());
    let called = events.iter().filter(|event| event["type"] == "invoke");
    let operation = called.clone().nth(at("operation") as usize).unwrap();
    assert_eq!(operation["key"], stopped["key"]);
    let keys: Vec<&Value> = result["anomalies"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["key"])
        .collect();
    assert!(
        keys.contains(&&stopped["key"]),
        "{stopped} is none of {keys:?}"
    );
}

#[test]
fn a_healthy_run_with_an_online_check_ends_as_any_other() {
    let _alone = alone();
    if !permits(&["lab"], "an online check of a healthy run") {
        return;
    }
    let run = Run::of("--nemesis partition --online --time-limit 10s --seed 2");
    let result = assert_healthy(&run);
    assert!(result.get("stopped_online").is_none(), "{result}");
}

/// A run that was started and is now at work.
struct Started {
    out: TempDir,
    child: Child,
}

impl Started {
    fn until_clients_work(options: &str) -> Self {
        let out = tempfile::tempdir().unwrap();
        let mut child = run_into(&out, options)
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
    let _alone = alone();
    if !permits(&["lab"], "an interrupted run") {
        return;
    }
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
    let _alone = alone();
    if !permits(&["lab"], "a run without nodes") {
        return;
    }
    let out = tempfile::tempdir().unwrap();
    let output = adrasteia()
        .args([
            "--node-bin",
            "/bin/false",
            "--nemesis",
            "none",
            "--time-limit",
            "2s",
            "--out",
        ])
        .arg(out.path())
        .output()
        .unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(255), "{said}");
    let result = std::fs::read_to_string(out.path().join("latest/result.json")).unwrap();
    let result: Value = serde_json::from_str(&result).unwrap();
    assert_eq!(result["infrastructure"], "failed", "{result}");
    assert_eq!(result["liveness"], "not-measured", "{result}");
    assert_ne!(result["infrastructure_error"], Value::Null, "{result}");
}

#[test]
fn a_dry_run_shows_the_schedule_and_touches_nothing() {
    let out = tempfile::tempdir().unwrap();
    let target = out.path().join("runs");
    let dry = |seed: &str| {
        let output = adrasteia()
            .args(["--dry-run", "--seed", seed, "--out"])
            .arg(&target)
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(0));
        String::from_utf8(output.stdout).unwrap()
    };
    assert!(
        dry("1")
            .lines()
            .filter(|line| line.contains("partition "))
            .count()
            >= 5
    );
    assert_eq!(dry("1"), dry("1"));
    assert_ne!(dry("1"), dry("2"));
    assert!(!Path::exists(&target));
}

#[test]
fn a_folder_that_cannot_be_used_is_refused_before_anything_starts() {
    for (out, part) in [("/proc/runs", "--out"), ("/dev/null/runs", "--out")] {
        let output = adrasteia().args(["--out", out]).output().unwrap();
        assert_eq!(output.status.code(), Some(254), "{out}");
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert!(stderr.contains(part) && stderr.contains(out), "{stderr}");
    }
}
