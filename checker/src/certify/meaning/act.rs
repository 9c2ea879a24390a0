//! What an operation does in one moment.

use std::collections::BTreeSet;

use crate::value::Value;

/// One of the registers of an object, `None` if it has only one.
pub(crate) type RegisterName<'h> = Option<&'h Value>;

/// What an operation does in one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Act<'h> {
    /// Reads and writes, one after the other.
    Parts(Vec<Part<'h>>),
    /// Something with a text.
    Text(Edit<'h>),
    /// Something with one element of a set.
    Element(Element<'h>),
    /// These are all elements of the set.
    Listing(BTreeSet<&'h Value>),
    /// A value is put into a queue or on a stack.
    Put(&'h Value),
    /// A value is taken out of it.
    Take(Taken<'h>),
    /// So much is added.
    Add(i128),
    /// The sum is this.
    Total(i128),
    /// Reads of and appends to lists, one after the other.
    Lists(Vec<ListPart<'h>>),
    /// Nothing is done and nothing is known.
    Silent,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part<'h> {
    Read(RegisterName<'h>, &'h Value),
    Write(RegisterName<'h>, &'h Value),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Edit<'h> {
    Put(&'h str),
    Append(&'h str),
    Get(&'h str),
    /// A get without an answer.
    Nothing,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Element<'h> {
    pub(crate) value: &'h Value,
    /// Whether it was there, if that was seen.
    pub(crate) was: Option<bool>,
    /// Whether it is there from now on, if that was to change.
    pub(crate) becomes: Option<bool>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Taken<'h> {
    This(&'h Value),
    /// Nobody knows what.
    Something,
    /// There was nothing, or it was nil.
    Nil,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ListPart<'h> {
    Read(&'h Value, &'h [Value]),
    /// A read without an answer.
    Look(&'h Value),
    Append(&'h Value, &'h Value),
}

impl<'h> Act<'h> {
    /// The value that is put in or taken out, or the element.
    pub(crate) fn value(&self) -> Option<&'h Value> {
        match *self {
            Self::Put(value) | Self::Take(Taken::This(value)) => Some(value),
            Self::Element(Element { value, .. }) => Some(value),
            Self::Parts(_)
            | Self::Text(_)
            | Self::Listing(_)
            | Self::Take(Taken::Something | Taken::Nil)
            | Self::Add(_)
            | Self::Total(_)
            | Self::Lists(_)
            | Self::Silent => None,
        }
    }

    /// Whether it changes anything.
    pub(crate) fn is_mutation(&self) -> bool {
        match self {
            Self::Parts(parts) => parts.iter().any(|part| matches!(part, Part::Write(..))),
            Self::Text(Edit::Put(_) | Edit::Append(_)) | Self::Put(_) => true,
            Self::Take(Taken::This(_) | Taken::Something | Taken::Nil) => true,
            Self::Element(element) => element.becomes.is_some() && element.becomes != element.was,
            Self::Add(amount) => *amount != 0,
            Self::Lists(parts) => parts
                .iter()
                .any(|part| matches!(part, ListPart::Append(..))),
            Self::Text(Edit::Get(_) | Edit::Nothing) => false,
            Self::Listing(_) | Self::Total(_) | Self::Silent => false,
        }
    }

    /// Whether it depends on what was there.
    pub(crate) fn is_observation(&self) -> bool {
        match self {
            Self::Parts(parts) => parts.iter().any(|part| matches!(part, Part::Read(..))),
            Self::Text(Edit::Get(_)) | Self::Listing(_) | Self::Total(_) => true,
            Self::Take(Taken::This(_) | Taken::Nil) => true,
            Self::Element(element) => element.was.is_some(),
            Self::Lists(parts) => parts.iter().any(|part| matches!(part, ListPart::Read(..))),
            Self::Text(Edit::Put(_) | Edit::Append(_) | Edit::Nothing) => false,
            Self::Take(Taken::Something) | Self::Put(_) | Self::Add(_) | Self::Silent => false,
        }
    }

    /// What is left if only its writes count.
    pub(crate) fn write_only(&self) -> Self {
        match self {
            Self::Parts(parts) => {
                let writes = parts.iter().filter(|part| matches!(part, Part::Write(..)));
                Self::Parts(writes.copied().collect())
            }
            Self::Element(element) => Self::Element(Element {
                was: None,
                ..*element
            }),
            Self::Lists(parts) => {
                let appends = parts
                    .iter()
                    .filter(|part| matches!(part, ListPart::Append(..)));
                Self::Lists(appends.copied().collect())
            }
            Self::Text(_)
            | Self::Listing(_)
            | Self::Put(_)
            | Self::Take(_)
            | Self::Add(_)
            | Self::Total(_)
            | Self::Silent => self.clone(),
        }
    }

    /// What is left if nobody knows the answer.
    pub(crate) fn unanswered(&self) -> Self {
        match self {
            Self::Take(_) => Self::Take(Taken::Something),
            Self::Listing(_) | Self::Total(_) | Self::Silent => Self::Silent,
            Self::Text(Edit::Get(_) | Edit::Nothing) => Self::Text(Edit::Nothing),
            Self::Parts(_)
            | Self::Text(Edit::Put(_) | Edit::Append(_))
            | Self::Element(_)
            | Self::Put(_)
            | Self::Add(_)
            | Self::Lists(_) => self.write_only(),
        }
    }
}
