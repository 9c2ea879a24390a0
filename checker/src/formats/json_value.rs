//! Values from JSON text, exact: an integer of any size keeps its digits.
//!
//! The library splits the text into its elements and reads the strings and the floats; only integers are looked at here, because a
//! number that has been through the library is a float when it is large.

use serde_json::value::RawValue;

use crate::formats::names::Names;
use crate::text::Text;
use crate::value::{Float, Value};

/// Values are walked by recursion, so their depth is bounded.
pub(crate) const MAX_DEPTH: usize = 128;

/// Reads a text that must be one JSON value.
pub(crate) fn parse(text: &str) -> Result<Value, String> {
    let raw: &RawValue = serde_json::from_str(text).map_err(|error| error.to_string())?;
    value(raw, &mut Names::default())
}

/// Reads a value that the library has found to be one.
pub(crate) fn value(raw: &RawValue, names: &mut Names) -> Result<Value, String> {
    Reader { names }.value(raw, 0)
}

struct Reader<'n> {
    names: &'n mut Names,
}

impl Reader<'_> {
    fn value(&mut self, raw: &RawValue, depth: usize) -> Result<Value, String> {
        if depth > MAX_DEPTH {
            return Err(format!("a value is nested deeper than {MAX_DEPTH} levels"));
        }
        let text = raw.get();
        match text.as_bytes().first() {
            Some(b'n') => Ok(Value::Nil),
            Some(b't') => Ok(Value::Bool(true)),
            Some(b'f') => Ok(Value::Bool(false)),
            Some(b'"') => self.text(text).map(Value::Text),
            Some(b'[') => self.list(text, depth),
            Some(b'{') => self.map(text, depth),
            Some(_) | None => number(text),
        }
    }

    fn text(&mut self, quoted: &str) -> Result<Text, String> {
        let inner = &quoted[1..quoted.len() - 1];
        if inner.contains('\\') {
            let text: String = from_str(quoted)?;
            return Ok(self.names.text(&text));
        }
        Ok(self.names.text(inner))
    }

    fn list(&mut self, text: &str, depth: usize) -> Result<Value, String> {
        let items: Vec<&RawValue> = from_str(text)?;
        items
            .into_iter()
            .map(|item| self.value(item, depth + 1))
            .collect()
    }

    fn map(&mut self, text: &str, depth: usize) -> Result<Value, String> {
        let entries: std::collections::BTreeMap<String, &RawValue> = from_str(text)?;
        entries
            .into_iter()
            .map(|(key, value)| {
                let key = Value::Text(self.names.text(&key));
                Ok((key, self.value(value, depth + 1)?))
            })
            .collect()
    }
}

fn from_str<'t, T: serde::Deserialize<'t>>(text: &'t str) -> Result<T, String> {
    serde_json::from_str(text).map_err(|error| error.to_string())
}

fn number(text: &str) -> Result<Value, String> {
    if let Ok(number) = text.parse() {
        return Ok(Value::Int(number));
    }
    let digits = text.strip_prefix('-').unwrap_or(text);
    if digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Ok(Value::Number(text.into()));
    }
    from_str(text).map(|number| Value::Float(Float(number)))
}
