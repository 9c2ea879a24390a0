//! EDN as text: where a form ends, and in the library's words what it does not know.
//!
//! | in the file | for the library |
//! |---|---|
//! | `1N`, `99999999999999999999`, `1.5M` | `1`, `#adrasteia/number "99999999999999999999"`, `#adrasteia/number "1.5M"` |
//! | `##NaN`, `##Inf`, `##-Inf` | `#adrasteia/number "NaN"`, … |
//! | `\a`, `\u0041`, `\backspace` | a string of that letter |
//! | `"\u00e9 \b"` | the same string with the letters themselves |
//! | `#"regex"` | the string of its source |
//! | `^{:line 1} form`, `^:dynamic form` | the form |
//!
//! Lines stay lines, so that errors still name the right one.

use std::borrow::Cow;

use crate::formats::input::Cut;
use crate::value::{Float, Value};

/// Marks the numbers that the library cannot hold.
pub(crate) const NUMBER_TAG: &str = "adrasteia/number";

/// How many digits always fit an `i64`.
const SAFE_DIGITS: usize = 18;

/// The end of the next form with brackets, or of a bracket that closes nothing.
#[derive(Default)]
pub(crate) struct Form {
    depth: usize,
    inside: Inside,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Inside {
    #[default]
    Form,
    /// In a name or a number.
    Token,
    Text,
    /// Behind the backslash in a string.
    Escape,
    Comment,
    /// Behind the backslash that begins a character.
    Letter,
}

impl Cut for Form {
    fn end(&mut self, fresh: &[u8]) -> Option<usize> {
        let end = fresh.iter().position(|&byte| self.ends_with(byte))?;
        Some(end + 1)
    }
}

impl Form {
    fn ends_with(&mut self, byte: u8) -> bool {
        self.inside = match (self.inside, byte) {
            (Inside::Text, b'\\') => Inside::Escape,
            (Inside::Text, b'"') | (Inside::Comment, b'\n') => Inside::Form,
            (Inside::Text | Inside::Escape, _) => Inside::Text,
            (Inside::Comment, _) => Inside::Comment,
            (Inside::Letter, _) => Inside::Token,
            (Inside::Form, b'\\') => Inside::Letter,
            (Inside::Form | Inside::Token, b'"') => Inside::Text,
            (Inside::Form | Inside::Token, b';') => Inside::Comment,
            (Inside::Form | Inside::Token, b'{' | b'[' | b'(') => {
                self.depth += 1;
                Inside::Form
            }
            (Inside::Form | Inside::Token, b'}' | b']' | b')') => {
                self.depth = self.depth.saturating_sub(1);
                self.inside = Inside::Form;
                return self.depth == 0;
            }
            (Inside::Form | Inside::Token, b',' | b' ' | b'\t' | b'\r' | b'\n') => Inside::Form,
            (Inside::Form | Inside::Token, _) => Inside::Token,
        };
        false
    }
}

/// The text in words that the library knows. Most texts are that already.
pub(crate) fn repaired(text: &str) -> Cow<'_, str> {
    if !needs_repair(text.as_bytes()) {
        return Cow::Borrowed(text);
    }
    let mut repair = Repair {
        rest: text,
        out: String::with_capacity(text.len() + 64),
    };
    while !repair.rest.is_empty() {
        repair.step();
    }
    Cow::Owned(repair.out)
}

/// Whether anything of the table may be in the text.
fn needs_repair(text: &[u8]) -> bool {
    let mut digits = 0;
    let mut before = 0;
    for &byte in text {
        digits = if byte.is_ascii_digit() { digits + 1 } else { 0 };
        let is_sign = match byte {
            b'\\' | b'^' => true,
            b'#' | b'"' => before == b'#',
            b'N' | b'M' => before.is_ascii_digit() || before == b'.',
            _ => digits > SAFE_DIGITS,
        };
        if is_sign {
            return true;
        }
        before = byte;
    }
    false
}

