//! The sentences. Each names clients, nodes, values and times, and nothing that the history does not say.

use crate::event::Nanos;
use crate::explain::Object;
use crate::explain::contradiction::Contradiction;
use crate::history::{OpId, Operation};
use crate::models::register::{Action, Register, RegisterOp, ValueId};
use crate::value::Value;

/// How many possible values a sentence lists.
const STATES_SHOWN: usize = 8;

/// A contradiction, such as `client 4 wrote 17 to k3 through n1, acknowledged at 12.401 s; client 9's read began 619 ms later on n3 and
/// returned 16 (2 writes behind)`.
pub(super) fn sentence(
    object: &Object<'_>,
    register: &Register,
    found: &Contradiction<'_>,
) -> String {
    let teller = Teller { object, register };
    match found {
        Contradiction::Unwritten {
            observer,
            failed: Some(failed),
        } => teller.dirty(observer, failed),
        Contradiction::Unwritten {
            observer,
            failed: None,
        } => {
            format!("{}, which nobody had written", teller.saw(observer, ""))
        }
        Contradiction::Overwritten {
            observer,
            by,
            lost: None,
        } => teller.overwritten(observer, by),
        Contradiction::Overwritten {
            observer,
            lost: Some(lost),
            ..
        } => teller.lost(observer, lost),
        Contradiction::TwoSuccessors {
            value,
            first,
            second,
        } => teller.two_successors(*value, first, second),
        Contradiction::Reappeared {
            observer,
            before,
            between,
            at_rest,
        } => teller.reappeared(observer, *before, between, *at_rest),
    }
}

/// The operation that could not be placed and what was possible instead.
pub(super) fn unplaceable(object: &Object<'_>, stuck: OpId, states: &[Value]) -> String {
    let operation = object.history.operation(stuck);
    let shown: Vec<String> = states
        .iter()
        .take(STATES_SHOWN)
        .map(Value::to_string)
        .collect();
    let more = if states.len() > STATES_SHOWN {
        " or others"
    } else {
        ""
    };
    let value = if operation.output == Value::Nil {
        String::new()
    } else {
        format!(" of {}", operation.output)
    };
    let before = if shown.is_empty() {
        String::new()
    } else {
        let shown = shown.join(" or ");
        format!(": before it the value must have been {shown}{more}")
    };
    let acknowledged = operation
        .return_time
        .map_or_else(String::new, |time| format!(", acknowledged at {time},"));
    format!(
        "client {}'s {}{value}{}{acknowledged} fits no order{before}",
        operation.process,
        operation.f,
        on_node(operation),
    )
}

struct Teller<'o> {
    object: &'o Object<'o>,
    register: &'o Register,
}

