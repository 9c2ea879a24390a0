//! The interface document against a running node: every route is in it, and every answer follows it.

use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::{Value, json};

use crate::cluster::{Cluster, finish};

/// A request, and the status that its answer has.
struct Call {
    method: Method,
    /// As the document has it.
    template: &'static str,
    path: &'static str,
    body: Option<Value>,
    status: u16,
}

fn call(method: Method, template: &'static str, path: &'static str, status: u16) -> Call {
    Call {
        method,
        template,
        path,
        body: None,
        status,
    }
}

impl Call {
    fn with(self, body: Value) -> Self {
        let body = Some(body);
        Self { body, ..self }
    }
}

/// Every route, and beside success each kind of failure that a healthy leader has.
fn calls() -> Vec<Call> {
    let get = |template, path, status| call(Method::GET, template, path, status);
    let post = |template, path, status| call(Method::POST, template, path, status);
    let kv = "/kv/{key}";
    let (cas, append, add) = ("/kv/{key}/cas", "/kv/{key}/append", "/kv/{key}/add");
    let (acquire, release) = ("/locks/{lock}/acquire", "/locks/{lock}/release");
    let alive = "/sessions/{client}/keep-alive";
    let all_operations = json!({
        "conditions": [{"key": "t", "expected": null}],
        "operations": [
            {"op": "write", "key": "t", "value": {"x": [1]}},
            {"op": "read", "key": "t"},
            {"op": "delete", "key": "t"},
            {"op": "append", "key": "t", "value": null},
            {"op": "add", "key": "u", "amount": -1},
        ],
    });
    vec![
        get(kv, "/kv/a", 200),
        get(kv, "/kv/a?level=log&timeout_ms=900", 200),
        get(kv, "/kv/a?level=monotonic&min_index=1", 200),
        get(
            kv,
            "/kv/a?level=monotonic&min_index=9999999&timeout_ms=10",
            503,
        ),
        get(kv, "/kv/a?level=none", 400),
        call(Method::PUT, kv, "/kv/a", 200).with(json!({"value": {"x": [1.5, null]}})),
        call(Method::PUT, kv, "/kv/a", 400).with(json!({"valeu": 1})),
        get(kv, "/kv/a", 200),
        post(append, "/kv/a/append", 409).with(json!({"value": 1})),
        call(Method::DELETE, kv, "/kv/a", 200),
        post(cas, "/kv/a/cas", 200).with(json!({"expected": null, "value": 1})),
        post(cas, "/kv/a/cas", 409).with(json!({"expected": null, "value": 1})),
        post(append, "/kv/l/append", 200).with(json!({"value": 1})),
        post(add, "/kv/a/add", 200).with(json!({"amount": 4})),
        post(add, "/kv/a/add", 413).with(json!({"amount": i64::MAX})),
        post(acquire, "/locks/l/acquire", 200).with(json!({"owner": "ann"})),
        post(acquire, "/locks/l/acquire", 409).with(json!({"owner": "bob"})),
        post(release, "/locks/l/release", 200).with(json!({"owner": "ann", "token": null})),
        post(release, "/locks/l/release", 409).with(json!({"owner": "ann"})),
        post("/txn", "/txn", 200).with(all_operations.clone()),
        post("/txn", "/txn", 409).with(all_operations),
        post("/txn", "/txn", 400).with(json!({"operations": []})),
        post("/sessions", "/sessions?idle_ms=5000", 200),
        post("/sessions", "/sessions?idle_ms=5", 400),
        post(alive, "/sessions/99999/keep-alive", 410),
        post("/admin/members", "/admin/members", 400).with(json!({"remove": "n0"})),
        post("/admin/members", "/admin/members", 200).with(json!({"remove": {"id": "n9"}})),
        post("/admin/transfer", "/admin/transfer", 409).with(json!({"to": "n9"})),
        post("/admin/snapshot", "/admin/snapshot", 200),
        get("/status", "/status", 200),
        get("/health", "/health", 200),
        get("/metrics", "/metrics", 200),
        get("/state-hash", "/state-hash", 200),
        get("/state-hash", "/state-hash?index=1", 410),
        get("/log", "/log?from=1&limit=3", 200),
        get("/log", "/log?limit=x", 400),
        get("/openapi.json", "/openapi.json", 200),
    ]
}

/// A validator for a part of the document, whose references lead into the rest.
fn validator(document: &Value, schema: &Value) -> jsonschema::Validator {
    let whole = json!({"allOf": [schema], "components": document["components"]});
    jsonschema::draft202012::new(&whole).expect("the schema is one")
}

/// The schema of the answer to a call, if the answer is JSON.
fn answer_schema<'a>(document: &'a Value, call: &Call, status: u16) -> Option<&'a Value> {
    let method = call.method.as_str().to_lowercase();
    let operation = &document["paths"][call.template][method];
    assert!(operation.is_object(), "{} is not described", call.template);
    let status = if status == 200 { "200" } else { "default" };
    let content = &operation["responses"][status]["content"];
    assert!(content.is_object(), "{} {status}", call.template);
    content.get("application/json").map(|json| &json["schema"])
}

