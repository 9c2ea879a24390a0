//! A run that is under way: somebody holds the lock on its `live.jsonl`, and appends to its history.

use std::fs::File;
use std::io::Write as _;

use serde_json::Value;

use crate::server::{Server, folder, id, passed, store};

fn append(mut file: &File, line: &str) {
    file.write_all(line.as_bytes()).unwrap();
    file.write_all(b"\n").unwrap();
}

fn part(server: &Server, id: &str) -> Value {
    serde_json::from_str(&server.page(&format!("/live/{id}"))).unwrap()
}

#[test]
fn a_run_is_followed_until_it_is_over() {
    let server = Server::start(folder());
    let id = id(1);
    store(&server.runs(), &id, &passed(1));
    let run = server.runs().join(&id);
    std::fs::rename(
        run.join("result.json"),
        server.folder.path().join("result.json"),
    )
    .unwrap();
    let live = File::create(run.join("live.jsonl")).unwrap();
    live.lock().unwrap();
    let history = File::create(run.join("history.jsonl")).unwrap();
    append(
        &history,
        r#"{"format":"adrasteia-history","version":1,"nodes":["n1","n2"]}"#,
    );
    append(&live, r#"{"phase":"clients at work for 30s"}"#);
    append(
        &live,
        r#"{"node":{"name":"n2","answers":true,"role":"leader","term":4}}"#,
    );
    append(
        &history,
        r#"{"index":0,"time":1000000000,"process":0,"type":"invoke","f":"read"}"#,
    );
    append(
        &history,
        r#"{"index":1,"time":1007000000,"process":0,"type":"ok","f":"read","value":1}"#,
    );
    append(
        &history,
        r#"{"index":2,"time":1500000000,"process":"nemesis","type":"info","f":"kill","value":{"id":3,"phase":"start","description":"n1 <b>"}}"#,
    );

    assert!(server.page("/?verdict=under+way").contains("1 run<"));
    let page = server.page(&format!("/runs/{id}"));
    let expected = [
        "A run under way",
        "clients at work for 30s",
        "1 ok, 0 failed, 0 indeterminate",
        "7.00 ms",
        "in term 4",
        "n1 &lt;b&gt;",
        "http-equiv=\"refresh\"",
    ];
    for words in expected {
        assert!(page.contains(words), "{words} in {page}");
    }

    let said = part(&server, &id);
    assert_eq!(said["over"], false);
    append(
        &history,
        r#"{"index":3,"time":2000000000,"process":1,"type":"invoke","f":"write","value":2}"#,
    );
    append(
        &history,
        r#"{"index":4,"time":2100000000,"process":"nemesis","type":"info","f":"kill","value":{"id":3,"phase":"end"}}"#,
    );
    let said = part(&server, &id);
    let html = said["html"].as_str().unwrap();
    assert!(
        html.contains("1 open") && !html.contains("n1 &lt;b&gt;"),
        "{html}"
    );

    // Half a result belongs to a run under way; without who holds the lock, it is broken.
    std::fs::write(run.join("result.json"), "{\"version\":1,").unwrap();
    assert_eq!(part(&server, &id)["over"], false);
    drop(live);
    assert_eq!(part(&server, &id)["over"], true);
    assert!(server.page("/").contains("! broken"));
    std::fs::remove_file(run.join("result.json")).unwrap();
    assert!(
        server
            .page(&format!("/runs/{id}"))
            .contains("Ended without a result")
    );

    std::fs::rename(
        server.folder.path().join("result.json"),
        run.join("result.json"),
    )
    .unwrap();
    std::fs::write(run.join("report.html"), "<p>report</p>").unwrap();
    let page = server.page(&format!("/runs/{id}"));
    assert!(
        page.contains("Open the report") && page.contains("✓ pass"),
        "{page}"
    );
    assert_eq!(server.get("/live/absent").status, 404);
}
