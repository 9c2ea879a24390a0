//! Jepsen's operation maps, one a line.

use std::fmt::{self, Write as _};
use std::io::Write;

use super::WriteError;
use super::order::{Recorded, recorded};
use crate::event::Process;
use crate::history::History;
use crate::value::Value;

pub(super) fn write(history: &History, out: &mut impl Write) -> Result<(), WriteError> {
    let mut line = String::new();
    for event in recorded(history) {
        line.clear();
        operation_map(&mut line, event).expect("a string takes everything");
        out.write_all(line.as_bytes())?;
    }
    Ok(())
}

fn operation_map(out: &mut String, event: Recorded<'_>) -> fmt::Result {
    write!(out, "{{:index {}", event.index())?;
    if let Some(time) = event.time() {
        write!(out, ", :time {}", time.0)?;
    }
    out.push_str(", :process ");
    process(out, event.process())?;
    write!(
        out,
        ", :type :{}, :f {}",
        event.event_type(),
        Function(event.f())
    )?;
    if let Some(key) = event.key() {
        write!(out, ", :key {}", Datum(key))?;
    }
    write!(out, ", :value {}", Datum(event.value()))?;
    for (name, text) in [("node", event.node()), ("error", event.error())] {
        if let Some(text) = text {
            write!(out, ", :{name} {}", Quoted(text))?;
        }
    }
    out.push_str("}\n");
    Ok(())
}

pub(super) fn process(out: &mut String, process: Process) -> fmt::Result {
    match process {
        Process::Client(number) => write!(out, "{number}"),
        Process::Nemesis => write!(out, ":nemesis"),
    }
}

/// A function is a keyword, if it can be one.
struct Function<'h>(&'h str);

impl fmt::Display for Function<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "-_".contains(letter);
        if self
            .0
            .starts_with(|letter: char| letter.is_ascii_alphabetic())
            && self.0.chars().all(is_plain)
        {
            write!(out, ":{}", self.0)
        } else {
            write!(out, "{}", Quoted(self.0))
        }
    }
}

/// A value in EDN.
pub(super) struct Datum<'h>(pub(super) &'h Value);

impl fmt::Display for Datum<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Value::Nil => out.write_str("nil"),
            Value::Bool(truth) => write!(out, "{truth}"),
            Value::Int(number) => write!(out, "{number}"),
            Value::Float(number) => match number.0 {
                number if number.is_nan() => out.write_str("##NaN"),
                number if number.is_finite() => write!(out, "{number:?}"),
                number if number > 0.0 => out.write_str("##Inf"),
                _ => out.write_str("##-Inf"),
            },
            Value::Number(digits) if self.0.is_large_integer() => write!(out, "{digits}N"),
            Value::Number(digits) => out.write_str(digits),
            Value::Text(text) => write!(out, "{}", Quoted(text)),
            Value::List(items) => {
                out.write_char('[')?;
                for (number, item) in items.iter().enumerate() {
                    write!(out, "{}{}", space(number), Datum(item))?;
                }
                out.write_char(']')
            }
            Value::Map(entries) => {
                out.write_char('{')?;
                for (number, (key, value)) in entries.iter().enumerate() {
                    write!(out, "{}{} {}", space(number), Datum(key), Datum(value))?;
                }
                out.write_char('}')
            }
        }
    }
}

fn space(number: usize) -> &'static str {
    if number == 0 { "" } else { " " }
}

/// A string on one line.
struct Quoted<'h>(&'h str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_char('"')?;
        for letter in self.0.chars() {
            match letter {
                '"' => out.write_str("\\\"")?,
                '\\' => out.write_str("\\\\")?,
                '\n' => out.write_str("\\n")?,
                '\r' => out.write_str("\\r")?,
                '\t' => out.write_str("\\t")?,
                other => out.write_char(other)?,
            }
        }
        out.write_char('"')
    }
}
