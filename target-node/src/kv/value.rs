//! JSON in one spelling.

use std::{fmt, sync::Arc};

use serde::{Deserialize, Serialize};

/// A JSON value in the one form used for storing and comparing: compact, object keys sorted.
///
/// Cheap to clone: states, images and answers share the text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct JsonText(Arc<str>);

impl JsonText {
    pub(crate) fn new(value: &serde_json::Value) -> Self {
        Self(value.to_string().into())
    }

    /// What an absent key holds.
    pub(crate) fn null() -> Self {
        Self("null".into())
    }

    /// A text that was [`Self::as_str`] before.
    pub(crate) fn stored(text: &str) -> Self {
        Self(text.into())
    }

    pub(super) fn empty_list() -> Self {
        Self("[]".into())
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    pub(super) fn is_null(&self) -> bool {
        &*self.0 == "null"
    }

    /// The number, if it is an integer of 64 bits with sign.
    pub(crate) fn integer(&self) -> Option<i64> {
        self.0.parse().ok()
    }

    /// This list with `last` behind it; none if this is no list.
    ///
    /// Works on the text, since each list has only one.
    pub(super) fn with_last(&self, last: &Self) -> Option<Self> {
        let items = self.0.strip_prefix('[')?.strip_suffix(']')?;
        let comma = if items.is_empty() { "" } else { "," };
        Some(Self(format!("[{items}{comma}{last}]").into()))
    }
}

impl From<i64> for JsonText {
    fn from(number: i64) -> Self {
        Self(number.to_string().into())
    }
}

impl fmt::Display for JsonText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn one_value_has_one_text() {
        let spelled = serde_json::from_str(r#"{ "b":1, "a":[1, "\u0078"] }"#).unwrap();
        assert_eq!(
            JsonText::new(&spelled),
            JsonText::new(&json!({"a": [1, "x"], "b": 1}))
        );
        assert_eq!(JsonText::new(&json!(-7)).integer(), Some(-7));
        for other in [json!(1.0), json!("1"), json!(null), json!([1])] {
            assert_eq!(JsonText::new(&other).integer(), None, "{other}");
        }
    }

    #[test]
    fn a_list_grows_at_its_end_and_nothing_else_does() {
        let mut list = JsonText::new(&json!([]));
        for item in [json!(1), json!("]"), json!([2, {"k": []}])] {
            list = list.with_last(&JsonText::new(&item)).unwrap();
        }
        assert_eq!(list, JsonText::new(&json!([1, "]", [2, {"k": []}]])));
        for other in [json!("[]"), json!({}), json!(null), json!(1)] {
            let last = JsonText::null();
            assert_eq!(JsonText::new(&other).with_last(&last), None, "{other}");
        }
    }
}
