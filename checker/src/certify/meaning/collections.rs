//! Reading the operations of sets, queues, stacks, counters and lists.

use super::act::{Act, Element, ListPart, Taken};
use crate::value::Value;

/// An operation on a set.
pub(super) fn set<'h>(
    f: &str,
    input: &'h Value,
    answer: Option<&'h Value>,
) -> Result<Act<'h>, String> {
    let element = |was, becomes| {
        Ok(Act::Element(Element {
            value: input,
            was,
            becomes,
        }))
    };
    let is_echo = matches!(input, Value::Bool(_));
    match (f, answer) {
        ("add" | "insert", Some(Value::Bool(new))) if !is_echo => element(Some(!new), Some(true)),
        ("add" | "insert", _) => element(None, Some(true)),
        ("remove" | "delete", Some(Value::Bool(old))) if !is_echo => {
            element(Some(*old), Some(false))
        }
        ("remove" | "delete", _) => element(None, Some(false)),
        ("contains" | "read", None | Some(Value::Nil)) => Ok(Act::Silent),
        ("contains", Some(Value::Bool(was))) => element(Some(*was), None),
        ("read", Some(Value::List(elements))) => Ok(Act::Listing(elements.iter().collect())),
        (_, answer) => Err(senseless("set", f, answer)),
    }
}

/// An operation on a queue or a stack.
pub(super) fn buffer<'h>(
    [put, take]: [&str; 2],
    f: &str,
    input: &'h Value,
    answer: Option<&'h Value>,
) -> Result<Act<'h>, String> {
    match answer {
        _ if f == put => Ok(Act::Put(input)),
        None if f == take => Ok(Act::Take(Taken::Something)),
        Some(Value::Nil) if f == take => Ok(Act::Take(Taken::Nil)),
        Some(value) if f == take => Ok(Act::Take(Taken::This(value))),
        Some(_) | None => Err(senseless(put, f, answer)),
    }
}

/// An operation on a counter.
pub(super) fn counter<'h>(
    f: &str,
    input: &'h Value,
    answer: Option<&'h Value>,
) -> Result<Act<'h>, String> {
    match (f, input, answer) {
        ("add" | "inc" | "increment", Value::Int(amount), _) => Ok(Act::Add((*amount).into())),
        ("dec" | "decrement", Value::Int(amount), _) => Ok(Act::Add(-i128::from(*amount))),
        ("inc" | "increment", Value::Nil, _) => Ok(Act::Add(1)),
        ("dec" | "decrement", Value::Nil, _) => Ok(Act::Add(-1)),
        ("read", _, None | Some(Value::Nil)) => Ok(Act::Silent),
        ("read", _, Some(Value::Int(sum))) => Ok(Act::Total((*sum).into())),
        _ => Err(senseless("counter", f, answer)),
    }
}

/// A transaction on lists; `key` is that of an operation without one.
pub(super) fn lists<'h>(
    f: &str,
    key: &'h Value,
    input: &'h Value,
    answer: Option<&'h Value>,
) -> Result<Vec<ListPart<'h>>, String> {
    let part = |f: &str, key: &'h Value, value: &'h Value| match f {
        "append" => Ok(ListPart::Append(key, value)),
        "r" | "read" => match (answer, value) {
            (None, _) => Ok(ListPart::Look(key)),
            (Some(_), Value::Nil) => Ok(ListPart::Read(key, &[])),
            (Some(_), Value::List(list)) => Ok(ListPart::Read(key, list)),
            (Some(_), other) => Err(format!("{other} is no list")),
        },
        _ => Err(format!("list-append has no `{f}`")),
    };
    let value = answer.unwrap_or(input);
    match (f, value) {
        ("append", _) => Ok(vec![part(f, key, input)?]),
        ("r" | "read", _) => Ok(vec![part(f, key, value)?]),
        ("txn", Value::List(parts)) => parts
            .iter()
            .map(|one| match one.as_list() {
                Some([Value::Text(f), key, value]) => part(f, key, value),
                Some(_) | None => Err(format!("{one} is no part of a transaction")),
            })
            .collect(),
        _ => Err(format!("list-append has no `{f}` of {value}")),
    }
}

fn senseless(what: &str, f: &str, answer: Option<&Value>) -> String {
    match answer {
        Some(answer) => format!("{what} has no `{f}` answered with {answer}"),
        None => format!("{what} has no `{f}`"),
    }
}
