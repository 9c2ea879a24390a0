//! What clients ask for, and how a node is asked.

use serde_json::json;

use crate::{
    kv::{Command, Fence, JsonText, Key, MicroOp, Proposal, Transaction},
    raft::{Entry, ReadLevel},
    replica::Operation,
};

pub(super) const REGISTERS: usize = 3;
pub(super) const LISTS: usize = 2;

/// A number of its own for everything that has an effect, so that it is found again in logs and values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Mark(pub(super) i64);

/// Something with a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Object {
    Register(usize),
    List(usize),
    Counter,
}

impl Object {
    pub(super) fn all() -> impl Iterator<Item = Self> {
        let registers = (0..REGISTERS).map(Self::Register);
        registers
            .chain((0..LISTS).map(Self::List))
            .chain([Self::Counter])
    }

    pub(super) fn name(self) -> String {
        match self {
            Self::Register(number) => format!("r{number}"),
            Self::List(number) => format!("l{number}"),
            Self::Counter => "sum".into(),
        }
    }

    pub(super) fn key(self) -> Key {
        self.name().into()
    }
}

/// How much a read is promised.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Level {
    Raft(ReadLevel),
    /// Through the log.
    Log,
    /// Any state that once was.
    Local,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Action {
    Read(Object, Level),
    Write(usize),
    Cas {
        register: usize,
        expected: JsonText,
    },
    Append(usize),
    /// Appends to all lists, and reads them.
    AppendAll,
    /// Reads all lists at once.
    ReadAll,
    Add,
    Acquire,
    /// The lock's owner is the mark of who acquired it.
    Release(Mark, u64),
    /// Opens a session.
    Register {
        idle_ms: u64,
    },
}

impl Action {
    /// Whether it goes through the log and changes something.
    pub(super) const fn changes(&self) -> bool {
        !matches!(self, Self::Read(..) | Self::ReadAll)
    }

    /// Whether asking again is harmless without a session.
    pub(super) const fn may_repeat(&self) -> bool {
        matches!(self, Self::Acquire | Self::Release(..))
    }

    pub(super) fn asked(&self, mark: Mark, stamp: Option<crate::kv::Stamp>) -> Operation {
        let command = match self {
            Self::Read(object, Level::Raft(level)) => {
                let (key, level) = (object.key(), *level);
                return Operation::Read { key, level };
            }
            Self::Read(object, Level::Local) => {
                return Operation::ReadLocal { key: object.key() };
            }
            Self::Read(object, Level::Log) => single(*object, MicroOp::Read),
            Self::Write(register) => {
                let value = JsonText::from(mark.0);
                single(Object::Register(*register), MicroOp::Write(value))
            }
            Self::Cas { register, expected } => Command::Cas {
                key: Object::Register(*register).key(),
                expected: expected.clone(),
                value: mark.0.into(),
            },
            Self::Append(list) => single(Object::List(*list), MicroOp::Append(mark.0.into())),
            Self::AppendAll => {
                let appends = lists().map(|key| (key, MicroOp::Append(mark.0.into())));
                let reads = lists().map(|key| (key, MicroOp::Read));
                transaction(appends.chain(reads).collect())
            }
            Self::ReadAll => transaction(lists().map(|key| (key, MicroOp::Read)).collect()),
            Self::Add => single(Object::Counter, MicroOp::Add(mark.0)),
            Self::Acquire => Command::Acquire {
                lock: "lock".into(),
                owner: mark.0.to_string().into(),
            },
            Self::Release(owner, token) => Command::Release {
                lock: "lock".into(),
                owner: owner.0.to_string().into(),
                token: Some(Fence(*token)),
            },
            Self::Register { idle_ms } => Command::Register { idle_ms: *idle_ms },
        };
        Operation::Command { command, stamp }
    }
}

fn lists() -> impl Iterator<Item = Key> {
    (0..LISTS).map(|number| Object::List(number).key())
}

fn single(object: Object, micro_op: MicroOp) -> Command {
    Command::Single {
        key: object.key(),
        micro_op,
    }
}

fn transaction(micro_ops: Vec<(Key, MicroOp)>) -> Command {
    Command::Transact(Transaction {
        conditions: Vec::new(),
        micro_ops,
    })
}

/// The mark of what an entry asks for, if it has one.
pub(super) fn mark_of(entry: &Entry) -> Option<Mark> {
    let crate::raft::Body::Command(payload) = &entry.body else {
        return None;
    };
    let number = match Proposal::decode(payload)?.command {
        Command::Single {
            micro_op: MicroOp::Write(value) | MicroOp::Append(value),
            ..
        }
        | Command::Cas { value, .. } => value.integer()?,
        Command::Single {
            micro_op: MicroOp::Add(amount),
            ..
        } => amount,
        Command::Transact(transaction) => match transaction.micro_ops.first()? {
            (_, MicroOp::Append(value)) => value.integer()?,
            (_, MicroOp::Read | MicroOp::Write(_) | MicroOp::Delete | MicroOp::Add(_)) => {
                return None;
            }
        },
        Command::Acquire { owner, .. } => json!(owner).as_str()?.parse().ok()?,
        Command::Single {
            micro_op: MicroOp::Read | MicroOp::Delete,
            ..
        }
        | Command::Release { .. }
        | Command::Register { .. }
        | Command::KeepAlive { .. } => return None,
    };
    Some(Mark(number))
}
