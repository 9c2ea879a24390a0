//! `adrasteia bench` from outside: real clusters, a real load, what it writes. Nothing here asserts on speed.

use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

use crate::program::{adrasteia, in_lab, text};

const SHORT: &str = "--clients 1,4 --keys 50 --duration 500ms --warm-up 50ms --rounds 1";

fn etcd_is_installed(test: &str) -> bool {
    let installed = Command::new("etcd").arg("--version").output().is_ok();
    if !installed {
        eprintln!("SKIPPED {test}: no etcd in PATH (package etcd-server)");
    }
    installed
}

/// A short measurement in a folder of its own; nothing must be left there.
fn measured(options: &str, prepare: impl FnOnce(&mut Command)) -> (Output, Value) {
    let folder = TempDir::new().unwrap();
    let out = TempDir::new().unwrap();
    let file = out.path().join("bench.json");
    let mut bench = adrasteia(&format!("bench {SHORT} {options}"));
    bench
        .arg("--data")
        .arg(folder.path())
        .arg("--out")
        .arg(&file);
    prepare(&mut bench);
    let output = bench.output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    let written = std::fs::read_to_string(file).unwrap();
    (output, serde_json::from_str(&written).unwrap())
}

/// The summary of every load, which must have been served by each of `targets`.
fn assert_served(result: &Value, targets: &[&str]) {
    let loads = result["summary"]["loads"].as_array().unwrap();
    assert_eq!(loads.len(), 4, "put and get with 1 and 4 clients");
    for load in loads {
        let systems = load["systems"].as_array().unwrap();
        let names: Vec<&str> = systems
            .iter()
            .map(|system| system["target"].as_str().unwrap())
            .collect();
        assert_eq!(names, targets);
        for system in systems {
            assert!(system["per_second"].as_f64().unwrap() > 0.0, "{load}");
            assert!(system["p50_us"].as_f64() <= system["p99_us"].as_f64());
        }
        assert_eq!(load["ratio"].is_null(), targets.len() == 1);
    }
}

fn outage(result: &Value, target: &str, cause: &str) -> Value {
    let outages = result["outages"].as_array().unwrap().iter();
    let mut of_cause =
        outages.filter(|sample| sample["target"] == target && sample["cause"] == cause);
    of_cause.next().unwrap()["outage"].clone()
}

#[test]
fn the_bundled_node_is_measured_from_an_empty_disk_to_the_death_of_its_leader() {
    let Some(_alone) = in_lab("the_bundled_node_is_measured") else {
        return;
    };
    let nothing_installed = TempDir::new().unwrap();
    let (output, result) = measured("", |bench| {
        bench.env("PATH", nothing_installed.path());
    });
    assert_eq!(result["version"], 1);
    assert_eq!(result["missing"][0]["target"], "etcd");
    assert_eq!(result["settings"]["targets"], serde_json::json!(["node"]));
    assert_served(&result, &["node"]);
    for cause in [
        "kill",
        "hand-over",
        "stopped-follower",
        "snapshot",
        "removed-member",
        "added-member",
    ] {
        let outage = outage(&result, "node", cause);
        assert!(
            outage["milliseconds"].as_f64() > Some(0.0),
            "{cause}: {outage}"
        );
    }
    let memory = &result["memory"][0];
    assert!(memory["sum"]["resident_kib"].as_u64() > memory["leader"]["resident_kib"].as_u64());
    let told = text(&output.stdout);
    assert!(told.contains("after kill -9 of the leader"), "{told}");
    let aside = text(&output.stderr);
    assert!(aside.contains("etcd-server"), "{aside}");
    assert!(
        aside.contains("round 1 of 1: node: put, 4 clients"),
        "{aside}"
    );
}

#[test]
fn clients_of_every_node_are_served_by_the_leader() {
    let Some(_alone) = in_lab("clients_of_every_node_are_served_by_the_leader") else {
        return;
    };
    let (_, result) = measured("--target node --route spread", |_| {});
    assert_served(&result, &["node"]);
}

#[test]
fn etcd_takes_turns_with_the_node() {
    let test = "etcd_takes_turns_with_the_node";
    let Some(_alone) = in_lab(test).filter(|_| etcd_is_installed(test)) else {
        return;
    };
    let (output, result) = measured("--target node,etcd --json", |_| {});
    assert_served(&result, &["node", "etcd"]);
    assert!(outage(&result, "etcd", "kill")["milliseconds"].as_f64() > Some(0.0));
    assert!(outage(&result, "etcd", "hand-over")["milliseconds"].as_f64() > Some(0.0));
    assert_eq!(outage(&result, "etcd", "added-member"), "not-offered");
    let printed: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(printed, result, "--json and --out are the same object");
}

#[test]
fn without_any_system_there_is_nothing_to_do() {
    let output = adrasteia("bench --target etcd")
        .env("PATH", "")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(254));
    assert!(text(&output.stderr).contains("etcd-server"));
}
