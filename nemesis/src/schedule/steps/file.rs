//! The file: TOML, so that it has comments, and phrases in it, so that it reads like a story.

use super::act::Act;
use super::check::check;
use super::condition::{Condition, read_moment};
use super::goal::{Span, duration};
use super::nodes::{Nodes, is_bound_name};
use super::view::Moment;
use super::words::{Words, Wrong, wrong};
use super::{End, Story, StoryStep};
use crate::NodeName;
use std::ops::Range;
use std::time::Duration;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// How long a step waits where it does not say.
const LIMIT: Duration = Duration::from_secs(10);
/// More tellings than any run has time for.
const MOST_TELLINGS: u32 = 1_000;

const KEYS: [&str; 2] = ["repeat", "step"];
const STEP_KEYS: [&str; 9] = [
    "name", "after", "when", "wait", "bind", "do", "for", "until", "limit",
];

/// Why a text is no story: the line, the word, the remedy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {message}")]
pub struct StepsError {
    /// Counted from 1.
    pub line: usize,
    message: String,
}

/// The text of a file, step by step, so that steps can be left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pieces {
    /// What comes before the first step.
    pub head: String,
    /// Each step with the comments before it.
    pub steps: Vec<String>,
}

impl Story {
    /// Reads a file of steps, for a cluster of these nodes.
    ///
    /// # Errors
    /// [`StepsError`], at the first thing that cannot be carried out.
    pub fn parse(text: &str, cluster: &[NodeName]) -> Result<Story, StepsError> {
        let reader = Reader { text, cluster };
        let table = DeTable::parse(text).map_err(|error| {
            let span = error.span().unwrap_or(0..0);
            reader.error(&span, error.message())
        })?;
        reader.story(&table)
    }
}

impl Pieces {
    /// Takes a file apart. What was no file of steps is all head.
    pub fn of(text: &str) -> Pieces {
        let lines: Vec<&str> = text.split_inclusive('\n').collect();
        let begins = |line: &&str| line.trim_start().starts_with("[[step]]");
        let is_comment = |line: &&str| line.starts_with('#');
        let mut starts = Vec::new();
        for at in (0..lines.len()).filter(|at| begins(&lines[*at])) {
            let comments = lines[..at].iter().rev().take_while(|line| is_comment(line));
            starts.push(at - comments.count());
        }
        let ends = starts.iter().skip(1).copied().chain([lines.len()]);
        let pieces = starts.iter().zip(ends);
        Pieces {
            head: lines[..starts.first().copied().unwrap_or(lines.len())].concat(),
            steps: pieces.map(|(from, to)| lines[*from..to].concat()).collect(),
        }
    }

    /// The file again.
    pub fn text(&self) -> String {
        format!("{}{}", self.head, self.steps.concat())
    }
}

/// Knows which line it reads.
struct Reader<'a> {
    text: &'a str,
    cluster: &'a [NodeName],
}

type Value<'a> = Spanned<DeValue<'a>>;