/// Copies a text, word by word.
struct Repair<'t> {
    rest: &'t str,
    out: String,
}

impl<'t> Repair<'t> {
    fn step(&mut self) {
        let mut letters = self.rest.chars();
        match (letters.next(), letters.next()) {
            (Some('"'), _) => self.string(),
            (Some(';'), _) => {
                let comment = self.until(|letter| letter == '\n');
                self.out.push_str(comment);
            }
            (Some('\\'), Some(_)) => self.letter(),
            (Some('^'), _) => self.metadata(1),
            (Some('#'), Some('^')) => self.metadata(2),
            (Some('#'), Some('#')) => self.symbolic(),
            (Some('#'), Some('"')) => self.regex(),
            (Some('#'), Some('_')) => {
                let discard = self.take(2);
                self.out.push_str(discard);
            }
            (Some(first), _) if first == '#' || is_boundary(first) => {
                let copied = self.take(first.len_utf8());
                self.out.push_str(copied);
            }
            (Some(_), _) => self.token(),
            (None, _) => {}
        }
    }

    fn take(&mut self, bytes: usize) -> &'t str {
        let (taken, rest) = self.rest.split_at(bytes);
        self.rest = rest;
        taken
    }

    fn until(&mut self, ends: impl Fn(char) -> bool) -> &'t str {
        let end = self.rest.find(ends).unwrap_or(self.rest.len());
        self.take(end)
    }

    fn token(&mut self) {
        let token = self.until(is_boundary);
        let plain = token.strip_suffix('N').unwrap_or(token);
        if plain.parse::<i64>().is_ok() {
            self.out.push_str(plain);
        } else if is_oversized(token) {
            self.number(token);
        } else {
            self.out.push_str(token);
        }
    }

    fn number(&mut self, digits: &str) {
        self.out.push_str("#adrasteia/number \"");
        self.out.push_str(digits);
        self.out.push('"');
    }

    fn symbolic(&mut self) {
        self.take(2);
        let name = self.until(is_boundary);
        if matches!(name, "NaN" | "Inf" | "-Inf") {
            self.number(name);
        } else {
            self.out.push_str("##");
            self.out.push_str(name);
        }
    }

    /// A string, whose end may be missing.
    fn string(&mut self) {
        let quote = self.take(1);
        self.out.push_str(quote);
        loop {
            let plain = self.until(|letter| letter == '"' || letter == '\\');
            self.out.push_str(plain);
            match self.rest.chars().next() {
                Some('\\') => self.escape(),
                Some(_) => {
                    let quote = self.take(1);
                    self.out.push_str(quote);
                    return;
                }
                None => return,
            }
        }
    }

    fn escape(&mut self) {
        self.take(1);
        let letter = match self.rest.chars().next() {
            Some('u') => unicode(self.rest),
            Some('b') => Some(('\u{8}', 1)),
            Some('f') => Some(('\u{c}', 1)),
            Some(_) | None => None,
        };
        if let Some((letter, length)) = letter {
            self.take(length);
            self.quoted(letter);
            return;
        }
        let length = self.rest.chars().next().map_or(0, char::len_utf8);
        let kept = self.take(length);
        self.out.push('\\');
        self.out.push_str(kept);
    }

    /// A letter inside of a string.
    fn quoted(&mut self, letter: char) {
        match letter {
            '"' => self.out.push_str("\\\""),
            '\\' => self.out.push_str("\\\\"),
            '\n' => self.out.push_str("\\n"),
            other => self.out.push(other),
        }
    }

    /// A character becomes the string of it.
    fn letter(&mut self) {
        let backslash = self.take(1);
        let first = self.rest.chars().next().map_or(0, char::len_utf8);
        let first = self.take(first);
        let more = self.until(is_boundary);
        match named(first, more) {
            Some(letter) => {
                self.out.push('"');
                self.quoted(letter);
                self.out.push('"');
            }
            None => {
                for part in [backslash, first, more] {
                    self.out.push_str(part);
                }
            }
        }
    }

    fn regex(&mut self) {
        self.take(1);
        let mut pattern = Repair {
            rest: &self.rest[1..],
            out: String::from("\""),
        };
        loop {
            let plain = pattern.until(|letter| letter == '"' || letter == '\\');
            pattern.out.push_str(plain);
            match pattern.rest.chars().next() {
                Some('\\') => {
                    pattern.take(1);
                    let escaped = pattern.rest.chars().next().map_or(0, char::len_utf8);
                    pattern.out.push_str("\\\\");
                    pattern
                        .take(escaped)
                        .chars()
                        .for_each(|letter| pattern.quoted(letter));
                }
                Some(_) => {
                    pattern.take(1);
                    pattern.out.push('"');
                    break;
                }
                None => break,
            }
        }
        self.rest = pattern.rest;
        self.out.push_str(&pattern.out);
    }

    /// Metadata says nothing about the form it stands before.
    fn metadata(&mut self, mark: usize) {
        let whole = self.rest;
        self.take(mark);
        self.until(|letter| !letter.is_whitespace() && letter != ',');
        if self.rest.starts_with(['{', '[', '(']) {
            let end = Form::default().end(self.rest.as_bytes());
            self.take(end.unwrap_or(self.rest.len()));
        } else if self.rest.starts_with('"') {
            let mut skipped = Repair {
                rest: self.rest,
                out: String::new(),
            };
            skipped.string();
            self.rest = skipped.rest;
        } else {
            self.until(is_boundary);
        }
        let skipped = &whole[..whole.len() - self.rest.len()];
        let lines = skipped.matches('\n').count();
        self.out.push(' ');
        self.out.extend(std::iter::repeat_n('\n', lines));
    }
}

