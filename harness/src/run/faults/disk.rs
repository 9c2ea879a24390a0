//! Disks that fail, proven by what they lost, returned or refused.

use nemesis::NodeName;
use nemesis::schedule::DiskFault;
use reports::{Effect, FaultRecord};
use serde_json::{Map, json};

use super::{Begun, Director, NOBODY};
use crate::run::cluster::Struck;

impl Director {
    /// Lets the disks of `nodes` fail; those that could not be hit are said in the evidence.
    pub(super) async fn fail_disks(
        &self,
        fault: &DiskFault,
        nodes: Vec<NodeName>,
        record: &mut FaultRecord,
    ) -> Result<Begun, String> {
        let (mut hit, mut by_node) = (Vec::new(), Map::new());
        let mut errors = Vec::new();
        for (number, node) in (0..).zip(nodes) {
            let (failing, name) = (fault.clone(), node.clone());
            let struck = self
                .blocking(move |cluster| cluster.fail_disk(&name, &failing, number))
                .await;
            match struck {
                Ok(struck) => {
                    by_node.insert(node.to_string(), json!(struck.evidence));
                    hit.push(struck);
                }
                Err(error) => {
                    by_node.insert(node.to_string(), json!(error));
                    errors.push(error);
                }
            }
        }
        record.evidence.insert("nodes".to_owned(), json!(by_node));
        if hit.is_empty() {
            return Err(errors.pop().unwrap_or_else(|| NOBODY.to_owned()));
        }
        let names: Vec<&str> = hit.iter().map(|struck| struck.node.as_str()).collect();
        record.description = format!("{fault} {}", names.join(" "));
        if hit.iter().all(|struck| struck.acted) {
            record.effect = Effect::Installed;
        }
        Ok(Begun::Disks {
            fault: fault.clone(),
            hit,
        })
    }

    pub(super) async fn mend_disks(
        &self,
        fault: DiskFault,
        hit: Vec<Struck>,
        record: &mut FaultRecord,
    ) -> Result<(), String> {
        let since = self.clock.nanos().0;
        let names: Vec<NodeName> = hit.iter().map(|struck| struck.node.clone()).collect();
        let mended = self
            .blocking(move |cluster| {
                let mend = |struck: &Struck| cluster.mend_disk(struck, &fault);
                // Every disk is mended, whatever comes of another.
                let mended: Vec<_> = hit.iter().map(mend).collect();
                mended.into_iter().collect::<anyhow::Result<Vec<_>>>()
            })
            .await?;
        let mut by_node = Map::new();
        for (node, (evidence, acted)) in names.iter().zip(mended) {
            by_node.insert(node.to_string(), json!(evidence));
            if acted {
                record.effect = Effect::Installed;
            }
        }
        record.evidence.insert("nodes".to_owned(), json!(by_node));
        self.watch_recovery(&names, since, record).await;
        Ok(())
    }
}
