//! Nodes that lose their disks, proven by what was wiped.
//!
//! A node that lost its disk is not who it was: until it was removed and added anew it counts as lost, and no more than a
//! minority is ever lost in sum, or what was confirmed could be gone for good without anybody being to blame.

use nemesis::NodeName;
use reports::{Effect, FaultRecord};
use serde_json::{Map, Value, json};

use super::members::RETURN_LIMIT;
use super::{Begun, Director, NOBODY};
use crate::run::admin::Rejoined;
use crate::run::cluster::Taken;

/// A node on an empty disk.
pub(super) struct Empty {
    node: NodeName,
    /// Nobody else disturbs it.
    taken: Taken,
    evidence: Value,
}

impl Director {
    pub(super) async fn wipe(
        &self,
        nodes: Vec<NodeName>,
        record: &mut FaultRecord,
    ) -> Result<Begun, String> {
        let (mut wiped, mut by_node, mut why) = (Vec::new(), Map::new(), NOBODY.to_owned());
        for node in nodes {
            match self.wipe_one(&node).await {
                Ok(empty) => {
                    by_node.insert(node.to_string(), empty.evidence.clone());
                    wiped.push(empty);
                }
                Err(error) => {
                    why.clone_from(&error);
                    by_node.insert(node.to_string(), json!(error));
                }
            }
        }
        record.evidence.insert("nodes".to_owned(), json!(by_node));
        if wiped.is_empty() {
            return Err(why);
        }
        let names: Vec<&str> = wiped.iter().map(|empty| empty.node.as_str()).collect();
        record.description = format!("wipe {}", names.join(" "));
        record.effect = Effect::Installed;
        Ok(Begun::Wiped(wiped))
    }

    async fn wipe_one(&self, node: &NodeName) -> Result<Empty, String> {
        let taken = self.cluster.take(node).map_err(|error| error.to_string())?;
        self.cluster.admin().lose(node)?;
        let name = node.clone();
        let evidence = self.blocking(move |cluster| cluster.wipe(&name)).await?;
        Ok(Empty {
            node: node.clone(),
            taken,
            evidence,
        })
    }

    pub(super) async fn rejoin(
        &self,
        wiped: Vec<Empty>,
        record: &mut FaultRecord,
    ) -> Result<(), String> {
        let since = self.clock.nanos().0;
        let mut failed = Ok(());
        let mut by_node = Map::new();
        for empty in &wiped {
            let rejoined = self.cluster.admin().rejoin(&empty.node, RETURN_LIMIT).await;
            let took_ms = (self.clock.nanos().0 - since) / 1_000_000;
            let mut evidence = empty.evidence.clone();
            match rejoined {
                Ok(Rejoined::Done) => evidence["member_again_after_ms"] = json!(took_ms),
                Ok(Rejoined::Impossible(why)) => evidence["not_added_anew"] = json!(why),
                Err(error) => failed = Err(format!("{} is no member again: {error}", empty.node)),
            }
            by_node.insert(empty.node.to_string(), evidence);
        }
        record.evidence.insert("nodes".to_owned(), json!(by_node));
        let nodes: Vec<NodeName> = wiped.iter().map(|empty| empty.node.clone()).collect();
        self.watch_recovery(&nodes, since, record).await;
        wiped.into_iter().for_each(|empty| drop(empty.taken));
        failed
    }
}
