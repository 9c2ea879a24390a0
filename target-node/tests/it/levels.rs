//! How much a read may miss, by level.

use serde_json::{Value, json};

use crate::cluster::{Cluster, finish};

async fn read(cluster: &Cluster, node: usize, query: &str) -> (u16, Value) {
    let url = cluster.url(node, &format!("/kv/k?{query}"));
    finish(cluster.client.get(url)).await
}

#[tokio::test]
async fn a_level_says_who_answers() {
    let cluster = Cluster::start(3);
    let leader = cluster.leader().await;
    let follower = (leader + 1) % 3;
    let index = cluster.write(leader, "k", json!(1)).await.1["index"].clone();
    for level in ["linearizable", "lease", "log"] {
        let query = format!("level={level}");
        let (status, answer) = read(&cluster, leader, &query).await;
        assert_eq!((status, &answer["value"]), (200, &json!(1)), "{level}");
        let (status, answer) = read(&cluster, follower, &query).await;
        assert_eq!(
            (status, &answer["error"]),
            (421, &json!("not_leader")),
            "{level}"
        );
    }
    let (status, answer) = read(&cluster, follower, "level=follower").await;
    assert_eq!((status, &answer["value"]), (200, &json!(1)), "{answer}");
    let query = format!("level=monotonic&min_index={index}");
    let (status, answer) = read(&cluster, follower, &query).await;
    assert_eq!((status, &answer["value"]), (200, &json!(1)));
    assert!(answer["index"].as_u64() >= index.as_u64(), "{answer}");
    let (status, answer) = read(&cluster, follower, "level=local").await;
    assert_eq!(
        (status, &answer["value"]),
        (200, &json!(1)),
        "it has applied the write by now"
    );
}

#[tokio::test]
async fn weak_levels_serve_without_a_majority_and_never_go_back() {
    let mut cluster = Cluster::start(3);
    let leader = cluster.leader().await;
    let index = cluster.write(leader, "k", json!(1)).await.1["index"].as_u64();
    let index = index.unwrap();
    let rest = (leader + 1) % 3;
    let query = format!("level=monotonic&min_index={index}");
    assert_eq!(read(&cluster, rest, &query).await.0, 200);
    cluster.kill(leader);
    cluster.kill((leader + 2) % 3);
    for query in [query.as_str(), "level=local"] {
        assert_eq!(read(&cluster, rest, query).await.1["value"], json!(1));
    }
    let query = format!("level=monotonic&min_index={}&timeout_ms=50", index + 100);
    let (status, answer) = read(&cluster, rest, &query).await;
    assert_eq!((status, &answer["error"]), (503, &json!("behind")));
    assert_eq!(answer["outcome"], json!("fail"), "a read has no effect");
}

#[tokio::test]
async fn a_level_and_its_index_come_together() {
    let cluster = Cluster::start(1);
    let leader = cluster.leader().await;
    for query in [
        "level=monotonic",
        "min_index=1",
        "level=local&min_index=1",
        "level=eventual",
    ] {
        let (status, answer) = read(&cluster, leader, query).await;
        assert_eq!(
            (status, &answer["error"]),
            (400, &json!("bad_request")),
            "{query}"
        );
    }
}
