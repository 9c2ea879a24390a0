//! From what was recorded to the five answers and the exit code. Pure: clocks, files and processes stay outside.

use std::time::SystemTime;

use checker::{Analysis, History, Nanos, Outcome, Verdict, Violation};
use nemesis::schedule::Step;
use reports::{
    AnomalyRecord, Availability, Consistency, CounterexampleRecord, Counts, Environment,
    FaultRecord, Health, HealthEvent, Infrastructure, LeaderSpan, Liveness, MachineStall,
    RESULT_VERSION, RunResult, StoppedOnline, Strength, WeakerRecord,
};
use serde_json::json;

use super::coverage::{Graded, acknowledged_during, under_way_during};
use super::elections::needless_elections;
use super::environment::Equipment;
use super::outages::Search;
use super::traffic::served_again_after_ms;
use super::world::World;
use crate::cli::Require;
use crate::config::RunConfig;
use crate::exit::Exit;
use crate::judgement::Judgement;

/// What a finished run left behind, beside its history.
#[derive(Debug, Clone)]
pub(crate) struct Evidence {
    /// The wall clock at the beginning of the history.
    pub began: SystemTime,
    pub faults: Vec<FaultRecord>,
    pub leaders: Vec<LeaderSpan>,
    pub leader_changes: u32,
    pub stalls: Vec<MachineStall>,
    pub deaths: Vec<HealthEvent>,
    /// What the steps that waited for the system did in the end.
    pub done: Vec<Step>,
    /// Time from the final heal until every client was served; `None` if one was not, in the time allowed.
    pub recovery_ms: Option<u64>,
    pub equipment: Equipment,
    pub duration_ns: u64,
    pub interrupted: bool,
    pub stopped_online: Option<StoppedOnline>,
    pub failure: Option<String>,
    pub notes: Vec<String>,
    pub environment: Environment,
    /// Copies that differ in the end, which is a violation whether or not a client saw it.
    pub divergence: Option<AnomalyRecord>,
}

/// Judges a run.
pub(crate) fn judge(
    config: &RunConfig,
    history: &History,
    judgement: &Judgement,
    evidence: Evidence,
) -> RunResult {
    let analysis = &judgement.analysis;
    let faults = with_operations(config, history, evidence.faults);
    let mut notes = evidence.notes;
    notes.extend(judgement.severity());
    notes.extend(judgement.certificate());
    let refuted = judgement.certificate().filter(|_| judgement.is_refuted());
    let failure = evidence.failure.or(refuted);
    let nodes: Vec<String> = config.nodes.iter().map(ToString::to_string).collect();
    let graded = Graded {
        history,
        clients_end: config.clients_end(),
        nodes: &nodes,
        kinds: &config.all_kinds(),
        faults: &faults,
        leader_changes: evidence.leader_changes,
    };
    let coverage = graded.coverage();
    let availability = availability(
        config,
        history,
        (&faults, &evidence.leaders),
        evidence.stalls,
    );
    let mut result = RunResult {
        version: RESULT_VERSION,
        exit_code: Exit::Harness.code(),
        consistency: match &evidence.divergence {
            Some(_) => Consistency::Violation,
            None => consistency(analysis),
        },
        unknown: unknown(analysis),
        liveness: match evidence.recovery_ms {
            Some(_) => liveness(&availability),
            None if history.operations.is_empty() => Liveness::NotMeasured,
            None => Liveness::NotRecovered,
        },
        recovery_ms: evidence.recovery_ms,
        availability: Some(availability),
        health: if evidence.deaths.is_empty() {
            Health::Healthy
        } else {
            Health::Unhealthy
        },
        health_events: evidence.deaths,
        strength: coverage.strength,
        strength_reasons: coverage.reasons,
        tried: Some(coverage.tried),
        infrastructure: if failure.is_none() {
            Infrastructure::Ok
        } else {
            Infrastructure::Failed
        },
        infrastructure_error: failure,
        anomalies: anomalies(history, judgement, &faults, &evidence.leaders)
            .into_iter()
            .chain(evidence.divergence)
            .collect(),
        counterexamples: counterexamples(history, judgement),
        weaker: weaker(judgement),
        operations: counts(history),
        faults,
        leader_changes: evidence.leader_changes,
        leaders: evidence.leaders,
        seed: config.seed,
        command: config.command(),
        workload: config.workload.to_string(),
        nemesis: config.all_kinds().iter().map(ToString::to_string).collect(),
        nodes,
        bugs: config.bugs.iter().map(ToString::to_string).collect(),
        net: evidence.equipment.net(),
        clocks: evidence.equipment.clocks(),
        duration_ns: evidence.duration_ns,
        interrupted: evidence.interrupted,
        stopped_online: evidence.stopped_online,
        notes,
        environment: evidence.environment,
    };
    result.exit_code = exit(&result, config.require).code();
    result
}

