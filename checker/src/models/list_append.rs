//! Lists under keys, to which transactions append: `[[:append :x 1] [:r :x [1]]]`, as Elle writes them.
//!
//! | operation | possible if | afterwards |
//! |---|---|---|
//! | `[:append k v]` | always | the list of k has v at its end |
//! | `[:r k [v …]]`, or `:read` | this is the list of k; nil is the empty one | nothing changed |
//! | `txn [part …]` | its parts are, one after the other | all at once |
//! | `append v`, `read` with a key | as a transaction of one part | |
//!
//! Transactions are atomic and in real time, so a valid history is strictly serializable. If each transaction touches one key, every
//! list is an object of its own. The reads of a transaction are its answer, which an indeterminate one does not have.
//!
//! A list is a number: that of the list it continues and of its last element, so appending and comparing are one step each.

use crate::check::ModelError;
use crate::history::{History, Operation, Outcome};
use crate::interner::Interner;
use crate::models::ModelSpec;
use crate::models::machine::{ActionId, Entry, Machine, NEVER, Problem, StateId, Step};
use crate::models::padded::Padded;
use crate::value::Value;

/// The number of a list: 0 for the empty one, else one more than that in [`Lists`].
type ListId = u32;

const EMPTY: ListId = 0;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Part {
    Read(u32, ListId),
    Append(u32, u32),
}

/// A part of a transaction as it is written; the last is the element or the list.
enum Written<'e> {
    Append(&'e Value, &'e Value),
    Read(&'e Value, &'e Value),
}

/// The list that each operation touches, if none touches two.
pub(crate) fn keys(history: &History) -> Result<Option<Vec<Option<&Value>>>, ModelError> {
    let mut keys = Vec::with_capacity(history.operations.len());
    let mut apart = true;
    for operation in &history.operations {
        let parts = written(operation, &operation.input, &operation.output)
            .map_err(|reason| ModelError::new(operation, reason))?;
        let mut touched = parts.iter().map(|part| match *part {
            Written::Append(key, _) | Written::Read(key, _) => key,
        });
        let first = touched.next();
        apart &= touched.all(|key| Some(key) == first);
        keys.push(first);
    }
    Ok(apart.then_some(keys))
}

static NIL: Value = Value::Nil;

fn written<'e>(
    operation: &'e Operation,
    input: &'e Value,
    output: &'e Value,
) -> Result<Vec<Written<'e>>, String> {
    let key = operation.key.as_ref().unwrap_or(&NIL);
    let answered = operation.outcome == Outcome::Ok;
    match operation.f.as_str() {
        "append" => Ok(vec![Written::Append(key, input)]),
        "read" | "r" => Ok(vec![Written::Read(key, output)]),
        "txn" => {
            let transaction = if answered { output } else { input };
            let parts = transaction.as_list().ok_or_else(|| {
                format!("a transaction is a list of [:append k v] and [:r k v], not {transaction}")
            })?;
            parts.iter().map(part).collect()
        }
        _ => Err("list-append knows txn, append and read".to_owned()),
    }
}

fn part(part: &Value) -> Result<Written<'_>, String> {
    match part.as_list() {
        Some([Value::Text(f), key, value]) if f == "append" => Ok(Written::Append(key, value)),
        Some([Value::Text(f), key, value]) if f == "r" || f == "read" => {
            Ok(Written::Read(key, value))
        }
        Some(_) | None => Err(format!(
            "a part of a transaction is [:append k v] or [:r k v], not {part}"
        )),
    }
}

