//! Phrases that hold or do not: `L leads`, `n1 commit +100`, `others 200 ahead of L`, `step cut begun`.

use super::goal::{Field, Goal, duration};
use super::nodes::{Nodes, Scene};
use super::view::{Moment, View};
use super::words::{Words, Wrong, wrong};
use crate::NodeName;
use std::collections::BTreeSet;
use std::fmt;
use std::time::Duration;

/// Something that holds or does not.
///
/// Of `L F`, each must do it; of `one of followers`, one of them; of `acknowledged`, what they did is added up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condition {
    /// One of these is enough.
    tests: Vec<Test>,
    words: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Test {
    pub(super) not: bool,
    pub(super) of: Fact,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fact {
    Leads(Nodes),
    Role(Nodes, String),
    Answers(Nodes),
    Reached(Option<Nodes>, Field, Goal),
    Ahead {
        front: Nodes,
        by: u64,
        back: Nodes,
        field: Field,
    },
    Passed(Duration),
    At(Duration),
    Step(Moment),
}

/// Whether something holds, and what was seen.
type Holds = Result<String, String>;

impl Condition {
    pub(super) fn read(phrase: &str, cluster: &[NodeName]) -> Result<Condition, Wrong> {
        let mut words = Words::new(phrase);
        let mut tests = vec![Test::read(&mut words, cluster)?];
        while words.accept(&["or"]) {
            tests.push(Test::read(&mut words, cluster)?);
        }
        words.end()?;
        let words = phrase.split_whitespace().collect::<Vec<_>>().join(" ");
        Ok(Condition { tests, words })
    }

    /// Its one test, unless it has several.
    pub(super) fn single(&self) -> Option<&Test> {
        match self.tests.as_slice() {
            [test] => Some(test),
            _ => None,
        }
    }

    pub(super) fn facts(&self) -> impl Iterator<Item = &Fact> {
        self.tests.iter().map(|test| &test.of)
    }

    /// Whether it holds in a scene, when it was waited for since `before`.
    ///
    /// # Errors
    /// What was seen instead.
    pub fn holds(&self, scene: Scene<'_>, before: &View) -> Holds {
        let mut seen = Vec::new();
        for test in &self.tests {
            match test.holds(scene, before) {
                Ok(values) => return Ok(values),
                Err(values) => seen.push(values),
            }
        }
        Err(seen.join("; "))
    }
}

impl Test {
    fn read(words: &mut Words, cluster: &[NodeName]) -> Result<Test, Wrong> {
        let not = words.accept(&["not"]);
        let of = Fact::read(words, cluster)?;
        Ok(Test { not, of })
    }

    fn holds(&self, scene: Scene<'_>, before: &View) -> Holds {
        let holds = self.of.holds(scene, before);
        match (self.not, holds) {
            (false, holds) => holds,
            (true, Ok(values)) => Err(values),
            (true, Err(values)) => Ok(values),
        }
    }
}

impl Fact {
    fn read(words: &mut Words, cluster: &[NodeName]) -> Result<Fact, Wrong> {
        if words.accept(&["at"]) {
            return words
                .take("a time, as in \"at 10s\",", duration)
                .map(Fact::At);
        }
        if words.accept(&["step"]) {
            return read_moment(words).map(Fact::Step);
        }
        if words.second() == Some("passed") {
            let time = words.take("a time, as in \"2s passed\",", duration)?;
            words.skip();
            return Ok(Fact::Passed(time));
        }
        if words.peek().and_then(Field::named).is_some() {
            return read_reached(words, None);
        }
        let nodes = Nodes::read(words, cluster)?;
        if words.accept(&["leads", "lead"]) {
            Ok(Fact::Leads(nodes))
        } else if words.accept(&["answers", "answer"]) {
            Ok(Fact::Answers(nodes))
        } else if words.accept(&["is", "are"]) {
            let role = |word: &str| Some(word.to_owned());
            Ok(Fact::Role(nodes, words.take("a role", role)?))
        } else if words.peek().and_then(Field::named).is_some() {
            read_reached(words, Some(nodes))
        } else {
            read_ahead(words, nodes, cluster)
        }
    }

    fn holds(&self, scene: Scene<'_>, before: &View) -> Holds {
        let view = scene.view;
        match self {
            Fact::Leads(nodes) => each(nodes, scene, |node| {
                let seen = match view.leader() {
                    Some(leader) => format!("{leader} leads"),
                    None => "nobody is known to lead".to_owned(),
                };
                told(view.leader() == Some(node), seen)
            }),
            Fact::Role(nodes, role) => each(nodes, scene, |node| {
                let seen = &view.nodes[node];
                let said = seen.said.role.as_deref().unwrap_or("nothing of its role");
                match seen.answers {
                    true => told(said == role, format!("{node} says {said}")),
                    false => Err(format!("{node} does not answer")),
                }
            }),
            Fact::Answers(nodes) => each(nodes, scene, |node| {
                let answers = view.nodes[node].answers;
                let verb = if answers {
                    "answers"
                } else {
                    "does not answer"
                };
                told(answers, format!("{node} {verb}"))
            }),
            Fact::Reached(None, field, goal) => reached_by_all(*field, *goal, view, before),
            Fact::Reached(Some(nodes), Field::Acknowledged, goal) => {
                let pool = nodes.pool(scene, &BTreeSet::new())?;
                let sum = |view: &View| pool.iter().map(|n| view.nodes[n].acknowledged).sum();
                reached(
                    &nodes.to_string(),
                    Field::Acknowledged,
                    *goal,
                    sum(view),
                    sum(before),
                )
            }
            Fact::Reached(Some(nodes), field, goal) => each(nodes, scene, |node| {
                let number = |view: &View| field.of(&view.nodes[node]);
                let now = number(view).ok_or_else(|| silent(node, *field))?;
                let was = number(before).unwrap_or(now);
                reached(node.as_str(), *field, *goal, now, was)
            }),
            Fact::Ahead {
                front,
                by,
                back,
                field,
            } => ahead(front, *by, back, *field, scene),
            Fact::Passed(time) => since(before.now_ns, *time, view.now_ns),
            Fact::At(time) => since(0, *time, view.now_ns),
            Fact::Step(moment) => match view.moments.contains(moment) {
                true => Ok(format!("step {moment}")),
                false => Err(format!("not yet: step {moment}")),
            },
        }
    }

    /// The nodes it speaks of.
    pub(super) fn nodes(&self) -> Vec<&Nodes> {
        match self {
            Fact::Leads(nodes) | Fact::Role(nodes, _) | Fact::Answers(nodes) => vec![nodes],
            Fact::Reached(nodes, _, _) => nodes.iter().collect(),
            Fact::Ahead { front, back, .. } => vec![front, back],
            Fact::Passed(_) | Fact::At(_) | Fact::Step(_) => Vec::new(),
        }
    }
}

/// `cut begun`, `cut ended`.
pub(super) fn read_moment(words: &mut Words) -> Result<Moment, Wrong> {
    let step = words.take("the name of a step", |word| Some(word.to_owned()))?;
    if words.accept(&["begun"]) {
        Ok(Moment::Begun(step))
    } else if words.accept(&["ended"]) {
        Ok(Moment::Ended(step))
    } else {
        wrong(format!(
            "of step {step:?} say \"{step} begun\" or \"{step} ended\""
        ))
    }
}

fn read_reached(words: &mut Words, nodes: Option<Nodes>) -> Result<Fact, Wrong> {
    let field = words.take("what is counted", Field::named)?;
    let what = "how far, as in +100 (so much more than now) or 100,";
    Ok(Fact::Reached(nodes, field, words.take(what, Goal::read)?))
}

fn read_ahead(words: &mut Words, nodes: Nodes, cluster: &[NodeName]) -> Result<Fact, Wrong> {
    let what = "one of leads, answers, is ROLE, commit, applied, log, term, acknowledged, N ahead of, N behind";
    let by = words.take(what, |word| word.parse().ok())?;
    let is_ahead = words.accept(&["ahead"]);
    if !(is_ahead && words.accept(&["of"]) || words.accept(&["behind"])) {
        return wrong(format!(
            "after {by} say \"ahead of\" or \"behind\", and whom"
        ));
    }
    let other = Nodes::read(words, cluster)?;
    let field = match words.accept(&["in"]) {
        true => words.take("commit, applied, log or term", Field::named)?,
        false => Field::Commit,
    };
    let (front, back) = if is_ahead {
        (nodes, other)
    } else {
        (other, nodes)
    };
    Ok(Fact::Ahead {
        front,
        by,
        back,
        field,
    })
}

/// Whether enough of the nodes do it: each, or as many as are asked for.
fn each(nodes: &Nodes, scene: Scene<'_>, of: impl Fn(&NodeName) -> Holds) -> Holds {
    let pool = nodes.pool(scene, &BTreeSet::new())?;
    let wanted = nodes.count().unwrap_or(pool.len());
    let (mut yes, mut no) = (Vec::new(), Vec::new());
    for node in &pool {
        match of(node) {
            Ok(seen) => yes.push(seen),
            Err(seen) => no.push(seen),
        }
    }
    let enough = yes.len() >= wanted;
    let mut told_of = if enough { yes } else { no };
    told_of.dedup();
    told(enough, told_of.join(", "))
}

/// Of the whole cluster: acknowledgements add up, of everything else the highest counts.
fn reached_by_all(field: Field, goal: Goal, view: &View, before: &View) -> Holds {
    let number = |view: &View| -> Option<u64> {
        let numbers = view.nodes.values().filter_map(|seen| field.of(seen));
        match field {
            Field::Acknowledged => Some(numbers.sum()),
            Field::Term | Field::Commit | Field::Applied | Field::Log => numbers.max(),
        }
    };
    let Some(now) = number(view) else {
        return Err(format!("no node says its {}", field.name()));
    };
    let was = number(before).unwrap_or(now);
    reached("the highest", field, goal, now, was)
}

fn reached(who: &str, field: Field, goal: Goal, now: u64, was: u64) -> Holds {
    let who = match field {
        Field::Acknowledged => String::new(),
        Field::Term | Field::Commit | Field::Applied | Field::Log => format!("{who} "),
    };
    let seen = format!("{who}{} {now}, it was {was}", field.name());
    told(goal.is_reached(now, was), seen)
}

fn ahead(front: &Nodes, by: u64, back: &Nodes, field: Field, scene: Scene<'_>) -> Holds {
    let none = BTreeSet::new();
    // Either side may be `others`, those who are not on the other one.
    let behind = match back.needs_opposite() {
        true => back.pool(scene, &front.pool(scene, &none)?)?,
        false => back.pool(scene, &none)?,
    };
    let before = match front.needs_opposite() {
        true => front.pool(scene, &behind)?,
        false => front.pool(scene, &none)?,
    };
    let number = |node: &NodeName| {
        let number = field.of(&scene.view.nodes[node]);
        number.ok_or_else(|| silent(node, field))
    };
    let numbers = |nodes: &BTreeSet<NodeName>| -> Result<Vec<u64>, String> {
        nodes.iter().map(number).collect()
    };
    let (mut first, mut last) = (numbers(&before)?, numbers(&behind)?);
    first.sort_unstable_by(|a, b| b.cmp(a));
    last.sort_unstable();
    // The best of those in front against the worst behind, as many as are asked for.
    let least = first[front.count().unwrap_or(first.len()).min(first.len()) - 1];
    let most = last[back.count().unwrap_or(last.len()).min(last.len()) - 1];
    let enough = least >= most.saturating_add(by);
    told(enough, format!("{} {least} against {most}", field.name()))
}

fn since(from_ns: u64, time: Duration, now_ns: u64) -> Holds {
    let passed = Duration::from_nanos(now_ns.saturating_sub(from_ns));
    told(passed >= time, format!("{:.3} s", passed.as_secs_f64()))
}

fn told(holds: bool, seen: String) -> Holds {
    if holds { Ok(seen) } else { Err(seen) }
}

fn silent(node: &NodeName, field: Field) -> String {
    format!("{node} does not say its {}", field.name())
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words)
    }
}
