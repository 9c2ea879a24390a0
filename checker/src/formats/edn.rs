//! Jepsen's operation maps in EDN: one a line, over several lines, or in one vector or list.
//!
//! The library reads one form at a time and hands back the rest of the text. Stepping from form to form is done here, because only so
//! can an error name the line of its operation.

use std::collections::BTreeMap;

use clojure_reader::edn::{self, Edn};
use clojure_reader::error::{Code, Error};

use crate::event::{EventType, Nanos, Process};
use crate::formats::jsonl::error_text;
use crate::formats::{Parsed, malformed};
use crate::pairing::{MalformedHistory, Record, line_number};
use crate::value::{Float, Value};

/// Values are walked by recursion, so their depth is bounded; JSON has the same limit.
const MAX_DEPTH: usize = 128;

/// Reads one form that must be the whole text.
pub(crate) fn parse_single(text: &str) -> Result<Value, String> {
    let (form, rest) = edn::read(text).map_err(|error| describe(&error))?;
    if !skip_blank(rest).is_empty() {
        return Err(format!(
            "something follows the value: `{}`",
            excerpt(rest.trim())
        ));
    }
    to_value(&form, 0)
}

/// Reads all operation maps of a text.
pub(crate) fn parse(text: &str) -> Result<Parsed, MalformedHistory> {
    let mut forms = Forms {
        text,
        rest: text,
        line: 1,
    };
    let mut records = Vec::new();
    forms.advance_to(skip_blank(text));
    match forms.rest.chars().next() {
        Some('[') => sequence(&mut forms, ']', &mut records)?,
        Some('(') => sequence(&mut forms, ')', &mut records)?,
        Some(_) | None => {}
    }
    while !forms.rest.is_empty() {
        one(&mut forms, &mut records)?;
    }
    Ok(Parsed {
        header: None,
        records,
        truncated: false,
    })
}

/// Where the reader is.
struct Forms<'t> {
    text: &'t str,
    rest: &'t str,
    /// The line on which `rest` begins.
    line: usize,
}

impl<'t> Forms<'t> {
    fn advance_to(&mut self, rest: &'t str) {
        let from = self.text.len() - self.rest.len();
        let to = self.text.len() - rest.len();
        self.line += self.text.as_bytes()[from..to]
            .iter()
            .filter(|&&byte| byte == b'\n')
            .count();
        self.rest = rest;
    }

    /// Reads a form and steps to the next; `None` if it was discarded by `#_`.
    fn form(&mut self) -> Result<Option<Edn<'t>>, MalformedHistory> {
        let discarded = self.rest.strip_prefix("#_");
        let (form, rest) = edn::read(discarded.unwrap_or(self.rest)).map_err(|error| {
            let line = error.line.map_or(self.line, |line| self.line + line - 1);
            malformed(Some(line), describe(&error))
        })?;
        self.advance_to(skip_blank(rest));
        Ok(discarded.is_none().then_some(form))
    }
}

fn sequence(
    forms: &mut Forms<'_>,
    close: char,
    records: &mut Vec<Record>,
) -> Result<(), MalformedHistory> {
    let opened = forms.line;
    forms.advance_to(skip_blank(&forms.rest[1..]));
    while !forms.rest.starts_with(close) {
        if forms.rest.is_empty() {
            return Err(malformed(
                Some(opened),
                format!("the file ends before the `{close}` that closes the history"),
            ));
        }
        one(forms, records)?;
    }
    forms.advance_to(skip_blank(&forms.rest[1..]));
    if forms.rest.is_empty() {
        Ok(())
    } else {
        Err(malformed(Some(forms.line), "something follows the history"))
    }
}

fn one(forms: &mut Forms<'_>, records: &mut Vec<Record>) -> Result<(), MalformedHistory> {
    let line = forms.line;
    if let Some(form) = forms.form()? {
        let record = record(&form, line).map_err(|reason| malformed(Some(line), reason))?;
        records.extend(record);
    }
    Ok(())
}

/// The text behind white space and comments.
pub(crate) fn skip_blank(text: &str) -> &str {
    let mut rest = text;
    loop {
        rest = rest.trim_start_matches(|letter: char| letter.is_whitespace() || letter == ',');
        if !rest.starts_with(';') {
            return rest;
        }
        rest = rest.find('\n').map_or("", |end| &rest[end..]);
    }
}

