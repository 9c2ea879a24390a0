//! Lists, filters, trends and comparisons of many runs, some of them broken.

use crate::server::{Server, folder, id, passed, store, violated};

const RUNS: u64 = 2_000;

/// Every tenth run found a violation, of two classes in turn.
fn many() -> Server {
    let folder = folder();
    for number in 0..RUNS {
        let result = match number % 20 {
            0 => violated(number, "stale-read", "read-no-quorum"),
            10 => violated(number, "lost-update", "ack-on-local-append"),
            _ => passed(number),
        };
        store(&folder.path().join("runs"), &id(number), &result);
    }
    Server::start(folder)
}

fn count(page: &str, part: &str) -> usize {
    page.matches(part).count()
}

#[test]
fn two_thousand_runs_are_listed_filtered_and_compared() {
    let server = many();
    let first = server.page("/");
    assert!(first.contains("2\u{202f}000 runs"));
    assert!(first.contains("page 1 of 40"));
    let position = |number| first.find(&format!(">{}<", id(number)));
    assert!(
        position(1999).unwrap() < position(1998).unwrap(),
        "newest first"
    );
    assert_eq!(count(&first, "class=\"began\""), 50);
    assert!(server.page("/?page=40").contains(&id(0)));
    assert!(server.page("/?page=9999").contains("page 40 of 40"));

    let rows = [
        ("verdict=violation", "200 of"),
        ("answer=violation", "200 of"),
        ("class=lost-update", "100 of"),
        ("bug=read-no-quorum", "100 of"),
        ("bug=none", "1\u{202f}800 of"),
        ("seed=17", "1 of"),
        ("workload=txn", "0 of"),
        ("nemesis=partition&verdict=pass", "1\u{202f}800 of"),
        ("q=20261102T+STALE-READ", "28 of"),
    ];
    for (query, counts) in rows {
        let page = server.page(&format!("/?{query}"));
        assert!(page.contains(counts), "{query}: {counts}");
    }

    let trend = server.page("/trend?class=lost-update");
    assert_eq!(count(&trend, "<svg"), 2);
    assert!(trend.contains("7.5 s"), "the median time to detection");
    assert!(!server.page("/trend?verdict=pass").contains("7.5 s"));

    let (left, right) = (id(1), id(20));
    let page = server.page(&format!("/compare?run={left}&run={right}"));
    for expected in [
        "≠",
        "stale-read (1)",
        "--seed",
        "partition n1 | n2 n3 at 2.0 s (installed)",
    ] {
        assert!(page.contains(expected), "{expected}");
    }
    for (query, status) in [
        ("", 400),
        ("?run=a", 400),
        ("?run=a&run=b", 404),
        ("?run=a&run=b&run=c", 400),
    ] {
        assert_eq!(
            server.get(&format!("/compare{query}")).status,
            status,
            "{query}"
        );
    }
}