impl Reader<'_> {
    fn error(&self, at: &Range<usize>, message: impl Into<String>) -> StepsError {
        let before = self.text.get(..at.start).unwrap_or(self.text);
        StepsError {
            line: before.matches('\n').count() + 1,
            message: message.into(),
        }
    }

    fn story(&self, table: &Spanned<DeTable<'_>>) -> Result<Story, StepsError> {
        self.refuse_unknown(table.get_ref(), &KEYS)?;
        let repeat = match table.get_ref().get("repeat") {
            Some(value) => self.repeat(value)?,
            None => 1,
        };
        let Some(steps) = table.get_ref().get("step") else {
            return Err(self.error(&(0..0), "there is no step: write [[step]] and what it does"));
        };
        let mut read = Vec::<(usize, StoryStep)>::new();
        for (number, value) in (1..).zip(self.tables(steps)?) {
            let before = read.last().map(|(_, step)| step.name.clone());
            let step = self.step(value.0, number, before)?;
            read.push((value.1.start, step));
        }
        if read.is_empty() {
            return Err(self.error(&steps.span(), "there is no step: write [[step]]"));
        }
        let steps: Vec<StoryStep> = read.iter().map(|(_, step)| step.clone()).collect();
        check(&steps).map_err(|(number, wrong)| {
            let start = read[number].0;
            self.error(
                &(start..start),
                format!("step {}: {wrong}", steps[number].name),
            )
        })?;
        Ok(Story { repeat, steps })
    }

    fn repeat(&self, value: &Value<'_>) -> Result<u32, StepsError> {
        let number = value.get_ref().as_integer();
        let number = number.and_then(|number| number.as_str().parse().ok());
        number
            .filter(|times| (1..=MOST_TELLINGS).contains(times))
            .ok_or_else(|| {
                let message = format!("repeat is a number from 1 to {MOST_TELLINGS}");
                self.error(&value.span(), message)
            })
    }

    fn tables<'v, 'i>(
        &self,
        steps: &'v Value<'i>,
    ) -> Result<Vec<(&'v DeTable<'i>, Range<usize>)>, StepsError> {
        let wrong = || {
            self.error(
                &steps.span(),
                "steps begin with [[step]], in double brackets",
            )
        };
        let array = steps.get_ref().as_array().ok_or_else(wrong)?;
        let table = |value: &'v Value<'i>| {
            let table = value.get_ref().as_table().ok_or_else(wrong)?;
            Ok((table, value.span()))
        };
        array.iter().map(table).collect()
    }

    fn step(
        &self,
        table: &DeTable<'_>,
        number: usize,
        before: Option<String>,
    ) -> Result<StoryStep, StepsError> {
        self.refuse_unknown(table, &STEP_KEYS)?;
        let name = self.one(table, "name", step_name)?;
        let acts = self.all(table, "do", |text| {
            let act = Act::read(text, self.cluster)?;
            act.senseless().map(|()| act)
        })?;
        let usual = before.map(Moment::Ended).into_iter().collect();
        let after = match table.get("after") {
            Some(_) => self.all(table, "after", after)?,
            None => vec![usual],
        };
        Ok(StoryStep {
            name: name.unwrap_or_else(|| number.to_string()),
            after: after.into_iter().flatten().collect(),
            when: self.all(table, "when", |text| Condition::read(text, self.cluster))?,
            wait: self.one(table, "wait", span)?.unwrap_or(Span::NONE),
            bind: self.all(table, "bind", |text| binding(text, self.cluster))?,
            end: self.end(table, &acts)?,
            acts,
            limit: self.one(table, "limit", limit)?.unwrap_or(LIMIT),
        })
    }

    fn end(&self, table: &DeTable<'_>, acts: &[Act]) -> Result<End, StepsError> {
        let lasts = self.one(table, "for", span)?;
        let until = self.all(table, "until", |text| Condition::read(text, self.cluster))?;
        let at = |key: &str| table.get(key).map_or(0..0, Spanned::span);
        let must_end = acts.iter().any(|act| !act.is_over_at_once());
        match (lasts, until.is_empty()) {
            (Some(_), false) => Err(self.error(
                &at("for"),
                "a step has either for or until; until \"… or 2s passed\" says both",
            )),
            (Some(_), true) if !must_end => Err(self.error(
                &at("for"),
                "nothing lasts here: leave out for, or write wait",
            )),
            (None, false) if !must_end => Err(self.error(
                &at("until"),
                "nothing lasts here: write the conditions into when of the next step",
            )),
            (None, true) if must_end => Err(self.error(
                &at("do"),
                "say when it ends, as in for = \"2s\" or until = \"others 200 ahead of L\"",
            )),
            (Some(span), true) => Ok(End::After(span)),
            (None, true) => Ok(End::After(Span::NONE)),
            (None, false) => Ok(End::Until(until)),
        }
    }

    fn refuse_unknown(&self, table: &DeTable<'_>, known: &[&str]) -> Result<(), StepsError> {
        match table
            .keys()
            .find(|key| !known.contains(&key.get_ref().as_ref()))
        {
            Some(key) => Err(self.error(
                &key.span(),
                format!(
                    "{:?} is not known here: use {}",
                    key.get_ref(),
                    known.join(", ")
                ),
            )),
            None => Ok(()),
        }
    }

    /// What stands behind a key: one text.
    fn one<T>(
        &self,
        table: &DeTable<'_>,
        key: &str,
        read: impl Fn(&str) -> Result<T, Wrong>,
    ) -> Result<Option<T>, StepsError> {
        let mut all = self.all(table, key, read)?;
        match (all.len(), table.get(key)) {
            (0 | 1, _) | (_, None) => Ok(all.pop()),
            (_, Some(value)) => Err(self.error(&value.span(), format!("{key} is one text"))),
        }
    }

    /// The same: one text, or a list of them.
    fn all<T>(
        &self,
        table: &DeTable<'_>,
        key: &str,
        read: impl Fn(&str) -> Result<T, Wrong>,
    ) -> Result<Vec<T>, StepsError> {
        let Some(value) = table.get(key) else {
            return Ok(Vec::new());
        };
        let texts: Vec<&Value<'_>> = match value.get_ref().as_array() {
            Some(array) => array.iter().collect(),
            None => vec![value],
        };
        let read_one = |value: &&Value<'_>| {
            let Some(text) = value.get_ref().as_str() else {
                let message = format!("{key} is a text in quotes, or a list of them");
                return Err(self.error(&value.span(), message));
            };
            let named =
                |wrong: Wrong| self.error(&value.span(), format!("{key} = {text:?}: {wrong}"));
            read(text).map_err(named)
        };
        texts.iter().map(read_one).collect()
    }
}

fn step_name(text: &str) -> Result<String, Wrong> {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    match !text.is_empty() && text.chars().all(allowed) && text != "start" {
        true => Ok(text.to_owned()),
        false => wrong("names of steps are lower-case letters, digits and -"),
    }
}

fn span(text: &str) -> Result<Span, Wrong> {
    let span = Span::read(text);
    span.ok_or_else(|| Wrong("write a time such as 2s, 300ms or 15ms..25ms".to_owned()))
}

fn limit(text: &str) -> Result<Duration, Wrong> {
    let limit = duration(text).filter(|limit| !limit.is_zero());
    limit.ok_or_else(|| Wrong("write a time such as 10s".to_owned()))
}

/// `start`, `cut begun`, `cut ended`.
fn after(text: &str) -> Result<Vec<Moment>, Wrong> {
    let mut words = Words::new(text);
    if words.accept(&["start"]) {
        return words.end().map(|()| Vec::new());
    }
    let moment = read_moment(&mut words)?;
    words.end().map(|()| vec![moment])
}

/// `L = leader`.
fn binding(text: &str, cluster: &[NodeName]) -> Result<(String, Nodes), Wrong> {
    let Some((name, nodes)) = text.split_once('=') else {
        return wrong("give a name to nodes, as in L = leader");
    };
    let name = name.trim();
    if !is_bound_name(name) {
        return wrong(format!(
            "{name:?}: names of nodes begin with a capital letter, as in L"
        ));
    }
    let mut words = Words::new(nodes);
    let nodes = Nodes::read(&mut words, cluster)?;
    words.end()?;
    match nodes.needs_opposite() {
        true => wrong("whom are the others opposite to? write all but and their names"),
        false => Ok((name.to_owned(), nodes)),
    }
}
