//! What is read by several threads is what is read by one.

use std::fmt::Write as _;
use std::num::NonZero;

use checker::{History, ReadError, Unlimited, formats};

/// Some megabytes, so that there are several rounds.
const OPERATIONS: usize = 40_000;

fn text(operations: usize) -> String {
    let mut text =
        "\n{\"format\": \"adrasteia-history\", \"version\": 1, \"model\": \"kv\"}\n".to_owned();
    for number in 0..operations {
        let (process, key) = (number % 7, number % 13);
        for event_type in ["invoke", "ok"] {
            writeln!(
                text,
                r#"{{"process": {process}, "type": "{event_type}", "f": "write", "key": "k{key}", "value": "v{number}", "node": "n1"}}"#
            )
            .expect("a string takes all");
        }
        if number % 1000 == 0 {
            text.push_str("\n{\"process\": \"nemesis\", \"type\": \"info\", \"f\": \"kill\"}\n");
        }
    }
    text
}

fn read(text: &str, workers: usize) -> Result<History, ReadError> {
    let workers = NonZero::new(workers).expect("a worker");
    formats::read_by(workers, text.as_bytes(), None, "h", &Unlimited)
}

/// The first line from a place in the text on, and where it begins and ends.
fn line_at(text: &str, place: usize) -> std::ops::Range<usize> {
    let from = text[..place].rfind('\n').map_or(0, |end| end + 1);
    let length = text[from..].find('\n').expect("lines end");
    from..from + length
}

#[test]
fn several_threads_read_what_one_reads() {
    let whole = text(OPERATIONS);
    let cut = &whole[..whole.len() - 30];
    for (text, truncated) in [(whole.as_str(), false), (cut, true), (&text(3), false)] {
        let one = read(text, 1).expect("a history");
        assert_eq!(one.truncated, truncated);
        for workers in [2, 3] {
            let several = read(text, workers).expect("a history");
            assert_eq!(several.operations, one.operations, "{workers} workers");
            assert_eq!(several.nemesis, one.nemesis);
            assert_eq!(several.header, one.header);
            assert_eq!(several.truncated, one.truncated);
        }
    }
}

#[test]
fn several_threads_name_the_mistake_that_one_names() {
    let whole = text(OPERATIONS);
    let mistakes = [
        "{\"process\": 1}",
        "nonsense",
        // Nobody has invoked this.
        r#"{"process": 99, "type": "ok", "f": "write"}"#,
    ];
    let mut lines = Vec::new();
    for twelfth in 1..12 {
        let mistake = mistakes[twelfth % mistakes.len()];
        let mut broken = whole.clone();
        // The second one must not be told.
        for place in [whole.len() - 1000, whole.len() / 12 * twelfth] {
            broken.replace_range(line_at(&whole, place), mistake);
        }
        let one = read(&broken, 1).expect_err("a mistake");
        for workers in [2, 3] {
            let several = read(&broken, workers).expect_err("a mistake");
            assert_eq!(several.to_string(), one.to_string(), "{workers} workers");
        }
        lines.push(one.line);
    }
    assert!(lines.is_sorted() && lines[0] < lines[10], "{lines:?}");
}

#[test]
fn several_threads_name_the_line_that_is_no_text() {
    let mut bytes = text(OPERATIONS).into_bytes();
    let place = bytes.len() / 2;
    bytes[place] = 0xff;
    let read = |workers| {
        let workers = NonZero::new(workers).expect("a worker");
        let error = formats::read_by(workers, &bytes[..], None, "h", &Unlimited);
        error.expect_err("no text").to_string()
    };
    assert!(read(1).contains("not UTF-8"), "{}", read(1));
    assert_eq!(read(2), read(1));
}
