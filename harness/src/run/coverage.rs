//! How hard a run really tried, judged from what was recorded and not from what was planned. Pure.

use checker::{History, Nanos, Outcome};
use nemesis::schedule::FaultKind;
use reports::{Effect, FaultRecord, Strength};

/// A strong run completed at least this many operations while faults were active.
const STRONG_OPERATIONS: usize = 100;
/// And at least this many faults of each kind acted.
const STRONG_FAULTS: usize = 2;

/// The grade of a run and the numbers behind it, one sentence each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Coverage {
    pub strength: Strength,
    pub reasons: Vec<String>,
}

/// Grades a run: `kinds` is what was asked for, `faults` what came of it.
pub(crate) fn coverage(
    history: &History,
    kinds: &[FaultKind],
    faults: &[FaultRecord],
    leader_changes: u32,
) -> Coverage {
    let completed = history
        .operations
        .iter()
        .filter(|operation| operation.outcome == Outcome::Ok)
        .count();
    let during = faults
        .iter()
        .map(|fault| acknowledged_during(history, fault))
        .sum::<usize>();
    let acted = |kind: &FaultKind| {
        let name = kind.to_string();
        faults
            .iter()
            .filter(|fault| fault.name == name && fault.effect == Effect::Installed)
            .count()
    };
    let counts: Vec<(FaultKind, usize)> = kinds.iter().map(|kind| (*kind, acted(kind))).collect();

    let mut reasons = vec![format!(
        "{completed} operations were acknowledged, {during} of them while a fault was active."
    )];
    for (kind, count) in &counts {
        reasons.push(format!("{count} {kind} faults acted, proven by evidence."));
    }
    reasons.push(format!("The leader changed {leader_changes} times."));

    let nothing_acted = !counts.is_empty() && counts.iter().all(|(_, count)| *count == 0);
    let strength = if completed == 0 || nothing_acted {
        Strength::Vacuous
    } else if counts.is_empty() {
        reasons.push("No faults were asked for, so only concurrency was tested.".to_owned());
        Strength::Weak
    } else if counts.iter().all(|(_, count)| *count >= STRONG_FAULTS) && during >= STRONG_OPERATIONS
    {
        Strength::Strong
    } else {
        reasons.push(format!(
            "Strong takes {STRONG_FAULTS} faults of each kind and {STRONG_OPERATIONS} operations acknowledged under them."
        ));
        Strength::Weak
    };
    Coverage { strength, reasons }
}

/// Operations acknowledged while `fault` was active.
pub(crate) fn acknowledged_during(history: &History, fault: &FaultRecord) -> usize {
    let within = |time: Option<Nanos>| time.is_some_and(|time| fault.active_at(time.0));
    let acknowledged = |outcome| outcome == Outcome::Ok;
    history
        .operations
        .iter()
        .filter(|op| acknowledged(op.outcome) && within(op.return_time))
        .count()
}
