//! Foreign text made fit to show: nothing invisible, nothing endless.
//!
//! Keys, values, errors and log lines come from the system under test. Markup is escaped where it is written; here
//! control characters become visible, direction overrides lose their effect, and megabytes are cut.

use std::fmt::Write as _;

/// Longest text in a table cell or tooltip.
pub(crate) const CELL_CHARS: usize = 160;
/// Longest label of an operation in a timeline.
pub(crate) const LABEL_CHARS: usize = 18;
/// Longest name of a row.
pub(crate) const ROW_CHARS: usize = 12;
/// Longest command.
pub(crate) const COMMAND_CHARS: usize = 4_000;
/// Longest sentence.
pub(crate) const SENTENCE_CHARS: usize = 1_200;

/// At most `limit` characters of `text`; what is cut is said at the end.
pub(crate) fn clip(text: &str, limit: usize) -> String {
    let mut shown = String::new();
    let mut characters = text.chars();
    for character in characters.by_ref().take(limit) {
        push_visible(&mut shown, character);
    }
    let cut = characters.count();
    if cut > 0 {
        write!(shown, "… (+{cut} characters)").expect("a string takes every write");
    }
    shown
}

/// Like [`clip`], without saying how much was cut: for labels, whose whole text stands elsewhere.
pub(crate) fn shorten(text: &str, limit: usize) -> String {
    let mut shown = String::new();
    let mut characters = text.chars();
    for character in characters.by_ref().take(limit) {
        push_visible(&mut shown, character);
    }
    if characters.next().is_some() {
        shown.push('…');
    }
    shown
}

fn push_visible(shown: &mut String, character: char) {
    match character {
        '\u{0}'..='\u{1f}' => shown.push(control_picture(character)),
        '\u{7f}' => shown.push('\u{2421}'),
        '\u{80}'..='\u{9f}'
        | '\u{200b}'..='\u{200f}'
        | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{feff}'
        | '\u{fffe}'
        | '\u{ffff}' => push_escaped(shown, character),
        _ => shown.push(character),
    }
}

fn push_escaped(shown: &mut String, character: char) {
    write!(shown, "\\u{{{:x}}}", u32::from(character)).expect("a string takes every write");
}

fn control_picture(character: char) -> char {
    char::from_u32(0x2400 + u32::from(character)).expect("the 32 control pictures follow U+2400")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hidden_characters_become_visible() {
        let rows = [
            ("plain é 漢", "plain é 漢"),
            ("a\nb\u{0}\u{7f}", "a␊b␀␡"),
            ("x\u{202e}y", "x\\u{202e}y"),
            ("", ""),
        ];
        for (text, expected) in rows {
            assert_eq!(clip(text, 40), expected);
        }
    }

    #[test]
    fn long_text_is_cut_and_the_cut_is_said() {
        let megabyte = "é".repeat(1_000_000);
        let shown = clip(&megabyte, 10);
        assert_eq!(shown, format!("{}… (+999990 characters)", "é".repeat(10)));
        assert_eq!(clip("exactly ten", 11), "exactly ten");
        assert_eq!(shorten("0123456789", 4), "0123…");
        assert_eq!(shorten("0123", 4), "0123");
    }
}
