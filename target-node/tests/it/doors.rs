//! Every door, on a healthy cluster.

use serde_json::{Value, json};

use crate::cluster::{Cluster, finish};

/// Posts to a path of the leader.
async fn post(cluster: &Cluster, leader: usize, path: &str, body: Value) -> (u16, Value) {
    finish(cluster.client.post(cluster.url(leader, path)).json(&body)).await
}

#[tokio::test]
async fn values_grow_shrink_and_go() {
    let cluster = Cluster::start(3);
    let leader = cluster.leader().await;
    for item in [json!(1), json!({"x": null})] {
        let body = json!({"value": item});
        let (status, answer) = post(&cluster, leader, "/kv/list/append", body).await;
        assert_eq!(status, 200, "{answer}");
    }
    let list = cluster.read(leader, "list").await.1;
    assert_eq!(list["value"], json!([1, {"x": null}]));

    for (amount, sum) in [(5, 5), (-8, -3)] {
        let body = json!({"amount": amount});
        let (_, answer) = post(&cluster, leader, "/kv/sum/add", body).await;
        assert_eq!(
            (&answer["outcome"], &answer["value"]),
            (&json!("ok"), &json!(sum))
        );
    }
    let (status, answer) = post(&cluster, leader, "/kv/list/add", json!({"amount": 1})).await;
    assert_eq!((status, &answer["error"]), (409, &json!("wrong_type")));

    let delete = cluster.client.delete(cluster.url(leader, "/kv/sum"));
    assert_eq!(finish(delete).await.0, 200);
    assert_eq!(cluster.read(leader, "sum").await.1["value"], json!(null));
}

#[tokio::test]
async fn a_transaction_is_one_operation() {
    let cluster = Cluster::start(3);
    let leader = cluster.leader().await;
    let body = json!({
        "conditions": [{"key": "a", "expected": null}],
        "operations": [
            {"op": "write", "key": "a", "value": 1},
            {"op": "add", "key": "a", "amount": 2},
            {"op": "append", "key": "b", "value": "x"},
            {"op": "read", "key": "b"},
            {"op": "delete", "key": "b"},
        ],
    });
    let (status, answer) = post(&cluster, leader, "/txn", body.clone()).await;
    assert_eq!(
        (status, &answer["values"]),
        (200, &json!([null, 3, null, ["x"], null]))
    );
    let (status, answer) = post(&cluster, leader, "/txn", body).await;
    assert_eq!((status, &answer["error"]), (409, &json!("cas_mismatch")));
    assert_eq!(cluster.read(leader, "a").await.1["value"], json!(3));

    for bad in [
        json!({"operations": []}),
        json!({"operations": [{"op": "read", "key": "a", "value": 1}]}),
        json!({"operations": [{"op": "write", "key": "a"}]}),
        json!({"operations": vec![json!({"op": "read", "key": "a"}); 257]}),
    ] {
        let (status, answer) = post(&cluster, leader, "/txn", bad).await;
        assert_eq!((status, &answer["error"]), (400, &json!("bad_request")));
    }
}

#[tokio::test]
async fn a_lock_is_granted_to_one_with_tokens_that_grow() {
    let cluster = Cluster::start(3);
    let leader = cluster.leader().await;
    let acquire = async |owner: &str| {
        let body = json!({"owner": owner});
        post(&cluster, leader, "/locks/l/acquire", body).await
    };
    let (status, first) = acquire("ann").await;
    assert_eq!(status, 200, "{first}");
    assert_eq!(
        acquire("ann").await.1["token"],
        first["token"],
        "asked again"
    );
    let (status, answer) = acquire("bob").await;
    assert_eq!((status, &answer["error"]), (409, &json!("lock_held")));

    let release = async |body: Value| post(&cluster, leader, "/locks/l/release", body).await;
    let (status, answer) = release(json!({"owner": "bob"})).await;
    assert_eq!((status, &answer["error"]), (409, &json!("lock_not_held")));
    let body = json!({"owner": "ann", "token": first["token"]});
    assert_eq!(release(body).await.0, 200);
    let second = acquire("bob").await.1["token"].as_u64();
    assert!(second > first["token"].as_u64(), "{second:?} after {first}");
}

#[tokio::test]
async fn states_are_equal_at_equal_indexes() {
    let cluster = Cluster::start(3);
    let leader = cluster.leader().await;
    let index = cluster.write(leader, "k", json!(1)).await.1["index"].as_u64();
    let next = index.unwrap() + 1;
    let ask = |node: usize, query: String| {
        let url = cluster.url(node, &format!("/state-hash{query}"));
        finish(cluster.client.get(url))
    };
    let at_next = async |node| ask(node, format!("?index={next}")).await;
    let (hashes, _) = tokio::join!(
        async { tokio::join!(at_next(0), at_next(1), at_next(2)) },
        cluster.write(leader, "k", json!(2)),
    );
    assert_eq!((hashes.0.0, &hashes.0.1["index"]), (200, &json!(next)));
    assert_eq!((&hashes.0, &hashes.0), (&hashes.1, &hashes.2));

    let now = ask(leader, String::new()).await.1;
    assert_eq!(now, hashes.0.1, "nothing was written since");
    let (status, answer) = ask(leader, format!("?index={}", next - 1)).await;
    assert_eq!((status, &answer["error"]), (410, &json!("passed")));
    let (status, answer) = ask(leader, format!("?index={}&timeout_ms=50", next + 9)).await;
    assert_eq!((status, &answer["error"]), (503, &json!("timeout")));
}

#[tokio::test]
async fn a_question_that_is_not_understood_is_refused() {
    let cluster = Cluster::start(1);
    let leader = cluster.leader().await;
    for query in [
        "?timeout_ms=0",
        "?timeout_ms=5001",
        "?timeout_ms=x",
        "?tiemout_ms=5",
    ] {
        let url = cluster.url(leader, &format!("/kv/k{query}"));
        let (status, answer) = finish(cluster.client.get(url)).await;
        assert_eq!(
            (status, &answer["error"]),
            (400, &json!("bad_request")),
            "{query}"
        );
    }
}
