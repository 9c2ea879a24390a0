//! Rules on links, proven by what they did to packets.

use std::collections::{BTreeMap, BTreeSet};

use nemesis::net::{Disturbance, RuleId, Tally};
use nemesis::partition::Link;
use reports::{Effect, FaultRecord};
use serde_json::{Map, Value, json};

use super::{Begun, Director};

impl Director {
    /// Lays a disturbance on the links. Over each that is cut a probe is sent: what a cut drops proves it, even where the
    /// system has nothing to say.
    pub(super) async fn disturb(
        &self,
        disturbance: Disturbance,
        links: BTreeSet<Link>,
        record: &mut FaultRecord,
    ) -> Result<Begun, String> {
        if links.is_empty() {
            return Err("no link was disturbed: no leader is known".to_owned());
        }
        let rule = RuleId(record.id);
        if let Err(error) = self.lay(rule, disturbance, links, record).await {
            // It may lie on some links all the same.
            return match self.blocking(move |cluster| cluster.lift(rule)).await {
                Ok(()) => Err(error),
                Err(more) => Err(format!("{error}; {more}")),
            };
        }
        Ok(Begun::Disturbed { rule, disturbance })
    }

    async fn lay(
        &self,
        rule: RuleId,
        disturbance: Disturbance,
        links: BTreeSet<Link>,
        record: &mut FaultRecord,
    ) -> Result<(), String> {
        let laid_on = links.clone();
        self.blocking(move |cluster| cluster.impose(rule, &disturbance, &laid_on))
            .await?;
        let took_us = (self.clock.nanos().0 - record.start_ns) / 1_000;
        let evidence = &mut record.evidence;
        evidence.insert("installed_after_us".to_owned(), json!(took_us));
        if disturbance == Disturbance::Cut {
            evidence.insert("probe_packets".to_owned(), json!(links.len()));
            self.blocking(move |cluster| cluster.probe(&links)).await?;
        }
        Ok(())
    }

    /// Counts, and takes the disturbance away.
    pub(super) async fn calm(
        &self,
        rule: RuleId,
        disturbance: Disturbance,
        record: &mut FaultRecord,
    ) -> Result<(), String> {
        let tallies = self.blocking(move |cluster| cluster.tallies(rule)).await?;
        if acted(disturbance, &tallies) {
            record.effect = Effect::Installed;
        }
        record.evidence.extend(evidence(disturbance, &tallies));
        let since = self.clock.nanos().0;
        self.blocking(move |cluster| cluster.lift(rule)).await?;
        let took_us = (self.clock.nanos().0 - since) / 1_000;
        record
            .evidence
            .insert("healed_after_us".to_owned(), json!(took_us));
        Ok(())
    }
}

/// A cut must have stopped something on each of its links; what acts by chance, or on what a system sends, on any.
fn acted(disturbance: Disturbance, tallies: &BTreeMap<Link, Tally>) -> bool {
    let mut hits = tallies.values().map(|tally| tally.hit > 0);
    match disturbance {
        Disturbance::Cut => !tallies.is_empty() && hits.all(|hit| hit),
        Disturbance::Flap { .. }
        | Disturbance::Loss { .. }
        | Disturbance::Duplicate { .. }
        | Disturbance::Corrupt { .. }
        | Disturbance::Rate { .. }
        | Disturbance::Delay { .. }
        | Disturbance::Reorder { .. } => hits.any(|hit| hit),
    }
}

fn evidence(disturbance: Disturbance, tallies: &BTreeMap<Link, Tally>) -> Map<String, Value> {
    let mut evidence = Map::new();
    let hit = format!("{}_packets", disturbance.participle());
    evidence.insert(hit, by_link(tallies, |tally| Some(tally.hit)));
    if disturbance != Disturbance::Cut {
        let seen = by_link(tallies, |tally| Some(tally.seen));
        evidence.insert("packets".to_owned(), seen);
    }
    if tallies.values().any(|tally| tally.waited_us > 0) {
        let mean = by_link(tallies, |tally| tally.waited_us.checked_div(tally.hit));
        evidence.insert("mean_wait_us".to_owned(), mean);
    }
    evidence
}

fn by_link(tallies: &BTreeMap<Link, Tally>, count: impl Fn(&Tally) -> Option<u64>) -> Value {
    let counts = tallies
        .iter()
        .filter_map(|(link, tally)| Some((link.to_string(), json!(count(tally)?))));
    Value::Object(counts.collect())
}

#[cfg(test)]
mod tests {
    use nemesis::net::Permille;

    use super::*;

    fn tallies(rows: [(&str, u64, u64, u64); 2]) -> BTreeMap<Link, Tally> {
        let tally = |(link, seen, hit, waited_us): (&str, _, _, _)| {
            let tally = Tally {
                seen,
                hit,
                waited_us,
            };
            (link.parse().unwrap(), tally)
        };
        rows.map(tally).into()
    }

    #[test]
    fn a_cut_is_proven_on_each_link_and_chance_on_any() {
        let one_quiet = tallies([("n1->n2", 7, 7, 0), ("n2->n1", 0, 0, 0)]);
        let loss = Disturbance::Loss {
            permille: Permille::new(500).unwrap(),
        };
        assert!(!acted(Disturbance::Cut, &one_quiet));
        assert!(acted(loss, &one_quiet));
        let untouched = tallies([("n1->n2", 7, 0, 0), ("n2->n1", 7, 0, 0)]);
        assert!(!acted(loss, &untouched));
        assert!(!acted(Disturbance::Cut, &BTreeMap::new()));
    }

    #[test]
    fn evidence_counts_per_link() {
        let delay = Disturbance::Delay {
            by_ms: 3,
            jitter_ms: 0,
        };
        let told = evidence(
            delay,
            &tallies([("n1->n2", 2, 2, 6_400), ("n2->n1", 1, 0, 0)]),
        );
        let expected = json!({
            "delayed_packets": { "n1->n2": 2, "n2->n1": 0 },
            "packets": { "n1->n2": 2, "n2->n1": 1 },
            "mean_wait_us": { "n1->n2": 3_200 },
        });
        assert_eq!(Value::Object(told), expected);
    }
}
