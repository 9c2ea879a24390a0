//! Addresses within the page: what the timeline is asked to show.

use std::fmt::Write as _;

use checker::Value;

use crate::clip::clip;

/// Longer keys have no address: nobody could pass it on.
const MAX_CHARS: usize = 60;

/// The operations of a key, on the timeline; `None` for a key that a field of the form cannot hold.
pub(super) fn to_key(key: &Value) -> Option<String> {
    let text = if let Value::Text(text) = key {
        text.to_string()
    } else {
        key.to_string()
    };
    let plain = !text.is_empty() && text.trim() == text && clip(&text, MAX_CHARS) == text;
    plain.then(|| format!("#key={}", encoded(&text)))
}

/// Percent-encoded, but for what every address may hold (RFC 3986, section 2.3).
fn encoded(text: &str) -> String {
    let mut address = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            address.push(char::from(byte));
        } else {
            write!(address, "%{byte:02X}").expect("a string takes every write");
        }
    }
    address
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_have_addresses_where_a_field_can_hold_them() {
        let rows = [
            (Value::from("k3"), Some("#key=k3")),
            (Value::Int(-7), Some("#key=-7")),
            (
                Value::from("a b&c=<é>"),
                Some("#key=a%20b%26c%3D%3C%C3%A9%3E"),
            ),
            (Value::from(" k"), None),
            (Value::from("a\nb"), None),
            (Value::from("k".repeat(61).as_str()), None),
        ];
        for (key, expected) in rows {
            assert_eq!(to_key(&key).as_deref(), expected, "{key}");
        }
    }
}
