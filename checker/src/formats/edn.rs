//! Jepsen's operation maps in EDN: one a line, over several lines, or in one vector or list.
//!
//! The library reads one form at a time. Where a form ends is found out here ([`edn_text`]), because only so can a file be read piece
//! by piece and an error name the line of its operation; what the library does not know of EDN is put into its words there.

use clojure_reader::edn::{self, Edn};
use clojure_reader::error::{Code, Error};

use crate::event::{EventType, Nanos, Process};
use crate::formats::edn_text::{self, Form};
use crate::formats::input::{Chunk, Input, newlines};
use crate::formats::json_event::error_text;
use crate::formats::json_value::MAX_DEPTH;
use crate::formats::names::Names;
use crate::formats::{Sink, malformed};
use crate::pairing::{MalformedHistory, Record, line_number};
use crate::value::{Float, Value};

/// Reads one form that must be the whole text.
pub(crate) fn parse_single(text: &str) -> Result<Value, String> {
    let text = edn_text::repaired(text);
    let (form, rest) = edn::read(&text).map_err(|error| describe(&error))?;
    if !skip_blank(rest).is_empty() {
        return Err(format!(
            "something follows the value: `{}`",
            excerpt(rest.trim())
        ));
    }
    Values(&mut Names::default()).value(&form, 0)
}

/// Reads all operation maps of a text.
pub(crate) fn parse(input: &mut Input<'_>, sink: &mut Sink<'_>) -> Result<(), MalformedHistory> {
    let place = open(input)?;
    let mut forms = Forms { place, sink };
    while let Some(chunk) = input.chunk(&mut Form::default())? {
        forms.chunk(chunk)?;
    }
    forms.end()
}

/// Steps from form to form.
struct Forms<'f, 'b> {
    place: Place,
    sink: &'f mut Sink<'b>,
}

/// Where the reader is.
#[derive(Clone, Copy)]
enum Place {
    /// In no sequence.
    Outside,
    /// In a sequence: the line it begins on, and the bracket that closes it.
    Inside(usize, char),
    /// Behind the sequence.
    Behind,
}

impl Forms<'_, '_> {
    /// A chunk is at most one form with brackets and what precedes it.
    fn chunk(&mut self, chunk: Chunk<'_>) -> Result<(), MalformedHistory> {
        let text = edn_text::repaired(chunk.text);
        let line_of =
            |rest: &str| chunk.line + newlines(&text.as_bytes()[..text.len() - rest.len()]);
        let mut rest = skip_blank(&text);
        while !rest.is_empty() {
            let line = line_of(rest);
            rest = match (self.place, rest.chars().next()) {
                (Place::Inside(_, close), Some(first)) if first == close => {
                    self.place = Place::Behind;
                    skip_blank(&rest[1..])
                }
                (Place::Behind, _) => {
                    return Err(malformed(Some(line), "something follows the history"));
                }
                (Place::Inside(..) | Place::Outside, _) => self.form(rest, line)?,
            };
        }
        Ok(())
    }

    /// Reads a form, unless it is discarded by `#_`, and steps to the next.
    fn form<'t>(&mut self, text: &'t str, line: usize) -> Result<&'t str, MalformedHistory> {
        let discarded = text.strip_prefix("#_");
        let (form, rest) = edn::read(discarded.unwrap_or(text)).map_err(|error| {
            let line = error.line.map_or(line, |within| line + within - 1);
            malformed(Some(line), describe(&error))
        })?;
        if discarded.is_none() {
            let record = record(&form, line, &mut self.sink.names)
                .map_err(|reason| malformed(Some(line), reason))?;
            self.sink.accept(record)?;
        }
        Ok(skip_blank(rest))
    }

    fn end(&self) -> Result<(), MalformedHistory> {
        match self.place {
            Place::Inside(opened, close) => Err(malformed(
                Some(opened),
                format!("the file ends before the `{close}` that closes the history"),
            )),
            Place::Outside | Place::Behind => Ok(()),
        }
    }
}