#[test]
fn what_is_broken_is_listed_with_its_reason_and_hides_nothing() {
    let folder = folder();
    let runs = folder.path().join("runs");
    for number in 0..9 {
        store(&runs, &id(number), &passed(number));
    }
    let write = |number, name: &str, text: &str| {
        std::fs::write(runs.join(id(number)).join(name), text).unwrap();
    };
    let remove =
        |number, name: &str| std::fs::remove_file(runs.join(id(number)).join(name)).unwrap();
    write(0, "result.json", "{\"version\":1,\"exit");
    write(1, "result.json", "{\"version\":9}");
    std::fs::write(runs.join(id(2)).join("result.json"), b"\xff\xfe\x00").unwrap();
    remove(3, "result.json");
    std::fs::create_dir(runs.join(id(3)).join("result.json")).unwrap();
    remove(4, "result.json");
    std::os::unix::fs::symlink("../../../secret.txt", runs.join(id(4)).join("result.json"))
        .unwrap();
    remove(5, "result.json");
    remove(6, "result.json");
    remove(6, "config.json");
    std::fs::create_dir(runs.join("register-none-1")).unwrap();
    std::fs::write(
        runs.join("register-none-1/20261101T000000.000Z"),
        "no folder",
    )
    .unwrap();
    std::fs::write(runs.join("notes.txt"), "beside the runs").unwrap();
    std::os::unix::fs::symlink(id(7), runs.join("latest")).unwrap();

    let server = Server::start(folder);
    let page = server.page("/");
    assert!(page.contains("10 runs"), "{page}");
    let reasons = [
        "result.json cannot be read: EOF",
        "has version 9, this program reads version 1",
        "stream did not contain valid UTF-8",
        "result.json cannot be read: is no regular file",
        "result.json is a link, which is not followed",
        "ended without a result",
        "neither a result.json nor a config.json",
        "a file stands where the folder of a run is expected",
    ];
    for reason in reasons {
        assert_eq!(count(&page, reason), 1, "{reason}");
    }
    assert_eq!(count(&page, "SECRET"), 0);
    assert!(server.page("/?verdict=broken").contains("7 of"));
    assert!(server.page("/?verdict=pass").contains("2 of"));
    for number in 0..9 {
        let page = server.page(&format!("/runs/{}", id(number)));
        assert!(page.contains("<h1>"), "{number}");
    }
    assert!(
        server
            .page(&format!("/runs/{}", id(1)))
            .contains("This run cannot be read")
    );
    assert!(
        server
            .page(&format!("/runs/{}", id(5)))
            .contains("Ended without a result")
    );
}

#[test]
fn runs_appear_change_and_vanish_meanwhile() {
    let server = Server::start(folder());
    assert!(
        server
            .page("/")
            .contains("There is no run in this folder yet")
    );
    store(&server.runs(), &id(1), &passed(1));
    store(&server.runs(), &format!("nightly/{}", id(2)), &passed(2));
    let page = server.page("/");
    assert!(page.contains("2 runs") && page.contains("?in=nightly"));
    assert!(server.page("/?in=nightly").contains("1 of"));
    store(
        &server.runs(),
        &id(1),
        &violated(1, "stale-read", "read-no-quorum"),
    );
    assert!(server.page("/?verdict=violation").contains("1 of"));
    std::fs::remove_dir_all(server.runs().join(id(1))).unwrap();
    assert!(server.page("/").contains("1 run<"));
    assert_eq!(server.get(&format!("/runs/{}", id(1))).status, 404);
}

#[test]
fn what_a_run_says_stays_text() {
    let hostile = "<script>alert(1)</script>\"'&";
    let folder = folder();
    let mut result = violated(1, hostile, hostile);
    for field in ["command", "workload"] {
        result[field] = hostile.into();
    }
    result["nemesis"] = serde_json::json!([hostile]);
    result["anomalies"][0]["key"] = hostile.into();
    result["anomalies"][0]["explanation"] = hostile.into();
    let named = "<b>&\"'?#%-1/20261101T000000.000Z";
    store(&folder.path().join("runs"), named, &result);
    std::fs::write(
        folder.path().join("runs").join(named).join("<i>.log"),
        hostile,
    )
    .unwrap();
    let server = Server::start(folder);
    let list = server.page("/");
    let (_, rest) = list.split_once("href=\"/runs/").unwrap();
    let address = format!("/runs/{}", rest.split_once('"').unwrap().0);
    let run = server.page(&address);
    let (_, rest) = run.split_once("%3Ci%3E.log").expect("the log is listed");
    assert!(rest.starts_with('"'));
    let log = server.get(&format!("{address}/%3Ci%3E.log"));
    assert_eq!(log.text(), hostile);
    assert!(
        log.head.contains("content-type: text/plain"),
        "{}",
        log.head
    );
    let compared = address.replace("/runs/", "/compare?run=");
    let compared = format!("{compared}&{}", compared.split_once('?').unwrap().1);
    for page in [
        list,
        run,
        server.page("/trend"),
        server.page(&compared),
        server.page("/?q=%3Cscript%3E%22"),
    ] {
        for markup in ["<script>", "<b>", "<i>", "\"'&"] {
            assert!(!page.contains(markup), "{markup} in {page}");
        }
    }
}
