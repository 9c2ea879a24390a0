//! Reading the operations of registers, locks and texts.

use std::sync::LazyLock;

use super::act::{Act, Edit, Part};
use crate::models::ModelName;
use crate::value::Value;

static FREE: LazyLock<Value> = LazyLock::new(|| Value::from("free"));
static HELD: LazyLock<Value> = LazyLock::new(|| Value::from("held"));

/// An operation on one register.
pub(super) fn register<'h>(
    model: ModelName,
    f: &str,
    input: &'h Value,
    answer: Option<&'h Value>,
) -> Result<Act<'h>, String> {
    let parts = match f {
        "read" => answer
            .map(|answer| Part::Read(None, answer))
            .into_iter()
            .collect(),
        "write" => vec![Part::Write(None, input)],
        "cas" if model != ModelName::Register => {
            let (expected, new) = pair(input)?;
            let write = (expected != new).then_some(Part::Write(None, new));
            [Part::Read(None, expected)]
                .into_iter()
                .chain(write)
                .collect()
        }
        _ => return Err(format!("{model} has no `{f}`")),
    };
    Ok(Act::Parts(parts))
}

/// An operation on a lock.
pub(super) fn lock<'h>(f: &str) -> Result<Act<'h>, String> {
    match f {
        "acquire" => Ok(Act::Parts(vec![
            Part::Read(None, &FREE),
            Part::Write(None, &HELD),
        ])),
        "release" => Ok(Act::Parts(vec![
            Part::Read(None, &HELD),
            Part::Write(None, &FREE),
        ])),
        _ => Err(format!("mutex has no `{f}`")),
    }
}

pub(super) fn pair(value: &Value) -> Result<(&Value, &Value), String> {
    match value.as_list() {
        Some([first, second]) => Ok((first, second)),
        Some(_) | None => Err(format!("{value} is no pair")),
    }
}

/// An operation on a text.
pub(super) fn edit<'h>(
    f: &str,
    input: &'h Value,
    answer: Option<&'h Value>,
) -> Result<Act<'h>, String> {
    let edit = match (f, answer) {
        ("put", _) => text(input).map(Edit::Put),
        ("append", _) => text(input).map(Edit::Append),
        ("get", Some(answer)) => text(answer).map(Edit::Get),
        ("get", None) => Ok(Edit::Nothing),
        _ => Err(format!("kv-append has no `{f}`")),
    };
    edit.map(Act::Text)
}

fn text(value: &Value) -> Result<&str, String> {
    match value {
        Value::Nil => Ok(""),
        Value::Text(text) => Ok(text),
        Value::Bool(_)
        | Value::Int(_)
        | Value::Float(_)
        | Value::Number(_)
        | Value::List(_)
        | Value::Map(_) => Err(format!("{value} is no text")),
    }
}

/// A list of `[f register value]`, or for the functions read and write a map from registers to values.
pub(super) fn transaction<'h>(
    f: &str,
    input: &'h Value,
    answer: Option<&'h Value>,
) -> Result<Act<'h>, String> {
    let (answered, value) = (answer.is_some(), answer.unwrap_or(input));
    let part = |f: &str, register: &'h Value, value: &'h Value| match f {
        "write" | "w" => Ok(Some(Part::Write(Some(register), value))),
        "read" | "r" => Ok(answered.then_some(Part::Read(Some(register), value))),
        _ => Err(format!("a transaction has no `{f}`")),
    };
    let parts: Result<Vec<_>, String> = match (f, value) {
        ("read" | "write", Value::Map(entries)) => entries
            .iter()
            .map(|(register, value)| part(f, register, value))
            .collect(),
        ("read" | "write" | "txn", Value::List(parts)) => parts
            .iter()
            .map(|one| match one.as_list() {
                Some([Value::Text(f), register, value]) => part(f, register, value),
                Some(_) | None => Err(format!("{one} is no part of a transaction")),
            })
            .collect(),
        _ => Err(format!("multi-register has no `{f}` of {value}")),
    };
    Ok(Act::Parts(parts?.into_iter().flatten().collect()))
}