/// Steps into the sequence, if the history is one.
fn open(input: &mut Input<'_>) -> Result<Place, MalformedHistory> {
    /// Longer than any tag.
    const AHEAD_BYTES: usize = 1024;
    while skip_blank(input.at_hand()).len() < AHEAD_BYTES && input.more()? {}
    let text = input.at_hand();
    let Some((inside, close)) = opened(skip_blank(text)) else {
        return Ok(Place::Outside);
    };
    input.skip(text.len() - inside.len());
    Ok(Place::Inside(input.line(), close))
}

/// What is inside of a sequence, which may have a tag such as `#jepsen.history.History`, and the bracket that closes it.
fn opened(text: &str) -> Option<(&str, char)> {
    let untagged = match text.strip_prefix('#') {
        Some(tagged) if tagged.starts_with(char::is_alphabetic) => {
            let end = tagged.find(|letter: char| letter.is_whitespace() || "[({".contains(letter));
            skip_blank(&tagged[end?..])
        }
        Some(_) | None => text,
    };
    let close = match untagged.chars().next()? {
        '[' => ']',
        '(' => ')',
        _ => return None,
    };
    Some((&untagged[1..], close))
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

/// The fields of an operation map that mean something here.
#[derive(Default)]
struct Fields<'f, 't> {
    index: Option<&'f Edn<'t>>,
    time: Option<&'f Edn<'t>>,
    process: Option<&'f Edn<'t>>,
    event_type: Option<&'f Edn<'t>>,
    f: Option<&'f Edn<'t>>,
    key: Option<&'f Edn<'t>>,
    value: Option<&'f Edn<'t>>,
    node: Option<&'f Edn<'t>>,
    error: Option<&'f Edn<'t>>,
}

impl<'f, 't> Fields<'f, 't> {
    /// Records such as `#jepsen.history.Op{…}` are maps with a tag.
    fn of(form: &'f Edn<'t>) -> Result<Self, String> {
        let mut form = form;
        while let Edn::Tagged(_, inner) = form {
            form = inner;
        }
        let Edn::Map(entries) = form else {
            return Err(format!(
                "`{}` is not an operation map, such as {{:process 0 :type :invoke :f :read}}",
                excerpt(&form.to_string())
            ));
        };
        let mut fields = Self::default();
        for (key, value) in entries {
            if let (Edn::Key(name), false) = (key, matches!(value, Edn::Nil)) {
                fields.set(name, value);
            }
        }
        Ok(fields)
    }

    fn set(&mut self, name: &str, value: &'f Edn<'t>) {
        let field = match name {
            "index" => &mut self.index,
            "time" => &mut self.time,
            "process" => &mut self.process,
            "type" => &mut self.event_type,
            "f" => &mut self.f,
            "key" => &mut self.key,
            "value" => &mut self.value,
            "node" => &mut self.node,
            "error" => &mut self.error,
            _ => return,
        };
        *field = Some(value);
    }
}

fn record(form: &Edn<'_>, line: usize, names: &mut Names) -> Result<Record, String> {
    let fields = Fields::of(form)?;
    let process = process(fields.process)?;
    let event_type = EventType::parse(name(fields.event_type, ":type")?)?;
    let f = names.text(name(fields.f, ":f")?);
    let mut values = Values(names);
    let key = fields.key.map(|key| values.value(key, 0)).transpose()?;
    let value = fields
        .value
        .map(|value| values.value(value, 0))
        .transpose()?;
    // What is only shown must not keep a history from being judged.
    let node = fields.node.and_then(|node| values.value(node, 0).ok());
    let error = fields.error.map(|error| values.value(error, 0));
    let error = error.map(|error| error.unwrap_or_else(Value::from));
    Ok(Record {
        line: line_number(line),
        index: whole(fields.index, ":index")?,
        time: whole(fields.time, ":time")?.map(Nanos),
        process,
        event_type,
        f,
        key,
        value: value.unwrap_or_default(),
        node: node.and_then(error_text),
        error: error.and_then(error_text),
        arrival: None,
    })
}

/// The nemesis and other threads of a test are keywords.
fn process(field: Option<&Edn<'_>>) -> Result<Process, String> {
    match field {
        Some(Edn::Int(number)) => Ok(Process::Client(*number)),
        Some(Edn::Key(_)) => Ok(Process::Nemesis),
        Some(other) => Err(format!(
            ":process is {}, neither an integer nor a keyword",
            excerpt(&other.to_string())
        )),
        None => Err("the operation has no :process".to_owned()),
    }
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

/// Jepsen writes -1 where there is none.
fn whole(value: Option<&Edn<'_>>, field: &str) -> Result<Option<u64>, String> {
    match value {
        None => Ok(None),
        Some(Edn::Int(number)) => Ok(u64::try_from(*number).ok()),
        Some(other) if let Some(digits) = set_apart(other) => {
            Ok(digits.trim_end_matches('N').parse().ok())
        }
        Some(other) => Err(format!(
            "{field} is `{}`, not a whole number",
            excerpt(&other.to_string())
        )),
    }
}

/// The digits of a number that the library cannot hold.
fn set_apart<'f>(form: &'f Edn<'_>) -> Option<&'f str> {
    if let Edn::Tagged(tag, inner) = form
        && tag == edn_text::NUMBER_TAG
        && let Edn::Str(digits) = &**inner
    {
        return Some(digits);
    }
    None
}

/// From forms to values, with one copy of each name.
struct Values<'n>(&'n mut Names);

impl Values<'_> {
    fn value(&mut self, form: &Edn<'_>, depth: usize) -> Result<Value, String> {
        if depth > MAX_DEPTH {
            return Err(format!("a value is nested deeper than {MAX_DEPTH} levels"));
        }
        Ok(match form {
            Edn::Nil => Value::Nil,
            Edn::Bool(truth) => Value::Bool(*truth),
            Edn::Int(number) => Value::Int(*number),
            Edn::Double(number) => Value::Float(Float(number.0)),
            Edn::Key(text) | Edn::Symbol(text) | Edn::Str(text) => Value::Text(self.0.text(text)),
            Edn::Char(letter) => Value::from(letter.to_string()),
            Edn::Vector(items) | Edn::List(items) => self.list(&mut items.iter(), depth)?,
            Edn::Set(items) => self.list(&mut items.iter(), depth)?,
            Edn::Map(entries) => entries
                .iter()
                .map(|(key, value)| {
                    Ok((self.value(key, depth + 1)?, self.value(value, depth + 1)?))
                })
                .collect::<Result<Value, String>>()?,
            Edn::Tagged(_, inner) => match set_apart(form) {
                Some(digits) => edn_text::number(digits),
                None => self.value(inner, depth + 1)?,
            },
            other @ (Edn::Rational(_) | _) => Value::Number(other.to_string().into()),
        })
    }

    fn list(
        &mut self,
        items: &mut dyn Iterator<Item = &Edn<'_>>,
        depth: usize,
    ) -> Result<Value, String> {
        items.map(|item| self.value(item, depth + 1)).collect()
    }
}

fn describe(error: &Error) -> String {
    match &error.code {
        Code::UnexpectedEOF => "the file ends in the middle of a form".to_owned(),
        Code::UnmatchedDelimiter(delimiter) => format!("`{delimiter}` closes nothing"),
        Code::InvalidNumber | Code::InvalidRadix(_) => {
            "what begins like a number is none; put text in quotes".to_owned()
        }
        Code::InvalidEscape => {
            "an escape in a string that is not one of \\n \\r \\t \\b \\f \\\\ \\\" \\u0041"
                .to_owned()
        }
        Code::HashMapDuplicateKey => "a map has the same key twice".to_owned(),
        Code::SetDuplicateKey => "a set has the same element twice".to_owned(),
        Code::InvalidTag => {
            "`#` begins no tag; a tag is a name before a value, such as #inst \"2026-01-01\""
                .to_owned()
        }
        Code::InvalidChar => {
            "a character after `\\` is none, such as \\a, \\newline or \\u0041".to_owned()
        }
        Code::InvalidKeyword => "a `:` without a name; a keyword is such as :read".to_owned(),
        other @ (Code::NoFloatFeature | _) => format!("not EDN: {other:?}"),
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