impl Teller<'_> {
    fn overwritten(&self, observer: &RegisterOp, by: &[&RegisterOp]) -> String {
        let Some(first) = by.first() else {
            return self.saw(observer, "");
        };
        let writes = if by.len() == 1 { "write" } else { "writes" };
        let saw = self.saw(observer, &self.delay(first, observer));
        format!(
            "{}; {saw} ({} {writes} behind)",
            self.acknowledged(first),
            by.len()
        )
    }

    fn lost(&self, observer: &RegisterOp, lost: &RegisterOp) -> String {
        let saw = self.saw(observer, &self.delay(lost, observer));
        format!("{}, but nobody ever saw it; {saw}", self.acknowledged(lost))
    }

    fn dirty(&self, observer: &RegisterOp, failed: &RegisterOp) -> String {
        let writer = self.operation(failed);
        let error = writer
            .error
            .as_ref()
            .map_or_else(String::new, |error| format!(" ({error})"));
        let saw = self.saw(observer, "");
        format!(
            "client {}'s {}{} failed{error}; {saw}",
            writer.process,
            self.noun(failed),
            on_node(writer)
        )
    }

    fn two_successors(&self, value: ValueId, first: &RegisterOp, second: &RegisterOp) -> String {
        let both = [first, second].map(|operation| {
            let client = self.operation(operation);
            let done = at(" at ", client.return_time);
            format!(
                "client {}'s {}{}{done}",
                client.process,
                self.noun(operation),
                on_node(client)
            )
        });
        let value = self.value(value);
        format!(
            "{} and {} both succeeded{}, though {value} was there only once: one update is lost",
            both[0],
            both[1],
            self.of_key()
        )
    }

    fn reappeared(
        &self,
        observer: &RegisterOp,
        before: Option<&RegisterOp>,
        between: &RegisterOp,
        at_rest: bool,
    ) -> String {
        let last = self.saw(observer, &self.delay(between, observer));
        let between = self.saw(between, "");
        if observer.action.writes().is_some() {
            return format!("{between}; {last}, although that value was past");
        }
        match before {
            Some(before) => format!(
                "{}; then {between}; then {last} again",
                self.saw(before, "")
            ),
            None if at_rest => {
                format!("all writes of either value were complete, yet {between}; {last}")
            }
            None => format!("{between}; {last}, which is older"),
        }
    }

    /// `client 4 wrote 17 to k3 through n1, acknowledged at 12.401 s`
    fn acknowledged(&self, mutation: &RegisterOp) -> String {
        let operation = self.operation(mutation);
        let to_key = self
            .object
            .key
            .map_or_else(String::new, |key| format!(" to {}", plain(key)));
        let did = match mutation.action {
            Action::Cas { expected, new } => {
                format!(
                    "changed {} to {}{}",
                    self.value(expected),
                    self.value(new),
                    self.of_key()
                )
            }
            Action::Write(value) | Action::Read(value) => {
                format!("wrote {}{to_key}", self.value(value))
            }
            Action::ReadAny => "read".to_owned(),
        };
        acknowledged(operation, &did)
    }

    /// `client 9's read began 619 ms later on n3 and returned 16`
    fn saw(&self, observer: &RegisterOp, delay: &str) -> String {
        let operation = self.operation(observer);
        let began = match delay {
            "" => at(" began at ", operation.call_time),
            delay => format!(" began {delay}"),
        };
        let end = match observer.action {
            Action::Read(value) => format!("returned {}", self.value(value)),
            Action::Cas { .. } | Action::Write(_) | Action::ReadAny => "succeeded".to_owned(),
        };
        let and = if began.is_empty() { "" } else { " and" };
        format!(
            "client {}'s {}{began}{}{and} {end}",
            operation.process,
            self.noun(observer),
            on_node(operation)
        )
    }

    /// `619 ms later`
    fn delay(&self, from: &RegisterOp, to: &RegisterOp) -> String {
        let (from, to) = (
            self.operation(from).return_time,
            self.operation(to).call_time,
        );
        from.zip(to).map_or_else(
            || "after that".to_owned(),
            |(from, to)| match to.0.saturating_sub(from.0) {
                0 => "right after".to_owned(),
                ns => format!("{} later", span(ns)),
            },
        )
    }

    fn noun(&self, operation: &RegisterOp) -> String {
        match operation.action {
            Action::ReadAny | Action::Read(_) => self.operation(operation).f.as_str().to_owned(),
            Action::Write(value) => format!("write of {}", self.value(value)),
            Action::Cas { expected, new } => {
                format!("cas from {} to {}", self.value(expected), self.value(new))
            }
        }
    }

    fn of_key(&self) -> String {
        self.object
            .key
            .map_or_else(String::new, |key| format!(" in {}", plain(key)))
    }

    fn value(&self, value: ValueId) -> &Value {
        self.register.values.get(value)
    }

    fn operation(&self, operation: &RegisterOp) -> &Operation {
        self.object.history.operation(operation.id)
    }
}

/// Keys are named without quotes.
fn plain(key: &Value) -> String {
    key.as_text().map_or_else(|| key.to_string(), str::to_owned)
}

pub(super) fn on_node(operation: &Operation) -> String {
    operation
        .node
        .as_ref()
        .map_or_else(String::new, |node| format!(" on {node}"))
}

/// `client 4 wrote 17 through n1, acknowledged at 12.401 s`
pub(super) fn acknowledged(operation: &Operation, did: &str) -> String {
    let through = operation
        .node
        .as_ref()
        .map_or_else(String::new, |node| format!(" through {node}"));
    format!(
        "client {} {did}{through}, acknowledged{}",
        operation.process,
        at(" at ", operation.return_time)
    )
}

fn at(words: &str, time: Option<Nanos>) -> String {
    time.map_or_else(String::new, |time| format!("{words}{time}"))
}

/// A span of time in its natural unit.
pub(super) fn span(ns: u64) -> String {
    match ns {
        0..10_000_000 => format!("{}.{} ms", ns / 1_000_000, ns / 100_000 % 10),
        10_000_000..10_000_000_000 => format!("{} ms", ns / 1_000_000),
        _ => format!("{}.{} s", ns / 1_000_000_000, ns / 100_000_000 % 10),
    }
}
