//! Several registers under one transaction: `[[:read :x 1] [:write :y 2]]`.
//!
//! A transaction that names a key is one on the registers of that key alone: they are an object of their own.

use crate::check::ModelError;
use crate::formats::Format;
use crate::history::Outcome;
use crate::interner::Interner;
use crate::models::ModelSpec;
use crate::models::machine::{ActionId, Entry, Machine, Problem, StateId};
use crate::models::padded::Padded;
use crate::value::Value;

/// One part of a transaction, on the register and with the value of these numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Part {
    Read(u32, u32),
    Write(u32, u32),
}

/// Reads the transactions of a history.
pub(crate) fn problem(
    entries: &[Entry<'_>],
    spec: &ModelSpec,
    format: Format,
) -> Result<Problem, ModelError> {
    let mut builder = Builder {
        nil_is_unknown: format == Format::Edn && !nil_is_written(entries, spec),
        ..Builder::default()
    };
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
    Ok(Problem {
        steps,
        machine: Box::new(MultiRegister::new(builder, actions, spec)),
    })
}

/// Registers that nothing was done to yet.
pub(crate) fn machine(spec: &ModelSpec) -> Box<dyn Machine> {
    Box::new(MultiRegister::new(
        Builder::default(),
        Interner::new(),
        spec,
    ))
}

#[derive(Clone, Default)]
struct Builder {
    registers: Interner<Value>,
    values: Interner<Value>,
    nil_is_unknown: bool,
}

impl Builder {
    fn parts(&mut self, entry: &Entry<'_>) -> Result<Vec<Part>, String> {
        let answered = entry.operation.outcome == Outcome::Ok;
        let transaction = if answered { entry.output } else { entry.input };
        let mut parts = Vec::new();
        for (f, register, value) in triples(&entry.operation.f, transaction)? {
            let register = self.registers.intern(register);
            match f {
                "write" | "w" => parts.push(Part::Write(register, self.values.intern(value))),
                "read" | "r" if !answered || self.nil_is_unknown && *value == Value::Nil => {}
                "read" | "r" => parts.push(Part::Read(register, self.values.intern(value))),
                _ => {
                    return Err(format!(
                        "multi-register knows read and write in a transaction, not `{f}`"
                    ));
                }
            }
        }
        Ok(parts)
    }

    /// What is written, with the answers if it was answered; `None` if that says nothing.
    fn action(&mut self, entry: &Entry<'_>) -> Result<Option<Vec<Part>>, String> {
        let parts = self.parts(entry)?;
        let writes = parts.iter().any(|part| matches!(part, Part::Write(..)));
        Ok((writes || entry.operation.outcome == Outcome::Ok).then_some(parts))
    }
}

/// `[[f register value] …]`, or for the functions read and write a map from registers to values.
fn triples<'e>(
    f: &'e str,
    transaction: &'e Value,
) -> Result<Vec<(&'e str, &'e Value, &'e Value)>, String> {
    if let (Value::Map(entries), "read" | "write") = (transaction, f) {
        return Ok(entries
            .iter()
            .map(|(register, value)| (f, register, value))
            .collect());
    }
    let (Some(parts), "txn" | "read" | "write") = (transaction.as_list(), f) else {
        return Err(format!(
            "multi-register knows txn with [[:read k v] [:write k v] …], not {transaction}"
        ));
    };
    parts.iter().map(triple).collect()
}

fn triple(part: &Value) -> Result<(&str, &Value, &Value), String> {
    if let Some([Value::Text(f), register, value]) = part.as_list() {
        return Ok((f, register, value));
    }
    Err(format!(
        "a part of a transaction is [:read k v] or [:write k v], not {part}"
    ))
}

/// As with single registers, Jepsen's nil read is an unknown one where no register can be nil.
fn nil_is_written(entries: &[Entry<'_>], spec: &ModelSpec) -> bool {
    let initially = match &spec.initial {
        Some(Value::Map(initial)) => {
            initial.is_empty() || initial.values().any(|value| *value == Value::Nil)
        }
        Some(other) => *other == Value::Nil,
        None => true,
    };
    initially
        || entries.iter().any(|entry| {
            let may_act = entry.operation.outcome != Outcome::Fail;
            may_act
                && triples(&entry.operation.f, entry.input).is_ok_and(|parts| {
                    parts
                        .iter()
                        .any(|(f, _, value)| matches!(*f, "write" | "w") && **value == Value::Nil)
                })
        })
}

#[derive(Clone)]
struct MultiRegister {
    builder: Builder,
    actions: Interner<Vec<Part>>,
    /// The values of the registers.
    states: Padded,
    given: Option<Value>,
}

impl MultiRegister {
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

    /// Gives new registers their initial values. One that the initial map does not name starts with nil.
    fn begin(&mut self) {
        let Builder {
            registers, values, ..
        } = &mut self.builder;
        self.states.begin(registers.len(), |register| {
            let initial = match &self.given {
                Some(Value::Map(initial)) => initial.get(registers.get(register)),
                Some(other) => Some(other),
                None => None,
            };
            values.intern(&initial.cloned().unwrap_or_default())
        });
    }
}

impl Machine for MultiRegister {
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
                Part::Read(register, value) if after[register as usize] != value => return None,
                Part::Read(..) => {}
                Part::Write(register, value) => after[register as usize] = value,
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
        let registers = (0..).map(|register| self.builder.registers.get(register).clone());
        let values = self.states.parts(state);
        let values = values
            .iter()
            .map(|&value| self.builder.values.get(value).clone());
        registers.zip(values).collect()
    }

    fn boxed_clone(&self) -> Box<dyn Machine> {
        Box::new(self.clone())
    }

    fn bytes(&self) -> u64 {
        self.states.bytes() as u64
    }
}
