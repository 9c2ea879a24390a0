//! From a history to an answer: split by object, reduce, search each, explain.

use std::convert::Infallible;
use std::num::NonZero;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::budget::{Budget, CheckProgress, Ledger, Limit, Watch};
use crate::engine::{self, Answer, Standing};
use crate::explain::{self, Object};
use crate::fast::by_element::ByElement;
use crate::fast::{self, Inapplicable};
use crate::formats::Format;
use crate::frontier;
use crate::history::{History, Operation};
use crate::models::counter::{self, Counter};
use crate::models::kv_append::KvAppend;
use crate::models::machine::{Entry, Problem, Step};
use crate::models::objects::{self, Objects};
use crate::models::queue::{self, Queue};
use crate::models::register::Register;
use crate::models::set::{self, Set};
use crate::models::stack::{self, Stack};
use crate::models::unordered_queue::{self, UnorderedQueue};
use crate::models::{Model, ModelName, ModelSpec, adapter, list_append, multi_register};
use crate::options::{Algorithm, CheckOptions};
use crate::parts;
use crate::phantom;
use crate::pool;
use crate::race;
use crate::search;
use crate::segments;
use crate::unique;
use crate::value::Value;
use crate::verdict::{Analysis, KeyAnalysis, KeyResult, Violation};

/// An operation that the model does not know.
#[derive(Debug, thiserror::Error)]
#[error("{}operation {index} (`{f}` of process {process}): {reason}", .line.map_or_else(String::new, |line| format!("line {line}: ")))]
pub struct ModelError {
    /// The line of the invocation, where it came from a file.
    pub line: Option<NonZero<u32>>,
    /// [`crate::Event::index`] of the invocation.
    pub index: u64,
    /// Its function.
    pub f: String,
    /// Its process.
    pub process: i64,
    /// Why it makes no sense to the model.
    pub reason: String,
}

impl ModelError {
    pub(crate) fn new(operation: &Operation, reason: String) -> Self {
        Self {
            line: operation.line,
            index: operation.invoke_index,
            f: operation.f.as_str().to_owned(),
            process: operation.process,
            reason,
        }
    }
}

/// Judges a history by a model with the default options: the best algorithm on all cores.
///
/// # Errors
/// If the model does not know an operation of the history.
pub fn check(
    history: &History,
    spec: &ModelSpec,
    budget: &dyn Budget,
) -> Result<Analysis, ModelError> {
    check_with(history, spec, &CheckOptions::default(), budget)
}

/// Judges a history by a model, object by object in the order of the keys.
///
/// # Errors
/// If the model does not know an operation of the history.
pub fn check_with(
    history: &History,
    spec: &ModelSpec,
    options: &CheckOptions,
    budget: &dyn Budget,
) -> Result<Analysis, ModelError> {
    let objects = objects::split(history, spec)?;
    let compile = |entries: &[Entry<'_>]| Compiled::new(entries, spec, history.format);
    let mut keys = judge_all(history, objects, &compile, options, budget)?;
    explain::objects::name(history, spec, &mut keys, budget);
    Ok(Analysis {
        model: spec.clone(),
        keys,
    })
}

/// Judges a history by a model of the caller's own.
///
/// # Errors
/// If the model does not know an operation of the history.
pub fn check_model<M: Model>(
    history: &History,
    model: &M,
    options: &CheckOptions,
    budget: &dyn Budget,
) -> Result<Analysis<M>, ModelError> {
    let objects = objects::split_by_key(history, |operation| model.key(operation))?;
    let compile = |entries: &[Entry<'_>]| {
        adapter::Object::new(entries, model.clone()).map(|object| Compiled::Other(object.problem()))
    };
    Ok(Analysis {
        model: model.clone(),
        keys: judge_all(history, objects, &compile, options, budget)?,
    })
}

/// How the operations of one object are read.
type Compile<'j> = dyn Fn(&[Entry<'_>]) -> Result<Compiled, ModelError> + Sync + 'j;

fn judge_all(
    history: &History,
    objects: Objects<'_>,
    compile: &Compile<'_>,
    options: &CheckOptions,
    budget: &dyn Budget,
) -> Result<Vec<KeyAnalysis>, ModelError> {
    let objects: Vec<_> = objects.into_iter().collect();
    let judge = Judge {
        history,
        compile,
        algorithm: options.algorithm,
        threads: NonZero::new(options.workers.get() / objects.len().max(1))
            .unwrap_or(NonZero::<usize>::MIN),
        ledger: Ledger::of_objects(budget, objects.len()),
        unpolled: AtomicUsize::new(0),
        reached: OnceLock::new(),
    };
    let keys = pool::map(&objects, options.workers, |(key, entries)| {
        judge.judge(key.as_ref(), entries)
    });
    keys.into_iter().collect()
}