fn is_boundary(letter: char) -> bool {
    letter.is_whitespace() || ",;()[]{}\"".contains(letter)
}

/// A letter by its code of four digits, or of two such codes, and the length of that.
fn unicode(text: &str) -> Option<(char, usize)> {
    let code = |text: &str| {
        let digits = text.strip_prefix('u')?.get(..4)?;
        let is_code = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        is_code.then(|| u16::from_str_radix(digits, 16).ok())?
    };
    let first = code(text)?;
    if let Some(letter) = char::from_u32(first.into()) {
        return Some((letter, 5));
    }
    let second = code(text[5..].strip_prefix('\\')?)?;
    let letter = char::decode_utf16([first, second]).next()?.ok()?;
    Some((letter, 11))
}

/// The character of a name such as `newline`, `u0041` or `o101`.
fn named(first: &str, more: &str) -> Option<char> {
    if more.is_empty() {
        return first.chars().next();
    }
    Some(match (first, more) {
        ("n", "ewline") => '\n',
        ("r", "eturn") => '\r',
        ("s", "pace") => ' ',
        ("t", "ab") => '\t',
        ("b", "ackspace") => '\u{8}',
        ("f", "ormfeed") => '\u{c}',
        ("u", digits) if digits.len() == 4 => {
            return char::from_u32(u32::from_str_radix(digits, 16).ok()?);
        }
        ("o", digits) if digits.len() <= 3 => {
            return char::from_u32(u32::from_str_radix(digits, 8).ok()?);
        }
        _ => return None,
    })
}

/// Whether it is a number that the library cannot hold, or would not read.
fn is_oversized(token: &str) -> bool {
    let unsigned = token.strip_prefix(['+', '-']).unwrap_or(token);
    let is_whole = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    unsigned.starts_with(|letter: char| letter.is_ascii_digit())
        && (unsigned.ends_with('M') || is_whole(unsigned.strip_suffix('N').unwrap_or(unsigned)))
}

