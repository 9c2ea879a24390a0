//! Wrong clocks, proven by what the nodes' own calls were told.

use nemesis::NodeName;
use nemesis::clocks::ClockChange;
use reports::{Effect, FaultRecord};
use serde_json::{Map, json};

use super::{Begun, Director};
use crate::run::cluster::WrongClock;

impl Director {
    /// Makes the clock of each of `nodes` wrong; those where that could not be done are said in the evidence.
    pub(super) async fn set_clocks(
        &self,
        change: ClockChange,
        nodes: Vec<NodeName>,
        record: &mut FaultRecord,
    ) -> Result<Begun, String> {
        let (mut wrong, mut refusals) = (Vec::new(), Map::new());
        for node in nodes {
            let set = {
                let node = node.clone();
                self.blocking(move |cluster| cluster.set_clock(&node, change))
                    .await
            };
            match set {
                Ok(clock) => wrong.push(clock),
                Err(error) => drop(refusals.insert(node.to_string(), json!(error))),
            }
        }
        let first = refusals.values().next().map(ToString::to_string);
        if wrong.is_empty() {
            return Err(first.unwrap_or_else(|| {
                "no clock was set: no leader is known, or the nodes were down already".to_owned()
            }));
        }
        if !refusals.is_empty() {
            record
                .evidence
                .insert("refused".to_owned(), json!(refusals));
        }
        let names: Vec<&str> = wrong.iter().map(|clock| clock.node.as_str()).collect();
        record.description = format!("{change} on {}", names.join(" "));
        asked_for(change, record);
        Ok(Begun::Clocks { change, wrong })
    }

    /// A node that never looked at its clock has not met the fault.
    pub(super) async fn right_clocks(
        &self,
        change: ClockChange,
        wrong: Vec<WrongClock>,
        record: &mut FaultRecord,
    ) -> Result<(), String> {
        let mut by_node = Map::new();
        let mut acted = true;
        for clock in wrong {
            let name = clock.node.to_string();
            let told = self
                .blocking(move |cluster| cluster.right_clock(&clock, change))
                .await?;
            acted &= told.acted;
            by_node.insert(name, told.evidence);
        }
        record.evidence.insert("nodes".to_owned(), json!(by_node));
        if acted {
            record.effect = Effect::Installed;
        }
        Ok(())
    }
}

/// What the clocks should show, as numbers: plots draw it beside what they showed.
fn asked_for(change: ClockChange, record: &mut FaultRecord) {
    let millis = |ns: i64| json!(ns as f64 / 1e6);
    let (clock, asked) = match change {
        ClockChange::Jump { offset_ns } => ("wall", vec![("asked_offset_ms", millis(offset_ns))]),
        ClockChange::Drift { rate_ppb } => ("wall", vec![("asked_rate_ppb", json!(rate_ppb))]),
        ClockChange::Monotonic { rate_ppb } => {
            ("monotonic", vec![("asked_rate_ppb", json!(rate_ppb))])
        }
        ClockChange::Strobe {
            offset_ns,
            period_ns,
        } => {
            let flips = ("asked_period_ms", millis(period_ns));
            ("wall", vec![("asked_offset_ms", millis(offset_ns)), flips])
        }
    };
    let all = asked.into_iter().chain([("clock", json!(clock))]);
    for (name, value) in all {
        record.evidence.insert(name.to_owned(), value);
    }
}
