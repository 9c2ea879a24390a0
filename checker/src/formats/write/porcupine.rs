//! Porcupine's histories: its key-value tests in EDN, and its `[]Operation` as Go writes JSON.

use std::io::Write;

use rustc_hash::FxHashMap;
use serde::Serialize;

use super::edn::Datum;
use super::order::{Recorded, recorded};
use super::{WriteError, inexpressible, no_json};
use crate::formats::Format;
use crate::history::{History, OpId, Operation, Outcome};
use crate::value::Value;

/// Put, get and append on strings, an event a line.
pub(super) fn strings(history: &History, out: &mut impl Write) -> Result<(), WriteError> {
    for event in recorded(history) {
        let Some(operation) = event.operation() else {
            continue;
        };
        if let Some(reason) = no_string(operation, event.value()) {
            return Err(inexpressible(operation, Format::PorcupineKv, reason));
        }
        let (process, kind, f) = (operation.process, event.event_type(), &operation.f);
        let key = Datum(operation.key.as_ref().unwrap_or(&Value::Nil));
        let value = Datum(event.value());
        writeln!(
            out,
            "{{:process {process}, :type :{kind}, :f :{f}, :key {key}, :value {value}}}"
        )?;
    }
    Ok(())
}

fn no_string(operation: &Operation, value: &Value) -> Option<String> {
    if !matches!(operation.f.as_str(), "put" | "get" | "append") {
        return Some("it is none of put, get and append".to_owned());
    }
    if operation.key.is_none() {
        return Some("it has no key".to_owned());
    }
    let is_text = matches!(value, Value::Nil | Value::Text(_));
    (!is_text).then(|| format!("{value} is no text"))
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct GoOperation<'h> {
    client_id: i64,
    input: Input<'h>,
    call: usize,
    output: Output<'h>,
    #[serde(rename = "Return")]
    ret: usize,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Input<'h> {
    op: &'h str,
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<&'h Value>,
    value: &'h Value,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Output<'h> {
    ok: bool,
    exists: bool,
    value: &'h Value,
    unknown: bool,
}

/// An array of operations, each on a line. What is indeterminate returns at the end, as Porcupine's own tests have it.
pub(super) fn operations(history: &History, out: &mut impl Write) -> Result<(), WriteError> {
    let events = recorded(history);
    let end = events.len();
    let returns = returns(&events);
    out.write_all(b"[")?;
    let mut separator = "\n";
    for (call, event) in events.iter().enumerate() {
        let Recorded::Invocation(operation) = *event else {
            continue;
        };
        if operation.outcome == Outcome::Fail && operation.f != "cas" {
            continue;
        }
        if let Some(reason) = no_operation(operation) {
            return Err(inexpressible(
                operation,
                Format::PorcupineOperations,
                reason,
            ));
        }
        let ret = returns.get(&operation.id).copied().unwrap_or(end);
        out.write_all(separator.as_bytes())?;
        separator = ",\n";
        serde_json::to_writer(&mut *out, &go(operation, call, ret))
            .map_err(|error| WriteError::Io(error.into()))?;
    }
    out.write_all(b"\n]\n")?;
    Ok(())
}

fn returns(events: &[Recorded<'_>]) -> FxHashMap<OpId, usize> {
    let completions = events.iter().enumerate();
    completions
        .filter_map(|(position, event)| match event {
            Recorded::Completion(one) if one.outcome != Outcome::Info => Some((one.id, position)),
            Recorded::Completion(_) | Recorded::Invocation(_) | Recorded::Fault(_) => None,
        })
        .collect()
}

fn no_operation(operation: &Operation) -> Option<String> {
    let needs_key = match operation.f.as_str() {
        "read" | "write" | "cas" => false,
        "get" | "put" | "append" => true,
        _ => return Some("it is none of read, write, cas, get, put and append".to_owned()),
    };
    if needs_key && operation.key.is_none() {
        return Some("it has no key".to_owned());
    }
    if operation.f == "cas" && operation.input.as_list().is_none_or(|pair| pair.len() != 2) {
        return Some(format!(
            "its value is {}, not [expected new]",
            operation.input
        ));
    }
    let values = [
        Some(&operation.input),
        Some(&operation.output),
        operation.key.as_ref(),
    ];
    values.into_iter().flatten().find_map(no_json)
}

fn go(operation: &Operation, call: usize, ret: usize) -> GoOperation<'_> {
    let is_read = matches!(operation.f.as_str(), "read" | "get");
    let value = if is_read && operation.outcome == Outcome::Ok {
        &operation.output
    } else {
        &Value::Nil
    };
    GoOperation {
        client_id: operation.process,
        input: Input {
            op: &operation.f,
            key: operation.key.as_ref(),
            value: if is_read {
                &Value::Nil
            } else {
                &operation.input
            },
        },
        call,
        output: Output {
            ok: operation.outcome != Outcome::Fail,
            exists: *value != Value::Nil,
            value,
            unknown: operation.outcome == Outcome::Info,
        },
        ret,
    }
}