/// Reads the transactions on the lists of one object.
pub(crate) fn problem(entries: &[Entry<'_>], spec: &ModelSpec) -> Result<Problem, ModelError> {
    let mut builder = Builder::default();
    let mut actions = Interner::new();
    let mut steps = Vec::new();
    for entry in entries {
        let action = builder
            .action(entry)
            .map_err(|reason| ModelError::new(entry.operation, reason))?;
        // It must make sense all the same.
        if entry.operation.outcome != Outcome::Fail {
            steps.extend(action.map(|parts| entry.step(actions.intern(&parts))));
        }
    }
    drop_unseen(&mut steps, &actions, &builder.lists);
    Ok(Problem {
        steps,
        machine: Box::new(ListAppend::new(builder, actions, spec)),
    })
}

/// Lists that nothing was done to yet.
pub(crate) fn machine(spec: &ModelSpec) -> Box<dyn Machine> {
    Box::new(ListAppend::new(Builder::default(), Interner::new(), spec))
}

/// Drops indeterminate transactions of which nothing is in a list that is read later: in any order nobody reads after them.
fn drop_unseen(steps: &mut Vec<Step>, actions: &Interner<Vec<Part>>, lists: &Lists) {
    let mut read_until = vec![0; lists.0.len() + 1];
    for step in steps.iter().filter(|step| step.ret != NEVER) {
        for part in actions.get(step.action) {
            if let Part::Read(_, list) = *part {
                let last = &mut read_until[list as usize];
                *last = step.ret.max(*last);
            }
        }
    }
    let mut seen_until: Vec<u64> = Vec::new();
    // A list has a greater number than the one it continues.
    for list in (1..read_until.len()).rev() {
        let (before, element) = lists.0.get(list as u32 - 1);
        let until = read_until[list];
        read_until[*before as usize] = until.max(read_until[*before as usize]);
        if seen_until.len() <= *element as usize {
            seen_until.resize(*element as usize + 1, 0);
        }
        seen_until[*element as usize] = until.max(seen_until[*element as usize]);
    }
    steps.retain(|step| {
        step.is_mandatory()
            || actions.get(step.action).iter().any(|part| match *part {
                Part::Append(_, element) => seen_until
                    .get(element as usize)
                    .is_some_and(|&until| until > step.call),
                Part::Read(..) => false,
            })
    });
}

/// Lists that are not empty, as the list they continue and their last element.
#[derive(Clone)]
struct Lists(Interner<(ListId, u32)>);

impl Lists {
    fn append(&mut self, list: ListId, element: u32) -> ListId {
        self.0.intern(&(list, element)) + 1
    }

    fn elements(&self, mut list: ListId) -> Vec<u32> {
        let mut elements = Vec::new();
        while let Some(number) = list.checked_sub(1) {
            let (before, element) = *self.0.get(number);
            elements.push(element);
            list = before;
        }
        elements.reverse();
        elements
    }
}

#[derive(Clone)]
struct Builder {
    keys: Interner<Value>,
    elements: Interner<Value>,
    lists: Lists,
}

impl Default for Builder {
    fn default() -> Self {
        Self {
            keys: Interner::new(),
            elements: Interner::new(),
            lists: Lists(Interner::new()),
        }
    }
}

impl Builder {
    /// What the operation does and, if it was answered, saw.
    fn parts(&mut self, entry: &Entry<'_>) -> Result<Vec<Part>, String> {
        let answered = entry.operation.outcome == Outcome::Ok;
        let mut parts = Vec::new();
        for part in written(entry.operation, entry.input, entry.output)? {
            match part {
                Written::Append(key, element) => parts.push(Part::Append(
                    self.keys.intern(key),
                    self.elements.intern(element),
                )),
                Written::Read(key, list) if answered => {
                    parts.push(Part::Read(self.keys.intern(key), self.list(list)?));
                }
                Written::Read(..) => {}
            }
        }
        Ok(parts)
    }

    fn list(&mut self, value: &Value) -> Result<ListId, String> {
        let elements = match value.as_list() {
            Some(elements) => elements,
            None if *value == Value::Nil => &[],
            None => return Err(format!("list-append holds lists, not {value}")),
        };
        Ok(elements.iter().fold(EMPTY, |list, element| {
            let element = self.elements.intern(element);
            self.lists.append(list, element)
        }))
    }

    /// `None` if that says nothing.
    fn action(&mut self, entry: &Entry<'_>) -> Result<Option<Vec<Part>>, String> {
        let parts = self.parts(entry)?;
        let appends = parts.iter().any(|part| matches!(part, Part::Append(..)));
        Ok((appends || entry.operation.outcome == Outcome::Ok).then_some(parts))
    }
}

#[derive(Clone)]
struct ListAppend {
    builder: Builder,
    actions: Interner<Vec<Part>>,
    /// The lists of the keys.
    states: Padded,
    given: Option<Value>,
}

impl ListAppend {
    fn new(builder: Builder, actions: Interner<Vec<Part>>, spec: &ModelSpec) -> Self {
        let mut machine = Self {
            builder,
            actions,
            states: Padded::new(),
            given: spec.initial.clone(),
        };
        machine.begin();
        machine
    }

    /// Gives new keys their first lists. One that the initial map does not name starts empty.
    fn begin(&mut self) {
        let keys = self.builder.keys.len();
        let builder = &mut self.builder;
        self.states.begin(keys, |key| {
            let first = match &self.given {
                Some(Value::Map(lists)) => lists.get(builder.keys.get(key)),
                Some(_) | None => None,
            };
            let first = first.map(|first| builder.list(first));
            first.and_then(Result::ok).unwrap_or(EMPTY)
        });
    }
}

impl Machine for ListAppend {
    fn initial(&self) -> StateId {
        0
    }

    fn learn(&mut self, entry: &Entry<'_>) -> Result<Option<ActionId>, String> {
        let parts = self.builder.action(entry)?;
        self.begin();
        Ok(parts.map(|parts| self.actions.intern(&parts)))
    }

    fn apply(&mut self, state: StateId, action: ActionId) -> Option<StateId> {
        let mut after = self.states.parts(state);
        for part in self.actions.get(action) {
            match *part {
                Part::Read(key, list) if after[key as usize] != list => return None,
                Part::Read(..) => {}
                Part::Append(key, element) => {
                    let list = &mut after[key as usize];
                    *list = self.builder.lists.append(*list, element);
                }
            }
        }
        Some(self.states.state(after))
    }

    fn is_pure(&self, action: ActionId) -> bool {
        self.actions
            .get(action)
            .iter()
            .all(|part| matches!(part, Part::Read(..)))
    }

    fn value(&self, state: StateId) -> Value {
        let element = |element| self.builder.elements.get(element).clone();
        let list = |&list: &ListId| -> Value {
            let elements = self.builder.lists.elements(list).into_iter();
            elements.map(element).collect()
        };
        let keys = (0..).map(|key| self.builder.keys.get(key).clone());
        let lists = self.states.parts(state);
        keys.zip(lists.iter().map(list)).collect()
    }

    fn boxed_clone(&self) -> Box<dyn Machine> {
        Box::new(self.clone())
    }

    fn bytes(&self) -> u64 {
        (self.states.bytes() + self.builder.lists.0.len() * 24) as u64
    }
}
