//! Texts of others in Markdown.

use crate::clip::clip;

/// At most `limit` characters of a text, in which nothing is Markdown, HTML or a link, on one line.
pub(super) fn inert(text: &str, limit: usize) -> String {
    let clipped = clip(text, limit);
    let text = clipped.trim_start();
    let mut inert = String::with_capacity(text.len());
    // What begins a line may make a list or a heading of it.
    let number = text.len()
        - text
            .trim_start_matches(|char: char| char.is_ascii_digit())
            .len();
    for (at, char) in text.char_indices() {
        match char {
            '<' => inert.push_str("&lt;"),
            '>' => inert.push_str("&gt;"),
            '&' => inert.push_str("&amp;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '#' | '~' | '!' | '$' | '@' => {
                inert.push('\\');
                inert.push(char);
            }
            '-' | '+' | '=' | ':' if at == 0 => {
                inert.push('\\');
                inert.push(char);
            }
            '.' | ')' if at == number && at > 0 => {
                inert.push('\\');
                inert.push(char);
            }
            char => inert.push(char),
        }
    }
    inert.replace("://", "&#58;//").replace("www.", "www&#46;")
}

/// At most `limit` characters of a text, as code within a line.
pub(super) fn code(text: &str, limit: usize) -> String {
    format!("`{}`", clip(text, limit).replace('`', "'"))
}
