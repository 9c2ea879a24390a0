//! Step summaries, rendered: tables are tables, and texts of others stay texts.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "the events are those of another crate"
)]

use crate::ci::{all_kinds, hostile, stored};
use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};
use reports::ci::{Cell, FailureClass, KnownFailure, Nights, Stored, Tally, summary};

/// What a page shows of a text.
#[derive(Debug, Default)]
struct Page {
    headings: usize,
    code_blocks: usize,
    lists: usize,
    /// The cells of each row of each table.
    tables: Vec<Vec<Vec<String>>>,
    text: String,
}

/// Renders as GitHub does, and refuses everything that a summary never has of its own.
fn rendered(markdown: &str) -> Page {
    let options =
        Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_TASKLISTS;
    let mut page = Page::default();
    let mut cell = None;
    for event in Parser::new_ext(markdown, options) {
        match event {
            Event::Start(Tag::Table(_)) => page.tables.push(Vec::new()),
            Event::Start(Tag::TableHead | Tag::TableRow) => {
                page.tables.last_mut().unwrap().push(Vec::new());
            }
            Event::Start(Tag::TableCell) => cell = Some(String::new()),
            Event::End(TagEnd::TableCell) => {
                let row = page.tables.last_mut().unwrap().last_mut().unwrap();
                row.extend(cell.take());
            }
            Event::Start(Tag::Heading { .. }) => page.headings += 1,
            Event::Start(Tag::CodeBlock(_)) => page.code_blocks += 1,
            Event::Start(Tag::List(_)) => page.lists += 1,
            Event::Start(Tag::Paragraph | Tag::Item | Tag::Strong)
            | Event::End(_)
            | Event::SoftBreak => {}
            Event::Text(text) | Event::Code(text) => {
                page.text.push_str(&text);
                if let Some(cell) = &mut cell {
                    cell.push_str(&text);
                }
            }
            other => panic!("{other:?} in {markdown}"),
        }
    }
    page
}

/// Texts that mean something to Markdown, HTML or GitHub, where they stand at the beginning of a line or within one.
const TEXTS: [&str; 14] = [
    "<img src=x onerror=alert(1)>",
    "| a | b |\n|---|---|\n| c | d |",
    "`code` ``` fence",
    "\n\n# heading\n\n- item",
    "- item",
    "+ item",
    "12. item",
    "=====",
    "[link](https://example.org) ![image](x)",
    "https://example.org www.example.org",
    "**bold** _emphasis_ ~~struck~~ \\",
    "&lt;script&gt; &#60;b&#62;",
    "@someone #123 $x$ $$y$$",
    "    indented\u{0}",
];

#[test]
fn a_summary_of_every_kind_of_run_is_rendered() {
    let mut results = all_kinds();
    results.push(hostile());
    let mut runs = stored(&results);
    runs.push(Stored {
        result: Err("result.json cannot be read"),
        folder: "runs/broken",
    });
    let page = rendered(&summary("nightly", &runs));
    assert_eq!(page.tables.len(), 1);
    let rows = &page.tables[0];
    assert_eq!(rows.len(), 1 + runs.len());
    assert!(rows.iter().all(|row| row.len() == 5), "{rows:?}");
    assert_eq!(rows[1][0], "✅");
    let failed = runs.len() - 1;
    assert_eq!(page.headings, 1 + failed);
    assert_eq!((page.lists, page.code_blocks), (failed - 1, failed - 1));
}

