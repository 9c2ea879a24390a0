//! Requests that take place once, however often they are sent.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::sleep;

use crate::cluster::{Cluster, finish};

/// Adds to a sum on behalf of a client.
async fn add(
    cluster: &Cluster,
    node: usize,
    client: &Value,
    sequence: u64,
    acknowledged: u64,
) -> Result<(u16, Value), reqwest::Error> {
    let answer = cluster
        .client
        .post(cluster.url(node, "/kv/sum/add"))
        .header("Session-Client", client.to_string())
        .header("Session-Sequence", sequence)
        .header("Session-Acknowledged", acknowledged)
        .json(&json!({"amount": 1}))
        .send()
        .await?;
    Ok((answer.status().as_u16(), answer.json().await?))
}

async fn register(cluster: &Cluster, node: usize, query: &str) -> Value {
    let url = cluster.url(node, &format!("/sessions{query}"));
    let (status, answer) = finish(cluster.client.post(url)).await;
    assert_eq!(status, 200, "{answer}");
    answer["client"].clone()
}

#[tokio::test]
async fn a_request_repeated_after_the_loss_of_the_leader_takes_place_once() {
    let mut cluster = Cluster::start(3);
    let leader = cluster.leader().await;
    let client = register(&cluster, leader, "").await;
    let (status, first) = add(&cluster, leader, &client, 1, 1).await.unwrap();
    assert_eq!((status, &first["value"]), (200, &json!(1)));

    cluster.kill(leader);
    let next = cluster.leader().await;
    let again = add(&cluster, next, &client, 1, 1).await.unwrap();
    assert_eq!((again.0, &again.1["value"]), (200, &json!(1)), "{again:?}");
    let second = add(&cluster, next, &client, 2, 2).await.unwrap();
    assert_eq!(second.1["value"], json!(2));

    let (status, answer) = add(&cluster, next, &client, 1, 1).await.unwrap();
    assert_eq!((status, &answer["error"]), (410, &json!("session_expired")));
    assert_eq!(answer["outcome"], json!("fail"));
    assert_eq!(cluster.read(next, "sum").await.1["value"], json!(2));
}

#[tokio::test]
async fn every_node_remembers_what_took_place_before_it_was_restarted() {
    let mut cluster = Cluster::start(3);
    let leader = cluster.leader().await;
    let client = register(&cluster, leader, "").await;
    for sequence in 1..=3 {
        add(&cluster, leader, &client, sequence, 1).await.unwrap();
    }
    for node in 0..3 {
        cluster.kill(node);
    }
    for node in 0..3 {
        cluster.start_node(node);
    }
    assert_eq!(cluster.read_anywhere("sum").await, json!(3));
    let leader = cluster.leader().await;
    for sequence in [2, 1, 3] {
        let again = add(&cluster, leader, &client, sequence, 1).await.unwrap();
        assert_eq!(again.1["value"], json!(sequence), "{again:?}");
    }
    assert_eq!(cluster.read_anywhere("sum").await, json!(3));
}

#[tokio::test]
async fn a_silent_client_is_forgotten_and_one_that_shows_life_is_not() {
    let cluster = Cluster::start(1);
    let leader = cluster.leader().await;
    let silent = register(&cluster, leader, "?idle_ms=1000").await;
    let alive = register(&cluster, leader, "?idle_ms=1000").await;
    for _ in 0..8 {
        sleep(Duration::from_millis(200)).await;
        let url = cluster.url(leader, &format!("/sessions/{alive}/keep-alive"));
        finish(cluster.client.post(url)).await;
    }
    let (_, answer) = add(&cluster, leader, &silent, 1, 1).await.unwrap();
    assert_eq!(answer["error"], json!("session_expired"));
    let url = cluster.url(leader, &format!("/sessions/{silent}/keep-alive"));
    assert_eq!(finish(cluster.client.post(url)).await.0, 410);
    assert_eq!(cluster.read(leader, "sum").await.1["value"], json!(null));
}

#[tokio::test]
async fn what_names_no_session_is_refused() {
    let cluster = Cluster::start(1);
    let leader = cluster.leader().await;
    let ahead = add(&cluster, leader, &json!(1), 1, 2).await.unwrap();
    assert_eq!((ahead.0, &ahead.1["error"]), (400, &json!("bad_request")));
    for path in ["/sessions?idle_ms=1", "/sessions/x/keep-alive"] {
        let url = cluster.url(leader, path);
        let (status, answer) = finish(cluster.client.post(url)).await;
        assert_eq!(
            (status, &answer["error"]),
            (400, &json!("bad_request")),
            "{path}"
        );
    }
}
