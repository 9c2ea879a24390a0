//! A set that nobody reads as a whole is a product: each element is a register that says whether it is there.
//!
//! An addition that was told nothing is a write of *there*; one that was told that it changed something a compare-and-set from *not
//! there*; one that was told otherwise a read of *there*. Removals likewise.

use crate::history::{OpId, Outcome};
use crate::interner::Interner;
use crate::models::ModelName;
use crate::models::adapter::{Object, Op};
use crate::models::register::{Action, Register, RegisterOp, ValueId};
use crate::models::set::{self, Set};
use crate::value::Value;

const NOT_THERE: ValueId = 0;
const THERE: ValueId = 1;

/// The elements of a set.
pub(crate) struct ByElement {
    /// In the order in which they appear.
    pub(crate) registers: Vec<Register>,
    /// The operations that say nothing about any of them, in the order of their calls.
    pub(crate) idle: Vec<OpId>,
}

impl ByElement {
    /// `None` if the set was read as a whole.
    pub(crate) fn new(object: &Object<Set>) -> Option<Self> {
        let mut elements = Interner::new();
        let mut all = Self {
            registers: Vec::new(),
            idle: Vec::new(),
        };
        for one in &object.operations {
            match &one.action {
                set::Action::Read(_) => return None,
                set::Action::One {
                    element,
                    was,
                    becomes,
                } => match action(*was, *becomes) {
                    None => all.idle.push(one.id),
                    Some(action) => {
                        let number = elements.intern(&element) as usize;
                        if number == all.registers.len() {
                            all.registers.push(register(&object.model, element));
                        }
                        all.registers[number]
                            .operations
                            .push(operation(one, action));
                    }
                },
            }
        }
        Some(all)
    }
}

fn register(set: &Set, element: &Value) -> Register {
    let mut values = Interner::new();
    values.intern(&Value::Bool(false));
    values.intern(&Value::Bool(true));
    Register {
        values,
        initial: of(set.initial.contains(element)),
        operations: Vec::new(),
        model: ModelName::CasRegister,
    }
}

fn of(there: bool) -> ValueId {
    if there { THERE } else { NOT_THERE }
}

fn action(was: Option<bool>, becomes: Option<bool>) -> Option<Action> {
    match (was.map(of), becomes.map(of)) {
        (None, None) => None,
        (None, Some(new)) => Some(Action::Write(new)),
        (Some(seen), None) => Some(Action::Read(seen)),
        (Some(expected), Some(new)) if expected == new => Some(Action::Read(expected)),
        (Some(expected), Some(new)) => Some(Action::Cas { expected, new }),
    }
}

fn operation(one: &Op<set::Action>, action: Action) -> RegisterOp {
    let outcome = if one.is_mandatory() {
        Outcome::Ok
    } else {
        Outcome::Info
    };
    RegisterOp {
        id: one.id,
        outcome,
        call: one.call,
        ret: one.ret,
        action,
    }
}
