//! Asks the engines whether a few weakened operations have an order.

use std::num::NonZero;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::budget::{Budget, Limit, Watch};
use crate::certify::meaning::{Act, ListPart, Object, Part};
use crate::check::check_with;
use crate::counterexample::{Presence, Weakened};
use crate::formats::Format;
use crate::history::{History, OpId, Operation, Outcome};
use crate::models::{ModelName, ModelSpec};
use crate::options::{Algorithm, CheckOptions};
use crate::value::Value;
use crate::verdict::Verdict;

/// How often one question may look at the budget before it counts as unanswered.
const POLLS_PER_QUESTION: u64 = 64;

/// One thread: most questions are too small for two.
const OPTIONS: CheckOptions = CheckOptions {
    algorithm: Algorithm::Auto,
    workers: NonZero::<usize>::MIN,
};

/// An operation that is left: which of the object, and how much of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Left {
    /// Its place in [`Object::items`].
    pub(super) at: usize,
    pub(super) weakened: Weakened,
}

pub(super) struct Judge<'a, 'h> {
    object: &'a Object<'h>,
    budget: &'a dyn Budget,
    watch: Watch<'a>,
    spec: ModelSpec,
    /// How many questions had no answer.
    pub(super) unanswered: usize,
}

impl<'a, 'h> Judge<'a, 'h> {
    pub(super) fn new(object: &'a Object<'h>, budget: &'a dyn Budget) -> Self {
        let name = if object.model.is_single_register() {
            ModelName::CasRegister
        } else {
            object.model
        };
        Self {
            object,
            budget,
            watch: Watch::new(
                budget,
                (object.items.len() * 2 * size_of::<Operation>()) as u64,
            ),
            spec: ModelSpec {
                name,
                initial: Some(object.initial.clone()),
            },
            unanswered: 0,
        }
    }

    /// Whether these operations certainly have no order.
    pub(super) fn is_illegal(&mut self, left: &[Left]) -> bool {
        if self.is_over() {
            self.unanswered += 1;
            return false;
        }
        let history = self.history(left);
        let question = Question {
            budget: self.budget,
            polls: AtomicU64::new(POLLS_PER_QUESTION),
        };
        let outcome = check_with(&history, &self.spec, &OPTIONS, &question)
            .map_or(Verdict::Unknown, |analysis| analysis.outcome());
        self.unanswered += usize::from(outcome == Verdict::Unknown);
        outcome == Verdict::Invalid
    }

    /// Whether no question will be answered any more.
    pub(super) fn is_over(&self) -> bool {
        self.watch.look().is_err()
    }

    /// A history of nothing but these operations, in the most general model that has them.
    fn history(&self, left: &[Left]) -> History {
        let mut ends: Vec<(u64, End, usize)> = Vec::with_capacity(2 * left.len());
        for (number, one) in left.iter().enumerate() {
            ends.push((one.weakened.call, End::Call, number));
            if one.weakened.presence == Presence::Mandatory {
                let ret = one.weakened.ret.unwrap_or(u64::MAX);
                ends.push((ret, End::Return, number));
            }
        }
        ends.sort_unstable();
        let mut operations: Vec<Operation> = Vec::with_capacity(left.len());
        let mut places = vec![0; left.len()];
        for (position, (_, end, number)) in (0..).zip(ends) {
            match end {
                End::Call => {
                    places[number] = operations.len();
                    operations.push(Operation {
                        id: OpId(operations.len()),
                        call: position,
                        ..self.operation(&left[number])
                    });
                }
                End::Return => operations[places[number]].ret = Some(position),
            }
        }
        History {
            header: None,
            operations,
            nemesis: Vec::new(),
            // What an answer of nil means was decided on the whole history.
            format: Format::Jsonl,
            truncated: false,
        }
    }

    fn operation(&self, left: &Left) -> Operation {
        let item = &self.object.items[left.at];
        let (f, input, output) = match &self.object.counted(item, &left.weakened) {
            Act::Text(_)
            | Act::Listing(_)
            | Act::Put(_)
            | Act::Take(_)
            | Act::Add(_)
            | Act::Total(_)
            | Act::Silent => (
                item.operation.f.as_str(),
                item.operation.input.clone(),
                item.operation.output.clone(),
            ),
            Act::Element(element) => {
                let output = match element.was {
                    Some(_) => item.operation.output.clone(),
                    None => Value::Nil,
                };
                let f = item.operation.f.as_str();
                (f, element.value.clone(), output)
            }
            Act::Lists(parts) => {
                let parts: Value = parts.iter().map(list_part).collect();
                ("txn", parts.clone(), parts)
            }
            Act::Parts(parts) if self.object.model == ModelName::MultiRegister => {
                let parts: Value = parts.iter().map(transaction_part).collect();
                ("txn", parts.clone(), parts)
            }
            Act::Parts(parts) => match parts[..] {
                [Part::Read(_, value)] => ("read", Value::Nil, value.clone()),
                [Part::Read(_, expected), Part::Write(_, new)] => {
                    let pair = Value::from(vec![expected.clone(), new.clone()]);
                    ("cas", pair.clone(), pair)
                }
                [.., Part::Write(_, value)] => ("write", value.clone(), value.clone()),
                [] | [.., Part::Read(..)] => ("read", Value::Nil, Value::Nil),
            },
        };
        Operation {
            id: item.operation.id,
            process: item.operation.process,
            f: f.into(),
            key: None,
            input,
            output,
            outcome: match left.weakened.presence {
                Presence::Mandatory => Outcome::Ok,
                Presence::Optional => Outcome::Info,
            },
            call: 0,
            ret: None,
            arrival_time: None,
            call_time: None,
            return_time: None,
            line: None,
            invoke_index: item.operation.invoke_index,
            complete_index: None,
            node: None,
            error: None,
        }
    }
}

/// At one position calls come first: intervals are closed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum End {
    Call,
    Return,
}

fn transaction_part(part: &Part<'_>) -> Value {
    let (f, register, value) = match *part {
        Part::Read(register, value) => ("read", register, value),
        Part::Write(register, value) => ("write", register, value),
    };
    let register = register.cloned().unwrap_or_default();
    Value::from(vec![f.into(), register, value.clone()])
}

fn list_part(part: &ListPart<'_>) -> Value {
    let (f, key, value) = match *part {
        ListPart::Read(key, list) => ("r", key, Value::from(list.to_vec())),
        ListPart::Look(key) => ("r", key, Value::Nil),
        ListPart::Append(key, value) => ("append", key, value.clone()),
    };
    Value::from(vec![f.into(), key.clone(), value])
}

/// The caller's budget, and an end to each question: one that is hard to answer is not worth the time of a hundred others.
struct Question<'a> {
    budget: &'a dyn Budget,
    polls: AtomicU64,
}

impl Budget for Question<'_> {
    fn exceeded(&self, own_memory_estimate_bytes: u64) -> Option<Limit> {
        let asked = |left: u64| left.checked_sub(1);
        let over = self
            .polls
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, asked)
            .is_err();
        self.budget
            .exceeded(own_memory_estimate_bytes)
            .or(over.then_some(Limit::Cancelled))
    }
}
