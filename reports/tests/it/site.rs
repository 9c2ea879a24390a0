//! The pages of a server of runs: what they say, their skeleton, and that hostile names stay names.

use crate::escaping::{HOSTILE, tags};
use crate::fixture::runs::{healthy, hostile, stale_read, unknown};
use crate::page::{outline, text};
use reports::site::{
    self, ActiveFault, Entry, Filter, Judged, Listing, NodeNow, Plan, Quantiles, Second, Side,
    Snapshot, State, StoredFile,
};
use reports::{Counts, RunResult};

fn judged(day: u32, result: &RunResult) -> Entry {
    Entry {
        id: format!("register-partition-{day}/2026112{day}T140754.034Z"),
        started: format!("2026-11-2{day}T14:07:54.034Z"),
        state: State::Judged(Box::new(Judged::of(result))),
    }
}

fn result(run: crate::fixture::Run) -> RunResult {
    run.result.expect("the fixture has a result")
}

fn entries() -> Vec<Entry> {
    let entry = |id: &str, state| Entry {
        id: id.to_owned(),
        started: "2026-11-20T00:00:00.000Z".to_owned(),
        state,
    };
    let plan = Plan {
        workload: "txn".to_owned(),
        nemesis: vec!["kill".to_owned()],
        seed: Some(9),
        ..Plan::default()
    };
    vec![
        judged(3, &result(stale_read())),
        judged(2, &result(healthy())),
        judged(1, &result(unknown())),
        entry("txn-kill-9/a", State::UnderWay(plan.clone())),
        entry("txn-kill-9/b", State::Unfinished(plan)),
        entry("txn-kill-9/c", State::Broken("version 9".to_owned())),
    ]
}

fn overview(entries: &[Entry], filter: &Filter) -> String {
    let all: Vec<&Entry> = entries.iter().collect();
    let listing = Listing {
        folder: "runs",
        all: &all,
        filter,
    };
    site::overview(&listing, 1)
}

fn snapshot(name: &str) -> Snapshot {
    let operations = Counts {
        ok: 5,
        fail: 1,
        info: 2,
    };
    let second = |number| Second { number, operations };
    let latency = Quantiles {
        half_ns: 1_000_000,
        p95_ns: 2_000_000,
        p99_ns: 3_000_000,
        max_ns: 4_000_000,
    };
    Snapshot {
        phase: name.to_owned(),
        time_ns: 12_345_000_000,
        operations,
        open: 3,
        window_ns: 5_000_000_000,
        rate: 1.6,
        latency: Some(latency),
        faults: vec![ActiveFault {
            id: 4,
            name: name.to_owned(),
            description: name.to_owned(),
            since_ns: 11_000_000_000,
        }],
        nodes: vec![NodeNow {
            name: name.to_owned(),
            answers: Some(true),
            role: Some("leader".to_owned()),
            term: Some(7),
        }],
        seconds: vec![second(11), second(12)],
    }
}

/// Every page with `name` wherever a run or its nodes choose a text.
fn pages(name: &str) -> Vec<(&'static str, String)> {
    let mut result = result(hostile(name));
    name.clone_into(&mut result.workload);
    result.bugs = vec![name.to_owned()];
    let mut entry = judged(3, &result);
    entry.id = format!("{name}/{name}/2026");
    let broken = Entry {
        state: State::Broken(name.to_owned()),
        ..entry.clone()
    };
    let plan = Plan {
        workload: name.to_owned(),
        nemesis: vec![name.to_owned()],
        command: name.to_owned(),
        bugs: vec![name.to_owned()],
        ..Plan::default()
    };
    let under_way = Entry {
        state: State::UnderWay(plan),
        ..entry.clone()
    };
    let files = [StoredFile {
        name: name.to_owned(),
        bytes: 5,
    }];
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let filter = Filter::of_query(&[pair("q", ""), pair("in", name)]);
    let all = [&entry, &broken, &under_way];
    let listing = Listing {
        folder: name,
        all: &all,
        filter: &filter,
    };
    let side = Side {
        entry: &entry,
        result: &result,
        latency: None,
    };
    vec![
        ("list", site::overview(&listing, 1)),
        ("trend", site::trend(&listing)),
        (
            "run",
            site::run(name, &entry, Some(&result), &files, &[&entry]),
        ),
        ("broken", site::run(name, &broken, None, &files, &[])),
        (
            "live",
            site::live(name, &under_way, &snapshot(name), &files),
        ),
        ("compare", site::compare(name, &side, &side)),
        ("refusal", site::refusal("None", name)),
    ]
}

