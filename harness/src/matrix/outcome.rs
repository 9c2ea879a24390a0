//! What one run came to, read from its result.

use reports::{Consistency, Health, Infrastructure, Liveness, RunResult, Strength};
use serde::{Deserialize, Serialize};

/// One word for how a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum End {
    /// A violation, a cluster that did not come back, or a node that ended by itself.
    Found,
    /// Nothing, by a test that tried.
    Silent,
    /// The check reached a limit.
    Unknown,
    /// No fault acted, or nobody was served.
    Vacuous,
    /// There was no run to speak of.
    Broken,
}

/// How a run ended, with what there is to say.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Outcome {
    pub end: End,
    /// Of what was found: the class of the anomaly, `unavailable`, `disturbed` or `crash`.
    pub class: Option<String>,
    /// From the start of the run until it was known, in milliseconds.
    pub after_ms: Option<u64>,
    /// Operations of the smallest counterexample.
    pub counterexample: Option<usize>,
    /// Why the end is unknown, vacuous or broken.
    pub why: Option<String>,
}

impl Outcome {
    pub(super) fn of(result: &RunResult) -> Self {
        if result.infrastructure == Infrastructure::Failed {
            return Self::broken(
                result
                    .infrastructure_error
                    .as_deref()
                    .unwrap_or("no reason"),
            );
        }
        if result.consistency == Consistency::Violation {
            let sizes = result.counterexamples.iter();
            return Self {
                counterexample: sizes.map(|one| one.operations.len()).min(),
                ..Self::found(result, class(result))
            };
        }
        if result.health == Health::Unhealthy {
            return Self::found(result, "crash".to_owned());
        }
        if let Some(trouble) = Self::not_live(result) {
            return trouble;
        }
        if result.consistency == Consistency::Unknown {
            let why = result.unknown.as_deref().unwrap_or("no reason");
            return Self::quiet(End::Unknown, Some(why));
        }
        match result.strength {
            Strength::Vacuous => {
                let why = result.strength_reasons.join("; ");
                Self::quiet(End::Vacuous, Some(&why))
            }
            Strength::Weak | Strength::Strong => Self::quiet(End::Silent, None),
        }
    }

    fn not_live(result: &RunResult) -> Option<Self> {
        let found = |class: &str, known_ns: Option<u64>| {
            let found = Self::found(result, class.to_owned());
            let after_ms = known_ns.map_or(found.after_ms, |ns| Some(ns / 1_000_000));
            Some(Self { after_ms, ..found })
        };
        let availability = result.availability.as_ref();
        match result.liveness {
            Liveness::NotRecovered => found("unavailable", None),
            Liveness::Unavailable => found(
                "unavailable",
                availability.and_then(|seen| {
                    let first = seen.outages.first()?;
                    Some(first.from_ns + seen.outage_limit_ns)
                }),
            ),
            Liveness::Disturbed => found(
                "disturbed",
                availability.and_then(|seen| {
                    let one_too_many = usize::try_from(seen.max_needless_elections?).ok()?;
                    Some(seen.needless_elections.get(one_too_many)?.at_ns)
                }),
            ),
            Liveness::Recovered | Liveness::NotMeasured => None,
        }
    }

    pub(super) fn broken(why: &str) -> Self {
        Self::quiet(End::Broken, Some(why))
    }

    fn found(result: &RunResult, class: String) -> Self {
        let stopped = result.stopped_online.as_ref();
        let known_ns = stopped.map_or(result.duration_ns, |stopped| stopped.at_ns);
        Self {
            class: Some(class),
            after_ms: Some(known_ns / 1_000_000),
            ..Self::quiet(End::Found, None)
        }
    }

    fn quiet(end: End, why: Option<&str>) -> Self {
        Self {
            end,
            class: None,
            after_ms: None,
            counterexample: None,
            why: why.map(str::to_owned),
        }
    }
}

fn class(result: &RunResult) -> String {
    let first = result.anomalies.first();
    first.map_or_else(|| "other".to_owned(), |anomaly| anomaly.class.clone())
}