/// How many operations of small objects are judged between two looks at the budget.
const OPERATIONS_PER_POLL: usize = 4096;

/// What explaining is thought to hold by itself: little beside the history.
const BYTES_TO_EXPLAIN: u64 = 1 << 16;

const NOT_UNIQUE: Inapplicable =
    Inapplicable("a value that matters is written twice, or the result of a read is not known");

const ADDED_TWICE: Inapplicable = Inapplicable("an element is added twice, or removed");

/// Judges one object after the other.
struct Judge<'j> {
    history: &'j History,
    compile: &'j Compile<'j>,
    algorithm: Algorithm,
    /// How many threads there are for each object.
    threads: NonZero<usize>,
    ledger: Ledger<'j>,
    /// Operations judged since the last look at the budget.
    unpolled: AtomicUsize,
    /// A limit that was seen between two objects; the rest is unknown.
    reached: OnceLock<Limit>,
}

impl Judge<'_> {
    fn judge(&self, key: Option<&Value>, entries: &[Entry<'_>]) -> Result<KeyAnalysis, ModelError> {
        let object = (self.compile)(entries)?;
        let answer = match self.limit(entries.len()) {
            Some(limit) => Standing::default().unknown(limit),
            None => self.answer(&object),
        };
        let result = self.result(key, &object, answer);
        self.ledger.object_done();
        Ok(KeyAnalysis {
            key: key.cloned(),
            operations: entries.len(),
            result,
        })
    }

    /// Looks at the budget now and then.
    fn limit(&self, operations: usize) -> Option<Limit> {
        let unpolled = self.unpolled.fetch_add(operations, Ordering::Relaxed);
        if unpolled > OPERATIONS_PER_POLL && self.reached.get().is_none() {
            self.unpolled.store(0, Ordering::Relaxed);
            let estimate = size_of::<Step>() * operations;
            let share = self.ledger.share();
            share.progress(&CheckProgress::default());
            if let Some(limit) = share.exceeded(estimate as u64) {
                return Some(*self.reached.get_or_init(|| limit));
            }
        }
        self.reached.get().copied()
    }

    fn answer(&self, object: &Compiled) -> Answer {
        let budget = self.ledger.share();
        match self.algorithm {
            Algorithm::Auto => self
                .fast(object, &budget)
                .ok()
                .or_else(|| phantom::check(object.register()?, &budget))
                .unwrap_or_else(|| self.slow(object, &budget)),
            Algorithm::Fast => self
                .fast(object, &budget)
                .unwrap_or_else(|Inapplicable(reason)| {
                    Standing::default().unknown(Limit::NotFast(reason))
                }),
            Algorithm::Search => engine::run(search::engine(object.problem()), &budget),
            Algorithm::Frontier => engine::run(frontier::engine(object.problem()), &budget),
        }
    }

    fn fast(&self, object: &Compiled, budget: &dyn Budget) -> Result<Answer, Inapplicable> {
        match object {
            Compiled::Register(register) | Compiled::Mutex(register) => {
                unique::check(register, budget).ok_or(NOT_UNIQUE)
            }
            Compiled::Set(set) => match ByElement::new(set) {
                None => fast::objects::growing_set(set, budget),
                Some(elements) => self.by_element(&elements, |register| {
                    unique::check(register, budget).ok_or(ADDED_TWICE)
                }),
            },
            Compiled::Queue(queue) => fast::objects::queue(queue, budget),
            Compiled::UnorderedQueue(queue) => fast::objects::unordered_queue(queue, budget),
            Compiled::Stack(stack) => fast::objects::stack(stack, budget),
            Compiled::Counter(counter) => fast::objects::counter(counter, budget),
            Compiled::Other(_) => Err(Inapplicable("the model has none")),
        }
    }

    /// The engines, on each element of a set if it is their product.
    fn slow(&self, object: &Compiled, budget: &dyn Budget) -> Answer {
        if let Compiled::Set(set) = object
            && let Some(elements) = ByElement::new(set)
        {
            let answered: Result<Answer, Infallible> =
                self.by_element(&elements, |register| {
                    Ok(unique::check(register, budget)
                        .unwrap_or_else(|| self.race(register.problem())))
                });
            return answered.unwrap_or_else(|never| match never {});
        }
        self.race(object.problem())
    }

    /// Search and frontier, segment by segment.
    fn race(&self, problem: Problem) -> Answer {
        segments::judge(problem, self.threads, |part, threads| {
            race::race(part, threads.get() > 1, &self.ledger.share())
        })
    }

    fn by_element<E>(
        &self,
        elements: &ByElement,
        judge: impl FnMut(&Register) -> Result<Answer, E>,
    ) -> Result<Answer, E> {
        let answers: Result<Vec<Answer>, E> = elements.registers.iter().map(judge).collect();
        let mut answers = answers?;
        answers.push(Answer::Valid(elements.idle.clone()));
        Ok(parts::together(self.history, answers))
    }

    fn result(&self, key: Option<&Value>, object: &Compiled, answer: Answer) -> KeyResult {
        match answer {
            Answer::Valid(witness) => KeyResult::Valid { witness },
            Answer::Unknown {
                limit,
                proven_until,
                peak_configurations,
            } => KeyResult::Unknown {
                limit,
                proven_until,
                peak_configurations,
            },
            Answer::Invalid { stuck, states } => {
                let object = Object {
                    history: self.history,
                    key,
                    register: object.register(),
                };
                let share = self.ledger.share();
                let watch = Watch::new(&share, BYTES_TO_EXPLAIN);
                let mut anomaly = explain::explain(&object, stuck, &states, &watch);
                if states.is_empty() && object.register.is_some() {
                    anomaly
                        .explanation
                        .push_str("; an earlier operation may fail already");
                }
                KeyResult::Invalid(Box::new(Violation {
                    operation: stuck,
                    states,
                    anomaly,
                }))
            }
        }
    }
}

