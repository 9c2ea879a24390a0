//! When it was known that the system does wrong.

use crate::result::{Consistency, Health, Liveness, RunResult};

/// Nanoseconds from the start of the run until it was known that the system does wrong; none where it did not. What is seen in the
/// whole history alone is known when the run is over.
#[must_use]
pub fn detected_ns(result: &RunResult) -> Option<u64> {
    if result.consistency == Consistency::Violation {
        let stopped = result.stopped_online.as_ref();
        return Some(stopped.map_or(result.duration_ns, |stopped| stopped.at_ns));
    }
    if result.health == Health::Unhealthy {
        let first = result.health_events.iter().map(|event| event.time_ns).min();
        return Some(first.unwrap_or(result.duration_ns));
    }
    let seen = result.availability.as_ref();
    let known_ns = match result.liveness {
        Liveness::NotRecovered => None,
        Liveness::Unavailable => seen.and_then(|seen| {
            let first = seen.outages.first()?;
            Some(first.from_ns.saturating_add(seen.outage_limit_ns))
        }),
        Liveness::Disturbed => seen.and_then(|seen| {
            let one_too_many = usize::try_from(seen.max_needless_elections?).ok()?;
            Some(seen.needless_elections.get(one_too_many)?.at_ns)
        }),
        Liveness::Recovered | Liveness::NotMeasured => return None,
    };
    Some(known_ns.unwrap_or(result.duration_ns))
}
