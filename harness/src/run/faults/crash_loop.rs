//! Nodes that crash again and again, proven by each exit.

use std::time::Duration;

use nemesis::NodeName;
use reports::{Effect, FaultRecord};
use serde_json::{Map, Value, json};

use super::activity::{Activity, Until};
use super::{Begun, Director, NOBODY};
use crate::run::cluster::{NodeFault, Taken};

/// A node in its loop.
pub(super) struct Looping {
    pub(super) node: NodeName,
    /// Nobody else disturbs it.
    taken: Taken,
    lives: Activity<Lives>,
}

/// What a node went through.
#[derive(Default)]
struct Lives {
    exits: Vec<Value>,
    /// Why the loop ended before its time: the node ended by itself, or did not start.
    broken: Option<String>,
}

impl Director {
    pub(super) async fn crash_again_and_again(
        &self,
        lives_ms: &[u32],
        nodes: Vec<NodeName>,
        record: &mut FaultRecord,
    ) -> Result<Begun, String> {
        let (mut looping, mut by_node) = (Vec::new(), Map::new());
        for node in nodes {
            match self.begin_loop(&node, lives_ms.to_vec()).await {
                Ok((first, one)) => {
                    by_node.insert(node.to_string(), first);
                    looping.push(one);
                }
                Err(error) => {
                    by_node.insert(node.to_string(), json!(error));
                }
            }
        }
        record.evidence.insert("nodes".to_owned(), json!(by_node));
        if looping.is_empty() {
            return Err(NOBODY.to_owned());
        }
        let names: Vec<&str> = looping.iter().map(|one| one.node.as_str()).collect();
        record.description = format!("crash {} again and again", names.join(" "));
        record.effect = Effect::Installed;
        Ok(Begun::Looping(looping))
    }

    /// The first crash, and what follows on its own.
    async fn begin_loop(
        &self,
        node: &NodeName,
        lives_ms: Vec<u32>,
    ) -> Result<(Value, Looping), String> {
        let taken = self.cluster.take(node).map_err(|error| error.to_string())?;
        let first = self.crash(node).await?;
        let lives = Lives {
            exits: vec![first.clone()],
            broken: None,
        };
        let (director, name) = (self.clone(), node.clone());
        let lives = Activity::start(|until| director.live_and_die(name, lives_ms, lives, until));
        let looping = Looping {
            node: node.clone(),
            taken,
            lives,
        };
        Ok((first, looping))
    }

    /// From one start to the next; at the end of the step the node runs.
    async fn live_and_die(
        self,
        node: NodeName,
        lives_ms: Vec<u32>,
        mut lives: Lives,
        mut until: Until,
    ) -> Lives {
        for life_ms in lives_ms {
            if let Err(error) = self.start_again(&node).await {
                lives.broken = Some(error);
                return lives;
            }
            let life = Duration::from_millis(life_ms.into());
            if !until.goes_on_after(life).await {
                return lives;
            }
            match self.crash(&node).await {
                Ok(exit) => lives.exits.push(exit),
                Err(error) => {
                    lives.broken = Some(error);
                    return lives;
                }
            }
        }
        lives.broken = self.start_again(&node).await.err();
        lives
    }

    async fn crash(&self, node: &NodeName) -> Result<Value, String> {
        let node = node.clone();
        self.blocking(move |cluster| cluster.strike(NodeFault::Kill, &node))
            .await
    }

    pub(super) async fn start_again(&self, node: &NodeName) -> Result<(), String> {
        let node = node.clone();
        self.blocking(move |cluster| cluster.revive(NodeFault::Kill, &node))
            .await
    }

    pub(super) async fn end_loops(
        &self,
        looping: Vec<Looping>,
        record: &mut FaultRecord,
    ) -> Result<(), String> {
        let since = self.clock.nanos().0;
        let mut nodes = Vec::new();
        let (mut by_node, mut kept) = (Map::new(), Vec::new());
        for one in looping {
            let lives = one.lives.end().await?;
            let told = json!({
                "crashes": lives.exits.len(), "exits": lives.exits, "ended_early": lives.broken,
            });
            by_node.insert(one.node.to_string(), told);
            nodes.push(one.node);
            kept.push(one.taken);
        }
        record.evidence.insert("nodes".to_owned(), json!(by_node));
        self.watch_recovery(&nodes, since, record).await;
        drop(kept);
        Ok(())
    }
}
