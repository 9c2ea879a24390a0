//! Keys and what they hold; transactions.

use std::sync::Arc;

use super::{
    applied::Rejection,
    base::{Base, BaseError},
    command::{Condition, Key, MicroOp, Transaction},
    layers::{Flushed, Layers},
    value::JsonText,
};

/// Longest text of a value that grows by appending.
const VALUE_BYTES_MAX: usize = 1 << 20;
/// Most bytes that the values of one transaction's answer may have.
const ANSWER_BYTES_MAX: usize = 4 << 20;

/// The keys that hold something; null is held by not being here.
///
/// A clone shares everything with its original and costs nothing: that is how a transaction is undone and
/// how an image is taken while the state goes on.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Values(Layers);

impl Values {
    /// Those of a base; without one, none, and all that come stay in memory.
    pub(super) fn on(base: Option<Arc<dyn Base>>) -> Self {
        Self(Layers::on(base))
    }

    /// The value of a key; null when it is absent.
    pub(super) fn read(&self, key: &Key) -> JsonText {
        self.0.get(key).unwrap_or_else(JsonText::null)
    }

    pub(super) fn write(&mut self, key: Key, value: JsonText) {
        let held = (!value.is_null()).then_some(value);
        self.0.put(key, held);
    }

    pub(super) fn swap(
        &mut self,
        key: Key,
        expected: &JsonText,
        value: JsonText,
    ) -> Result<(), Rejection> {
        if self.read(&key) != *expected {
            return Err(Rejection::Mismatch);
        }
        self.write(key, value);
        Ok(())
    }

    /// What the micro-operation gives, if it gives anything.
    pub(super) fn perform(
        &mut self,
        key: Key,
        micro_op: MicroOp,
    ) -> Result<Option<JsonText>, Rejection> {
        match micro_op {
            MicroOp::Read => return Ok(Some(self.read(&key))),
            MicroOp::Write(value) => self.write(key, value),
            MicroOp::Delete => self.write(key, JsonText::null()),
            MicroOp::Append(last) => {
                let grown = appended(self.0.get(&key).as_ref(), &last)?;
                self.write(key, grown);
            }
            MicroOp::Add(amount) => {
                let sum = JsonText::from(added(self.0.get(&key).as_ref(), amount)?);
                self.write(key, sum.clone());
                return Ok(Some(sum));
            }
        }
        Ok(None)
    }

    /// What each micro-operation gives; after a rejection nothing has changed.
    pub(super) fn transact(
        &mut self,
        transaction: Transaction,
    ) -> Result<Vec<JsonText>, Rejection> {
        let met = |condition: &Condition| self.read(&condition.key) == condition.expected;
        if !transaction.conditions.iter().all(met) {
            return Err(Rejection::Mismatch);
        }
        let mut after = self.clone();
        let mut given = Vec::with_capacity(transaction.micro_ops.len());
        let mut bytes = 0;
        for (key, micro_op) in transaction.micro_ops {
            let value = after.perform(key, micro_op)?;
            let value = value.unwrap_or_else(JsonText::null);
            bytes += value.as_str().len();
            given.push(value);
        }
        if bytes > ANSWER_BYTES_MAX {
            return Err(Rejection::TooLarge);
        }
        *self = after;
        Ok(given)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (Key, JsonText)> {
        self.0.iter()
    }

    pub(super) fn freeze(&mut self) {
        self.0.freeze();
    }

    pub(super) fn flush(&self) -> Result<Option<Flushed>, BaseError> {
        self.0.flush()
    }

    pub(super) fn settle(&mut self, flushed: Flushed) {
        self.0.settle(flushed);
    }

    pub(super) fn fault(&self) -> Option<BaseError> {
        self.0.fault()
    }

    #[cfg(test)]
    pub(super) fn in_memory(&self) -> usize {
        self.0.in_memory()
    }
}

fn appended(list: Option<&JsonText>, last: &JsonText) -> Result<JsonText, Rejection> {
    let empty = JsonText::empty_list();
    let list = list.unwrap_or(&empty);
    if list.as_str().len() + last.as_str().len() >= VALUE_BYTES_MAX {
        return Err(Rejection::TooLarge);
    }
    list.with_last(last).ok_or(Rejection::WrongType)
}

fn added(number: Option<&JsonText>, amount: i64) -> Result<i64, Rejection> {
    let number = number.map_or(Some(0), JsonText::integer);
    let sum = number.ok_or(Rejection::WrongType)?.checked_add(amount);
    sum.ok_or(Rejection::TooLarge)
}
