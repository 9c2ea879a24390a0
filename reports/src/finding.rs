//! Contradictions as the page shows them, whether they come from a run's result or from the checker alone.

use std::collections::BTreeMap;

use checker::{KeyResult, OpId, Operation, Violation};

use crate::clip::{CELL_CHARS, clip};
use crate::data::ReportData;
use crate::quantity::{duration, moment};
use crate::result::{AnomalyRecord, Effect, FaultRecord};

/// A contradiction with its operations found in the history.
#[derive(Debug)]
pub(crate) struct Finding {
    pub(crate) record: AnomalyRecord,
    /// The operations involved, by invocation.
    pub(crate) operations: Vec<OpId>,
}

#[cfg(test)]
impl Finding {
    /// A stale read of which nothing is known but its operations.
    pub(crate) fn stale_read(operations: Vec<OpId>) -> Self {
        let record = AnomalyRecord {
            class: "stale-read".to_owned(),
            key: None,
            operations: Vec::new(),
            explanation: String::new(),
            fault: None,
        };
        Self { record, operations }
    }
}

/// All contradictions, clearest first. A run's own list wins; it knows the faults.
pub(crate) fn findings(data: &ReportData<'_>) -> Vec<Finding> {
    let records = match (data.result, data.analysis) {
        (Some(result), _) => result.anomalies.clone(),
        (None, Some(analysis)) => {
            let violations = analysis.keys.iter().filter_map(|key| match &key.result {
                KeyResult::Invalid(violation) => Some((key.key.as_ref(), violation)),
                KeyResult::Valid { .. } | KeyResult::Unknown { .. } => None,
            });
            violations
                .map(|(key, violation)| AnomalyRecord::new(key, violation, data.history, &[]))
                .collect()
        }
        (None, None) => Vec::new(),
    };
    let by_index = operations_by_index(&data.history.operations);
    records
        .into_iter()
        .map(|record| find(record, &by_index, &data.history.operations))
        .collect()
}

fn find(record: AnomalyRecord, by_index: &BTreeMap<u64, OpId>, all: &[Operation]) -> Finding {
    let mut operations: Vec<OpId> = record
        .operations
        .iter()
        .filter_map(|index| by_index.get(index).copied())
        .collect();
    operations.sort_by_key(|id| (all[id.0].call, *id));
    operations.dedup();
    Finding { record, operations }
}

fn operations_by_index(all: &[Operation]) -> BTreeMap<u64, OpId> {
    let completions = all
        .iter()
        .filter_map(|operation| Some((operation.complete_index?, operation.id)));
    let invocations = all
        .iter()
        .map(|operation| (operation.invoke_index, operation.id));
    completions.chain(invocations).collect()
}

impl AnomalyRecord {
    /// The record of a violation the checker found.
    ///
    /// `faults` may be empty. The one recorded is the latest to begin of those active when the last operation of the
    /// contradiction was invoked, else of those active when the first one returned, else of those that overlap the
    /// contradiction at all.
    #[must_use]
    pub fn new(
        key: Option<&checker::Value>,
        violation: &Violation,
        history: &checker::History,
        faults: &[FaultRecord],
    ) -> Self {
        let anomaly = &violation.anomaly;
        let operations: Vec<&Operation> = anomaly
            .operations
            .iter()
            .map(|id| &history.operations[id.0])
            .collect();
        AnomalyRecord {
            class: anomaly.class.to_string(),
            key: key
                .map(|key| serde_json::to_value(key).unwrap_or_else(|_| key.to_string().into())),
            operations: operations
                .iter()
                .map(|operation| operation.invoke_index)
                .collect(),
            explanation: anomaly.explanation.clone(),
            fault: active_fault(&operations, faults).map(|fault| fault.id),
        }
    }
}

fn active_fault<'a>(
    operations: &[&Operation],
    faults: &'a [FaultRecord],
) -> Option<&'a FaultRecord> {
    let last_call = operations
        .iter()
        .filter_map(|operation| operation.call_time)
        .max()?
        .0;
    let (from_ns, to_ns) = span_ns(operations)?;
    let acting = || {
        faults
            .iter()
            .filter(|fault| fault.effect != Effect::Skipped)
    };
    let at_the_call = acting()
        .filter(|fault| fault.active_at(last_call))
        .max_by_key(|fault| fault.start_ns);
    // What a late read brings to light was done when the first of the operations ran.
    let first = operations
        .iter()
        .min_by_key(|operation| operation.call_time);
    let at_the_damage = first.and_then(|operation| {
        let returned = operation.return_time.or(operation.call_time)?.0;
        acting()
            .filter(|fault| fault.active_at(returned))
            .max_by_key(|fault| fault.start_ns)
    });
    at_the_call.or(at_the_damage).or_else(|| {
        acting()
            .filter(|fault| fault.overlaps(from_ns, to_ns))
            .max_by_key(|fault| fault.start_ns)
    })
}

/// First invocation to last completion.
pub(crate) fn span_ns(operations: &[&Operation]) -> Option<(u64, u64)> {
    let from = operations
        .iter()
        .filter_map(|operation| operation.call_time)
        .min()?;
    let to = operations
        .iter()
        .filter_map(|operation| operation.return_time.or(operation.call_time))
        .max()?;
    Some((from.0, to.0))
}

/// Which fault was active, as a sentence.
pub(crate) fn fault_sentence(fault: &FaultRecord) -> String {
    format!(
        "Fault #{} was active: {} {} from {} to {} ({}).",
        fault.id,
        clip(&fault.name, CELL_CHARS),
        clip(&fault.description, CELL_CHARS),
        moment(fault.start_ns),
        moment(fault.end_ns),
        duration(fault.end_ns.saturating_sub(fault.start_ns)),
    )
}
