//! Nodes that keep their state on disk, beside one that keeps it in memory.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::sleep;

use crate::cluster::{Cluster, finish};

/// A snapshot each 64 KiB of log: what is written below is many times that.
const MEMORY: &str = "--snapshot-bytes 65536 --snapshot-factor 0 --retained-entries 20";
const DISK: &str = "--state disk --snapshot-bytes 65536 --snapshot-factor 0 --retained-entries 20";
const POWER_LOSS: &str = "--state disk --disk power-loss --snapshot-bytes 65536 \
                          --snapshot-factor 0 --retained-entries 20";
const KEYS: u32 = 100;

fn value(round: u32) -> Value {
    json!(format!("{round:04}").repeat(500))
}

/// Writes every key, appends to a list, and deletes every seventh key.
async fn write_round(cluster: &Cluster, round: u32) {
    let leader = cluster.leader().await;
    for number in 0..KEYS {
        let key = format!("k{number}");
        let held = !(number + round).is_multiple_of(7);
        let value = if held { value(round) } else { Value::Null };
        assert_eq!(cluster.write(leader, &key, value).await.0, 200);
    }
    let url = cluster.url(leader, "/kv/rounds/append");
    let appended = cluster.client.post(url).json(&json!({"value": round}));
    assert_eq!(finish(appended).await.0, 200);
}

async fn begin(cluster: &Cluster, node: usize) -> u64 {
    let status = cluster.status(node).await.expect("the node answers");
    status["begin"].as_u64().expect("a number")
}

/// Files that hold states.
fn files(cluster: &Cluster, node: usize) -> Option<usize> {
    let folder = cluster.data(node).join("state");
    Some(std::fs::read_dir(folder).ok()?.count())
}

/// The hash of every node's state, once all have applied the same entries.
async fn hashes(cluster: &Cluster, nodes: usize) -> Vec<Value> {
    for _ in 0..200 {
        let mut seen = Vec::new();
        for node in 0..nodes {
            let url = cluster.url(node, "/state-hash");
            seen.push(finish(cluster.client.get(url)).await.1);
        }
        if seen.iter().all(|hash| hash["index"] == seen[0]["index"]) {
            return seen;
        }
        sleep(Duration::from_millis(50)).await;
    }
    panic!("the nodes do not come together");
}

fn assert_equal(hashes: &[Value]) {
    assert!(hashes[0]["hash"].is_string(), "{hashes:?}");
    assert!(hashes.iter().all(|hash| *hash == hashes[0]), "{hashes:?}");
}

#[tokio::test]
async fn states_on_disk_and_in_memory_are_one_through_snapshots_and_restarts() {
    let mut cluster = Cluster::start_with(&[MEMORY, DISK, DISK]);
    for round in 0..4 {
        write_round(&cluster, round).await;
    }
    assert_equal(&hashes(&cluster, 3).await);
    for node in 0..3 {
        assert!(begin(&cluster, node).await > 0, "n{node} took no snapshot");
    }
    assert_eq!([0, 1].map(|node| files(&cluster, node)), [None, Some(1)]);

    cluster.options = vec![DISK, POWER_LOSS, MEMORY];
    for node in 0..3 {
        cluster.kill(node);
        cluster.start_node(node);
    }
    write_round(&cluster, 4).await;
    assert_equal(&hashes(&cluster, 3).await);
    let files = [0, 1, 2].map(|node| files(&cluster, node));
    assert_eq!(files, [Some(1), Some(1), None]);
    assert_eq!(
        cluster.read_anywhere("rounds").await,
        json!([0, 1, 2, 3, 4])
    );
}

#[tokio::test]
async fn a_new_server_gets_a_state_on_disk_while_it_changes() {
    let mut cluster = Cluster::start_with(&[DISK, MEMORY, DISK]);
    for round in 0..3 {
        write_round(&cluster, round).await;
    }
    let leader = cluster.leader().await;
    let url = cluster.url(leader, "/kv/busy");
    let client = cluster.client.clone();
    let writer = tokio::spawn(async move {
        let mut written = 0;
        loop {
            let put = client.put(&url).json(&json!({"value": value(written)}));
            written += u32::from(finish(put).await.0 == 200);
            if written >= 200 {
                return written;
            }
        }
    });
    let joined = cluster.join(DISK).await;
    let written = writer.await.unwrap();
    assert!(written >= 200);
    assert_equal(&hashes(&cluster, 4).await);
    // What came before was gone from every log: it came as a snapshot.
    assert!(begin(&cluster, joined).await > u64::from(KEYS));
    assert_eq!(cluster.read_anywhere("rounds").await, json!([0, 1, 2]));
}
