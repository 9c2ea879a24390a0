//! Restarts of all nodes in turn, proven by each exit and by how long each was down.

use std::time::Duration;

use nemesis::NodeName;
use reports::{Effect, FaultRecord};
use serde_json::{Map, Value, json};

use super::activity::{Activity, Until};
use super::{Begun, Director, RECOVERY_LIMIT};

/// What came of a round.
#[derive(Default)]
pub(super) struct Round {
    /// By node: how it ended and for how long it was down, or why it was not asked to end.
    by_node: Map<String, Value>,
    restarted: usize,
}

impl Director {
    pub(super) fn restart_in_turn(&self, order: Vec<NodeName>, grace_ms: u32) -> Begun {
        let grace = Duration::from_millis(grace_ms.into());
        let director = self.clone();
        Begun::Rolling(Activity::start(|until| director.round(order, grace, until)))
    }

    /// One node after the other, each when the one before serves again.
    async fn round(self, order: Vec<NodeName>, grace: Duration, until: Until) -> Round {
        let mut round = Round::default();
        for node in order {
            if until.is_over() {
                round
                    .by_node
                    .insert(node.to_string(), json!("its turn did not come"));
                continue;
            }
            match self.restart(&node, grace).await {
                Ok((evidence, serves)) => {
                    round.by_node.insert(node.to_string(), evidence);
                    round.restarted += 1;
                    if !serves {
                        break;
                    }
                }
                Err(error) => {
                    round.by_node.insert(node.to_string(), json!(error));
                }
            }
        }
        round
    }

    /// The evidence, and whether the node serves again.
    async fn restart(&self, node: &NodeName, grace: Duration) -> Result<(Value, bool), String> {
        let taken = self.cluster.take(node).map_err(|error| error.to_string())?;
        let since = self.clock.nanos().0;
        let name = node.clone();
        let mut evidence = self
            .blocking(move |cluster| cluster.ask_to_end(&name, grace))
            .await?;
        self.start_again(node).await?;
        let served = self.cluster.wait_healthy(node, RECOVERY_LIMIT).await;
        let down_ms = (self.clock.nanos().0 - since) / 1_000_000;
        evidence["down_ms"] = match &served {
            Ok(()) => json!(down_ms),
            Err(error) => json!(error.to_string()),
        };
        drop(taken);
        Ok((evidence, served.is_ok()))
    }

    pub(super) async fn end_round(
        &self,
        round: Activity<Round>,
        record: &mut FaultRecord,
    ) -> Result<(), String> {
        let round = round.end().await?;
        record
            .evidence
            .insert("nodes".to_owned(), json!(round.by_node));
        if round.restarted > 0 {
            record.effect = Effect::Installed;
        }
        Ok(())
    }
}
