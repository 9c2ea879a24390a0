//! Several registers under one transaction: `[[:read :x 1] [:write :y 2]]`.

use crate::check::ModelError;
use crate::formats::Format;
use crate::history::Outcome;
use crate::interner::Interner;
use crate::models::ModelSpec;
use crate::models::machine::{ActionId, Entry, Machine, Problem, StateId};
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
        registers: Interner::new(),
        values: Interner::new(),
        nil_is_unknown: format == Format::Edn && !nil_is_written(entries, spec),
    };
    let mut actions = Interner::new();
    let mut steps = Vec::new();
    for entry in entries {
        let parts = builder
            .parts(entry)
            .map_err(|reason| ModelError::new(entry.operation, reason))?;
        // It must make sense all the same.
        if entry.operation.outcome == Outcome::Fail {
            continue;
        }
        let writes = parts.iter().any(|part| matches!(part, Part::Write(..)));
        if writes || entry.operation.outcome == Outcome::Ok {
            steps.push(entry.step(actions.intern(&parts)));
        }
    }
    let initial = builder.initial(spec);
    let mut states = Interner::new();
    states.intern(&initial);
    let machine = MultiRegister {
        registers: builder.registers,
        values: builder.values,
        actions,
        states,
    };
    Ok(Problem {
        steps,
        machine: Box::new(machine),
    })
}

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
                "write" => parts.push(Part::Write(register, self.values.intern(value))),
                "read" if !answered || self.nil_is_unknown && *value == Value::Nil => {}
                "read" => parts.push(Part::Read(register, self.values.intern(value))),
                _ => {
                    return Err(format!(
                        "multi-register knows read and write in a transaction, not `{f}`"
                    ));
                }
            }
        }
        Ok(parts)
    }

    /// A register that the initial map does not name starts with nil.
    fn initial(&mut self, spec: &ModelSpec) -> Vec<u32> {
        let named = |register: &Value| match &spec.initial {
            Some(Value::Map(initial)) => initial.get(register).cloned().unwrap_or_default(),
            Some(other) => other.clone(),
            None => Value::Nil,
        };
        let registers =
            u32::try_from(self.registers.len()).expect("interned numbers are 32 bits wide");
        (0..registers)
            .map(|register| self.values.intern(&named(self.registers.get(register))))
            .collect()
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
            triples(&entry.operation.f, entry.input).is_ok_and(|parts| {
                parts
                    .iter()
                    .any(|(f, _, value)| *f == "write" && **value == Value::Nil)
            })
        })
}

#[derive(Clone)]
struct MultiRegister {
    registers: Interner<Value>,
    values: Interner<Value>,
    actions: Interner<Vec<Part>>,
    states: Interner<Vec<u32>>,
}

impl Machine for MultiRegister {
    fn initial(&self) -> StateId {
        0
    }

    fn apply(&mut self, state: StateId, action: ActionId) -> Option<StateId> {
        let mut after = self.states.get(state).clone();
        for part in self.actions.get(action) {
            match *part {
                Part::Read(register, value) if after[register as usize] != value => return None,
                Part::Read(..) => {}
                Part::Write(register, value) => after[register as usize] = value,
            }
        }
        Some(self.states.intern(&after))
    }

    fn is_pure(&self, action: ActionId) -> bool {
        self.actions
            .get(action)
            .iter()
            .all(|part| matches!(part, Part::Read(..)))
    }

    fn value(&self, state: StateId) -> Value {
        let registers = (0..).map(|register| self.registers.get(register).clone());
        let values = self
            .states
            .get(state)
            .iter()
            .map(|&value| self.values.get(value).clone());
        values
            .zip(registers)
            .map(|(value, register)| (register, value))
            .collect()
    }

    fn boxed_clone(&self) -> Box<dyn Machine> {
        Box::new(self.clone())
    }

    fn bytes(&self) -> u64 {
        (self.states.len() * (2 * size_of::<Vec<u32>>() + 8 * self.registers.len() + 16)) as u64
    }
}
