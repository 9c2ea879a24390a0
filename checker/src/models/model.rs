//! The trait behind every sequential model, for users' own ones too.

use std::hash::Hash;

use crate::history::{Operation, Outcome};
use crate::value::Value;

/// A deterministic sequential object: what it starts with, what each operation does to it, and which answers it can give.
///
/// [`crate::check_model`] judges a history by it. A lock whose holders get ever greater numbers, in full:
///
/// ```
/// use checker::{Call, Model, Value};
///
/// #[derive(Clone)]
/// struct Lock;
///
/// #[derive(Clone, PartialEq, Eq, Hash)]
/// enum Step {
///     Acquire(Option<i64>),
///     Release,
/// }
///
/// impl Model for Lock {
///     /// The greatest number given, and whether somebody holds the lock.
///     type State = (i64, bool);
///     type Action = Step;
///
///     fn initial(&self) -> (i64, bool) {
///         (0, false)
///     }
///
///     fn action(&self, call: &Call<'_>) -> Result<Option<Step>, String> {
///         match (call.f, call.answer) {
///             ("acquire", Some(Value::Int(number))) => Ok(Some(Step::Acquire(Some(*number)))),
///             ("acquire", Some(other)) => Err(format!("an acquired lock has a number, not {other}")),
///             ("acquire", None) => Ok(Some(Step::Acquire(None))),
///             ("release", _) => Ok(Some(Step::Release)),
///             _ => Err("a lock knows acquire and release".to_owned()),
///         }
///     }
///
///     fn apply(&self, &(last, held): &(i64, bool), step: &Step) -> Option<(i64, bool)> {
///         match *step {
///             Step::Acquire(Some(number)) => (!held && number > last).then_some((number, true)),
///             Step::Acquire(None) => (!held).then_some((last, true)),
///             Step::Release => held.then_some((last, false)),
///         }
///     }
///
///     fn value(&self, &(last, held): &(i64, bool)) -> Value {
///         Value::from(vec![last.into(), Value::Bool(held)])
///     }
/// }
/// # let text = r#"
/// # {"process": 0, "type": "invoke", "f": "acquire"}
/// # {"process": 0, "type": "ok", "f": "acquire", "value": 7}
/// # {"process": 1, "type": "invoke", "f": "acquire"}
/// # {"process": 1, "type": "ok", "f": "acquire", "value": 8}
/// # "#;
/// # let history = checker::formats::read(text.as_bytes(), None, "example.jsonl")?;
/// # let options = checker::CheckOptions::default();
/// # let analysis = checker::check_model(&history, &Lock, &options, &checker::Unlimited)?;
/// # assert_eq!(analysis.outcome(), checker::Verdict::Invalid);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait Model: Clone + Send + Sync + 'static {
    /// What the object holds. Equal states must be interchangeable: whatever can follow one can follow the other.
    type State: Clone + Eq + Hash + Send + Sync;

    /// What an operation does, with the answer it got. Operations with equal actions are interchangeable but for their times.
    type Action: Clone + Eq + Hash + Send + Sync;

    /// The first state of every object.
    fn initial(&self) -> Self::State;

    /// The meaning of an operation; `None` if it says nothing, as a read without an answer. Failed operations are asked for too,
    /// though they take no part: they must make sense all the same.
    ///
    /// # Errors
    /// Why it makes no sense to the model, for people.
    fn action(&self, call: &Call<'_>) -> Result<Option<Self::Action>, String>;

    /// The state after an action, or `None` if the object cannot answer so.
    fn apply(&self, state: &Self::State, action: &Self::Action) -> Option<Self::State>;

    /// Whether the action never changes any state, as a read. Saying so makes the check faster; a false claim makes it wrong.
    fn is_pure(&self, action: &Self::Action) -> bool {
        let _ = action;
        false
    }

    /// Whether the action is possible in every state and leaves the same one behind, whatever was before, as a write. Saying so makes
    /// the check faster; a false claim makes it wrong.
    fn is_blind(&self, action: &Self::Action) -> bool {
        let _ = action;
        false
    }

    /// The object of an operation: by default what the record names. Objects are judged apart, so they must not share anything.
    fn key(&self, operation: &Operation) -> Option<Value> {
        operation.key.clone()
    }

    /// A state for people.
    fn value(&self, state: &Self::State) -> Value;
}

/// What a client asked, and what it was told.
#[derive(Clone, Copy, Debug)]
pub struct Call<'c> {
    /// The name of the function.
    pub f: &'c str,
    /// The argument.
    pub input: &'c Value,
    /// The answer; `None` if the operation failed or nobody knows what became of it.
    pub answer: Option<&'c Value>,
    /// The whole record.
    pub operation: &'c Operation,
}

impl<'c> Call<'c> {
    pub(crate) fn new(operation: &'c Operation, input: &'c Value, output: &'c Value) -> Self {
        Self {
            f: &operation.f,
            input,
            answer: (operation.outcome == Outcome::Ok).then_some(output),
            operation,
        }
    }
}
