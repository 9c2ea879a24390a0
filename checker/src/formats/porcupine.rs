//! Go's JSON of Porcupine's `[]Operation`: `{"ClientId":0,"Input":…,"Call":10,"Output":…,"Return":20}`, in an array or one after another.
//!
//! `Call` and `Return` are times, intervals are closed: where they are equal the call comes first, so that the two operations overlap.
//! `Input` and `Output` are whatever the user's model takes; understood are the shapes of Porcupine's documentation and tests, with
//! exported fields (names in any case):
//!
//! | `Input` | is | `Output` |
//! |---|---|---|
//! | `{"Op":"read"}`, `write`, `cas` with `Value` or `Arg1`, `Arg2` | a register, per `Key` if there is one | the value, or `{"Value":…}` |
//! | `{"Op":true}`, `{"Op":false,"Value":1}` | read and write of a register | the value, or `{"Value":…}` |
//! | `{"Op":0,"Arg1":…,"Arg2":…}` | read (0), write (1) and cas (2) of a register | `{"Ok":…,"Exists":…,"Value":…,"Unknown":…}` |
//! | `{"Op":"get","Key":"k"}`, `put`, `append` with `Value` | a string per key | the string, or `{"Value":…}` |
//! | `{"Op":0,"Key":"k","Value":"x"}` | get (0), put (1) and append (2) of a string | the same |
//!
//! An output with `Unknown` is indeterminate, a cas whose output is false or has `Ok` false failed, a read without an output is one
//! without an answer, and a read with `Exists` false found nil.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

use crate::event::Nanos;
use crate::formats::input::Input;
use crate::formats::json_event::reason;
use crate::formats::json_value;
use crate::formats::names::Names;
use crate::formats::{Sink, json, malformed};
use crate::history::{OpId, Operation, Outcome};
use crate::pairing::{MalformedHistory, line_number};
use crate::value::Value;

/// Reads all operations and puts them in the order of their calls.
pub(crate) fn parse(input: &mut Input<'_>, sink: &mut Sink<'_>) -> Result<(), MalformedHistory> {
    let mut timed = Vec::new();
    json::objects(input, &mut |object, line, _| {
        let operation =
            read(object, line, &mut sink.names).map_err(|reason| malformed(Some(line), reason))?;
        timed.push(operation);
        sink.poll(timed.len() as u64, timed.len(), line)
    })?;
    sink.pairing.operations = in_order(timed);
    Ok(())
}

/// An operation and its times.
struct Timed {
    call: i64,
    ret: i64,
    operation: Operation,
}

/// Fields by their names in lower case.
struct Fields(BTreeMap<String, Value>);

impl Fields {
    fn of(value: &Value) -> Option<Self> {
        let Value::Map(entries) = value else {
            return None;
        };
        let lower = |key: &Value| key.as_text().unwrap_or_default().to_ascii_lowercase();
        let fields = entries
            .iter()
            .map(|(key, value)| (lower(key), value.clone()));
        Some(Self(fields.collect()))
    }

    fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name).filter(|value| **value != Value::Nil)
    }

    fn number(&self, name: &str, shown: &str) -> Result<i64, String> {
        match self.get(name) {
            Some(Value::Int(number)) => Ok(*number),
            Some(other) => Err(format!("{shown} is {other}, not a whole number")),
            None => Err(format!(
                "the operation has no {shown}; it needs ClientId, Input, Call, Output and Return"
            )),
        }
    }
}

