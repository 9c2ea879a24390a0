//! Why no order of a register's few operations works: every order that real time permits, up to the first answer it cannot explain.
//!
//! What an operation saw is left out where the contradiction does without it; its time and its outcome are those of the history, so that
//! orders are few. Nothing is judged here: that the operations contradict each other is known. Where this walk knows less than the checker and finds an
//! order after all, or more dead ends than anybody reads, nothing is told.

use checker::{
    Counterexample, Effect, ModelName, ModelSpec, OpId, Operation, Outcome, Value, Weakened,
};
use maud::{Markup, html};

use crate::clip::{LABEL_CHARS, shorten};
use crate::data::ReportData;
use crate::timeline::{Denied, label};

/// Most operations that are put into orders.
const MAX_OPERATIONS: usize = 7;
/// Most dead ends that are told.
const MAX_DEAD_ENDS: usize = 8;

/// All orders that begin alike and fail at the same operation.
#[derive(Debug, PartialEq)]
pub(super) struct DeadEnd {
    placed: Vec<OpId>,
    impossible: OpId,
    /// What the register holds by then.
    value: Value,
}

/// The dead ends of a counterexample; none where they would not be understood.
pub(super) fn dead_ends(found: &Counterexample, data: &ReportData<'_>) -> Vec<DeadEnd> {
    let model = data.analysis.map(|analysis| &analysis.model);
    let Some(initial) = model.and_then(register) else {
        return Vec::new();
    };
    let steps: Option<Vec<Step>> = found
        .operations
        .iter()
        .map(|one| step(one, data.history.operation(one.id)))
        .collect();
    match steps {
        Some(steps) if steps.len() <= MAX_OPERATIONS => Walk::of(&steps, &initial),
        Some(_) | None => Vec::new(),
    }
}

/// The orders, and where each ends.
pub(super) fn list(dead_ends: &[DeadEnd], found: &Counterexample, data: &ReportData<'_>) -> Markup {
    let blind = |id: OpId| {
        let mut all = found.operations.iter();
        all.any(|one| one.id == id && one.effect == Effect::WriteOnly)
    };
    let name = |id: OpId| {
        let operation = data.history.operation(id);
        html! {
            code { (label(operation)) }
            span.client { " client " (operation.process) @if blind(id) { ", as a write" } }
        }
    };
    html! {
        @if !dead_ends.is_empty() {
            h3 { (if dead_ends.len() == 1 { "The only order that real time permits" } else { "Every order that real time permits" }) }
            ol.orders {
                @for end in dead_ends {
                    li {
                        @for id in &end.placed { (name(*id)) " → " }
                        strong { "✗ " (name(end.impossible)) }
                        ": the value is " code { (shorten(&end.value.to_string(), LABEL_CHARS)) } " by then."
                    }
                }
            }
        }
    }
}

/// The order that the answer of the last operation demands, against what came before it in real time.
pub(super) fn denied(dead_ends: &[DeadEnd], data: &ReportData<'_>) -> Option<Denied> {
    let [end] = dead_ends else {
        return None;
    };
    let operation = |id: &OpId| data.history.operation(*id);
    let demands = operation(&end.impossible);
    let writes = |id: &&OpId| written(operation(id)).is_some();
    let mut writers = end.placed.iter().filter(writes);
    let overwriter = writers.next_back()?;
    let seen = writers.any(|id| written(operation(id)) == Some(&demands.output));
    let in_time = operation(overwriter).ret? < demands.call;
    (demands.f == "read" && seen && in_time).then(|| Denied {
        reader: end.impossible,
        overwriter: *overwriter,
        value: shorten(&demands.output.to_string(), LABEL_CHARS),
    })
}

fn written(operation: &Operation) -> Option<&Value> {
    match operation.f.as_str() {
        "write" => Some(&operation.input),
        "cas" => operation.input.as_list()?.get(1),
        _ => None,
    }
}

/// What the objects of a model start with, if they are registers.
fn register(model: &ModelSpec) -> Option<Value> {
    let of_all = || model.initial.clone().unwrap_or(Value::Nil);
    match model.name {
        ModelName::Register | ModelName::CasRegister => Some(of_all()),
        ModelName::Kv => model.initial.is_none().then_some(Value::Nil),
        ModelName::MultiRegister
        | ModelName::Mutex
        | ModelName::KvAppend
        | ModelName::Set
        | ModelName::Queue
        | ModelName::UnorderedQueue
        | ModelName::Stack
        | ModelName::Counter
        | ModelName::ListAppend => None,
    }
}

/// What counts of one operation.
#[derive(Debug)]
struct Step {
    id: OpId,
    call: u64,
    /// `None` if it takes effect at any time after its call, or never.
    ret: Option<u64>,
    observes: Option<Value>,
    writes: Option<Value>,
}

