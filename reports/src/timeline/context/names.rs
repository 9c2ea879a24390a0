//! The texts of a history, each once, fit to show.

use std::collections::HashMap;

use checker::Value;

use crate::clip::{CELL_CHARS, LABEL_CHARS, clip, shorten};

/// Texts are cut short once this much of them was kept: a page stays a page though each of a million answers is another list.
const ROOMY_BYTES: usize = 4 << 20;
/// Once this much of them was kept, whatever is new is [`MORE`].
const FULL_BYTES: usize = 8 << 20;
const MORE: &str = "… (one of too many texts for a page)";
/// Integers beyond this are texts: a script's numbers are exact up to 2^53, and a code takes two bits.
const LARGEST_NUMBER: u64 = 1 << 50;

/// What is there in place of a value that is nothing.
const NIL: u64 = 0;

/// Texts numbered in the order in which they are first asked for.
#[derive(Debug, Default)]
pub(super) struct Names<'a> {
    shown: Vec<String>,
    bytes: usize,
    /// The number of [`MORE`].
    more: Option<u64>,
    texts: HashMap<&'a str, u64>,
    values: HashMap<&'a Value, u64>,
}

impl<'a> Names<'a> {
    /// All texts, parted by line feeds; none holds one.
    pub(super) fn joined(&self) -> String {
        self.shown.join("\n")
    }

    /// The number of a text.
    pub(super) fn text(&mut self, text: &'a str) -> u64 {
        if let Some(number) = self.texts.get(text) {
            return *number;
        }
        let number = self.add(text);
        self.texts.insert(text, number);
        number
    }

    /// The code of a key: like a value, but a text is written without quotes.
    pub(super) fn key(&mut self, key: &'a Value) -> u64 {
        match key {
            Value::Text(text) => named(self.text(text.as_str())),
            Value::Nil
            | Value::Bool(_)
            | Value::Int(_)
            | Value::Float(_)
            | Value::Number(_)
            | Value::List(_)
            | Value::Map(_) => self.value(key),
        }
    }

    /// The code of a value: 0 for nothing, odd for a number, even for a text.
    pub(super) fn value(&mut self, value: &'a Value) -> u64 {
        match value {
            Value::Nil => NIL,
            Value::Int(number) if number.unsigned_abs() < LARGEST_NUMBER => 1 + 2 * zigzag(*number),
            Value::Int(_)
            | Value::Bool(_)
            | Value::Float(_)
            | Value::Number(_)
            | Value::Text(_)
            | Value::List(_)
            | Value::Map(_) => named(self.other(value)),
        }
    }

    fn other(&mut self, value: &'a Value) -> u64 {
        if let Some(number) = self.values.get(value) {
            return *number;
        }
        let number = self.add(&value.to_string());
        self.values.insert(value, number);
        number
    }

    fn add(&mut self, text: &str) -> u64 {
        if self.bytes >= FULL_BYTES {
            return self.more();
        }
        let shown = if self.bytes < ROOMY_BYTES {
            clip(text, CELL_CHARS)
        } else {
            shorten(text, LABEL_CHARS)
        };
        self.bytes += shown.len();
        self.push(shown)
    }

    fn more(&mut self) -> u64 {
        if let Some(number) = self.more {
            return number;
        }
        let number = self.push(MORE.to_owned());
        self.more = Some(number);
        number
    }

    fn push(&mut self, shown: String) -> u64 {
        self.shown.push(shown);
        self.shown.len() as u64 - 1
    }
}

fn named(number: u64) -> u64 {
    2 + 2 * number
}

/// Numbers near zero as small ones, whatever their sign.
pub(super) fn zigzag(number: i64) -> u64 {
    (number.cast_unsigned() << 1) ^ (number >> 63).cast_unsigned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_have_codes_by_kind() {
        let (text, list) = (
            Value::from("a\nb"),
            Value::from(vec![Value::Int(1), Value::Nil]),
        );
        let large = Value::Int(i64::MAX);
        let mut names = Names::default();
        let rows = [
            (&Value::Nil, 0),
            (&Value::Int(0), 1),
            (&Value::Int(-1), 3),
            (&Value::Int(7), 29),
            (&text, 2),
            (&list, 4),
            (&large, 6),
            (&text, 2),
        ];
        for (value, expected) in rows {
            assert_eq!(names.value(value), expected, "{value}");
        }
        assert_eq!(names.key(&text), 8, "a key has no quotes");
        let lines = ["\"a\\nb\"", "[1 nil]", "9223372036854775807", "a␊b"];
        assert_eq!(names.joined(), lines.join("\n"));
    }

    #[test]
    fn many_long_texts_are_cut_short_and_then_left_out() {
        let texts: Vec<String> = (0..400_000)
            .map(|number| format!("{number} {}", "x".repeat(200)))
            .collect();
        let mut names = Names::default();
        let numbers: Vec<u64> = texts.iter().map(|text| names.text(text)).collect();
        let joined = names.joined();
        let shown: Vec<&str> = joined.split('\n').collect();
        let at = |place: usize| shown[numbers[place] as usize];
        assert!(at(0).ends_with("characters)") && at(0).len() > 100);
        assert!(at(40_000).starts_with("40000 ") && at(40_000).len() < 30);
        assert_eq!((at(399_998), at(399_999)), (MORE, MORE));
        assert!((FULL_BYTES..FULL_BYTES * 9 / 8).contains(&joined.len()));
        assert_eq!(
            names.text(&texts[0]),
            numbers[0],
            "what is known stays known"
        );
    }
}
