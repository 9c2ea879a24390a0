//! Killed and stopped processes.

use nemesis::NodeName;
use reports::{Effect, FaultRecord};
use serde_json::{Map, json};

use super::{Begun, Director, NOBODY};
use crate::run::cluster::NodeFault;

impl Director {
    /// Hits each of `nodes`; those that could not be hit are said in the evidence.
    pub(super) async fn hit(
        &self,
        fault: NodeFault,
        nodes: Vec<NodeName>,
        record: &mut FaultRecord,
    ) -> Result<Begun, String> {
        let (mut hit, mut by_node) = (Vec::new(), Map::new());
        for node in nodes {
            let struck = node.clone();
            match self
                .blocking(move |cluster| cluster.strike(fault, &struck))
                .await
            {
                Ok(evidence) => {
                    by_node.insert(node.to_string(), evidence);
                    hit.push(node);
                }
                Err(error) => {
                    by_node.insert(node.to_string(), json!(error));
                }
            }
        }
        record.evidence.insert("nodes".to_owned(), json!(by_node));
        if hit.is_empty() {
            return Err(NOBODY.to_owned());
        }
        let names: Vec<&str> = hit.iter().map(NodeName::as_str).collect();
        record.description = format!("{} {}", record.name, names.join(" "));
        record.effect = Effect::Installed;
        Ok(Begun::Processes { fault, hit })
    }

    pub(super) async fn revive(
        &self,
        fault: NodeFault,
        hit: Vec<NodeName>,
        record: &mut FaultRecord,
    ) -> Result<(), String> {
        let since = self.clock.nanos().0;
        for node in hit.clone() {
            self.blocking(move |cluster| cluster.revive(fault, &node))
                .await?;
        }
        if fault == NodeFault::Kill {
            self.watch_recovery(&hit, since, record).await;
        }
        Ok(())
    }
}