#[test]
fn the_list_says_of_each_run_what_came_of_it() {
    let page = text(&overview(&entries(), &Filter::default()));
    for words in [
        "6 runs",
        "✗ violation 1",
        "stale-read",
        "read-no-quorum",
        "! unknown",
        "✓ pass",
        "under way",
        "ended without a result",
        "version 9",
        "register · partition",
        "txn · kill",
    ] {
        assert!(page.contains(words), "{words:?} in {page}");
    }
}

#[test]
fn a_filter_narrows_the_list_and_is_kept() {
    let filter = Filter::of_query(&[("class".to_owned(), "stale-read".to_owned())]);
    let page = overview(&entries(), &filter);
    let words = text(&page);
    assert!(words.contains("1 of 6 runs"), "{words}");
    assert!(!words.contains("txn-kill-9"), "{words}");
    for kept in [
        "<option value=\"stale-read\" selected>",
        "href=\"?verdict=violation&amp;class=stale-read\"",
        "href=\"/trend?class=stale-read\"",
    ] {
        assert!(page.contains(kept), "{kept} in {page}");
    }
    let nothing = Filter::of_query(&[("q".to_owned(), "nowhere".to_owned())]);
    assert!(text(&overview(&entries(), &nothing)).contains("No run is like that."));
    assert!(text(&overview(&[], &Filter::default())).contains("adrasteia run"));
}

#[test]
fn differences_are_marked_and_changes_told() {
    let (left, right) = (result(stale_read()), result(healthy()));
    let (one, other) = (judged(3, &left), judged(2, &right));
    let latency = |half_ns| {
        Some(Quantiles {
            half_ns,
            p95_ns: 9,
            p99_ns: 9,
            max_ns: 9,
        })
    };
    let left = Side {
        entry: &one,
        result: &left,
        latency: latency(10_000_000),
    };
    let right = Side {
        entry: &other,
        result: &right,
        latency: latency(15_000_000),
    };
    let page = site::compare("runs", &left, &right);
    let words = text(&page);
    for expected in [
        "Consistencyviolationvalid≠",
        "Node healthhealthyhealthy=",
        "median10 ms15 ms+50 %",
        "--bugread-no-quorum–≠",
        "Classesstale-read (1)none≠",
    ] {
        assert!(words.contains(expected), "{expected:?} in {words}");
    }
    let same = site::compare("runs", &left, &left);
    assert!(text(&same).contains("They differ in numbers only."));
    assert!(!text(&same).contains('≠'));
}

#[test]
fn a_trend_is_drawn_by_day() {
    let entries = entries();
    let all: Vec<&Entry> = entries.iter().collect();
    let filter = Filter::default();
    let listing = Listing {
        folder: "runs",
        all: &all,
        filter: &filter,
    };
    let page = site::trend(&listing);
    assert_eq!(page.matches("<svg").count(), 2, "verdicts and detection");
    for day in ["2026-11-20", "2026-11-21", "2026-11-22", "2026-11-23"] {
        assert!(page.contains(&format!("<td>{day}</td>")), "{day}");
    }
}

#[test]
fn hostile_names_add_no_markup() {
    let plain = pages("plain");
    for name in HOSTILE {
        for ((which, page), (_, plain)) in pages(name).iter().zip(&plain) {
            let shape = |page: &str| -> Vec<String> {
                let outside = tags(page).into_iter().filter(|tag| !tag.in_drawing);
                outside.map(|tag| tag.name).collect()
            };
            let has_handler = |page: &str| {
                tags(page)
                    .iter()
                    .any(|tag| tag.attributes.iter().any(|name| name.starts_with("on")))
            };
            assert!(!has_handler(page), "{which} of {name:?}");
            let scripts = |page: &str| shape(page).iter().filter(|tag| *tag == "script").count();
            assert_eq!(scripts(page), 1, "{which} of {name:?}");
            // A name that is empty leaves out what is told of it.
            if !name.is_empty() {
                assert_eq!(shape(page), shape(plain), "{which} of {name:?}");
            }
        }
    }
}

#[test]
fn skeleton() {
    let entries = entries();
    let run = result(stale_read());
    let files = [StoredFile {
        name: "data/n1/lock".to_owned(),
        bytes: 0,
    }];
    let pages = [
        overview(&entries, &Filter::default()),
        site::run("runs", &entries[0], Some(&run), &files, &[&entries[1]]),
        site::live("runs", &entries[3], &snapshot("n1"), &files),
    ];
    insta::assert_snapshot!(pages.map(|page| outline(&page)).join("\n\n"));
}
