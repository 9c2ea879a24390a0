//! Cut links, proven by what they drop.

use nemesis::partition::{Grudge, Link};
use reports::{Effect, FaultRecord};
use serde_json::{Map, json};

use super::{Begun, Director};
use crate::run::cluster::Cluster;

impl Director {
    /// Cuts the links, and sends a probe over each: what a cut drops proves it, even where the system has nothing to say.
    pub(super) async fn cut(
        &self,
        grudge: Grudge,
        record: &mut FaultRecord,
    ) -> Result<Begun, String> {
        if let Err(error) = self.cut_and_probe(grudge.clone(), record).await {
            // Some links may be cut all the same.
            return match self.blocking(Cluster::heal).await {
                Ok(()) => Err(error),
                Err(more) => Err(format!("{error}; {more}")),
            };
        }
        Ok(Begun::Cut(grudge))
    }

    async fn cut_and_probe(&self, grudge: Grudge, record: &mut FaultRecord) -> Result<(), String> {
        let (cut, probed) = (grudge.clone(), grudge.clone());
        self.blocking(move |cluster| cluster.cut(&cut)).await?;
        let took_us = (self.clock.nanos().0 - record.start_ns) / 1_000;
        self.blocking(move |cluster| cluster.probe(&probed)).await?;
        let evidence = &mut record.evidence;
        evidence.insert("installed_after_us".to_owned(), json!(took_us));
        evidence.insert("probe_packets".to_owned(), json!(grudge.links().len()));
        Ok(())
    }

    pub(super) async fn heal(
        &self,
        grudge: &Grudge,
        record: &mut FaultRecord,
    ) -> Result<(), String> {
        let drops = self.blocking(Cluster::drops).await?;
        let proven = |link: &&Link| drops.get(link).is_some_and(|count| *count > 0);
        if grudge.links().iter().all(|link| proven(&link)) {
            record.effect = Effect::Installed;
        }
        let by_link: Map<_, _> = drops
            .into_iter()
            .map(|(link, count)| (link.to_string(), json!(count)))
            .collect();
        record
            .evidence
            .insert("dropped_packets".to_owned(), json!(by_link));
        self.blocking(Cluster::heal).await
    }
}