/// Whether the document says that the node takes the body.
fn takes(document: &Value, call: &Call) -> bool {
    let method = call.method.as_str().to_lowercase();
    let body = &document["paths"][call.template][method]["requestBody"];
    let schema = &body["content"]["application/json"]["schema"];
    let body = call.body.as_ref().unwrap_or(&Value::Null);
    schema.is_object() && validator(document, schema).is_valid(body)
}

#[tokio::test]
async fn every_route_is_described_and_answers_as_described() {
    let cluster = Cluster::start(1);
    let leader = cluster.leader().await;
    let url = cluster.url(leader, "/openapi.json");
    let (_, document) = finish(cluster.client.get(url)).await;

    let mut called = BTreeSet::new();
    for call in calls() {
        let url = cluster.url(leader, call.path);
        let mut request = cluster.client.request(call.method.clone(), url);
        if let Some(body) = &call.body {
            request = request.json(body);
            assert_eq!(
                takes(&document, &call),
                call.status != 400,
                "{}: {body}",
                call.path
            );
        }
        let answer = request.send().await.unwrap();
        let status = answer.status().as_u16();
        let text = answer.text().await.unwrap();
        assert_eq!(status, call.status, "{}: {text}", call.path);
        if let Some(schema) = answer_schema(&document, &call, status) {
            let answer: Value = serde_json::from_str(&text).unwrap();
            let valid = validator(&document, schema).validate(&answer);
            assert!(valid.is_ok(), "{} {answer}: {valid:?}", call.path);
        }
        if status == 200 {
            called.insert(format!("{} {}", call.method, call.template));
        }
    }

    let described = document["paths"].as_object().unwrap().iter();
    let described: BTreeSet<String> = described
        .flat_map(|(path, methods)| {
            let methods = methods.as_object().unwrap().keys();
            methods.map(move |method| format!("{} {path}", method.to_uppercase()))
        })
        .collect();
    // These need a client that is registered, or more than one node.
    for other in ["/sessions/{client}/keep-alive", "/admin/transfer"] {
        called.insert(format!("POST {other}"));
    }
    assert_eq!(described, called, "described, and called with success");
}

#[tokio::test]
async fn a_schema_refuses_what_is_not_an_answer() {
    let cluster = Cluster::start(1);
    let leader = cluster.leader().await;
    let url = cluster.url(leader, "/openapi.json");
    let (_, document) = finish(cluster.client.get(url)).await;
    let schema = json!({"$ref": "#/components/schemas/Body"});
    let validator = validator(&document, &schema);
    let (_, answer) = cluster.read(leader, "k").await;
    assert!(validator.is_valid(&answer), "{answer}");
    for (field, bad) in [
        ("outcome", json!("okay")),
        ("term", json!("1")),
        ("error", json!("no_such_error")),
    ] {
        let mut wrong = answer.clone();
        wrong[field] = bad;
        assert!(!validator.is_valid(&wrong), "{wrong}");
    }
}

#[tokio::test]
async fn metrics_count_what_was_asked() {
    let cluster = Cluster::start(3);
    let leader = cluster.leader().await;
    for number in 0..3 {
        cluster.write(leader, "k", json!(number)).await;
    }
    cluster.read(leader, "k").await;
    let page = cluster.client.get(cluster.url(leader, "/metrics"));
    let page = page.send().await.unwrap().text().await.unwrap();
    for line in [
        "adrasteia_node_answers_total{outcome=\"ok\",error=\"\"} 4",
        "adrasteia_node_commit_latency_seconds_count 3",
        "adrasteia_node_reads_per_round_count 1",
        "adrasteia_node_role{role=\"leader\"} 1",
        "adrasteia_node_leader_changes_total 1",
        "adrasteia_node_apply_lag 0",
    ] {
        assert!(page.lines().any(|found| found == line), "{line} in {page}");
    }
    assert!(page.ends_with("# EOF\n"));
}

#[tokio::test]
async fn the_log_can_be_looked_at() {
    let cluster = Cluster::start(1);
    let leader = cluster.leader().await;
    cluster.write(leader, "k", json!(1)).await;
    let url = cluster.url(leader, "/log");
    let (_, log) = finish(cluster.client.get(url)).await;
    let entries = log["entries"].as_array().unwrap();
    let kinds: Vec<&Value> = entries.iter().map(|entry| &entry["kind"]).collect();
    assert_eq!(kinds.last(), Some(&&json!("command")), "{log}");
    assert_eq!(kinds.first(), Some(&&json!("membership")), "{log}");
    assert_eq!(entries.last().unwrap()["index"], log["last_index"]);
    let url = cluster.url(leader, "/log?from=2&limit=1");
    let (_, log) = finish(cluster.client.get(url)).await;
    assert_eq!(log["entries"][0]["index"], json!(2));
    assert_eq!(log["entries"].as_array().unwrap().len(), 1);
}
