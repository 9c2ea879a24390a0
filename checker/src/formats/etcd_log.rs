//! The logs of Jepsen's first etcd tests: `INFO  jepsen.util - 3\t:invoke\t:write\t4`.

use crate::event::{EventType, Process};
use crate::formats::edn;
use crate::formats::input::{Input, Lines};
use crate::formats::names::Names;
use crate::formats::{Sink, malformed};
use crate::pairing::{MalformedHistory, Record, line_number};
use crate::text::Text;
use crate::value::Value;

pub(crate) const MARK: &str = "jepsen.util - ";

/// Lines without the mark are other chatter of the log and skipped.
pub(crate) fn parse(input: &mut Input<'_>, sink: &mut Sink<'_>) -> Result<(), MalformedHistory> {
    while let Some(chunk) = input.chunk(&mut Lines)? {
        for (number, line) in (chunk.line..).zip(chunk.text.lines()) {
            let Some((_, event)) = line.split_once(MARK) else {
                continue;
            };
            let record = record(event, number, &mut sink.names)
                .map_err(|reason| malformed(Some(number), reason))?;
            sink.accept(record)?;
        }
    }
    Ok(())
}

fn record(event: &str, number: usize, names: &mut Names) -> Result<Record, String> {
    let (process, rest) = word(event, "process")?;
    let (event_type, rest) = word(rest, "type")?;
    let (f, value) = word(rest, "function")?;
    let (value, error) = value_or_error(value.trim(), names)?;
    Ok(Record {
        line: line_number(number),
        index: None,
        time: None,
        process: self::process(process)?,
        event_type: EventType::parse(event_type.trim_start_matches(':'))?,
        f: names.text(f.trim_start_matches(':')),
        key: None,
        value,
        node: None,
        error,
        arrival: None,
    })
}

fn process(word: &str) -> Result<Process, String> {
    if word.starts_with(':') {
        return Ok(Process::Nemesis);
    }
    let number = word.parse().map(Process::Client);
    number.map_err(|_| format!("`{word}` is not the number of a process"))
}

/// The next word, by tabs in some logs and by spaces in others, and what follows it.
fn word<'t>(text: &'t str, what: &str) -> Result<(&'t str, &'t str), String> {
    let text = text.trim();
    let (word, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    if word.is_empty() {
        Err(format!("the line ends before the {what}"))
    } else {
        Ok((word, rest))
    }
}

/// Where an operation timed out, the log has a keyword in place of its value.
fn value_or_error(text: &str, names: &mut Names) -> Result<(Value, Option<Text>), String> {
    if text.is_empty() {
        return Ok((Value::Nil, None));
    }
    if let Some(error) = text.strip_prefix(':') {
        return Ok((Value::Nil, Some(names.text(error))));
    }
    Ok((edn::parse_single(text)?, None))
}
