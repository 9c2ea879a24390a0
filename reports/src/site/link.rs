//! Addresses within the site. Whatever a name holds, it is one part of an address.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// Characters that mean themselves in a path as well as in a query.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'/')
    .remove(b':');

/// A name as part of an address.
pub(super) fn encoded(name: &str) -> String {
    utf8_percent_encode(name, PLAIN).to_string()
}

/// The page of a run.
pub(super) fn run(id: &str) -> String {
    format!("/runs/{}", encoded(id))
}

/// A file of a run.
pub(super) fn file(id: &str, name: &str) -> String {
    format!("/runs/{}/{}", encoded(id), encoded(name))
}

/// What a run under way says of itself, as JSON.
pub(super) fn live(id: &str) -> String {
    format!("/live/{}", encoded(id))
}

/// Two runs side by side.
pub(super) fn compare(left: &str, right: &str) -> String {
    format!("/compare?run={}&run={}", encoded(left), encoded(right))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_leave_its_place_in_an_address() {
        let rows = [
            ("a/b:c", "a/b:c"),
            ("x?y#z", "x%3Fy%23z"),
            ("a&b=c+d e", "a%26b%3Dc%2Bd%20e"),
            ("\"><script>", "%22%3E%3Cscript%3E"),
            ("%2e%2e", "%252e%252e"),
            ("é\u{0}", "%C3%A9%00"),
        ];
        for (name, expected) in rows {
            assert_eq!(encoded(name), expected);
        }
    }
}
