//! Readers answer for all bytes; what we write we read.

use checker::{Event, EventType, Float, Format, Header, Nanos, Process, Text, Value, formats};
use proptest::prelude::*;

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Nil),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::Int),
        (-1e9..1e9).prop_map(|number| Value::Float(Float(number))),
        (i64::MAX as u64 + 1..).prop_map(|number| Value::Number(number.to_string().into())),
        ".*".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(".{0,4}".prop_map(Value::from), inner, 0..4)
                .prop_map(Value::from),
        ]
    })
}

/// Invocations of one process each, half of them completed.
fn events() -> impl Strategy<Value = Vec<Event>> {
    let one = (
        any::<i64>(),
        any::<u32>(),
        "[a-z]+",
        prop::option::of(value()),
        value(),
        prop::option::of(".*"),
        any::<bool>(),
    );
    prop::collection::vec(one, 0..6).prop_map(|drawn| {
        let mut events = Vec::new();
        let mut used = std::collections::BTreeSet::new();
        for (process, time, f, key, value, text, completes) in drawn {
            if !used.insert(process) {
                continue;
            }
            let key = key.filter(|key| *key != Value::Nil);
            let event = |event_type, index| Event {
                index,
                time: Nanos(time.into()),
                process: Process::Client(process),
                event_type,
                f: f.as_str().into(),
                key: key.clone(),
                arrival: None,
                value: value.clone(),
                node: text.clone().map(Text::from),
                error: text.clone().map(Text::from),
            };
            events.push(event(EventType::Invoke, events.len() as u64));
            if completes {
                events.push(event(EventType::Ok, events.len() as u64));
            }
        }
        events
    })
}

/// Pieces that histories are made of, in any order.
fn nearly_a_history() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "{",
        "}",
        "[",
        "]",
        "(",
        ")",
        "\"",
        "\\",
        ":",
        ",",
        ";",
        "#_",
        "#x",
        "#{",
        "\n",
        " ",
        "nil",
        "null",
        "-",
        "1",
        "9223372036854775808",
        "1.5",
        "1/2",
        "2r1",
        ":process",
        "\"process\":",
        "0",
        ":type",
        "\"type\":",
        ":invoke",
        "\"invoke\"",
        ":ok",
        "\"ok\"",
        ":f",
        "\"f\":",
        ":read",
        "\"read\"",
        ":value",
        "\"value\":",
        "jepsen.util - ",
        "\t",
        "é",
        "\\u00e9",
        "\\",
        "1N",
        "1.5M",
        "##NaN",
        "^:a",
        "#\"",
        "{\"ClientId\":0,\"Input\":{\"Op\":true},\"Call\":0,\"Return\":1",
        "{:process 0, :type :invoke, :f :read}",
        "{\"process\":0,\"type\":\"ok\",\"f\":\"read\"}\n",
        "{\"format\":\"adrasteia-history\",\"version\":1}\n",
    ]);
    prop::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

fn every_reader_answers(bytes: &[u8]) {
    for format in [None].into_iter().chain(Format::ALL.map(Some)) {
        // Only that it returns matters here.
        drop(formats::read(bytes, format, "fuzz"));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn no_reader_panics_on_any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        every_reader_answers(&bytes);
    }

    #[test]
    fn no_reader_panics_on_what_is_nearly_a_history(text in nearly_a_history()) {
        every_reader_answers(text.as_bytes());
        drop(Value::parse_literal(&text));
    }

    #[test]
    fn values_survive_json(value in value()) {
        let json = serde_json::to_string(&value).expect("a value is JSON");
        prop_assert_eq!(serde_json::from_str::<Value>(&json).expect("our own JSON"), value);
    }

    #[test]
    fn every_exact_format_gives_the_history_back(events in events()) {
        let history = checker::History::from_events(None, events).expect("well-formed events");
        for format in [Format::Jsonl, Format::Json, Format::Edn] {
            if history.operations.is_empty() {
                continue;
            }
            let mut written = Vec::new();
            formats::write(&history, format, &mut written).expect("all formats can say it");
            let mut read = formats::read(&written, Some(format), "h").expect("our own history");
            read.operations.iter_mut().for_each(|operation| operation.line = None);
            prop_assert_eq!(&read.operations, &history.operations, "{}", format);
        }
    }

    #[test]
    fn a_written_history_is_read_again(events in events()) {
        let header = Header::new();
        let lines = [serde_json::to_string(&header).expect("JSON")].into_iter()
            .chain(events.iter().map(|event| serde_json::to_string(event).expect("JSON")));
        let text: String = lines.map(|line| line + "\n").collect();
        let read = formats::read(text.as_bytes(), Some(Format::Jsonl), "h").expect("our own history");
        let direct = checker::History::from_events(Some(header), events).expect("well-formed events");
        // Only what came from a file has lines.
        let mut operations = read.operations;
        operations.iter_mut().for_each(|operation| operation.line = None);
        prop_assert_eq!(operations, direct.operations);
        prop_assert_eq!(read.header, direct.header);
    }
}
