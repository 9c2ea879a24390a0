//! What is remembered of a run: a line of `campaign.jsonl`.

use reports::ci::{FailureClass, detected_ns};
use reports::{Consistency, Health, Infrastructure, Liveness, RunResult, Strength};
use serde::{Deserialize, Serialize};

use super::plan::Run;
use crate::journal::Line;

/// Longest text that says what came of a run.
const FINDING_CHARS: usize = 300;

/// One run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Record {
    version: u32,
    /// The night it was made in, counted from 1.
    pub night: u32,
    /// When it was over: wall-clock time, RFC 3339 in UTC.
    pub when: String,
    pub workload: String,
    /// The nemesis, as it was typed.
    pub nemesis: String,
    pub seed: u64,
    /// The arguments of `run`; of a run that was made again, those of the first one that failed, with the program of this night.
    pub arguments: Vec<String>,
    /// Release of adrasteia, and the hash of the program that ran as each node.
    pub program: String,
    /// It had failed in an earlier night.
    pub again: bool,
    /// It was made once more, since this one could not be made.
    pub retried: bool,
    /// The kind of failure; none of a run that passed.
    pub failure: Option<FailureClass>,
    /// What was found, or why nothing was.
    pub finding: Option<String>,
    /// None where there is no result.
    pub answers: Option<Answers>,
    /// From the start of the run until it was known that the system does wrong.
    pub detected_ms: Option<u64>,
    /// How long it took, start and end included.
    pub took_ms: u64,
    /// Its folder, below that of the campaign.
    pub folder: Option<String>,
    /// Where the faults it had are kept, below the folder of the campaign; of the first run that failed.
    pub faults: Option<String>,
}

/// The five answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Answers {
    pub consistency: Consistency,
    pub liveness: Liveness,
    pub health: Health,
    pub strength: Strength,
    pub infrastructure: Infrastructure,
}

/// When and by what a run was made.
#[derive(Debug, Clone)]
pub(super) struct Circumstances {
    pub night: u32,
    pub when: String,
    pub program: String,
    pub took_ms: u64,
    pub folder: Option<String>,
}

impl Line for Record {
    const VERSION: u32 = 1;

    fn version(&self) -> u32 {
        self.version
    }
}

impl Record {
    /// Of a run and its result, or why it has none.
    pub(super) fn new(
        run: &Run,
        result: Result<&RunResult, &str>,
        circumstances: Circumstances,
    ) -> Self {
        let Circumstances {
            night,
            when,
            program,
            took_ms,
            folder,
        } = circumstances;
        let (failure, finding) = match result {
            Ok(result) => (FailureClass::of(result), finding(result)),
            Err(why) => (Some(FailureClass::Infrastructure), Some(why.to_owned())),
        };
        Self {
            version: Self::VERSION,
            night,
            when,
            workload: run.workload.clone(),
            nemesis: run.nemesis.clone(),
            seed: run.seed,
            arguments: run.arguments.clone(),
            program,
            again: run.again.is_some(),
            retried: false,
            failure,
            finding: finding.map(|text| text.chars().take(FINDING_CHARS).collect()),
            answers: result.ok().map(Answers::of),
            detected_ms: result.ok().and_then(detected_ns).map(|ns| ns / 1_000_000),
            took_ms,
            folder,
            faults: None,
        }
    }

    /// Whether the system did wrong.
    pub(super) fn is_failure(&self) -> bool {
        self.failure.is_some_and(FailureClass::is_of_the_system)
    }

    /// Whether nobody knows what would have come of it.
    pub(super) fn is_lost(&self) -> bool {
        self.failure == Some(FailureClass::Infrastructure)
    }

    /// `violation: stale-read`.
    pub(super) fn what(&self) -> String {
        match (self.failure, &self.finding) {
            (None, _) => "passed".to_owned(),
            (Some(class), None) => class.to_string(),
            (Some(class), Some(finding)) => format!("{class}: {finding}"),
        }
    }
}

impl Answers {
    fn of(result: &RunResult) -> Self {
        Self {
            consistency: result.consistency,
            liveness: result.liveness,
            health: result.health,
            strength: result.strength,
            infrastructure: result.infrastructure,
        }
    }
}

/// What there is to say about a run that is no pass, in a few words.
fn finding(result: &RunResult) -> Option<String> {
    Some(match FailureClass::of(result)? {
        FailureClass::Violation => result.anomalies.first()?.class.clone(),
        FailureClass::Infrastructure => result.infrastructure_error.clone()?,
        FailureClass::Crash => {
            let event = result.health_events.first()?;
            format!("{} {}", event.node, event.message)
        }
        FailureClass::Liveness => match result.liveness {
            Liveness::NotRecovered => "not recovered",
            Liveness::Unavailable => "unavailable",
            Liveness::Disturbed => "disturbed",
            Liveness::Recovered | Liveness::NotMeasured => return None,
        }
        .to_owned(),
        FailureClass::Unknown => result.unknown.clone()?,
        FailureClass::Vacuous | FailureClass::Weak => result.strength_reasons.join("; "),
    })
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A run of `register` under this nemesis that ended like this, without a result.
    pub(in crate::campaign) fn ended(
        nemesis: &str,
        seed: u64,
        failure: Option<FailureClass>,
    ) -> Record {
        let arguments = format!("--nemesis {nemesis} --workload register --seed {seed}");
        let run = Run {
            workload: "register".to_owned(),
            nemesis: nemesis.to_owned(),
            seed,
            arguments: arguments.split(' ').map(str::to_owned).collect(),
            again: None,
        };
        let circumstances = Circumstances {
            night: 1,
            when: "2026-11-22T02:17:00Z".to_owned(),
            program: "0.1.0 0123456789abcdef".to_owned(),
            took_ms: 40_000,
            folder: None,
        };
        Record {
            failure,
            finding: None,
            ..Record::new(&run, Err("no result"), circumstances)
        }
    }

    #[test]
    fn a_line_says_everything_and_is_read_again() {
        let record = Record {
            folder: Some("register-kill-7/20261122T010203.004Z".to_owned()),
            ..ended("kill", 7, Some(FailureClass::Liveness))
        };
        let line = serde_json::to_string(&record).unwrap();
        assert_eq!(
            line,
            r#"{"version":1,"night":1,"when":"2026-11-22T02:17:00Z","workload":"register","nemesis":"kill","seed":7,"arguments":["--nemesis","kill","--workload","register","--seed","7"],"program":"0.1.0 0123456789abcdef","again":false,"retried":false,"failure":"liveness","finding":null,"answers":null,"detected_ms":null,"took_ms":40000,"folder":"register-kill-7/20261122T010203.004Z","faults":null}"#
        );
        assert_eq!(serde_json::from_str::<Record>(&line).unwrap(), record);
    }

    #[test]
    fn a_run_without_a_result_is_lost_and_says_why() {
        let lost = ended("kill", 7, Some(FailureClass::Infrastructure));
        assert!(lost.is_lost() && !lost.is_failure());
        let long = "x".repeat(5_000);
        let run = Run {
            workload: String::new(),
            nemesis: String::new(),
            seed: 1,
            arguments: Vec::new(),
            again: None,
        };
        let circumstances = Circumstances {
            night: 1,
            when: String::new(),
            program: String::new(),
            took_ms: 0,
            folder: None,
        };
        let lost = Record::new(&run, Err(&long), circumstances);
        assert!(lost.is_lost());
        assert_eq!(lost.finding.unwrap().len(), FINDING_CHARS);
    }
}