fn read(object: &str, line: usize, names: &mut Names) -> Result<Timed, String> {
    let raw: &RawValue = serde_json::from_str(object).map_err(|error| reason(&error))?;
    let fields = Fields::of(&json_value::value(raw, names)?).ok_or("not an object")?;
    let client = fields.number("clientid", "ClientId")?;
    let (call, ret) = (
        fields.number("call", "Call")?,
        fields.number("return", "Return")?,
    );
    if ret < call {
        return Err(format!("it returns at {ret}, before its call at {call}"));
    }
    let input = fields.get("input").ok_or_else(missing_input)?;
    let asked = Asked::of(input)?;
    let (outcome, output) = answer(&asked, fields.get("output"))?;
    let time = |time| u64::try_from(time).ok().map(Nanos);
    Ok(Timed {
        call,
        ret,
        operation: Operation {
            id: OpId(0),
            process: client,
            f: names.text(asked.f),
            key: asked.key,
            input: asked.value,
            output,
            outcome,
            call: 0,
            ret: None,
            arrival_time: None,
            call_time: time(call),
            return_time: time(ret),
            line: line_number(line),
            invoke_index: 0,
            complete_index: None,
            node: None,
            error: None,
        },
    })
}

fn missing_input() -> String {
    "the operation has no Input; it needs an object with Op, such as {\"Op\":\"write\",\"Value\":1}"
        .to_owned()
}

/// What an operation asks for.
struct Asked {
    f: &'static str,
    key: Option<Value>,
    value: Value,
}

impl Asked {
    fn of(input: &Value) -> Result<Self, String> {
        let Some(fields) = Fields::of(input) else {
            return Err(format!(
                "Input is {input}, not an object with Op, such as {{\"Op\":\"write\",\"Value\":1}}"
            ));
        };
        if fields.0.is_empty() {
            return Err("Input is {}: Go's encoder leaves out fields that begin with a small letter; export them as Op, Key, Value".to_owned());
        }
        let op = fields.get("op").ok_or_else(|| {
            format!("Input {input} has no Op, a word such as read, write, cas, get, put or append")
        })?;
        let f = function(op, &fields)?;
        let key = fields.get("key").cloned();
        let value = match f {
            "read" | "get" => Value::Nil,
            "cas" => pair(&fields).ok_or_else(|| needs(f, "Arg1 and Arg2", input))?,
            _ => fields
                .0
                .get("value")
                .or(fields.0.get("arg1"))
                .cloned()
                .ok_or_else(|| needs(f, "Value", input))?,
        };
        Ok(Self { f, key, value })
    }
}

fn needs(f: &str, what: &str, input: &Value) -> String {
    format!("{f} needs {what}, and Input {input} has not")
}

fn pair(fields: &Fields) -> Option<Value> {
    match (fields.get("value"), fields.get("arg1"), fields.get("arg2")) {
        (Some(pair), _, _) if pair.as_list().is_some_and(|pair| pair.len() == 2) => {
            Some(pair.clone())
        }
        (_, Some(expected), Some(new)) => Some(Value::from(vec![expected.clone(), new.clone()])),
        _ => None,
    }
}

fn function(op: &Value, fields: &Fields) -> Result<&'static str, String> {
    const STRINGS: [&str; 3] = ["get", "put", "append"];
    const REGISTERS: [&str; 3] = ["read", "write", "cas"];
    let has_key = fields.get("key").is_some();
    let has_arguments = fields.0.contains_key("arg1");
    let numbered = |names: [&'static str; 3], number: i64| {
        let found = usize::try_from(number)
            .ok()
            .and_then(|number| names.get(number));
        found
            .copied()
            .ok_or_else(|| format!("Op is {number}, not 0, 1 or 2"))
    };
    match op {
        Value::Bool(true) => Ok("read"),
        Value::Bool(false) => Ok("write"),
        Value::Int(number) if has_arguments => numbered(REGISTERS, *number),
        Value::Int(number) if has_key => numbered(STRINGS, *number),
        Value::Int(number) => Err(format!(
            "Op is {number}, which says nothing without Key (0 get, 1 put, 2 append) or Arg1 and Arg2 (0 read, 1 write, 2 cas)"
        )),
        Value::Nil
        | Value::Float(_)
        | Value::Number(_)
        | Value::Text(_)
        | Value::List(_)
        | Value::Map(_) => {
            let word = op.as_text().unwrap_or_default().to_ascii_lowercase();
            match word.as_str() {
                "get" if !has_key => Ok("read"),
                "put" if !has_key => Ok("write"),
                _ => STRINGS
                    .into_iter()
                    .chain(REGISTERS)
                    .find(|name| *name == word)
                    .ok_or_else(|| {
                        format!("Op is {op}, none of read, write, cas, get, put, append")
                    }),
            }
        }
    }
}

