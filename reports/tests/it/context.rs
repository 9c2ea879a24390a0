//! The operations a page carries are those of the history, and nothing else on the page runs.

use std::io::Read as _;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use checker::{History, Outcome, Value};
use flate2::read::DeflateDecoder;
use serde_json::json;
use sha2::{Digest as _, Sha256};

use crate::fixture::Run;
use crate::fixture::notation::history;
use crate::fixture::runs::{hostile, stale_read};
use reports::html::render;

/// What one operation is once it is unpacked.
#[derive(Debug, PartialEq)]
struct Unpacked {
    begin: u64,
    length: u64,
    outcome: u64,
    client: i64,
    function: String,
    node: String,
    key: String,
    input: String,
    output: String,
    error: String,
    event: u64,
}

#[test]
fn every_operation_is_carried() {
    let run = stale_read();
    let (head, unpacked) = unpack(&render(&run.data()));
    assert_eq!(unpacked, expected(&run.history));
    assert_eq!(head["axis"], "time");
    assert_eq!(head["contradictions"], json!([[16, 29]]));
    assert_eq!(head["end"], 32_000_000_000_u64);
    assert_eq!(head["faults"].as_array().map(Vec::len), Some(7));
    assert_eq!(head["leaders"][1]["node"], "n3");
}

#[test]
fn odd_values_and_operations_without_an_end_are_carried() {
    let mut history = history("0 n1 k1: w1@100-105 r1@200-");
    history.operations[0].input = Value::from(vec![Value::Int(-1), "a\nb".into()]);
    history.operations[0].output = Value::Int(i64::MIN);
    history.operations[0].node = None;
    history.operations[0].key = Some(Value::Int(-7));
    let (_, unpacked) = unpack(&render(&alone(&history).data()));
    assert_eq!(unpacked, expected(&history));
    assert_eq!(unpacked[0].input, "[-1 \"a\\nb\"]");
    assert_eq!(unpacked[0].output, "-9223372036854775808");
    assert_eq!(unpacked[1].outcome, 6, "indeterminate, and never returned");
}

#[test]
fn moments_a_script_cannot_count_are_counted_from_the_first() {
    let mut history = history("0 n1 k1: w1@100-105 r1@200-205");
    for operation in &mut history.operations {
        let later = |time: checker::Nanos| checker::Nanos(time.0 + 1_790_000_000_000_000_000);
        operation.call_time = operation.call_time.map(later);
        operation.return_time = operation.return_time.map(later);
    }
    let (head, unpacked) = unpack(&render(&alone(&history).data()));
    assert_eq!(head["origin"], 1_790_000_000_100_000_000_u64);
    assert_eq!(head["end"], 105_000_000);
    let begins: Vec<u64> = unpacked.iter().map(|one| one.begin).collect();
    assert_eq!(begins, [0, 100_000_000]);
}

#[test]
fn histories_without_times_are_carried_in_their_order() {
    let mut run = stale_read();
    for operation in &mut run.history.operations {
        (operation.call_time, operation.return_time) = (None, None);
    }
    let (head, unpacked) = unpack(&render(&run.data()));
    assert_eq!(
        (&head["axis"], &head["faults"]),
        (&json!("order"), &json!([]))
    );
    assert!(unpacked.is_sorted_by_key(|one| one.begin));
    assert_eq!(unpacked.len(), run.history.operations.len());
}

#[test]
fn only_the_scripts_of_the_page_may_run() {
    let page = render(&hostile("</script><script>alert(1)</script>").data());
    let scripts: Vec<&str> = page
        .split("<script>")
        .skip(1)
        .map(|rest| rest.split_once("</script>").expect("a script ends").0)
        .collect();
    assert_eq!(scripts.len(), 2);
    for script in scripts {
        let hash = STANDARD.encode(Sha256::digest(script));
        assert!(page.contains(&format!("'sha256-{hash}'")), "{script}");
        for way in [
            "innerHTML",
            "outerHTML",
            "insertAdjacentHTML",
            "eval(",
            "document.write",
        ] {
            assert!(!script.contains(way), "{way}");
        }
    }
    assert!(!page.contains("script-src 'unsafe-inline'"));
}

fn alone(history: &History) -> Run {
    Run {
        title: "alone".to_owned(),
        result: None,
        history: history.clone(),
        analysis: None,
        explanation: None,
        logs: None,
    }
}

