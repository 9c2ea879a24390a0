//! What survives the loss of nodes, and what clients are told meanwhile.

use std::{net::TcpListener, path::Path, process::Command};

use serde_json::{Value, json};

use crate::cluster::{Cluster, finish};

#[tokio::test]
async fn writes_survive_the_leader_and_a_restart_of_all() {
    let mut cluster = Cluster::start(3);
    let leader = cluster.leader().await;
    assert_eq!(cluster.read(leader, "a").await.1["value"], Value::Null);
    assert_eq!(
        cluster.write(leader, "a", json!({"x": [1, null]})).await.0,
        200
    );
    assert_eq!(cluster.write(leader, "b", json!(1)).await.0, 200);

    cluster.kill(leader);
    let next = cluster.leader().await;
    assert_ne!(next, leader);
    assert_eq!(cluster.read_anywhere("a").await, json!({"x": [1, null]}));
    let next = cluster.leader().await;
    let (status, body) = cluster.cas(next, "b", json!(1), json!(2)).await;
    assert_eq!((status, &body["outcome"]), (200, &json!("ok")), "{body}");

    for node in (0..3).filter(|&node| node != leader) {
        cluster.kill(node);
    }
    for node in 0..3 {
        cluster.start_node(node);
    }
    assert_eq!(cluster.read_anywhere("b").await, json!(2));
    assert_eq!(cluster.read_anywhere("a").await, json!({"x": [1, null]}));
}

#[tokio::test]
async fn nodes_that_speak_in_datagrams_do_the_same() {
    let mut cluster = Cluster::start_with(&["--transport udp"; 3]);
    let leader = cluster.leader().await;
    // More than a datagram holds.
    let long = json!("x".repeat(100_000));
    assert_eq!(cluster.write(leader, "a", long.clone()).await.0, 200);
    cluster.kill(leader);
    assert_eq!(cluster.read_anywhere("a").await, long);
    cluster.start_node(leader);
    for node in (0..3).filter(|&node| node != leader) {
        cluster.kill(node);
        cluster.start_node(node);
    }
    assert_eq!(cluster.read_anywhere("a").await, long);
}

#[tokio::test]
async fn every_answer_says_what_happened_and_whom_to_ask() {
    let cluster = Cluster::start(3);
    let leader = cluster.leader().await;
    cluster.write(leader, "k", json!(5)).await;

    let (status, body) = cluster.cas(leader, "k", json!(4), json!(6)).await;
    assert_eq!(
        (status, &body["outcome"], &body["error"]),
        (409, &json!("fail"), &json!("cas_mismatch"))
    );
    assert_eq!(
        cluster.read(leader, "k").await.1["value"],
        json!(5),
        "nothing changed"
    );

    let follower = (leader + 1) % 3;
    let (status, body) = cluster.write(follower, "k", json!(7)).await;
    assert_eq!((status, &body["error"]), (421, &json!("not_leader")));
    assert_eq!(body["leader"], json!(format!("n{leader}")));
    assert_eq!(body["leader_url"], json!(cluster.url(leader, "")));

    for (path, text, expected) in [
        ("/kv/k", "{\"value\":", 400),
        ("/kv/k", "{\"valeu\": 1}", 400),
        ("/kv/%ff", "{\"value\": 1}", 400),
        ("/nowhere", "{\"value\": 1}", 404),
    ] {
        let request = cluster.client.put(cluster.url(leader, path)).body(text);
        let (status, body) = finish(request).await;
        assert_eq!(
            (status, &body["outcome"]),
            (expected, &json!("fail")),
            "{path} {text}"
        );
    }
    let long = format!("{{\"value\": \"{}\"}}", "x".repeat(1 << 20));
    // The node refuses after the first part and hangs up, which may overtake its answer; this connection is not used again.
    let once = reqwest::Client::new();
    let request = once.put(cluster.url(leader, "/kv/k")).body(long);
    if let Ok(answer) = request.send().await {
        assert_eq!(answer.status().as_u16(), 400);
    }
    assert_eq!(cluster.read(leader, "k").await.1["value"], json!(5));
}

#[tokio::test]
async fn without_a_majority_nothing_is_confirmed() {
    let mut cluster = Cluster::start(3);
    let leader = cluster.leader().await;
    assert_eq!(cluster.write(leader, "k", json!(1)).await.0, 200);
    cluster.kill((leader + 1) % 3);
    cluster.kill((leader + 2) % 3);
    let (_, body) = cluster.write(leader, "k", json!(2)).await;
    assert_ne!(body["outcome"], json!("ok"));
    let (_, body) = cluster.read(leader, "k").await;
    assert_eq!(
        body["outcome"],
        json!("fail"),
        "a read that is not served had no effect"
    );
}

#[test]
fn a_node_that_cannot_start_says_why() {
    let start = |arguments: &str, data: &Path| {
        let base = "--id n1 --peers n1=127.0.0.1:7001 --peer-addr 127.0.0.1:0";
        let output = Command::new(env!("CARGO_BIN_EXE_target-node"))
            .args(base.split(' ').chain(arguments.split(' ')))
            .arg("--data")
            .arg(data)
            .output()
            .unwrap();
        assert!(!output.status.success());
        String::from_utf8(output.stderr).unwrap()
    };
    let folder = tempfile::tempdir().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = taken.local_addr().unwrap();
    let error = start(&format!("--client-addr {addr}"), folder.path());
    assert!(
        error.contains(&addr.to_string()) && error.contains("--client-addr"),
        "{error}"
    );

    std::fs::write(folder.path().join("0000000000000001.wal"), "not a log").unwrap();
    let error = start("--client-addr 127.0.0.1:0", folder.path());
    assert!(
        error.contains("0000000000000001.wal") && error.contains("damaged"),
        "{error}"
    );
}
