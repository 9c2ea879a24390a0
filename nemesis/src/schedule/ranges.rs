//! The ranges that were chosen for the numbers of faults. As text: `delay=10ms..50ms,loss=1%`; both ends belong to it, and
//! one number is a range of its own.

use super::FaultKind;
use super::parameter::{Parameter, UnknownParameter};
use std::collections::BTreeMap;
use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;

/// From where each number of a fault is drawn; where nothing was chosen, from its usual range.
///
/// Invariant: every chosen range is within the bounds of its parameter, and not empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ranges {
    chosen: BTreeMap<Parameter, (u64, u64)>,
}

/// Why ranges cannot be read, or do not fit a run.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RangeError {
    /// It is for a number that there is not.
    #[error(transparent)]
    Unknown(#[from] UnknownParameter),
    /// There is no range.
    #[error("{0:?} is no range: write it as in {example}", example = example(Parameter::Delay))]
    NoRange(String),
    /// It is not in the unit of its parameter.
    #[error("{parameter}={text}: write it as in {}", example(*.parameter))]
    NotInUnit {
        /// Of this.
        parameter: Parameter,
        /// What was written.
        text: String,
    },
    /// Its end is before its start.
    #[error("{parameter}={text} ends before it begins: write the smaller number first")]
    Backwards {
        /// Of this.
        parameter: Parameter,
        /// What was written.
        text: String,
    },
    /// It makes no sense.
    #[error("{parameter}={text} makes no sense: stay within {}", shown(*.parameter, .parameter.bounds()))]
    OutOfBounds {
        /// Of this.
        parameter: Parameter,
        /// What was written.
        text: String,
    },
    /// It was given twice.
    #[error("{0} has two ranges: leave one out")]
    Twice(Parameter),
    /// It is for a fault that does not happen.
    #[error("{0} is a number of {kind}, which is no fault of this run: ask for {kind} as well, or leave the range out", kind = .0.kind())]
    NotAsked(Parameter),
}

impl Ranges {
    /// The range of a parameter, in its unit.
    pub(super) fn of<T: TryFrom<u64, Error: fmt::Debug>>(
        &self,
        parameter: Parameter,
    ) -> RangeInclusive<T> {
        let chosen = self.chosen.get(&parameter).copied();
        let (least, most) = chosen.unwrap_or_else(|| parameter.usual());
        let fits = |count: u64| T::try_from(count).expect("bounds fit the type of their number");
        fits(least)..=fits(most)
    }

    /// True when nothing was chosen.
    pub fn is_empty(&self) -> bool {
        self.chosen.is_empty()
    }

    /// Whether every range is of one of these `kinds`.
    ///
    /// # Errors
    /// [`RangeError::NotAsked`] with the first that is not.
    pub fn check(&self, kinds: &[FaultKind]) -> Result<(), RangeError> {
        let mut chosen = self.chosen.keys();
        match chosen.find(|parameter| !kinds.contains(&parameter.kind())) {
            Some(parameter) => Err(RangeError::NotAsked(*parameter)),
            None => Ok(()),
        }
    }
}

impl Parameter {
    /// The range from which it comes where nothing was chosen, as it is typed: `delay=50ms..500ms`.
    pub fn usual_range(self) -> String {
        example(self)
    }
}

fn example(parameter: Parameter) -> String {
    format!("{parameter}={}", shown(parameter, parameter.usual()))
}

fn shown(parameter: Parameter, (least, most): (u64, u64)) -> String {
    let unit = parameter.unit();
    match least == most {
        true => unit.write(least),
        false => format!("{}..{}", unit.write(least), unit.write(most)),
    }
}

fn read(parameter: Parameter, text: &str) -> Result<(u64, u64), RangeError> {
    let (first, last) = text.split_once("..").unwrap_or((text, text));
    let number = |text: &str| parameter.unit().read(text.trim());
    let text = || text.to_owned();
    let (Some(least), Some(most)) = (number(first), number(last)) else {
        let text = text();
        return Err(RangeError::NotInUnit { parameter, text });
    };
    if most < least {
        let text = text();
        return Err(RangeError::Backwards { parameter, text });
    }
    let (lowest, highest) = parameter.bounds();
    if least < lowest || most > highest {
        let text = text();
        return Err(RangeError::OutOfBounds { parameter, text });
    }
    Ok((least, most))
}

impl FromStr for Ranges {
    type Err = RangeError;

    fn from_str(text: &str) -> Result<Ranges, RangeError> {
        let mut chosen = BTreeMap::new();
        for item in text.split(',') {
            let (name, range) = item
                .split_once('=')
                .ok_or_else(|| RangeError::NoRange(item.to_owned()))?;
            let parameter = name.trim().parse::<Parameter>()?;
            if chosen
                .insert(parameter, read(parameter, range.trim())?)
                .is_some()
            {
                return Err(RangeError::Twice(parameter));
            }
        }
        Ok(Ranges { chosen })
    }
}

impl fmt::Display for Ranges {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let chosen = self.chosen.iter();
        let items: Vec<String> = chosen
            .map(|(parameter, range)| format!("{parameter}={}", shown(*parameter, *range)))
            .collect();
        f.write_str(&items.join(","))
    }
}
