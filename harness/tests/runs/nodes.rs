//! What happens to the nodes themselves: they are killed, stopped, slowed down, wiped, and no members any more.

use serde_json::Value;

use crate::program::{Run, assert_healthy, dropped, faults, in_lab};

#[test]
fn kills_and_pauses_are_proven_and_undone() {
    let Some(_alone) = in_lab("kills and pauses") else {
        return;
    };
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
    let Some(_alone) = in_lab("crash loops, rolling restarts and slow nodes") else {
        return;
    };
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
    let Some(_alone) = in_lab("wiped and rearranged members") else {
        return;
    };
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
    let Some(_alone) = in_lab("chosen targets") else {
        return;
    };
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