/// The value of a number that was set apart.
pub(crate) fn number(text: &str) -> Value {
    let float = |number| Value::Float(Float(number));
    match text {
        "NaN" => return float(f64::NAN),
        "Inf" => return float(f64::INFINITY),
        "-Inf" => return float(f64::NEG_INFINITY),
        _ => {}
    }
    match text.strip_suffix('M') {
        Some(decimal) => exact_float(decimal).map_or_else(|| Value::Number(text.into()), float),
        None => whole(text.strip_suffix('N').unwrap_or(text)),
    }
}

fn whole(digits: &str) -> Value {
    if let Ok(number) = digits.parse() {
        return Value::Int(number);
    }
    let (sign, unsigned) = match digits.strip_prefix('-') {
        Some(unsigned) => ("-", unsigned),
        None => ("", digits.strip_prefix('+').unwrap_or(digits)),
    };
    Value::Number(format!("{sign}{}", unsigned.trim_start_matches('0')).into())
}

/// Decimals of up to fifteen digits are each nearest to a float of their own.
fn exact_float(decimal: &str) -> Option<f64> {
    const EXACT_DIGITS: usize = 15;
    let mantissa = decimal.split(['e', 'E']).next().unwrap_or_default();
    let digits = mantissa.bytes().filter(u8::is_ascii_digit).count();
    let number: f64 = decimal.parse().ok()?;
    (digits <= EXACT_DIGITS && (number == 0.0 || number.is_normal())).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_library_does_not_know_is_put_into_its_words() {
        let cases = [
            ("{:a 1}", "{:a 1}"),
            ("[1N -2N]", "[1 -2]"),
            ("1.5M", "#adrasteia/number \"1.5M\""),
            (
                "99999999999999999999",
                "#adrasteia/number \"99999999999999999999\"",
            ),
            ("{:N 1 M2 3 a1N 4}", "{:N 1 M2 3 a1N 4}"),
            (
                "[##NaN ##-Inf ##Foo]",
                "[#adrasteia/number \"NaN\" #adrasteia/number \"-Inf\" ##Foo]",
            ),
            (
                r#"[\a \u0041 \backspace \newline \( \" \\]"#,
                "[\"a\" \"A\" \"\u{8}\" \"\\n\" \"(\" \"\\\"\" \"\\\\\"]",
            ),
            (r"\nonsense", r"\nonsense"),
            (
                r#""\u00e9\b\f\n\u0022\ud83d\ude00""#,
                "\"é\u{8}\u{c}\\n\\\"😀\"",
            ),
            (r#""\ud83d \q"#, r#""\ud83d \q"#),
            (r##"#"a\d\"" 1"##, r#""a\\d\\\"" 1"#),
            ("^{:a\n\"}\"} [1]", " \n [1]"),
            ("^:b x ^String y #^c z a^b", "  x   y   z a^b"),
            ("; 1N \\a\n#_1N", "; 1N \\a\n#_1"),
            ("\\", "\\"),
        ];
        for (text, expected) in cases {
            assert_eq!(repaired(text), expected, "{text}");
        }
    }

    #[test]
    fn forms_end_where_their_brackets_close() {
        let cases = [
            ("{:a \"}\"} {}", Some(8)),
            ("; }\n{:a \\}} x", Some(11)),
            ("a\\{}", Some(4)),
            ("(\"\\\")\")", Some(7)),
            ("]", Some(1)),
            ("{:a", None),
        ];
        for (text, expected) in cases {
            assert_eq!(Form::default().end(text.as_bytes()), expected, "{text}");
        }
    }

    #[test]
    fn large_numbers_stay_exact() {
        let cases = [
            ("1N", Value::Int(1)),
            ("-9223372036854775808", Value::Int(i64::MIN)),
            (
                "+0018446744073709551616N",
                Value::Number("18446744073709551616".into()),
            ),
            ("1.50M", Value::Float(Float(1.5))),
            (
                "0.1000000000000000000001M",
                Value::Number("0.1000000000000000000001M".into()),
            ),
            ("1e999999999M", Value::Number("1e999999999M".into())),
        ];
        for (text, expected) in cases {
            assert_eq!(number(text), expected, "{text}");
        }
    }
}
