//! What a counterexample may say of an operation: as it was, weaker, or, wrongly, stronger.

use checker::{Effect, History, ModelName, Operation, Outcome, Presence, Value, Weakened};

pub(crate) fn as_it_was(operation: &Operation) -> Weakened {
    Weakened {
        id: operation.id,
        call: operation.call,
        ret: operation.ret,
        presence: match operation.outcome {
            Outcome::Ok => Presence::Mandatory,
            Outcome::Fail | Outcome::Info => Presence::Optional,
        },
        effect: Effect::Whole,
    }
}

/// One step weaker in each way that makes a difference.
pub(crate) fn weaker(
    left: &[Weakened],
    place: usize,
    model: ModelName,
    history: &History,
) -> Vec<Weakened> {
    let one = left[place];
    let others = || {
        (0..left.len())
            .filter(|&other| other != place)
            .map(|other| left[other])
    };
    let mut weaker = Vec::new();
    if one.presence == Presence::Mandatory {
        weaker.push(Weakened {
            presence: Presence::Optional,
            ret: None,
            ..one
        });
    }
    let returned = others()
        .filter_map(|other| other.ret)
        .filter(|&ret| ret < one.call);
    weaker.extend(returned.max().map(|call| Weakened { call, ..one }));
    let called = others()
        .map(|other| other.call)
        .filter(|&call| one.ret.is_some_and(|ret| ret < call));
    weaker.extend(called.min().map(|ret| Weakened {
        ret: Some(ret),
        ..one
    }));
    let write_only = Weakened {
        effect: Effect::WriteOnly,
        ..one
    };
    let operation = history.operation(one.id);
    let changes = |weakened| self::weakened(operation, weakened, model);
    let still_writes = changes(&write_only).input != Value::from(Vec::new());
    // An optional transaction has no answer that could be forgotten.
    let has_answer = one.presence == Presence::Mandatory
        || !matches!(operation.f.as_str(), "txn" | "insert" | "delete");
    if changes(&write_only) != changes(&one) && still_writes && has_answer {
        weaker.push(write_only);
    }
    weaker
}

/// More than the history says.
pub(crate) fn stronger(operation: &Operation) -> Vec<Weakened> {
    let was = as_it_was(operation);
    let later = Weakened {
        call: was.call + 1,
        ..was
    };
    match operation.outcome {
        Outcome::Fail => Vec::new(),
        Outcome::Info => vec![
            later,
            Weakened {
                presence: Presence::Mandatory,
                ..was
            },
        ],
        Outcome::Ok => vec![
            later,
            Weakened {
                ret: was.ret.map(|ret| ret - 1),
                ..was
            },
        ],
    }
}

/// The operation for the oracle. Calls come before returns at the same position.
pub(crate) fn weakened(operation: &Operation, weakened: &Weakened, model: ModelName) -> Operation {
    let mut operation = operation.clone();
    let optional = weakened.presence == Presence::Optional;
    operation.call = 2 * weakened.call;
    operation.ret = match weakened.ret {
        _ if optional => None,
        Some(ret) => Some(2 * ret + 1),
        None => Some(u64::MAX),
    };
    operation.outcome = if optional { Outcome::Info } else { Outcome::Ok };
    if model == ModelName::Mutex {
        let (expected, new) = match operation.f.as_str() {
            "acquire" => ("free", "held"),
            _ => ("held", "free"),
        };
        operation.f = "cas".into();
        operation.input = Value::from(vec![expected.into(), new.into()]);
    }
    if weakened.effect == Effect::WriteOnly {
        match (operation.f.as_str(), operation.input.as_list()) {
            ("cas", Some([expected, new])) if expected != new => {
                operation.input = new.clone();
                operation.f = "write".into();
            }
            ("insert" | "delete", _) if matches!(operation.output, Value::Bool(_)) => {
                operation.output = Value::Nil;
            }
            ("txn", Some(parts)) => {
                let writes = parts.iter().filter(|part| is_write(part)).cloned();
                operation.input = writes.collect();
                operation.output = operation.input.clone();
            }
            _ => {}
        }
    }
    operation
}

fn is_write(part: &Value) -> bool {
    part.as_list()
        .is_some_and(|part| part[0] == "write".into() || part[0] == "append".into())
}
