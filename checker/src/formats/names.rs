//! One copy of each name: a million operations are on a few functions, nodes and keys.

use rustc_hash::FxHashSet;

use crate::text::Text;

/// Longer texts hardly repeat.
const MAX_NAME_BYTES: usize = 64;

/// How many names are remembered. Where texts are unique the memory goes to the history alone.
const MAX_NAMES: usize = 1 << 14;

/// The texts that were read so far, as long as they are short and few.
#[derive(Default)]
pub(crate) struct Names {
    known: FxHashSet<Text>,
}

impl Names {
    /// The text, shared with its equals.
    pub(crate) fn text(&mut self, name: &str) -> Text {
        if name.len() > MAX_NAME_BYTES {
            return Text::from(name);
        }
        if let Some(known) = self.known.get(name) {
            return known.clone();
        }
        let text = Text::from(name);
        if self.known.len() < MAX_NAMES {
            self.known.insert(text.clone());
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_short_names_are_shared_and_no_others() {
        let mut names = Names::default();
        let shared = |names: &mut Names, name: &str| {
            std::ptr::eq(names.text(name).as_str(), names.text(name).as_str())
        };
        assert!(shared(&mut names, "read"));
        assert!(!shared(&mut names, &"long".repeat(100)));
        for number in 0..MAX_NAMES {
            names.text(&number.to_string());
        }
        assert_eq!(names.known.len(), MAX_NAMES);
        assert!(!shared(&mut names, "late"));
        assert!(shared(&mut names, "read"));
    }
}
