//! Which runs are meant, as a query that can be shared as a link.

use super::entry::Entry;
use super::link::encoded;

/// What a run must have to be meant; an empty text asks for nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// The verdict, by its word.
    pub verdict: String,
    /// One of the five answers, by its word.
    pub answer: String,
    /// A class of anomaly.
    pub class: String,
    /// The workload.
    pub workload: String,
    /// A kind of fault.
    pub nemesis: String,
    /// A planted bug.
    pub bug: String,
    /// The seed.
    pub seed: String,
    /// The folder of the collection, and what is below it.
    pub collection: String,
    /// Words that stand somewhere in what is known of the run, in any case of letters.
    pub text: String,
}

impl Filter {
    /// What a query asks for; of a name that comes twice the last counts, and names that are not known ask for nothing.
    #[must_use]
    pub fn of_query(pairs: &[(String, String)]) -> Self {
        let mut filter = Filter::default();
        for (name, value) in pairs {
            if let Some(field) = filter.field(name) {
                value.trim().clone_into(field);
            }
        }
        filter
    }

    fn field(&mut self, name: &str) -> Option<&mut String> {
        Some(match name {
            "verdict" => &mut self.verdict,
            "answer" => &mut self.answer,
            "class" => &mut self.class,
            "workload" => &mut self.workload,
            "nemesis" => &mut self.nemesis,
            "bug" => &mut self.bug,
            "seed" => &mut self.seed,
            "in" => &mut self.collection,
            "q" => &mut self.text,
            _ => return None,
        })
    }

    fn named(&self) -> [(&'static str, &str); 9] {
        [
            ("verdict", &self.verdict),
            ("answer", &self.answer),
            ("class", &self.class),
            ("workload", &self.workload),
            ("nemesis", &self.nemesis),
            ("bug", &self.bug),
            ("seed", &self.seed),
            ("in", &self.collection),
            ("q", &self.text),
        ]
    }

    /// The query that asks for this, without `?`.
    #[must_use]
    pub fn query(&self) -> String {
        let asked = self.named().into_iter();
        let asked = asked.filter(|(_, value)| !value.is_empty());
        let pairs: Vec<String> = asked
            .map(|(name, value)| format!("{name}={}", encoded(value)))
            .collect();
        pairs.join("&")
    }

    /// Nothing is asked for.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Filter::default()
    }

    /// Is this run meant?
    #[must_use]
    pub fn admits(&self, entry: &Entry) -> bool {
        asks(&self.verdict, |word| entry.verdict().name() == word)
            && asks(&self.answer, |word| {
                let judged = entry.judged();
                judged.is_some_and(|judged| judged.answers.iter().any(|one| one.word == word))
            })
            && asks(&self.class, |class| {
                let judged = entry.judged();
                judged.is_some_and(|judged| judged.classes.iter().any(|one| one == class))
            })
            && self.admits_plan(entry)
            && asks(&self.collection, |folder| {
                let rest = entry.collection().strip_prefix(folder);
                rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            })
            && asks(&self.text, |text| mentions(entry, text))
    }

    fn admits_plan(&self, entry: &Entry) -> bool {
        let plan = entry.plan();
        let is = |asked: &str, has: &dyn Fn(&super::Plan, &str) -> bool| {
            asks(asked, |asked| plan.is_some_and(|plan| has(plan, asked)))
        };
        is(&self.workload, &|plan, name| plan.workload == name)
            && is(&self.nemesis, &|plan, kind| match kind {
                "none" => plan.nemesis.is_empty(),
                kind => plan.nemesis.iter().any(|one| one == kind),
            })
            && is(&self.bug, &|plan, bug| match bug {
                "none" => plan.bugs.is_empty(),
                bug => plan.bugs.iter().any(|one| one == bug),
            })
            && is(&self.seed, &|plan, seed| {
                plan.seed.is_some_and(|number| number.to_string() == seed)
            })
    }
}

fn asks(asked: &str, holds: impl FnOnce(&str) -> bool) -> bool {
    asked.is_empty() || holds(asked)
}

/// Does every word of `text` stand somewhere in what is known of the run?
fn mentions(entry: &Entry, text: &str) -> bool {
    let mut known = format!("{} {} {}", entry.id, entry.started, entry.verdict().name());
    let mut add = |more: &str| {
        known.push(' ');
        known.push_str(more);
    };
    if let Some(plan) = entry.plan() {
        add(&plan.command);
        plan.bugs.iter().for_each(|bug| add(bug));
    }
    if let Some(judged) = entry.judged() {
        add(&judged.title);
        judged.classes.iter().for_each(|class| add(class));
        judged.answers.iter().for_each(|answer| add(answer.word));
    }
    if let super::State::Broken(reason) = &entry.state {
        add(reason);
    }
    let known = known.to_lowercase();
    let text = text.to_lowercase();
    text.split_whitespace().all(|word| known.contains(word))
}

#[cfg(test)]
mod tests {
    use super::super::{Plan, State};
    use super::*;

    fn unfinished() -> Entry {
        let plan = Plan {
            workload: "register".to_owned(),
            nemesis: vec!["partition".to_owned(), "kill".to_owned()],
            seed: Some(42),
            bugs: vec!["read-no-quorum".to_owned()],
            command: "adrasteia run --nodes 3".to_owned(),
        };
        Entry {
            id: "nightly/one/register-partition+kill-42/20261121T140754.034Z".to_owned(),
            started: "2026-11-21T14:07:54.034Z".to_owned(),
            state: State::Unfinished(plan),
        }
    }

    fn filter(name: &str, value: &str) -> Filter {
        Filter::of_query(&[(name.to_owned(), value.to_owned())])
    }

    #[test]
    fn each_question_tells_runs_apart() {
        let rows = [
            ("verdict", "unfinished", "pass"),
            ("workload", "register", "txn"),
            ("nemesis", "kill", "none"),
            ("bug", "read-no-quorum", "none"),
            ("seed", "42", "4"),
            ("in", "nightly", "night"),
            ("in", "nightly/one", "nightly/one/two"),
            ("q", "QUORUM nodes  2026-11-21", "quorum absent"),
        ];
        for (name, yes, no) in rows {
            assert!(filter(name, yes).admits(&unfinished()), "{name}={yes}");
            assert!(!filter(name, no).admits(&unfinished()), "{name}={no}");
        }
        for name in ["answer", "class"] {
            assert!(!filter(name, "valid").admits(&unfinished()), "{name}");
        }
        assert!(Filter::default().admits(&unfinished()));
        assert!(filter("unheard-of", "x").is_empty());
    }

    #[test]
    fn what_cannot_be_read_is_found_by_its_reason_only() {
        let state = State::Broken("version 9".to_owned());
        let broken = Entry {
            state,
            ..unfinished()
        };
        assert!(filter("q", "version 9").admits(&broken));
        assert!(filter("verdict", "broken").admits(&broken));
        for (name, value) in [("nemesis", "none"), ("bug", "none"), ("seed", "42")] {
            assert!(!filter(name, value).admits(&broken), "{name}");
        }
    }

    #[test]
    fn a_query_and_its_filter_are_the_same() {
        let pairs = [("q", "a&b=c +%"), ("bug", "é"), ("verdict", "")];
        let pairs = pairs.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let filter = Filter::of_query(&pairs);
        assert_eq!(filter.query(), "bug=%C3%A9&q=a%26b%3Dc%20%2B%25");
    }
}
