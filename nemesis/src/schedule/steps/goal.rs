//! Numbers in phrases: what is counted and how far, and stretches of time.

use super::view::Seen;
use rand::{Rng, RngExt};
use std::fmt;
use std::time::Duration;

/// Something of a node that is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// Its term.
    Term,
    /// Entries it knows to be committed.
    Commit,
    /// Entries it has applied.
    Applied,
    /// Entries in its log.
    Log,
    /// Operations it acknowledged to clients.
    Acknowledged,
}

/// How far a number has to come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Goal {
    /// So much more than when the wait began.
    More(u64),
    /// So much.
    AtLeast(u64),
}

/// A length of time, drawn from a range where it is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    from: Duration,
    to: Duration,
}

impl Field {
    const ALL: [Field; 5] = [
        Field::Term,
        Field::Commit,
        Field::Applied,
        Field::Log,
        Field::Acknowledged,
    ];

    pub(super) fn named(word: &str) -> Option<Field> {
        let word = if word == "committed" { "commit" } else { word };
        Field::ALL.into_iter().find(|field| field.name() == word)
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Field::Term => "term",
            Field::Commit => "commit",
            Field::Applied => "applied",
            Field::Log => "log",
            Field::Acknowledged => "acknowledged",
        }
    }

    /// It of a node; none where the node does not say.
    pub(super) fn of(self, seen: &Seen) -> Option<u64> {
        match self {
            Field::Term => seen.said.term,
            Field::Commit => seen.said.commit,
            Field::Applied => seen.said.applied,
            Field::Log => seen.said.log,
            Field::Acknowledged => Some(seen.acknowledged),
        }
    }
}

impl Goal {
    pub(super) fn read(word: &str) -> Option<Goal> {
        match word.strip_prefix('+') {
            Some(more) => more.parse().ok().map(Goal::More),
            None => word.parse().ok().map(Goal::AtLeast),
        }
    }

    /// Whether a number that was `before` has come far enough.
    pub(super) fn is_reached(self, now: u64, before: u64) -> bool {
        match self {
            Goal::More(more) => now >= before.saturating_add(more),
            Goal::AtLeast(least) => now >= least,
        }
    }
}

impl Span {
    /// No time at all.
    pub(super) const NONE: Span = Span {
        from: Duration::ZERO,
        to: Duration::ZERO,
    };

    /// `2s`, or `15ms..25ms`.
    pub(super) fn read(text: &str) -> Option<Span> {
        let (from, to) = text.split_once("..").unwrap_or((text, text));
        let (from, to) = (duration(from)?, duration(to)?);
        (from <= to).then_some(Span { from, to })
    }

    /// Whether it is no time at all.
    pub fn is_none(self) -> bool {
        self == Span::NONE
    }

    /// One length out of it.
    pub fn draw(self, rng: &mut impl Rng) -> Duration {
        let micros = |time: Duration| u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        Duration::from_micros(rng.random_range(micros(self.from)..=micros(self.to)))
    }
}

/// `300ms`, `2s`.
pub(super) fn duration(text: &str) -> Option<Duration> {
    humantime::parse_duration(text.trim()).ok()
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = humantime::format_duration;
        match self.from == self.to {
            true => write!(f, "{}", shown(self.from)),
            false => write!(f, "{} to {}", shown(self.from), shown(self.to)),
        }
    }
}
