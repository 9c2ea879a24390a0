//! What is remembered of a run so that a thousand of them can be listed.

use crate::answers::{self, Tone};
use crate::ci::{FailureClass, detected_ns};
use crate::result::{Counts, RunResult};

/// Most classes of anomalies that are remembered of one run.
const MAX_CLASSES: usize = 8;

/// A run folder, as a list has it.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// The path of the run folder below the folder that is served, with `/` between its parts.
    pub id: String,
    /// When it began: RFC 3339 in UTC, to the millisecond.
    pub started: String,
    /// What is known of it.
    pub state: State,
}

/// What is known of a run.
#[derive(Clone, Debug, PartialEq)]
pub enum State {
    /// It ended and has a result.
    Judged(Box<Judged>),
    /// Somebody is writing it.
    UnderWay(Plan),
    /// Nobody writes it any more, and it has no result.
    Unfinished(Plan),
    /// It cannot be read, for this reason.
    Broken(String),
}

/// What was asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// The workload's name.
    pub workload: String,
    /// The kinds of faults.
    pub nemesis: Vec<String>,
    /// The seed of all choices.
    pub seed: Option<u64>,
    /// Planted bugs.
    pub bugs: Vec<String>,
    /// The command line that makes it again.
    pub command: String,
}

/// A result, cut down to what a list shows.
#[derive(Clone, Debug, PartialEq)]
pub struct Judged {
    /// What was asked for.
    pub plan: Plan,
    /// The kind of failure; none of a pass.
    pub failure: Option<FailureClass>,
    /// The verdict in one phrase.
    pub title: String,
    /// The classes of its anomalies, each once, clearest first.
    pub classes: Vec<String>,
    /// Completed operations by outcome.
    pub operations: Counts,
    /// How long it took.
    pub duration_ns: u64,
    /// When it was known that the system does wrong, from the start of the run.
    pub detected_ns: Option<u64>,
    pub(crate) answers: [Word; 5],
}

/// One of the five answers, in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Word {
    pub(crate) question: &'static str,
    pub(crate) word: &'static str,
    pub(crate) tone: Tone,
}

/// The verdict on a run, in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict {
    /// It did what was asked of it.
    Pass,
    /// It did not.
    Failure(FailureClass),
    /// It is not over.
    UnderWay,
    /// It ended without a result.
    Unfinished,
    /// It cannot be read.
    Broken,
}

impl Verdict {
    /// Every verdict, the commonest first.
    pub fn all() -> impl Iterator<Item = Verdict> {
        let failures = FailureClass::ALL.into_iter().map(Verdict::Failure);
        let rest = [Verdict::UnderWay, Verdict::Unfinished, Verdict::Broken];
        std::iter::once(Verdict::Pass).chain(failures).chain(rest)
    }

    /// The word for it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Verdict::Pass => "pass",
            Verdict::Failure(class) => class.name(),
            Verdict::UnderWay => "under way",
            Verdict::Unfinished => "unfinished",
            Verdict::Broken => "broken",
        }
    }

    pub(crate) fn tone(self) -> Tone {
        match self {
            Verdict::Pass => Tone::Good,
            Verdict::Failure(class) if class.is_of_the_system() => Tone::Bad,
            Verdict::Failure(_) | Verdict::Broken => Tone::Caution,
            Verdict::UnderWay | Verdict::Unfinished => Tone::Neutral,
        }
    }
}

impl Entry {
    /// The verdict in one word.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        match &self.state {
            State::Judged(judged) => judged.failure.map_or(Verdict::Pass, Verdict::Failure),
            State::UnderWay(_) => Verdict::UnderWay,
            State::Unfinished(_) => Verdict::Unfinished,
            State::Broken(_) => Verdict::Broken,
        }
    }

    /// What was asked for, as far as it is known.
    #[must_use]
    pub fn plan(&self) -> Option<&Plan> {
        match &self.state {
            State::Judged(judged) => Some(&judged.plan),
            State::UnderWay(plan) | State::Unfinished(plan) => Some(plan),
            State::Broken(_) => None,
        }
    }

    /// The result, if there is one.
    #[must_use]
    pub fn judged(&self) -> Option<&Judged> {
        match &self.state {
            State::Judged(judged) => Some(judged),
            State::UnderWay(_) | State::Unfinished(_) | State::Broken(_) => None,
        }
    }

    /// The folder of the collection it belongs to: what stands before `<time>`, or before `<workload>-<nemesis>-<seed>/<time>`.
    /// Empty for the folder that is served.
    #[must_use]
    pub fn collection(&self) -> &str {
        let Some((folder, _)) = self.id.rsplit_once('/') else {
            return "";
        };
        let (before, name) = folder.rsplit_once('/').unwrap_or(("", folder));
        let seed = name.rsplit_once('-').map(|(_, seed)| seed);
        let is_of_one_seed = seed
            .is_some_and(|seed| !seed.is_empty() && seed.bytes().all(|byte| byte.is_ascii_digit()));
        if is_of_one_seed { before } else { folder }
    }
}

impl Judged {
    /// What a list shows of this result.
    #[must_use]
    pub fn of(result: &RunResult) -> Self {
        let mut classes: Vec<String> = Vec::new();
        for anomaly in &result.anomalies {
            if classes.len() < MAX_CLASSES && !classes.contains(&anomaly.class) {
                classes.push(anomaly.class.clone());
            }
        }
        Judged {
            plan: Plan {
                workload: result.workload.clone(),
                nemesis: result.nemesis.clone(),
                seed: Some(result.seed),
                bugs: result.bugs.clone(),
                command: result.command.clone(),
            },
            failure: FailureClass::of(result),
            title: answers::headline(result).title,
            classes,
            operations: result.operations,
            duration_ns: result.duration_ns,
            detected_ns: detected_ns(result),
            answers: answers::five(result).map(|answer| Word {
                question: answer.question,
                word: answer.word,
                tone: answer.tone,
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_collection_is_what_stands_before_a_run() {
        let rows = [
            ("register-none-1/20261121T140754.034Z", ""),
            ("20261121T140754.034Z", ""),
            ("campaign/20261121T140754.034Z", "campaign"),
            ("a/campaign-x/20261121T140754.034Z", "a/campaign-x"),
            (
                "matrix/found/register-none-1/20261121T140754.034Z",
                "matrix/found",
            ),
        ];
        for (id, expected) in rows {
            let state = State::Broken(String::new());
            let entry = Entry {
                id: id.to_owned(),
                started: String::new(),
                state,
            };
            assert_eq!(entry.collection(), expected, "{id}");
        }
    }

    #[test]
    fn verdicts_have_names_of_their_own() {
        let mut names: Vec<&str> = Verdict::all().map(Verdict::name).collect();
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!((names.len(), count), (11, 11));
    }
}
