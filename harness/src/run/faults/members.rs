//! What is asked of the system itself: to let a member go and take it back, to hand leadership over.

use std::time::Duration;

use nemesis::NodeName;
use reports::{Effect, FaultRecord};
use serde_json::json;

use super::{Begun, Director};
use crate::run::admin::Undone;

/// How long the system may take to change its members or its leader before the fault counts as skipped.
pub(super) const CHANGE_LIMIT: Duration = Duration::from_secs(3);
/// How long it may take to take a node back.
pub(super) const RETURN_LIMIT: Duration = Duration::from_secs(15);

impl Director {
    pub(super) async fn remove(
        &self,
        chosen: Vec<NodeName>,
        record: &mut FaultRecord,
    ) -> Result<Begun, String> {
        let Some(node) = chosen.into_iter().next() else {
            return Err("nobody was removed: no leader is known".to_owned());
        };
        let admin = self.cluster.admin();
        // One at a time: who could not be taken back before comes first.
        admin.add_those_outside(CHANGE_LIMIT).await?;
        admin.can_spare_members()?;
        record.description = format!("remove {node} from the cluster");
        let removed = admin.remove(&node, CHANGE_LIMIT).await;
        let took_ms = (self.clock.nanos().0 - record.start_ns) / 1_000_000;
        let (name, fact) = match removed {
            Ok(()) => {
                record.effect = Effect::Installed;
                ("removed_after_ms", json!(took_ms))
            }
            // It may have been removed, or may be yet: nobody knows until it is taken back.
            Err(Undone::Perhaps(why)) => ("not_confirmed", json!(why)),
            Err(Undone::Never(why)) => return Err(why),
        };
        record.evidence.insert(name.to_owned(), fact);
        Ok(Begun::Removed)
    }

    pub(super) async fn take_back(&self) -> Result<(), String> {
        self.cluster.admin().add_those_outside(RETURN_LIMIT).await
    }

    pub(super) async fn transfer(
        &self,
        leader: Option<NodeName>,
        to: &NodeName,
        record: &mut FaultRecord,
    ) -> Result<Begun, String> {
        if leader.as_ref() == Some(to) {
            return Err(format!("{to} leads already"));
        }
        self.cluster.admin().transfer(to, CHANGE_LIMIT).await?;
        let took_ms = (self.clock.nanos().0 - record.start_ns) / 1_000_000;
        record
            .evidence
            .insert("handed_over_after_ms".to_owned(), json!(took_ms));
        record.effect = Effect::Installed;
        Ok(Begun::Transferred)
    }
}
