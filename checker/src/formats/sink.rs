//! Where all formats put what they read.

use crate::budget::Budget;
use crate::event::Header;
use crate::formats::names::Names;
use crate::formats::{jsonl, stopped};
use crate::history::Operation;
use crate::pairing::{MalformedHistory, Pairing, Record};

/// How many records are taken between two looks at the budget.
const RECORDS_PER_POLL: u64 = 4096;

/// A history that grows record by record.
pub(crate) struct Sink<'b> {
    pub(crate) header: Option<Header>,
    pub(crate) truncated: bool,
    pub(crate) names: Names,
    pub(crate) pairing: Pairing,
    budget: &'b dyn Budget,
}

impl<'b> Sink<'b> {
    pub(crate) fn new(budget: &'b dyn Budget) -> Self {
        Self {
            header: None,
            truncated: false,
            names: Names::default(),
            pairing: Pairing::default(),
            budget,
        }
    }

    /// Whether nothing was found yet.
    pub(crate) fn is_fresh(&self) -> bool {
        self.header.is_none() && self.pairing.records() == 0
    }

    /// Takes a line if it is the header.
    pub(crate) fn take_header(
        &mut self,
        line: &str,
        number: usize,
    ) -> Result<bool, MalformedHistory> {
        self.header = jsonl::header(line, number)?;
        Ok(self.header.is_some())
    }

    /// Pairs the next record.
    pub(crate) fn accept(&mut self, record: Record) -> Result<(), MalformedHistory> {
        let line = record.line.map_or(0, |line| line.get() as usize);
        self.pairing.accept(record)?;
        self.poll(self.pairing.records(), self.pairing.operations.len(), line)
    }

    /// Looks at the budget now and then.
    pub(crate) fn poll(
        &self,
        records: u64,
        operations: usize,
        line: usize,
    ) -> Result<(), MalformedHistory> {
        if !records.is_multiple_of(RECORDS_PER_POLL) {
            return Ok(());
        }
        let held = operations * size_of::<Operation>();
        let limit = self.budget.exceeded(held as u64);
        limit.map_or(Ok(()), |limit| Err(stopped(line, limit)))
    }
}
