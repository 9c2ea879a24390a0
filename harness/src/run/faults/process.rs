//! Killed and stopped processes.

use std::time::Duration;

use nemesis::NodeName;
use reports::{Effect, FaultRecord};
use serde_json::{Map, json};

use super::{Begun, Director};
use crate::run::cluster::NodeFault;

/// How long a killed node may take to answer again after its restart before the fault's record says it did not.
const RESTART_LIMIT: Duration = Duration::from_secs(5);

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
            return Err(
                "nobody was hit: no leader is known, or the nodes were down already".to_owned(),
            );
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
            let mut serving_ms = Map::new();
            for node in &hit {
                let answer = match self.cluster.wait_healthy(node, RESTART_LIMIT).await {
                    Ok(()) => json!((self.clock.nanos().0 - since) / 1_000_000),
                    Err(error) => json!(error.to_string()),
                };
                serving_ms.insert(node.to_string(), answer);
            }
            record
                .evidence
                .insert("serving_again_after_ms".to_owned(), json!(serving_ms));
        }
        Ok(())
    }
}