fn expected(history: &History) -> Vec<Unpacked> {
    let text = |text: Option<&checker::Text>| text.map_or(String::new(), ToString::to_string);
    let outcome = |operation: &checker::Operation| match operation.outcome {
        Outcome::Ok => 0,
        Outcome::Fail => 1,
        Outcome::Info if operation.return_time.is_none() => 6,
        Outcome::Info => 2,
    };
    let unpacked = |operation: &checker::Operation| {
        let begin = operation.call_time.expect("the fixture has times").0;
        Unpacked {
            begin,
            length: operation.return_time.map_or(0, |time| time.0 - begin),
            outcome: outcome(operation),
            client: operation.process,
            function: operation.f.to_string(),
            node: text(operation.node.as_ref()),
            key: match &operation.key {
                Some(Value::Text(text)) => text.to_string(),
                Some(other) => other.to_string(),
                None => String::new(),
            },
            input: operation.input.to_string(),
            output: operation.output.to_string(),
            error: text(operation.error.as_ref()),
            event: operation.invoke_index,
        }
    };
    let mut all: Vec<Unpacked> = history.operations.iter().map(unpacked).collect();
    all.sort_by_key(|one| one.begin);
    all
}

/// Reads what the page carries, independently of what wrote it and of the scripts that read it.
fn unpack(page: &str) -> (serde_json::Value, Vec<Unpacked>) {
    let (_, rest) = page
        .split_once("type=\"application/octet-stream\">")
        .expect("the page carries operations");
    let (packed, _) = rest.split_once('<').expect("the element ends");
    let packed = STANDARD_NO_PAD.decode(packed).expect("it is Base64");
    let mut document = Vec::new();
    DeflateDecoder::new(&packed[..])
        .read_to_end(&mut document)
        .expect("it is deflated");
    let mut reader = Reader(&document);
    let head: serde_json::Value = serde_json::from_str(&reader.text()).expect("the head is JSON");
    let texts = reader.text();
    let texts: Vec<&str> = texts.split('\n').collect();
    let count = head["count"].as_u64().expect("it has a count");
    let columns: Vec<Vec<u64>> = (0..11)
        .map(|_| (0..count).map(|_| reader.number()).collect())
        .collect();
    assert!(reader.0.is_empty(), "nothing follows the columns");
    let operations = operations(&head, &texts, &columns);
    (head, operations)
}

fn operations(head: &serde_json::Value, texts: &[&str], columns: &[Vec<u64>]) -> Vec<Unpacked> {
    let optional = |code: u64| {
        code.checked_sub(1)
            .map_or("", |text| texts[text as usize])
            .to_owned()
    };
    let value = |code: u64| match code {
        0 => "nil".to_owned(),
        odd if odd % 2 == 1 => signed(odd / 2).to_string(),
        even => texts[even as usize / 2 - 1].to_owned(),
    };
    let (mut begin, mut event) = (0, 0_u64);
    let operation = |i: usize| {
        let at = |column: usize| columns[column][i];
        begin += at(0);
        event = event.wrapping_add_signed(signed(at(10)));
        Unpacked {
            begin,
            length: at(1),
            outcome: at(2),
            client: head["processes"][at(3) as usize]
                .as_i64()
                .expect("a client is a number"),
            function: texts[at(4) as usize].to_owned(),
            node: optional(at(5)),
            key: at(6).checked_sub(1).map_or(String::new(), value),
            input: value(at(7)),
            output: value(at(8).checked_sub(1).unwrap_or(at(7))),
            error: optional(at(9)),
            event,
        }
    };
    (0..columns[0].len()).map(operation).collect()
}

fn signed(number: u64) -> i64 {
    (number / 2).cast_signed() ^ -(number % 2).cast_signed()
}

struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn number(&mut self) -> u64 {
        let end = self
            .0
            .iter()
            .position(|byte| byte & 0x80 == 0)
            .expect("a number ends");
        let (number, rest) = self.0.split_at(end + 1);
        self.0 = rest;
        let bits = |sum: u64, byte: &u8| (sum << 7) | u64::from(byte & 0x7f);
        number.iter().rev().fold(0, bits)
    }

    fn text(&mut self) -> String {
        let length = self.number() as usize;
        let (text, rest) = self.0.split_at(length);
        self.0 = rest;
        String::from_utf8(text.to_vec()).expect("it is a text")
    }
}
