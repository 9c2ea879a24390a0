//! The logs of Jepsen's first etcd tests: `INFO  jepsen.util - 3\t:invoke\t:write\t4`.

use crate::event::{EventType, Process};
use crate::formats::edn;
use crate::formats::{Parsed, malformed};
use crate::pairing::{MalformedHistory, Record};
use crate::value::Value;

const MARK: &str = "jepsen.util - ";

/// Lines without the mark are other chatter of the log and skipped.
pub(crate) fn parse(text: &str) -> Result<Parsed, MalformedHistory> {
    let mut records = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        let Some((_, event)) = line.split_once(MARK) else {
            continue;
        };
        if let Some(record) =
            event_record(event, number).map_err(|reason| malformed(Some(number), reason))?
        {
            records.push(record);
        }
    }
    Ok(Parsed {
        header: None,
        records,
        truncated: false,
    })
}

/// `None` for the nemesis.
fn event_record(event: &str, number: usize) -> Result<Option<Record>, String> {
    let mut fields = event.split('\t').map(str::trim);
    let mut next = |what: &str| {
        fields
            .next()
            .ok_or_else(|| format!("the line ends before the {what}"))
    };
    let (process, event_type, f) = (next("process")?, next("type")?, next("function")?);
    let value = fields.next().unwrap_or("nil");
    if process.starts_with(':') {
        return Ok(None);
    }
    let process = process
        .parse()
        .map_err(|_| format!("`{process}` is not the number of a process"))?;
    let (value, error) = value_or_error(value)?;
    Ok(Some(Record {
        line: Some(number),
        index: None,
        time: None,
        process: Process::Client(process),
        event_type: EventType::parse(event_type.trim_start_matches(':'))?,
        f: f.trim_start_matches(':').to_owned(),
        key: None,
        value,
        node: None,
        error,
    }))
}

/// Where an operation timed out, the log has a keyword in place of its value.
fn value_or_error(text: &str) -> Result<(Value, Option<String>), String> {
    if let Some(error) = text.strip_prefix(':') {
        return Ok((Value::Nil, Some(error.to_owned())));
    }
    Ok((edn::parse_single(text)?, None))
}
