//! Histories as pictures: one line a process, time from left to right.
//!
//! ```text
//! 0: [w 1]      [c 1 2]
//! 1:    [r 1    ]
//! 2:  [w 3   ?       [w 4  !
//! ```
//! `[` is the call and `]` the return of an `ok` operation; `!` completes a failed and `?` an indeterminate one. Where a call and a
//! return share a column the call comes first: intervals are closed. Columns count from the colon. A column is 10 ms; process 3 talks to node n3.

use checker::{Event, EventType, Header, History, Nanos, Process, Value};

/// Nanoseconds a column stands for.
pub(crate) const COLUMN_NS: u64 = 10_000_000;

/// Reads a picture. Functions are w, r, c (cas), or any full name.
pub(crate) fn history(picture: &str) -> History {
    let mut events: Vec<(usize, bool, Event)> = Vec::new();
    for line in picture.lines().filter(|line| !line.trim().is_empty()) {
        let (process, line) = line
            .split_once(':')
            .expect("a line begins with its process");
        let process = process.trim().parse().expect("a process is a number");
        for operation in operations(line) {
            events.extend(operation.events(process));
        }
    }
    events.sort_by_key(|(column, completion, _)| (*column, *completion));
    let events = (0..)
        .zip(events)
        .map(|(index, (_, _, event))| Event { index, ..event })
        .collect();
    let header = Header {
        nodes: (0..5).map(|node| format!("n{node}")).collect(),
        ..Header::new()
    };
    History::from_events(Some(header), events).expect("a picture is well-formed")
}

struct Drawn<'l> {
    from: usize,
    to: usize,
    words: Vec<&'l str>,
    end: EventType,
}

fn operations(line: &str) -> Vec<Drawn<'_>> {
    line.match_indices('[')
        .map(|(from, _)| {
            let to = from
                + line[from..]
                    .find([']', '!', '?'])
                    .expect("an operation ends with ], ! or ?");
            let end = match line.as_bytes()[to] {
                b']' => EventType::Ok,
                b'!' => EventType::Fail,
                _ => EventType::Info,
            };
            Drawn {
                from,
                to,
                words: line[from + 1..to].split_whitespace().collect(),
                end,
            }
        })
        .collect()
}

impl Drawn<'_> {
    fn events(&self, process: i64) -> [(usize, bool, Event); 2] {
        let f = match self.words[0] {
            "r" => "read",
            "w" => "write",
            "c" => "cas",
            other => other,
        };
        let value = match &self.words[1..] {
            [] => Value::Nil,
            [one] => literal(one),
            several => several.iter().map(|word| literal(word)).collect(),
        };
        let invoked = if f == "read" || f == "get" {
            Value::Nil
        } else {
            value.clone()
        };
        let at = |column: usize, event_type, value| Event {
            index: 0,
            time: Nanos(column as u64 * COLUMN_NS),
            process: Process::Client(process),
            event_type,
            f: f.into(),
            key: None,
            value,
            node: Some(format!("n{process}").into()),
            error: None,
            arrival: None,
        };
        [
            (self.from, false, at(self.from, EventType::Invoke, invoked)),
            (self.to, true, at(self.to, self.end, value)),
        ]
    }
}

fn literal(word: &str) -> Value {
    Value::parse_literal(word).expect("a value is a literal")
}

#[test]
fn a_picture_is_read_in_the_order_of_its_columns() {
    let history = history(
        "0: [w 1]   [c 1 2]
         1:   [r   ?",
    );
    let calls: Vec<_> = history
        .operations
        .iter()
        .map(|operation| (operation.f.as_str(), operation.ret))
        .collect();
    assert_eq!(
        calls,
        [("write", Some(2)), ("read", None), ("cas", Some(5))]
    );
}
