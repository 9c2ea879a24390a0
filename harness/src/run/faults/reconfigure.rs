//! Several members that change at once or in quick succession, proven by what the system said and by what cuts dropped.

use std::collections::BTreeSet;
use std::time::Duration;

use nemesis::NodeName;
use nemesis::net::Disturbance;
use nemesis::partition::Link;
use nemesis::schedule::{Rearrangement, Roles};
use reports::{Effect, FaultRecord};
use serde_json::{Map, json};
use tokio::task::JoinHandle;

use super::members::{CHANGE_LIMIT, RETURN_LIMIT};
use super::{Begun, Director, skip};
use crate::run::admin::{Reply, Undone};

/// A change of several members that is under way.
pub(super) struct Rearranged {
    /// What cuts the leader off, if anything does.
    cut: Option<Box<Begun>>,
    /// What the leader was asked then, and what it will have said.
    requests: Vec<(String, JoinHandle<Reply>)>,
    everybody: Vec<NodeName>,
}

impl Director {
    pub(super) async fn rearrange(
        &self,
        way: Rearrangement,
        (order, gap_ms): (&[NodeName], u32),
        leader: Option<NodeName>,
        record: &mut FaultRecord,
    ) -> Result<Begun, String> {
        let leader = leader.ok_or("no member was changed: no leader is known")?;
        let admin = self.cluster.admin();
        admin.add_those_outside(CHANGE_LIMIT).await?;
        admin.can_spare_members()?;
        let roles = way.roles(order, &leader);
        record.description = describe(way, &roles);
        admin.lets_go(&roles.changed);
        let mut rearranged = Rearranged {
            cut: None,
            requests: Vec::new(),
            everybody: order.to_vec(),
        };
        let gap = Duration::from_millis(gap_ms.into());
        let begun = self.change(way, &roles, gap, (&mut rearranged, record));
        if let Err(why) = begun.await {
            self.put_back(rearranged, record).await?;
            return Err(why);
        }
        Ok(Begun::Rearranged(rearranged))
    }

    /// Whether it takes the change up is heard at the end.
    pub(super) fn ask_for_voters(&self, asked: &NodeName, voters: &[NodeName]) -> Begun {
        let everybody: Vec<NodeName> = self.cluster.names().cloned().collect();
        let let_go = everybody.iter().filter(|node| !voters.contains(node));
        self.cluster.admin().lets_go(let_go);
        Begun::Rearranged(Rearranged {
            cut: None,
            requests: vec![self.request_voters(asked, voters.to_vec())],
            everybody,
        })
    }

    async fn change(
        &self,
        way: Rearrangement,
        roles: &Roles,
        gap: Duration,
        (rearranged, record): (&mut Rearranged, &mut FaultRecord),
    ) -> Result<(), String> {
        let admin = self.cluster.admin();
        match way {
            Rearrangement::Shrink => {
                let stay = |node: &&NodeName| !roles.changed.contains(node);
                let voters: Vec<NodeName> =
                    rearranged.everybody.iter().filter(stay).cloned().collect();
                admin.have_vote(&voters, CHANGE_LIMIT).await?;
                record.effect = Effect::Installed;
            }
            Rearrangement::Hurry => {
                rearranged.cut = Some(Box::new(self.cut_off(roles, record).await?));
                for node in &roles.changed {
                    rearranged
                        .requests
                        .push(self.request_removal(&roles.leader, node));
                    tokio::time::sleep(gap).await;
                }
            }
            Rearrangement::Demote | Rearrangement::Exchange => {
                for node in &roles.changed {
                    admin.demote(node, CHANGE_LIMIT).await?;
                }
                rearranged.cut = Some(Box::new(self.cut_off(roles, record).await?));
                if way == Rearrangement::Exchange {
                    let leader = [&roles.leader];
                    let voters = roles.with_leader.iter().chain(leader).cloned().collect();
                    let request = self.request_voters(&roles.leader, voters);
                    rearranged.requests.push(request);
                }
            }
        }
        let took_ms = (self.clock.nanos().0 - record.start_ns) / 1_000_000;
        let evidence = &mut record.evidence;
        evidence.insert("begun_after_ms".to_owned(), json!(took_ms));
        Ok(())
    }

