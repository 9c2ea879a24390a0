//! Operations column by column, as compact as a page can carry them and a script can read them.
//!
//! ```text
//! document := bytes(head as JSON) bytes(texts, parted by line feeds) column*
//! bytes    := length, then as many bytes
//! column   := one number for each operation, in the order of their beginnings
//! ```
//! Numbers are LEB128, seven bits a byte, lowest first. A million operations are 15 MB so, and 6 once they are deflated; the same as
//! JSON would be 150. The columns are those of [`Columns`], in the order of its fields.

use checker::{Operation, Outcome};

use super::super::scale::Axis;
use super::super::scene::{begin, end};
use super::choice::Choice;
use super::names::{Names, zigzag};

/// Added to an outcome when the operation never returned.
const NEVER_RETURNED: u64 = 4;

/// What is written of every operation.
#[derive(Debug, Default)]
struct Columns {
    /// Since the beginning of the one before.
    begin: Vec<u8>,
    length: Vec<u8>,
    /// 0 ok, 1 failed, 2 indeterminate.
    outcome: Vec<u8>,
    /// Its place among the sorted processes.
    process: Vec<u8>,
    function: Vec<u8>,
    /// 0 for none, else one more than its text.
    node: Vec<u8>,
    /// 0 for none, else one more than its code.
    key: Vec<u8>,
    input: Vec<u8>,
    /// 0 when it is the input, else one more than its code.
    output: Vec<u8>,
    /// 0 for none, else one more than its text.
    error: Vec<u8>,
    /// The difference to the event of the one before, signed.
    event: Vec<u8>,
}

/// The document of the operations of a page.
pub(super) fn document(head: &str, choice: &Choice<'_>) -> Vec<u8> {
    let mut names = Names::default();
    let mut columns = Columns::default();
    let mut last = (choice.origin, 0_u64);
    for operation in &choice.operations {
        columns.times(operation, choice.axis, &mut last);
        columns.actors(operation, &choice.processes, &mut names);
        columns.values(operation, &mut names);
    }
    let mut document = Vec::new();
    bytes(&mut document, head.as_bytes());
    bytes(&mut document, names.joined().as_bytes());
    columns.append_to(&mut document);
    document
}

impl Columns {
    /// `last` is the beginning and the event of the operation before.
    fn times(&mut self, operation: &Operation, axis: Axis, last: &mut (u64, u64)) {
        let from = begin(operation, axis);
        let to = end(operation, axis);
        let event = operation.invoke_index;
        number(&mut self.begin, from - last.0);
        number(&mut self.length, to.map_or(0, |to| to.saturating_sub(from)));
        number(
            &mut self.event,
            zigzag(event.wrapping_sub(last.1).cast_signed()),
        );
        number(
            &mut self.outcome,
            code(operation.outcome) + if to.is_none() { NEVER_RETURNED } else { 0 },
        );
        *last = (from, event);
    }

    fn actors<'a>(&mut self, operation: &'a Operation, processes: &[i64], names: &mut Names<'a>) {
        let process = processes.partition_point(|process| *process < operation.process);
        let node = operation.node.as_ref();
        number(&mut self.process, process as u64);
        number(&mut self.function, names.text(operation.f.as_str()));
        number(
            &mut self.node,
            node.map_or(0, |node| 1 + names.text(node.as_str())),
        );
    }

    fn values<'a>(&mut self, operation: &'a Operation, names: &mut Names<'a>) {
        let key = operation.key.as_ref().map_or(0, |key| 1 + names.key(key));
        let input = names.value(&operation.input);
        let output = if operation.output == operation.input {
            0
        } else {
            1 + names.value(&operation.output)
        };
        let error = operation.error.as_ref();
        number(&mut self.key, key);
        number(&mut self.input, input);
        number(&mut self.output, output);
        number(
            &mut self.error,
            error.map_or(0, |error| 1 + names.text(error.as_str())),
        );
    }

    fn append_to(&self, document: &mut Vec<u8>) {
        let columns = [
            &self.begin,
            &self.length,
            &self.outcome,
            &self.process,
            &self.function,
            &self.node,
            &self.key,
            &self.input,
            &self.output,
            &self.error,
            &self.event,
        ];
        for column in columns {
            document.extend_from_slice(column);
        }
    }
}

fn code(outcome: Outcome) -> u64 {
    match outcome {
        Outcome::Ok => 0,
        Outcome::Fail => 1,
        Outcome::Info => 2,
    }
}

fn bytes(document: &mut Vec<u8>, content: &[u8]) {
    number(document, content.len() as u64);
    document.extend_from_slice(content);
}

fn number(column: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        column.push(number as u8 | 0x80);
        number >>= 7;
    }
    column.push(number as u8);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_seven_bits_a_byte() {
        let rows: [(u64, &[u8]); 4] = [
            (0, &[0]),
            (127, &[127]),
            (300, &[0xac, 0x02]),
            (u64::MAX, &[255, 255, 255, 255, 255, 255, 255, 255, 255, 1]),
        ];
        for (value, expected) in rows {
            let mut column = Vec::new();
            number(&mut column, value);
            assert_eq!(column, expected, "{value}");
        }
    }
}