/// What is known about the effect, and the value of the completion.
fn answer(asked: &Asked, output: Option<&Value>) -> Result<(Outcome, Value), String> {
    let fields = output.and_then(Fields::of);
    let said = |name: &str| fields.as_ref().and_then(|fields| fields.get(name));
    if said("unknown") == Some(&Value::Bool(true)) {
        return Ok((Outcome::Info, asked.value.clone()));
    }
    match (asked.f, &fields, output) {
        ("read" | "get", _, None) => Ok((Outcome::Info, Value::Nil)),
        ("read" | "get", None, Some(value)) => Ok((Outcome::Ok, value.clone())),
        ("read" | "get", Some(_), Some(output)) => {
            if said("exists") == Some(&Value::Bool(false)) {
                return Ok((Outcome::Ok, Value::Nil));
            }
            let value = said("value").cloned();
            let value = value.ok_or_else(|| format!("Output {output} has no Value"))?;
            Ok((Outcome::Ok, value))
        }
        ("cas", _, None) => Ok((Outcome::Info, asked.value.clone())),
        ("cas", _, Some(output)) => {
            let outcome = match said("ok").unwrap_or(output) {
                Value::Bool(true) => Outcome::Ok,
                Value::Bool(false) => Outcome::Fail,
                Value::Nil
                | Value::Int(_)
                | Value::Float(_)
                | Value::Number(_)
                | Value::Text(_)
                | Value::List(_)
                | Value::Map(_) => {
                    return Err(format!("Output {output} of a cas has no Ok, true or false"));
                }
            };
            Ok((outcome, asked.value.clone()))
        }
        (_, _, _) => Ok((Outcome::Ok, asked.value.clone())),
    }
}

/// Positions instead of times, and a process of its own for what overlaps within one client.
fn in_order(mut timed: Vec<Timed>) -> Vec<Operation> {
    timed.sort_by_key(|one| one.call);
    let mut ends: Vec<(i64, bool, usize)> = Vec::with_capacity(2 * timed.len());
    for (number, one) in timed.iter().enumerate() {
        ends.push((one.call, false, number));
        ends.push((one.ret, true, number));
    }
    ends.sort_unstable();
    for (position, (_, is_return, number)) in (0..).zip(ends) {
        let one = &mut timed[number].operation;
        if is_return {
            one.ret = (one.outcome != Outcome::Info).then_some(position);
            one.complete_index = Some(position);
        } else {
            (one.call, one.invoke_index) = (position, position);
        }
    }
    let mut operations: Vec<_> = timed.into_iter().map(|one| one.operation).collect();
    for (number, operation) in operations.iter_mut().enumerate() {
        operation.id = OpId(number);
    }
    part_clients(&mut operations);
    operations
}

/// A process has one operation open at a time. Porcupine does not ask that of a client, and times may be too coarse to tell.
fn part_clients(operations: &mut [Operation]) {
    let mut fresh = operations.iter().map(|one| one.process).max().unwrap_or(0);
    // The processes of each client, and the positions they are busy until.
    let mut clients: BTreeMap<i64, Vec<(i64, u64)>> = BTreeMap::new();
    for operation in operations {
        let until = operation.complete_index.unwrap_or(u64::MAX);
        let client = operation.process;
        let processes = clients.entry(client).or_insert_with(|| vec![(client, 0)]);
        let idle = processes
            .iter_mut()
            .find(|(_, busy)| *busy <= operation.call);
        match idle {
            Some(process) => {
                operation.process = process.0;
                process.1 = until;
            }
            None => {
                fresh = fresh.saturating_add(1);
                operation.process = fresh;
                processes.push((fresh, until));
            }
        }
    }
}
