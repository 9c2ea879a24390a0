//! The state machine against its rules, a plain oracle, and its own image.

mod bugs;
mod image;
mod layers;
mod oracle;
mod rules;
mod sessions;
mod sessions_oracle;

use serde_json::Value;

use super::{
    Applied, ClientId, Command, Condition, Fence, JsonText, Key, Kv, MicroOp, Proposal, Rejection,
    Sequence, Stamp, Transaction, time::ClusterTime,
};
use crate::raft::{Body, Entry, Payload, Position, Term};

/// Applies `body` as the next entry.
fn apply_body(kv: &mut Kv, body: Body) -> Applied {
    let at = Position {
        term: Term(1),
        index: kv.applied().next(),
    };
    kv.apply(&Entry { at, body })
}

fn propose(kv: &mut Kv, time: u64, command: Command) -> Applied {
    let proposal = Proposal {
        time: ClusterTime(time),
        stamp: None,
        command,
    };
    apply_body(kv, Body::Command(proposal.encode()))
}

fn propose_once(kv: &mut Kv, time: u64, stamp: Stamp, command: Command) -> Applied {
    let proposal = Proposal {
        time: ClusterTime(time),
        stamp: Some(stamp),
        command,
    };
    apply_body(kv, Body::Command(proposal.encode()))
}

fn stamp(client: ClientId, sequence: u64, unanswered: u64) -> Stamp {
    Stamp {
        client,
        sequence: Sequence(sequence),
        unanswered: Sequence(unanswered),
    }
}

fn register(kv: &mut Kv, idle_ms: u64) -> ClientId {
    let applied = run(kv, Command::Register { idle_ms });
    let Applied::Registered(client) = applied else {
        panic!("registered {applied:?}")
    };
    client
}

fn run(kv: &mut Kv, command: Command) -> Applied {
    let time = kv.time().0;
    propose(kv, time, command)
}

fn json(value: &Value) -> JsonText {
    JsonText::new(value)
}

fn single(key: &str, micro_op: MicroOp) -> Command {
    let key = key.into();
    Command::Single { key, micro_op }
}

fn write(key: &str, value: &Value) -> Command {
    single(key, MicroOp::Write(json(value)))
}

fn append(key: &str, value: &Value) -> Command {
    single(key, MicroOp::Append(json(value)))
}

fn cas(key: &str, expected: &Value, value: &Value) -> Command {
    Command::Cas {
        key: key.into(),
        expected: json(expected),
        value: json(value),
    }
}

fn transact(conditions: &[(&str, Value)], micro_ops: &[(&str, MicroOp)]) -> Command {
    let condition = |(key, expected): &(&str, Value)| Condition {
        key: (*key).into(),
        expected: json(expected),
    };
    let micro_op = |(key, micro_op): &(&str, MicroOp)| (Key::from(*key), micro_op.clone());
    Command::Transact(Transaction {
        conditions: conditions.iter().map(condition).collect(),
        micro_ops: micro_ops.iter().map(micro_op).collect(),
    })
}

fn acquire(lock: &str, owner: &str) -> Command {
    Command::Acquire {
        lock: lock.into(),
        owner: owner.to_owned().into(),
    }
}

fn read(kv: &Kv, key: &str) -> Value {
    serde_json::from_str(kv.read(&key.into()).as_str()).expect("states hold JSON")
}

/// A body that no version of this program writes.
fn gibberish() -> Body {
    Body::Command(Payload::new(&[255, 255]))
}

fn encoded(command: Command) -> Vec<u8> {
    let proposal = Proposal {
        time: ClusterTime(0),
        stamp: None,
        command,
    };
    proposal.encode().bytes().to_vec()
}