    /// Cuts the leader and those with it off from the others.
    async fn cut_off(&self, roles: &Roles, record: &mut FaultRecord) -> Result<Begun, String> {
        let side = roles.with_leader.iter().chain([&roles.leader]);
        let link = |from: &NodeName, to: &NodeName| Link {
            from: from.clone().into(),
            to: to.clone().into(),
        };
        let across = side.flat_map(|here| {
            let both = |there| [link(here, there), link(there, here)];
            roles.others.iter().flat_map(both)
        });
        let links: BTreeSet<Link> = across.collect();
        self.disturb(Disturbance::Cut, links, record).await
    }

    fn request_removal(&self, leader: &NodeName, node: &NodeName) -> (String, JoinHandle<Reply>) {
        let (cluster, leader, node) = (self.cluster.clone(), leader.clone(), node.clone());
        let what = format!("{leader}, remove {node}");
        let asked = async move { cluster.admin().ask_to_remove(&leader, &node).await };
        (what, tokio::spawn(asked))
    }

    fn request_voters(
        &self,
        asked: &NodeName,
        voters: Vec<NodeName>,
    ) -> (String, JoinHandle<Reply>) {
        let (cluster, asked) = (self.cluster.clone(), asked.clone());
        let what = format!("{asked}, have {} vote", names(&voters));
        let request = async move { cluster.admin().ask_for_voters(&asked, &voters).await };
        (what, tokio::spawn(request))
    }

    /// Lifts the cut, hears what came of the requests, and makes everybody a member again.
    pub(super) async fn put_back(
        &self,
        rearranged: Rearranged,
        record: &mut FaultRecord,
    ) -> Result<(), String> {
        let is_request_alone = rearranged.cut.is_none();
        if let Some(cut) = rearranged.cut
            && let Begun::Disturbed { rule, disturbance } = *cut
        {
            self.calm(rule, disturbance, record).await?;
        }
        let mut replies = Map::new();
        for (what, reply) in rearranged.requests {
            let reply = reply.await.map_err(|error| error.to_string())?;
            match (is_request_alone, reply.taken_up) {
                (true, true) => record.effect = Effect::Installed,
                (true, false) => skip(record, &format!("{what}: {}", reply.said)),
                // It did not lead: there was a partition and no change.
                (false, false) if replies.is_empty() => record.effect = Effect::Indeterminate,
                (false, _) => {}
            }
            replies.insert(what, json!(reply.said));
        }
        if !replies.is_empty() {
            record.evidence.insert("asked".to_owned(), json!(replies));
        }
        let since = self.clock.nanos().0;
        let admin = self.cluster.admin();
        let everybody = &rearranged.everybody;
        if let Err(Undone::Perhaps(why)) = admin.have_vote(everybody, RETURN_LIMIT).await {
            return Err(why);
        }
        // Of those who vote already nothing is asked.
        admin.add_those_outside(RETURN_LIMIT).await?;
        let took_ms = (self.clock.nanos().0 - since) / 1_000_000;
        let evidence = &mut record.evidence;
        evidence.insert("all_members_again_after_ms".to_owned(), json!(took_ms));
        Ok(())
    }
}

fn describe(way: Rearrangement, roles: &Roles) -> String {
    let side: Vec<NodeName> = [&roles.leader]
        .into_iter()
        .chain(&roles.with_leader)
        .cloned()
        .collect();
    let cut = format!("{} | {}", names(&side), names(&roles.others));
    let changed = names(&roles.changed);
    match way {
        Rearrangement::Shrink => format!("remove {changed} in one change"),
        Rearrangement::Hurry => format!("remove {changed} in quick succession, cut: {cut}"),
        Rearrangement::Demote => format!("take the vote from {changed}, then cut: {cut}"),
        Rearrangement::Exchange => {
            format!(
                "take the vote from {changed}, cut: {cut}, and have only {} vote",
                names(&side)
            )
        }
    }
}

fn names(nodes: &[NodeName]) -> String {
    let names: Vec<&str> = nodes.iter().map(NodeName::as_str).collect();
    names.join(" ")
}
