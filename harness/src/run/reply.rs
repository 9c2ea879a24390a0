//! What the system's door answers, and what that says of an operation.

use checker::Value;
use serde::Deserialize;

use super::recorder::Completion;
use crate::workload::{Invocation, Micro};

/// What the node's door answers.
#[derive(Debug, Deserialize)]
pub(super) struct Reply {
    outcome: ReplyOutcome,
    #[serde(default)]
    value: Value,
    /// What each part of a transaction gave.
    #[serde(default)]
    values: Value,
    error: Option<String>,
    leader: Option<String>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum ReplyOutcome {
    Ok,
    Fail,
    Unknown,
}

impl Reply {
    /// Who leads, by the word of a node that certainly did not do it.
    pub(super) fn hint(&self) -> Option<&str> {
        match self.outcome {
            ReplyOutcome::Fail => self.leader.as_deref(),
            ReplyOutcome::Ok | ReplyOutcome::Unknown => None,
        }
    }

    /// How the operation ended.
    pub(super) fn completion(self, invocation: &Invocation) -> Completion {
        let error = || {
            self.error
                .clone()
                .unwrap_or_else(|| "no reason given".to_owned())
        };
        let value = self.gift(invocation);
        match self.outcome {
            ReplyOutcome::Ok if !is_complete(invocation, &value) => {
                let error = format!("an answer without a value for each part: {value}");
                uncertain(invocation, error)
            }
            ReplyOutcome::Ok => Completion::Ok(value),
            ReplyOutcome::Fail => Completion::Fail(error()),
            ReplyOutcome::Unknown => uncertain(invocation, error()),
        }
    }

    /// What the operation gave: one value, or those of a transaction's parts.
    fn gift(&self, invocation: &Invocation) -> Value {
        match invocation {
            Invocation::Read { .. }
            | Invocation::Write { .. }
            | Invocation::Cas { .. }
            | Invocation::Add { .. } => self.value.clone(),
            Invocation::Transact { parts, .. } => match parts.as_slice() {
                [Micro::Read { .. }] => [self.value.clone()].into_iter().collect(),
                _ => self.values.clone(),
            },
        }
    }
}

/// Whether each part of a transaction was answered.
fn is_complete(invocation: &Invocation, value: &Value) -> bool {
    match invocation {
        Invocation::Read { .. }
        | Invocation::Write { .. }
        | Invocation::Cas { .. }
        | Invocation::Add { .. } => true,
        Invocation::Transact { parts, .. } => value
            .as_list()
            .is_some_and(|values| values.len() == parts.len()),
    }
}

/// An operation without an answer: a read certainly changed nothing, anything else may have.
pub(super) fn uncertain(invocation: &Invocation, error: String) -> Completion {
    if invocation.mutates() {
        Completion::Info(error)
    } else {
        Completion::Fail(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read() -> Invocation {
        Invocation::Read {
            key: "k".to_owned(),
        }
    }

    fn write() -> Invocation {
        Invocation::Write {
            key: "k".to_owned(),
            value: 1,
        }
    }

    fn completed(invocation: &Invocation, answer: &str) -> Completion {
        let reply: Reply = serde_json::from_str(answer).unwrap();
        reply.completion(invocation)
    }

    #[test]
    fn an_answer_means_what_it_says() {
        let refused = Completion::Fail("not_leader".to_owned());
        for (invocation, answer, expected) in [
            (
                read(),
                r#"{"outcome":"ok","value":7}"#,
                Completion::Ok(Value::Int(7)),
            ),
            (
                read(),
                r#"{"outcome":"ok","value":null}"#,
                Completion::Ok(Value::Nil),
            ),
            (write(), r#"{"outcome":"ok"}"#, Completion::Ok(Value::Nil)),
            (
                write(),
                r#"{"outcome":"fail","error":"not_leader"}"#,
                refused,
            ),
        ] {
            assert_eq!(completed(&invocation, answer), expected, "{answer}");
        }
    }

    #[test]
    fn what_nobody_knows_is_indeterminate_unless_it_changed_nothing() {
        for answer in [
            r#"{"outcome":"unknown","error":"leadership_lost"}"#,
            r#"{"outcome":"unknown"}"#,
        ] {
            assert!(matches!(completed(&write(), answer), Completion::Info(_)));
            assert!(matches!(completed(&read(), answer), Completion::Fail(_)));
        }
    }

    #[test]
    fn a_transaction_is_answered_part_by_part() {
        let transact = |parts: &[Micro]| Invocation::Transact {
            group: "g".to_owned(),
            parts: parts.to_vec(),
        };
        let read = Micro::Read {
            register: "gx".to_owned(),
        };
        let write = Micro::Write {
            register: "gy".to_owned(),
            value: 7,
        };
        let list = |values: &[Value]| Completion::Ok(values.iter().cloned().collect());
        let both = transact(&[read.clone(), write.clone()]);
        let answered = completed(&both, r#"{"outcome":"ok","values":[3,null]}"#);
        assert_eq!(answered, list(&[Value::Int(3), Value::Nil]));
        let one = completed(
            &transact(std::slice::from_ref(&read)),
            r#"{"outcome":"ok","value":3}"#,
        );
        assert_eq!(one, list(&[Value::Int(3)]));
        for answer in [r#"{"outcome":"ok"}"#, r#"{"outcome":"ok","values":[3]}"#] {
            assert!(matches!(completed(&both, answer), Completion::Info(_)));
            let reads = transact(&[read.clone(), read.clone()]);
            assert!(matches!(completed(&reads, answer), Completion::Fail(_)));
        }
    }

    #[test]
    fn what_was_read_is_recorded_whatever_it_is() {
        let answer = r#"{"outcome":"ok","value":"seventeen"}"#;
        let seen = Completion::Ok(Value::from("seventeen"));
        assert_eq!(completed(&read(), answer), seen);
    }
}
