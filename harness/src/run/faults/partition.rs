//! Rules on links, proven by what they did to packets.

use std::collections::{BTreeMap, BTreeSet};

use nemesis::net::{Disturbance, RuleId, Tally};
use nemesis::partition::Link;
use reports::{Effect, FaultRecord};
use serde_json::{Map, Value, json};

use super::{Begun, Director};
use crate::run::cluster::Cluster;

impl Director {
    /// Cuts the links, and sends a probe over each: what a cut drops proves it, even where the system has nothing to say.
    pub(super) async fn cut(
        &self,
        links: BTreeSet<Link>,
        record: &mut FaultRecord,
    ) -> Result<Begun, String> {
        let rule = RuleId(record.id);
        if let Err(error) = self.cut_and_probe(rule, links, record).await {
            // Some links may be cut all the same.
            return match self.blocking(move |cluster| cluster.lift(rule)).await {
                Ok(()) => Err(error),
                Err(more) => Err(format!("{error}; {more}")),
            };
        }
        Ok(Begun::Cut(rule))
    }

    async fn cut_and_probe(
        &self,
        rule: RuleId,
        links: BTreeSet<Link>,
        record: &mut FaultRecord,
    ) -> Result<(), String> {
        let (cut, probed) = (links.clone(), links.clone());
        let laid = move |cluster: &Cluster| cluster.impose(rule, &Disturbance::Cut, &cut);
        self.blocking(laid).await?;
        let took_us = (self.clock.nanos().0 - record.start_ns) / 1_000;
        self.blocking(move |cluster| cluster.probe(&probed)).await?;
        let evidence = &mut record.evidence;
        evidence.insert("installed_after_us".to_owned(), json!(took_us));
        evidence.insert("probe_packets".to_owned(), json!(links.len()));
        Ok(())
    }

    pub(super) async fn heal(&self, rule: RuleId, record: &mut FaultRecord) -> Result<(), String> {
        let tallies = self.blocking(move |cluster| cluster.tallies(rule)).await?;
        if tallies.values().all(|tally| tally.hit > 0) && !tallies.is_empty() {
            record.effect = Effect::Installed;
        }
        let dropped = by_link(&tallies, |tally| tally.hit);
        record
            .evidence
            .insert("dropped_packets".to_owned(), dropped);
        self.blocking(move |cluster| cluster.lift(rule)).await
    }
}

fn by_link(tallies: &BTreeMap<Link, Tally>, count: impl Fn(&Tally) -> u64) -> Value {
    let counts = tallies
        .iter()
        .map(|(link, tally)| (link.to_string(), json!(count(tally))));
    Value::Object(counts.collect::<Map<_, _>>())
}
