//! The page as readers get it: what it says for each kind of run, and its skeleton.

use crate::fixture::Run;
use crate::fixture::large::large;
use crate::fixture::notation::history;
use crate::fixture::runs::{healthy, history_only, stale_read, unknown, vacuous, valid_keys};
use crate::result::availability;
use checker::{Anomaly, AnomalyClass, KeyResult, OpId, Violation};
use reports::html::render;
use reports::{Effect, ReportData, Tried};
use serde_json::json;

#[test]
fn the_first_screen_says_what_happened() {
    let rows: [(Run, &[&str]); 5] = [
        (
            stale_read(),
            &[
                "Not linearizable: stale-read on k3",
                "Client 4 wrote 17 to k3 through n1, acknowledged at 12.401 s; client 9's read began 619 ms later on n3",
                "stale-read: a read returned a value that had been overwritten before it began.",
                "Key k3: the write of 17 by client 4 on n1, then the read of 16 by client 9 on n3.",
                "13.020 s after the start, 1.1 s into the fault.",
                "619 ms and 1 write behind",
                "Still holdssequential consistency, monotonic reads",
                "Fault #3 was active: partition n3 | n1 n2 n4 n5 from 11.900 s to 14.200 s (2.3 s).",
                "At 13.020 s 2 nodes took themselves for the leader: n3 in term 2, n1 in term 3.",
                "No order places the r 16 of client 9 (event 29): the value could only be 17.",
                "adrasteia run --nemesis partition --bug read-no-quorum --seed 42",
                "3 operations of the history contradict each other, each of them needed",
                "but client 9's read of 16 comes before client 4's write of 17",
                "even if it took effect at any later time",
                "saw 16, so it comes before",
                "w 16 client 4 → w 17 client 4 → ✗ r 16 client 9: the value is 17 by then.",
                "Not linearizable, but sequentially consistent.",
            ],
        ),
        (
            healthy(),
            &[
                "Linearizable",
                "it explains all 8 operations.",
                "6 of 7 faults acted",
                "the leader changed 3 times",
                "8 operations of the workload register on 5 nodes in 32.0 s.",
                "partition, kill, pause: 6 of 7 acted",
            ],
        ),
        (
            unknown(),
            &[
                "Undecided: the check reached a limit",
                "The time limit of 60 s was reached on key k1. This is neither",
                "1 of 2 keys are linearizable, whatever the rest is.",
                "k1 (6 operations, nothing proven).",
                "adrasteia check history.jsonl --time-limit 10m --memory-limit 8GiB",
            ],
        ),
        (
            vacuous(),
            &[
                "Nothing was tested",
                "None of 1 fault was proven to act.",
                "n1 had no leader to be cut from",
                "Did not act#0 partition: n1 had no leader to be cut from.",
                "Read why the faults did not act",
            ],
        ),
        (
            history_only(),
            &[
                "Not linearizable: stale-read on k3",
                "etcd_007.jsonl",
                "cas-register",
            ],
        ),
    ];
    for (run, sentences) in rows {
        let text = text(&render(&run.data()));
        for sentence in sentences {
            assert!(
                text.contains(sentence),
                "{}: {sentence:?} is missing in\n{text}",
                run.title
            );
        }
    }
}

#[test]
fn a_history_alone_claims_nothing_about_a_run() {
    let page = text(&render(&history_only().data()));
    for absent in [
        "Liveness",
        "What to do",
        "Run it again",
        "Fault ledger",
        "Leader",
        "was active",
    ] {
        assert!(!page.contains(absent), "{absent}");
    }
}

#[test]
fn the_picture_labels_the_contradiction_and_its_gap() {
    let page = render(&stale_read().data());
    for label in [
        ">w 17 on n1<",
        ">r 16 on n3<",
        ">619 ms later<",
        ">w 19<",
        ">w 20<",
        ">n3 leads<",
        ">term 3<",
    ] {
        assert!(page.contains(label), "{label}");
    }
    assert!(!page.contains(">w 1<"), "operations on other keys stay out");
    assert!(!text(&render(&healthy().data())).contains("The contradiction in time"));
}

#[test]
fn the_numbers_behind_the_grade_are_told() {
    let mut run = healthy();
    let result = run.result.as_mut().expect("the fixture is a run");
    result.tried = Some(Tried {
        acknowledged: 2_348,
        reads_while_cut_off: 37,
        ..Tried::default()
    });
    result.nemesis.push("delay".to_owned());
    result.faults[0].effect = Effect::Skipped;
    let evidence = json!({"n1": 260, "n2": 5});
    result.faults[2]
        .evidence
        .insert("acknowledged_operations".to_owned(), evidence);
    result.faults[2]
        .evidence
        .insert("operations_under_way".to_owned(), json!(385));
    result.availability = Some(availability());
    let text = text(&render(&run.data()));
    for words in [
        "The test was strong",
        "2\u{202f}348operations acknowledged",
        "37reads answered by nodes that were cut off",
        "5 of 7 faults acted.",
        "partition5410385265",
        "pause100100",
        "delay (asked for, and none fitted in)000000",
        "1 outage longer than the limit of 5.0 s.",
        "7.9 s1.000 s8.900 s20n2 n3fault #1",
        "there was 1 (limit 0).",
        "12.000 sn1n27no fault",
    ] {
        assert!(text.contains(words), "{words}: {text}");
    }
}