/// What was acknowledged under each fault belongs to its evidence: a fault under which nothing ran tested nothing.
///
/// So does how soon clients were served again after a cut: packets that flow are not yet an answer.
fn with_operations(
    config: &RunConfig,
    history: &History,
    mut faults: Vec<FaultRecord>,
) -> Vec<FaultRecord> {
    let home = |process| config.home(process).as_str();
    let nodes: Vec<String> = config.nodes.iter().map(ToString::to_string).collect();
    for fault in &mut faults {
        let by_node = acknowledged_during(history, fault);
        let under_way = under_way_during(history, fault);
        let served_again = served_again_after_ms(history, home, &nodes, fault);
        let mut tell = |name: &str, value| drop(fault.evidence.insert(name.to_owned(), value));
        tell("acknowledged_operations", json!(by_node));
        tell("operations_under_way", json!(under_way));
        if !served_again.is_empty() {
            tell("served_again_after_ms", json!(served_again));
        }
    }
    faults
}

fn availability(
    config: &RunConfig,
    history: &History,
    (faults, leaders): (&[FaultRecord], &[LeaderSpan]),
    stalls: Vec<MachineStall>,
) -> Availability {
    let nodes = config.nodes.iter().map(ToString::to_string);
    let world = World::new(nodes, faults).held_up(&stalls);
    let limit_ns = u64::try_from(config.outage_limit.as_nanos()).unwrap_or(u64::MAX);
    let home = |process| config.home(process).as_str();
    let end = config.clients_end();
    let (longest, outages) =
        Search::new(history, home, &world, faults, leaders, end).outages(limit_ns);
    Availability {
        outage_limit_ns: limit_ns,
        longest,
        outages,
        max_needless_elections: config.max_needless_elections,
        needless_elections: needless_elections(&world, faults, leaders),
        stalls,
    }
}

/// Of a system that recovered in the end.
fn liveness(availability: &Availability) -> Liveness {
    let needless = availability.needless_elections.len();
    let most = availability.max_needless_elections;
    if !availability.outages.is_empty() {
        Liveness::Unavailable
    } else if most.is_some_and(|most| needless > most as usize) {
        Liveness::Disturbed
    } else {
        Liveness::Recovered
    }
}

/// The one exit code for the five answers: a violation dominates, then whatever makes the others worthless.
pub(crate) fn exit(result: &RunResult, require: Require) -> Exit {
    let strong_enough = match require {
        Require::Nothing => true,
        Require::Weak => result.strength >= Strength::Weak,
        Require::Strong => result.strength >= Strength::Strong,
    };
    let consistency = match result.consistency {
        Consistency::Valid => Exit::Valid,
        Consistency::Violation => Exit::Violation,
        Consistency::Unknown => Exit::Unknown,
    };
    let failed = |failed: bool, exit| if failed { exit } else { Exit::Valid };
    consistency
        .worst(failed(
            result.infrastructure == Infrastructure::Failed,
            Exit::Harness,
        ))
        .worst(failed(!is_live(result.liveness), Exit::Liveness))
        .worst(failed(result.health == Health::Unhealthy, Exit::Liveness))
        .worst(failed(!strong_enough, Exit::Strength))
}

const fn is_live(liveness: Liveness) -> bool {
    match liveness {
        Liveness::Recovered | Liveness::NotMeasured => true,
        Liveness::Unavailable | Liveness::Disturbed | Liveness::NotRecovered => false,
    }
}

fn consistency(analysis: &Analysis) -> Consistency {
    match analysis.outcome() {
        Verdict::Valid => Consistency::Valid,
        Verdict::Invalid => Consistency::Violation,
        Verdict::Unknown => Consistency::Unknown,
    }
}

fn counts(history: &History) -> Counts {
    let mut counts = Counts::default();
    for operation in &history.operations {
        match operation.outcome {
            Outcome::Ok => counts.ok += 1,
            Outcome::Fail => counts.fail += 1,
            Outcome::Info => counts.info += 1,
        }
    }
    counts
}

fn unknown(analysis: &Analysis) -> Option<String> {
    if analysis.outcome() != Verdict::Unknown {
        return None;
    }
    let reasons: Vec<String> = analysis
        .keys
        .iter()
        .filter_map(checker::KeyAnalysis::unknown_reason)
        .collect();
    Some(reasons.join("; "))
}