/// An object in the terms of its model. Registers keep their operations, which is what contradictions are found in.
enum Compiled {
    Register(Register),
    Mutex(Register),
    Set(adapter::Object<Set>),
    Queue(adapter::Object<Queue>),
    UnorderedQueue(adapter::Object<UnorderedQueue>),
    Stack(adapter::Object<Stack>),
    Counter(adapter::Object<Counter>),
    Other(Problem),
}

impl Compiled {
    fn new(entries: &[Entry<'_>], spec: &ModelSpec, format: Format) -> Result<Self, ModelError> {
        match spec.name {
            ModelName::Register | ModelName::CasRegister | ModelName::Kv => {
                Register::new(entries, spec, format).map(Self::Register)
            }
            ModelName::Mutex => Register::new(entries, spec, format).map(Self::Mutex),
            ModelName::MultiRegister => {
                multi_register::problem(entries, spec, format).map(Self::Other)
            }
            ModelName::KvAppend => adapter::Object::new(entries, KvAppend::new(spec))
                .map(|object| Self::Other(object.problem())),
            ModelName::Set => set::object(entries, spec).map(Self::Set),
            ModelName::Queue => queue::object(entries, spec).map(Self::Queue),
            ModelName::UnorderedQueue => {
                unordered_queue::object(entries, spec).map(Self::UnorderedQueue)
            }
            ModelName::Stack => stack::object(entries, spec).map(Self::Stack),
            ModelName::Counter => counter::object(entries, spec).map(Self::Counter),
            ModelName::ListAppend => list_append::problem(entries, spec).map(Self::Other),
        }
    }

    /// The register that is explained by the values it held.
    fn register(&self) -> Option<&Register> {
        match self {
            Self::Register(register) => Some(register),
            Self::Mutex(_)
            | Self::Set(_)
            | Self::Queue(_)
            | Self::UnorderedQueue(_)
            | Self::Stack(_)
            | Self::Counter(_)
            | Self::Other(_) => None,
        }
    }

    fn problem(&self) -> Problem {
        match self {
            Self::Register(register) | Self::Mutex(register) => register.problem(),
            Self::Set(object) => object.problem(),
            Self::Queue(object) => object.problem(),
            Self::UnorderedQueue(object) => object.problem(),
            Self::Stack(object) => object.problem(),
            Self::Counter(object) => object.problem(),
            Self::Other(problem) => problem.clone(),
        }
    }
}