#[test]
fn lines_of_logs_stand_among_the_operations_of_the_contradiction() {
    let page = render(&stale_read().data());
    let (_, section) = page
        .split_once("What the nodes wrote")
        .expect("there are logs");
    let section = text(section.split_once("</section>").expect("it ends").0);
    let mut rest = section.as_str();
    for words in [
        "within 1.5 s of the operations of the contradiction",
        "7 lines further away are left out.",
        "n5.log is left out",
        "12.120 sn1INFO role role=\"leader\" term=3",
        "12.380 s▸client 4 called w 17 at n1",
        "12.401 s▸client 4 was answered: w 17",
        "12.900 sn3WARN no answer from n1    at heartbeat",
        "13.015 sn3INFO read k3",
        "13.020 s▸client 9 called r 16 at n3",
    ] {
        let (_, after) = rest
            .split_once(words)
            .unwrap_or_else(|| panic!("{words}: {section}"));
        rest = after;
    }
    assert!(!text(&render(&healthy().data())).contains("What the nodes wrote"));
}

#[test]
fn keys_are_listed_by_what_matters() {
    let mut run = large(60_000);
    for (number, operation) in run.history.operations.iter_mut().enumerate() {
        operation.key = Some(
            format!("key {}", number % 1_000 * (number % 7))
                .as_str()
                .into(),
        );
    }
    let mut keys = valid_keys(&run.history);
    let last = keys.last_mut().expect("there are keys");
    let violation = Violation {
        operation: OpId(0),
        states: Vec::new(),
        anomaly: Anomaly {
            class: AnomalyClass::LostUpdate,
            operations: vec![OpId(0)],
            explanation: String::new(),
            staleness: None,
        },
    };
    last.result = KeyResult::Invalid(Box::new(violation));
    let worst = last
        .key
        .clone()
        .expect("it has a name")
        .to_string()
        .replace('"', "");
    run.analysis.as_mut().expect("it is judged").keys = keys;
    let page = render(&run.data());
    let (_, table) = page
        .split_once("<th>Answer</th></tr></thead>")
        .expect("there is a table");
    let first = format!("<a href=\"#key={}\">{worst}</a>", worst.replace(' ', "%20"));
    assert!(
        table
            .split_once("</tr>")
            .expect("it has rows")
            .0
            .contains(&first),
        "{first}"
    );
    assert_eq!(
        table
            .split("</tbody>")
            .next()
            .map(|rows| rows.matches("<tr").count()),
        Some(200)
    );
    assert!(text(&page).contains("The 200 keys that matter most are listed"));
}

#[test]
fn tiny_histories_have_a_page() {
    for notation in [
        "",
        "0 n1 k1: w1@100-105",
        "0 n1 k1: w1@0-0",
        "0 n1 k1: w1@100-",
    ] {
        let history = history(notation);
        let data = ReportData {
            title: "tiny",
            result: None,
            history: &history,
            analysis: None,
            explanation: None,
            logs: None,
        };
        let page = text(&render(&data));
        assert!(page.contains("Not judged"), "{notation}: {page}");
    }
}

#[test]
fn the_last_moment_of_the_clock_has_a_page() {
    let mut history = history("0 n1 k1: w1@100-105 r1@200-205");
    history.operations[1].return_time = Some(checker::Nanos(u64::MAX));
    let data = ReportData {
        title: "late",
        result: None,
        history: &history,
        analysis: None,
        explanation: None,
        logs: None,
    };
    assert!(text(&render(&data)).contains("2 operations: 2 ok"));
}

#[test]
fn equal_runs_have_byte_identical_pages_of_bounded_size() {
    let page = render(&large(6_000).data());
    assert_eq!(page, render(&large(6_000).data()));
    assert!(page.len() < 600_000, "{} bytes", page.len());
    let tenfold = render(&large(60_000).data());
    let each = (tenfold.len() - page.len()) / 54_000;
    assert!(each < 24, "a million operations are {each} MB");
    assert!(
        text(&tenfold).contains("of 60\u{202f}000 operations drawn"),
        "thinning is said"
    );
}

#[test]
fn nothing_is_fetched() {
    let page = render(&stale_read().data());
    for address in ["http:", "https:", "src=", "url(", "@import"] {
        let elsewhere = page.replace("xmlns=\"http://www.w3.org/2000/svg\"", "");
        assert!(!elsewhere.contains(address), "{address}");
    }
    assert!(page.contains("default-src 'none'"));
}

#[test]
fn skeleton() {
    insta::assert_snapshot!(outline(&render(&stale_read().data())));
}

/// One line for each element, without drawings, style and script.
pub(crate) fn outline(page: &str) -> String {
    let mut page = page.to_owned();
    for element in ["style", "script", "svg"] {
        page = without(&page, element);
    }
    page.replace('<', "\n<")
        .replace("\n</", "</")
        .trim_start()
        .to_owned()
}

/// The words of a page, without markup, style and script; those of drawings stay.
pub(crate) fn text(page: &str) -> String {
    let page = without(&without(page, "style"), "script");
    let mut text = String::new();
    let mut inside = false;
    for character in page.chars() {
        match character {
            '<' => inside = true,
            '>' => inside = false,
            _ if !inside => text.push(character),
            _ => {}
        }
    }
    text.replace("&quot;", "\"")
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&amp;", "&")
}

fn without(page: &str, element: &str) -> String {
    let (open, close) = (format!("<{element}"), format!("</{element}>"));
    let mut rest = page;
    let mut kept = String::new();
    while let Some((before, after)) = rest.split_once(&open) {
        kept.push_str(before);
        rest = after.split_once(&close).expect("an element ends").1;
    }
    kept + rest
}