/// `None` for the nemesis, whose processes are keywords.
fn record(form: &Edn<'_>, line: usize) -> Result<Option<Record>, String> {
    let fields = operation_map(form)?;
    let field = |name: &str| {
        fields
            .get(&Edn::key(name.to_owned()))
            .filter(|value| !matches!(value, Edn::Nil))
    };
    let process = field("process").ok_or("the operation has no :process")?;
    if matches!(process, Edn::Key(_)) {
        return Ok(None);
    }
    let Edn::Int(process) = *process else {
        return Err(format!(
            ":process is {process}, neither an integer nor a keyword"
        ));
    };
    let node = field("node").map(|node| to_value(node, 0)).transpose()?;
    Ok(Some(Record {
        line: line_number(line),
        index: field("index")
            .map(|index| whole(index, ":index"))
            .transpose()?,
        time: field("time")
            .map(|time| whole(time, ":time"))
            .transpose()?
            .map(Nanos),
        process: Process::Client(process),
        event_type: EventType::parse(name(field("type"), ":type")?)?,
        f: name(field("f"), ":f")?.into(),
        key: field("key").map(|key| to_value(key, 0)).transpose()?,
        value: field("value").map_or(Ok(Value::Nil), |value| to_value(value, 0))?,
        node: node.and_then(error_text),
        error: field("error")
            .map(|error| to_value(error, 0))
            .transpose()?
            .and_then(error_text),
        arrival: None,
    }))
}

/// Records such as `#jepsen.history.Op{…}` are maps with a tag.
fn operation_map<'f, 't>(form: &'f Edn<'t>) -> Result<&'f BTreeMap<Edn<'t>, Edn<'t>>, String> {
    let mut form = form;
    while let Edn::Tagged(_, inner) = form {
        form = inner;
    }
    if let Edn::Map(fields) = form {
        return Ok(fields);
    }
    Err(format!(
        "`{}` is not an operation map",
        excerpt(&form.to_string())
    ))
}

fn name<'f>(value: Option<&'f Edn<'_>>, field: &str) -> Result<&'f str, String> {
    match value {
        Some(Edn::Key(name) | Edn::Str(name) | Edn::Symbol(name)) => Ok(name),
        Some(other) => Err(format!(
            "{field} is `{}`, not a keyword",
            excerpt(&other.to_string())
        )),
        None => Err(format!("the operation has no {field}")),
    }
}

fn whole(value: &Edn<'_>, field: &str) -> Result<u64, String> {
    if let Edn::Int(number) = value
        && let Ok(number) = u64::try_from(*number)
    {
        return Ok(number);
    }
    Err(format!(
        "{field} is `{}`, not a whole number from 0",
        excerpt(&value.to_string())
    ))
}

fn to_value(form: &Edn<'_>, depth: usize) -> Result<Value, String> {
    if depth > MAX_DEPTH {
        return Err(format!("a value is nested deeper than {MAX_DEPTH} levels"));
    }
    let all = |items: &mut dyn Iterator<Item = &Edn<'_>>| {
        items
            .map(|item| to_value(item, depth + 1))
            .collect::<Result<Vec<_>, String>>()
    };
    Ok(match form {
        Edn::Nil => Value::Nil,
        Edn::Bool(truth) => Value::Bool(*truth),
        Edn::Int(number) => Value::Int(*number),
        Edn::Double(number) => Value::Float(Float(number.0)),
        Edn::Key(text) | Edn::Symbol(text) | Edn::Str(text) => Value::from(&**text),
        Edn::Char(letter) => Value::from(letter.to_string()),
        Edn::Vector(items) | Edn::List(items) => Value::from(all(&mut items.iter())?),
        Edn::Set(items) => Value::from(all(&mut items.iter())?),
        Edn::Map(entries) => entries
            .iter()
            .map(|(key, value)| Ok((to_value(key, depth + 1)?, to_value(value, depth + 1)?)))
            .collect::<Result<Value, String>>()?,
        Edn::Tagged(_, inner) => to_value(inner, depth + 1)?,
        other @ (Edn::Rational(_) | _) => Value::Number(other.to_string().into()),
    })
}

fn describe(error: &Error) -> String {
    match &error.code {
        Code::UnexpectedEOF => "the file ends in the middle of a form".to_owned(),
        Code::UnmatchedDelimiter(delimiter) => format!("`{delimiter}` closes nothing"),
        Code::InvalidNumber | Code::InvalidRadix(_) => {
            "a number that does not fit 64 bits or is not one".to_owned()
        }
        Code::InvalidEscape => {
            "an escape in a string that is not one of \\n \\r \\t \\\\ \\\"".to_owned()
        }
        Code::HashMapDuplicateKey => "a map has the same key twice".to_owned(),
        Code::SetDuplicateKey => "a set has the same element twice".to_owned(),
        other @ (Code::InvalidChar
        | Code::InvalidKeyword
        | Code::InvalidTag
        | Code::NoFloatFeature
        | _) => format!("not EDN: {other:?}"),
    }
}

/// Enough of a text to recognise it in an error.
fn excerpt(text: &str) -> String {
    const LETTERS: usize = 40;
    match text.char_indices().nth(LETTERS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