fn step(weakened: &Weakened, operation: &Operation) -> Option<Step> {
    let (observes, writes) = match operation.f.as_str() {
        "read" if operation.outcome == Outcome::Ok => (Some(operation.output.clone()), None),
        "write" => (None, Some(operation.input.clone())),
        "cas" => match operation.input.as_list()? {
            [expected, new] => (Some(expected.clone()), Some(new.clone())),
            _ => return None,
        },
        _ => return None,
    };
    Some(Step {
        id: weakened.id,
        call: operation.call,
        ret: operation.ret,
        observes: observes.filter(|_| weakened.effect == Effect::Whole),
        writes,
    })
}

/// All orders, depth first.
struct Walk<'s> {
    steps: &'s [Step],
    placed: Vec<usize>,
    found: Vec<DeadEnd>,
}

impl<'s> Walk<'s> {
    fn of(steps: &'s [Step], initial: &Value) -> Vec<DeadEnd> {
        let mut walk = Walk {
            steps,
            placed: Vec::new(),
            found: Vec::new(),
        };
        if walk.on(initial) {
            walk.found
        } else {
            Vec::new()
        }
    }

    /// False when there is an order, or when dead ends are too many.
    fn on(&mut self, value: &Value) -> bool {
        let open: Vec<usize> = (0..self.steps.len())
            .filter(|step| !self.placed.contains(step))
            .collect();
        let returns = open.iter().filter_map(|step| self.steps[*step].ret);
        let Some(first_return) = returns.min() else {
            return false;
        };
        open.into_iter()
            .all(|next| self.steps[next].call > first_return || self.place(next, value))
    }

    fn place(&mut self, next: usize, value: &Value) -> bool {
        let step = &self.steps[next];
        if step.observes.as_ref().is_none_or(|seen| seen == value) {
            self.placed.push(next);
            let explained = self.on(step.writes.as_ref().unwrap_or(value));
            self.placed.pop();
            return explained;
        }
        if step.ret.is_some() {
            self.found.push(DeadEnd {
                placed: self
                    .placed
                    .iter()
                    .map(|step| self.steps[*step].id)
                    .collect(),
                impossible: step.id,
                value: value.clone(),
            });
        }
        self.found.len() <= MAX_DEAD_ENDS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads `w17@1-2`, `r16@5-6`, `w3@4-` (which may take effect or not).
    fn steps(text: &str) -> Vec<Step> {
        let step = |(id, text): (usize, &str)| {
            let (what, times) = text.split_once('@').expect("a step has times");
            let (call, ret) = times.split_once('-').expect("times are CALL-RETURN");
            let value = Value::Int(what[1..].parse().expect("a value is a number"));
            let writes = what.starts_with('w');
            Step {
                id: OpId(id),
                call: call.parse().expect("a time is a number"),
                ret: ret.parse().ok(),
                observes: (!writes).then(|| value.clone()),
                writes: writes.then_some(value),
            }
        };
        text.split_whitespace().enumerate().map(step).collect()
    }

    fn told(text: &str) -> Vec<(Vec<usize>, usize, Value)> {
        let ends = Walk::of(&steps(text), &Value::Nil);
        let plain = |end: DeadEnd| {
            let placed = end.placed.iter().map(|id| id.0).collect();
            (placed, end.impossible.0, end.value)
        };
        ends.into_iter().map(plain).collect()
    }

    #[test]
    fn every_order_ends_where_an_answer_is_impossible() {
        let stale = [(vec![0, 1], 2, Value::Int(17))];
        assert_eq!(told("w16@1-2 w17@3-4 r16@5-6"), stale);
        let concurrent = told("w1@1-4 w2@2-5 r1@6-7 r2@8-9");
        let ends = [
            (vec![0, 1], 2, Value::Int(2)),
            (vec![1, 0, 2], 3, Value::Int(1)),
        ];
        assert_eq!(concurrent, ends);
        assert_eq!(told("r5@1-2"), [(vec![], 0, Value::Nil)], "nobody wrote it");
    }

    #[test]
    fn what_may_not_have_happened_is_tried_both_ways() {
        let ends = told("w1@1-2 w3@3- r1@4-5 r3@6-7 r1@8-9");
        let expected = [
            (vec![0, 1], 2, Value::Int(3)),
            (vec![0, 2, 1, 3], 4, Value::Int(3)),
            (vec![0, 2], 3, Value::Int(1)),
        ];
        assert_eq!(ends, expected);
    }

    #[test]
    fn where_there_is_an_order_nothing_is_told() {
        assert_eq!(told("w1@1-4 w2@2-5 r1@6-7"), []);
        assert_eq!(told("w1@1-2 w3@3- r3@4-5"), []);
    }
}
