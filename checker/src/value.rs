//! Any datum of a history: what was written, read or compared, and the keys of objects.
//!
//! On the wire a value is plain JSON: [`Value::Nil`] is `null`, numbers are numbers, and maps have string keys. EDN keywords and
//! symbols are read as text without their colon, sets as sorted lists.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use serde::de::{MapAccess, SeqAccess, Visitor};
use serde::ser::{SerializeMap, SerializeSeq};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

use crate::formats::{edn, json_value};
use crate::text::Text;

/// A datum of a history, with a total order so that everything built from it is deterministic.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Value {
    /// Nothing: `nil` in EDN, `null` in JSON.
    #[default]
    Nil,
    /// A truth value.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A floating-point number.
    Float(Float),
    /// A number that is neither of these without loss, as its digits: `18446744073709551616`, `22/7`.
    Number(Text),
    /// A string, keyword or symbol.
    Text(Text),
    /// A vector, list or set. Clones share it.
    List(Arc<Vec<Value>>),
    /// A map. Clones share it.
    Map(Arc<BTreeMap<Value, Value>>),
}

/// A floating-point number with the total order of IEEE 754, so that it can be compared and hashed.
#[derive(Clone, Copy, Debug)]
pub struct Float(pub f64);

/// A text that is neither a JSON nor an EDN value.
#[derive(Debug, thiserror::Error)]
#[error("`{text}` is neither a JSON nor an EDN value: {reason}")]
pub struct LiteralError {
    text: String,
    reason: String,
}

impl Value {
    /// Reads one JSON or EDN literal, such as `0`, `nil`, `"x"` or `{:x 0 :y 0}`.
    ///
    /// # Errors
    /// If the text is neither, or if something follows the value.
    pub fn parse_literal(text: &str) -> Result<Self, LiteralError> {
        if let Ok(value) = json_value::parse(text) {
            return Ok(value);
        }
        edn::parse_single(text).map_err(|reason| LiteralError {
            text: text.to_owned(),
            reason,
        })
    }

    /// The text of a [`Value::Text`].
    pub fn as_text(&self) -> Option<&str> {
        if let Self::Text(text) = self {
            Some(text)
        } else {
            None
        }
    }

    /// The number of a [`Value::Int`].
    pub fn as_int(&self) -> Option<i64> {
        if let Self::Int(number) = self {
            Some(*number)
        } else {
            None
        }
    }

    /// Whether it is a [`Value::Number`] without a fraction.
    pub(crate) fn is_large_integer(&self) -> bool {
        let Self::Number(digits) = self else {
            return false;
        };
        let unsigned = digits.strip_prefix('-').unwrap_or(digits);
        !unsigned.is_empty() && unsigned.bytes().all(|byte| byte.is_ascii_digit())
    }

    /// The elements of a [`Value::List`].
    pub fn as_list(&self) -> Option<&[Self]> {
        if let Self::List(items) = self {
            Some(items)
        } else {
            None
        }
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Int(number)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.into())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text.into())
    }
}

impl From<Text> for Value {
    fn from(text: Text) -> Self {
        Self::Text(text)
    }
}

impl From<Vec<Value>> for Value {
    fn from(items: Vec<Value>) -> Self {
        Self::List(items.into())
    }
}

impl From<BTreeMap<Value, Value>> for Value {
    fn from(entries: BTreeMap<Value, Value>) -> Self {
        Self::Map(entries.into())
    }
}

impl FromIterator<(Value, Value)> for Value {
    fn from_iter<I: IntoIterator<Item = (Value, Value)>>(entries: I) -> Self {
        Self::from(BTreeMap::from_iter(entries))
    }
}

impl FromIterator<Value> for Value {
    fn from_iter<I: IntoIterator<Item = Value>>(items: I) -> Self {
        Self::from(Vec::from_iter(items))
    }
}

/// The compact form for people: `nil`, `17`, `"x"`, `[1 2]`, `{"x" 0}`.
impl fmt::Display for Value {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nil => out.write_str("nil"),
            Self::Bool(truth) => write!(out, "{truth}"),
            Self::Int(number) => write!(out, "{number}"),
            Self::Float(number) => write!(out, "{:?}", number.0),
            Self::Number(digits) => write!(out, "{digits}"),
            Self::Text(text) => write!(out, "{text:?}"),
            Self::List(items) => {
                out.write_str("[")?;
                spaced(out, items.iter(), |out, item| write!(out, "{item}"))?;
                out.write_str("]")
            }
            Self::Map(entries) => {
                out.write_str("{")?;
                spaced(out, entries.iter(), |out, (key, value)| {
                    write!(out, "{key} {value}")
                })?;
                out.write_str("}")
            }
        }
    }
}

fn spaced<T>(
    out: &mut fmt::Formatter<'_>,
    items: impl Iterator<Item = T>,
    mut each: impl FnMut(&mut fmt::Formatter<'_>, T) -> fmt::Result,
) -> fmt::Result {
    for (position, item) in items.enumerate() {
        if position > 0 {
            out.write_str(" ")?;
        }
        each(out, item)?;
    }
    Ok(())
}

impl PartialEq for Float {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Float {}

impl PartialOrd for Float {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Float {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.total_cmp(&other.0)
    }
}

impl Hash for Float {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.to_bits().hash(state);
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Nil => serializer.serialize_unit(),
            Self::Bool(truth) => serializer.serialize_bool(*truth),
            Self::Int(number) => serializer.serialize_i64(*number),
            Self::Float(number) => serializer.serialize_f64(number.0),
            Self::Number(digits) => {
                let integer = self.is_large_integer().then(|| digits.as_str().to_owned());
                match integer.map(RawValue::from_string) {
                    Some(Ok(integer)) => integer.serialize(serializer),
                    Some(Err(_)) | None => serializer.serialize_str(digits),
                }
            }
            Self::Text(text) => serializer.serialize_str(text),
            Self::List(items) => {
                let mut list = serializer.serialize_seq(Some(items.len()))?;
                for item in items.iter() {
                    list.serialize_element(item)?;
                }
                list.end()
            }
            Self::Map(entries) => {
                let mut map = serializer.serialize_map(Some(entries.len()))?;
                for (key, value) in entries.iter() {
                    map.serialize_entry(&key_text(key), value)?;
                }
                map.end()
            }
        }
    }
}

fn key_text(key: &Value) -> String {
    key.as_text().map_or_else(|| key.to_string(), str::to_owned)
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor)
    }
}

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Value;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("any JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Nil)
    }

    fn visit_bool<E>(self, truth: bool) -> Result<Value, E> {
        Ok(Value::Bool(truth))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Value, E> {
        Ok(Value::Int(number))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Value, E> {
        let number = i64::try_from(number).map_err(|_| number);
        Ok(number.map_or_else(|large| Value::Number(large.to_string().into()), Value::Int))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Value, E> {
        Ok(Value::Float(Float(number)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(Value::from(text))
    }

    fn visit_string<E>(self, text: String) -> Result<Value, E> {
        Ok(Value::from(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = list.next_element()? {
            items.push(item);
        }
        Ok(Value::from(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut entries = BTreeMap::new();
        while let Some((key, value)) = map.next_entry::<Text, Value>()? {
            entries.insert(Value::Text(key), value);
        }
        Ok(Value::from(entries))
    }
}
