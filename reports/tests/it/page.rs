//! The page as readers get it: what it says for each kind of run, and its skeleton.

use crate::fixture::Run;
use crate::fixture::large::large;
use crate::fixture::notation::history;
use crate::fixture::runs::{healthy, history_only, stale_read, unknown, vacuous};
use reports::ReportData;
use reports::html::render;

#[test]
fn the_first_screen_says_what_happened() {
    let rows: [(Run, &[&str]); 5] = [
        (
            stale_read(),
            &[
                "Not linearizable: stale-read on k3",
                "Client 4 wrote 17 to k3 through n1, acknowledged at 12.401 s; client 9's read began 619 ms later on n3",
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
            ],
        ),
        (
            unknown(),
            &[
                "Undecided: the check reached a limit",
                "The time limit of 60 s was reached on key k1. This is neither",
            ],
        ),
        (
            vacuous(),
            &[
                "Nothing was tested",
                "None of 1 fault was proven to act.",
                "n1 had no leader to be cut from",
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
fn outline(page: &str) -> String {
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
fn text(page: &str) -> String {
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
