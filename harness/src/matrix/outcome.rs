//! What one run came to, read from its result.

use reports::ci::detected_ns;
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
                ..Self::found(result, &class(result))
            };
        }
        if result.health == Health::Unhealthy {
            return Self::found(result, "crash");
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
        match result.liveness {
            Liveness::NotRecovered | Liveness::Unavailable => {
                Some(Self::found(result, "unavailable"))
            }
            Liveness::Disturbed => Some(Self::found(result, "disturbed")),
            Liveness::Recovered | Liveness::NotMeasured => None,
        }
    }

    pub(super) fn broken(why: &str) -> Self {
        Self::quiet(End::Broken, Some(why))
    }

    fn found(result: &RunResult, class: &str) -> Self {
        Self {
            class: Some(class.to_owned()),
            after_ms: detected_ns(result).map(|ns| ns / 1_000_000),
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

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    /// A run of 36 s in which nothing was amiss, but for these fields.
    fn run(but: Value) -> RunResult {
        let mut result = json!({
            "version": 1, "exit_code": 0, "consistency": "valid", "unknown": null, "liveness": "recovered",
            "recovery_ms": 20, "health": "healthy", "health_events": [], "strength": "strong",
            "strength_reasons": ["2 kills"], "infrastructure": "ok", "infrastructure_error": null,
            "anomalies": [], "operations": { "ok": 9, "fail": 0, "info": 0 }, "faults": [], "leader_changes": 0,
            "leaders": [], "seed": 1, "command": "adrasteia", "workload": "register", "nemesis": [], "nodes": [],
            "bugs": [], "net": { "plane": "switch", "reason": "" }, "duration_ns": 36_000_000_000_u64,
            "interrupted": false, "notes": [],
            "environment": { "version": "", "kernel": "", "started": "" },
        });
        let Value::Object(but) = but else {
            unreachable!("fields")
        };
        result.as_object_mut().expect("an object").extend(but);
        serde_json::from_value(result).expect("a result")
    }

    #[test]
    fn what_was_found_is_told_with_the_time_at_which_it_was_known() {
        let dead = |ms: u64| json!({ "node": "n4", "time_ns": ms * 1_000_000, "message": "ended" });
        let stale = json!({ "class": "stale-read", "key": null, "operations": [], "explanation": "", "fault": null });
        let online =
            json!({ "at_ns": 900_000_000, "key": null, "operation": 1, "completed_ns": 1 });
        let crashed = json!({ "health": "unhealthy", "health_events": [dead(2_500), dead(1_400)] });
        let violated =
            json!({ "consistency": "violation", "anomalies": [stale], "stopped_online": online });
        for (but, end, class, after_ms) in [
            (json!({}), End::Silent, None, None),
            (crashed, End::Found, Some("crash"), Some(1_400)),
            (violated, End::Found, Some("stale-read"), Some(900)),
            (
                json!({ "liveness": "not-recovered" }),
                End::Found,
                Some("unavailable"),
                Some(36_000),
            ),
            (json!({ "strength": "vacuous" }), End::Vacuous, None, None),
        ] {
            let outcome = Outcome::of(&run(but));
            let found = (outcome.end, outcome.class.as_deref(), outcome.after_ms);
            assert_eq!(found, (end, class, after_ms));
        }
    }
}
