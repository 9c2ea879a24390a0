//! Planted bugs are found and named, beside the run or after it, and a healthy node is left in peace.

use serde_json::Value;

use crate::program::{Run, assert_healthy, in_lab, told};

#[test]
fn a_planted_stale_read_is_found_named_and_placed() {
    let Some(_alone) = in_lab("a planted stale read") else {
        return;
    };
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
    let verdict = told(&format!("check {}", run.latest("history.jsonl").display()));
    assert_eq!(
        verdict.status.code(),
        Some(1),
        "the stored history has another verdict"
    );
}

#[test]
fn transactions_of_the_healthy_node_are_atomic_and_half_ones_are_found() {
    let Some(_alone) = in_lab("transactions") else {
        return;
    };
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
    let Some(_alone) = in_lab("an online check") else {
        return;
    };
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
    let Some(_alone) = in_lab("an online check of a healthy run") else {
        return;
    };
    let run = Run::of("--nemesis partition --online --time-limit 10s --seed 2");
    let result = assert_healthy(&run);
    assert!(result.get("stopped_online").is_none(), "{result}");
}