#[test]
fn texts_of_others_stay_texts_wherever_they_stand() {
    for text in TEXTS {
        let mut result = hostile();
        result.workload = text.to_owned();
        result.command = text.to_owned();
        result.nemesis = vec![text.to_owned()];
        for anomaly in &mut result.anomalies {
            anomaly.explanation = text.to_owned();
            anomaly.class = text.to_owned();
        }
        let results = [result];
        let lost = Stored {
            result: Err(text),
            folder: text,
        };
        let runs = [stored(&results), vec![lost]].concat();
        let markdown = summary(text, &runs);
        let page = rendered(&markdown);
        let shape = (
            page.headings,
            page.tables.len(),
            page.lists,
            page.code_blocks,
        );
        assert_eq!(shape, (3, 1, 1, 1), "{markdown}");
        let [head, told, lost] = page.tables[0].as_slice() else {
            panic!("{:?}", page.tables);
        };
        assert!(
            [head, told, lost].iter().all(|row| row.len() == 5),
            "{page:?}"
        );
        let outside_code: String = markdown.split("```").step_by(2).collect();
        assert!(
            !outside_code.contains("://") && !outside_code.contains("www."),
            "{markdown}"
        );
        let first: String = text
            .trim()
            .chars()
            .take_while(|char| !char.is_control())
            .collect();
        let shown = page.text.matches(first.trim()).count();
        assert!(shown >= 3, "{text:?} is shown {shown} times: {}", page.text);
    }
}

fn nights(text: &str) -> Nights {
    let mut tally = Tally::default();
    for failure in [
        None,
        None,
        Some(FailureClass::Violation),
        Some(FailureClass::Weak),
    ] {
        tally.count(failure);
    }
    let known = |made_again, failed_again, passed_since| KnownFailure {
        workload: text.to_owned(),
        nemesis: "kill".to_owned(),
        seed: 31,
        what: format!("violation: {text}"),
        failed_again,
        made_again,
        passed_since,
        enough: 5,
        folder: Some(text.to_owned()),
    };
    Nights {
        cells: vec![Cell {
            workload: text.to_owned(),
            nemesis: "partition,kill".to_owned(),
            tally,
            detected_ms: Some(9_612),
        }],
        known: vec![
            known(0, 0, 0),
            known(4, 3, 0),
            known(4, 2, 2),
            known(9, 3, 5),
        ],
    }
}

#[test]
fn nights_are_told_in_two_tables() {
    for text in TEXTS.into_iter().chain(["register"]) {
        let markdown = nights(text).markdown(text);
        let page = rendered(&markdown);
        let [cells, known] = page.tables.as_slice() else {
            panic!("{markdown}");
        };
        assert_eq!(
            (cells.len(), known.len(), page.headings),
            (2, 5, 1),
            "{markdown}"
        );
        assert!(cells.iter().all(|row| row.len() == 10), "{cells:?}");
        assert!(known.iter().all(|row| row.len() == 4), "{known:?}");
        assert_eq!(cells[1][1..4], ["2", "1", "·"]);
        assert_eq!(cells[1][9], "9.6 s");
        let since: Vec<&str> = known[1..].iter().map(|row| row[2].as_str()).collect();
        assert_eq!(
            since,
            [
                "not made again yet",
                "again in 3 of 4 runs",
                "again in 2 of 4 runs; passed 2 of 5 times in a row",
                "again in 3 of 9 runs; passed 5 times in a row, settled",
            ]
        );
    }
}

#[test]
fn nights_are_told_in_plain_lines() {
    let lines = nights("register").lines();
    assert_eq!(lines.len(), 8, "{lines:#?}");
    let columns = |line: &str| {
        line.split_whitespace()
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    assert_eq!(
        columns(&lines[1]),
        [
            "register",
            "under",
            "partition,kill",
            "2",
            "1",
            "·",
            "·",
            "·",
            "·",
            "1",
            "·",
            "9.6",
            "s"
        ]
    );
    let ends = |word: &str| lines[0].find(word).unwrap() + word.len();
    assert_eq!(
        lines[1].chars().take(ends("violation")).last(),
        Some('1'),
        "columns are aligned"
    );
    assert!(lines[5].contains("seed 31: violation: register; again in 3 of 4 runs (register)"));
    let hostile = nights("a\nb\u{1b}[31m").lines();
    assert!(
        hostile.iter().all(|line| !line.contains(char::is_control)),
        "{hostile:?}"
    );
}