fn anomalies(
    history: &History,
    judgement: &Judgement,
    faults: &[FaultRecord],
    leaders: &[LeaderSpan],
) -> Vec<AnomalyRecord> {
    let violations = judgement.violations().into_iter();
    violations
        .map(|(key, violation)| {
            let mut record = AnomalyRecord::new(key.key.as_ref(), violation, history, faults);
            if let Some(at) = moment(history, violation) {
                let fault = faults.iter().find(|fault| Some(fault.id) == record.fault);
                record.explanation = format!(
                    "{}. {}",
                    record.explanation.trim_end_matches('.'),
                    surroundings(fault, at, leaders)
                );
            }
            record
        })
        .collect()
}

fn counterexamples(history: &History, judgement: &Judgement) -> Vec<CounterexampleRecord> {
    let found = judgement.explanation.counterexamples.iter();
    found
        .map(|one| CounterexampleRecord::new(one, history))
        .collect()
}

fn weaker(judgement: &Judgement) -> Vec<WeakerRecord> {
    let models = judgement.explanation.weaker.iter();
    models.map(WeakerRecord::new).collect()
}

/// When it went wrong: the call of the last operation of the contradiction.
fn moment(history: &History, violation: &Violation) -> Option<Nanos> {
    let named = violation.anomaly.operations.iter();
    named
        .filter_map(|id| history.operation(*id).call_time)
        .max()
}

/// What was going on in the cluster at `at`, and the fault that matters, as sentences.
fn surroundings(fault: Option<&FaultRecord>, at: Nanos, leaders: &[LeaderSpan]) -> String {
    let fault = match fault {
        Some(fault) => {
            let (id, from, to) = (fault.id, Nanos(fault.start_ns), Nanos(fault.end_ns));
            let description = &fault.description;
            if fault.active_at(at.0) {
                format!("Fault {id} ({description}, since {from}) was active")
            } else {
                format!("Fault {id} ({description}) had acted from {from} to {to}")
            }
        }
        None => "No fault was active".to_owned(),
    };
    format!("{fault}; {}.", leading(at, leaders))
}

/// Who led at `at`, or was the last to be seen leading shortly before.
fn leading(at: Nanos, leaders: &[LeaderSpan]) -> String {
    let led = |span: &LeaderSpan| format!("{} led term {}", span.node, span.term);
    let then: Vec<String> = leaders
        .iter()
        .filter(|span| (span.from_ns..=span.to_ns).contains(&at.0))
        .map(led)
        .collect();
    let last_seen = leaders
        .iter()
        .filter(|span| span.to_ns <= at.0 && at.0 - span.to_ns <= LOOKED_AWAY_NS)
        .max_by_key(|span| span.to_ns);
    match (then.as_slice(), last_seen) {
        ([], Some(span)) => led(span),
        ([], None) => "nobody was seen to lead".to_owned(),
        ([one], _) => one.clone(),
        (several, _) => format!("{} at the same time", several.join(" and ")),
    }
}

/// Nodes are asked from time to time whether they lead; for so long the last answer stands.
const LOOKED_AWAY_NS: u64 = 300_000_000;

#[cfg(test)]
mod tests {
    use reports::Effect;

    use super::*;

    fn span(node: &str, term: u64, from_ns: u64, to_ns: u64) -> LeaderSpan {
        let node = node.to_owned();
        LeaderSpan {
            node,
            term,
            from_ns,
            to_ns,
        }
    }

    #[test]
    fn the_surroundings_name_the_fault_and_everyone_who_led() {
        let fault = FaultRecord {
            id: 3,
            name: "partition".to_owned(),
            effect: Effect::Installed,
            description: "one-node: n1 | n2 n3".to_owned(),
            evidence: serde_json::Map::new(),
            start_ns: 11_900_000_000,
            end_ns: 14_000_000_000,
        };
        let leaders = [span("n1", 1, 0, 50), span("n2", 2, 40, 90)];
        for (at, fault, expected) in [
            (
                45,
                None,
                "No fault was active; n1 led term 1 and n2 led term 2 at the same time.",
            ),
            (
                12_000_000_000,
                Some(&fault),
                "Fault 3 (one-node: n1 | n2 n3, since 11.900 s) was active; nobody was seen to lead.",
            ),
            (80, None, "No fault was active; n2 led term 2."),
            (95, None, "No fault was active; n2 led term 2."),
            (
                14_500_000_000,
                Some(&fault),
                "Fault 3 (one-node: n1 | n2 n3) had acted from 11.900 s to 14.000 s; nobody was seen to lead.",
            ),
        ] {
            assert_eq!(surroundings(fault, Nanos(at), &leaders), expected);
        }
    }
}
