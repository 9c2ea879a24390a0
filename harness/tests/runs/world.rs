//! What happens to the world around the nodes: links, disks and clocks.

use serde_json::Value;

use crate::program::{Run, assert_healthy, dropped, faults, in_lab, permits, text, told};

fn partitions_on(plane: &str, probes: &[&str]) {
    let Some(_alone) = in_lab(plane).filter(|_| permits(probes, plane)) else {
        return;
    };
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
    let verdict = told(&format!("check {}", run.latest("history.jsonl").display()));
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

/// The default plane cannot do all of it: the run takes the other one, and says why. Clients that are cut off are part of it.
#[test]
fn disturbed_links_leave_the_healthy_node_linearizable() {
    let here = "disturbed links";
    let Some(_alone) = in_lab(here).filter(|_| permits(&["tun", "packet sockets"], here)) else {
        return;
    };
    let run = Run::of(
        "--nemesis delay,loss,corrupt-unnoticed,flap,client-partition,lost-replies --time-limit 14s --seed 5",
    );
    let result = assert_healthy(&run);
    let reason = result["net"]["reason"].as_str().unwrap();
    assert!(
        reason.starts_with("only the switch can do this: corrupt-unnoticed, flap; the switch uses"),
        "{reason}"
    );
    for (name, evidence) in [
        ("delay", "delayed_packets"),
        ("loss", "lost_packets"),
        ("flap", "dropped_packets"),
        ("client-partition", "dropped_packets"),
        ("lost-replies", "dropped_packets"),
    ] {
        assert_acted(&result, name, evidence);
    }
}

/// Faults of this kind acted on packets, and tell on how many of which link.
fn assert_acted(result: &Value, name: &str, evidence: &str) {
    let faults = faults(result, name);
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

/// Who asks for iptables gets what the kernel has there, and the run says what does it.
#[test]
fn iptables_disturbs_links_as_far_as_the_kernel_can() {
    let here = "disturbed links on iptables";
    let Some(_alone) = in_lab(here) else {
        return;
    };
    let kinds = [
        (
            "duplicate",
            "iptables copies",
            "duplicated_packets",
            "its TEE sends packets twice",
        ),
        (
            "delay",
            "iptables netem",
            "delayed_packets",
            "the kernel's netem",
        ),
        (
            "reorder",
            "iptables netem",
            "reordered_packets",
            "the kernel's netem",
        ),
    ];
    let permitted = kinds
        .iter()
        .filter(|(_, probe, ..)| permits(&[probe], here));
    let permitted: Vec<_> = permitted.collect();
    let names: Vec<&str> = permitted.iter().map(|(name, ..)| *name).collect();
    if names.is_empty() {
        return;
    }
    let nemesis = names.join(",");
    let run = Run::of(&format!(
        "--net iptables --nemesis {nemesis} --time-limit 14s --seed 5"
    ));
    let result = assert_healthy(&run);
    for (name, _, evidence, reason) in permitted {
        let told = result["net"]["reason"].as_str().unwrap();
        assert!(
            told.contains("is asked for") && told.contains(reason),
            "{told}"
        );
        assert_acted(&result, name, evidence);
    }
}

/// It is known before anything starts.
#[test]
fn what_iptables_can_never_do_is_refused_with_the_remedy() {
    let refused = told("--net iptables --nemesis partition,flap,delay --time-limit 14s");
    assert_eq!(refused.status.code(), Some(254));
    let why = text(&refused.stderr);
    assert!(
        why.contains("cannot do this: flap; use --net switch"),
        "{why}"
    );
}

/// What a disk lost at each node that it hit.
fn lost(fault: &Value) -> Vec<&Value> {
    let nodes = fault["evidence"]["nodes"].as_object().unwrap();
    nodes.values().map(|node| &node["lost"]["bytes"]).collect()
}

#[test]
fn the_healthy_node_survives_losses_of_power() {
    let test = "losses of power";
    let Some(_alone) = in_lab(test).filter(|_| permits(&["disks"], test)) else {
        return;
    };
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

#[test]
fn a_node_that_does_not_sync_is_found_when_power_is_lost() {
    let test = "a node without fsync";
    let Some(_alone) = in_lab(test).filter(|_| permits(&["disks"], test)) else {
        return;
    };
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
    let Some(_alone) = in_lab(probe).filter(|_| permits(&[probe], probe)) else {
        return;
    };
    let run = Run::of(&format!(
        "--nemesis clock --clocks {way} --time-limit 15s --seed 3"
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
