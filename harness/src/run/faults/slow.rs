//! Slow nodes, proven by how long they stood still.

use nemesis::NodeName;
use nemesis::process::{Pace, SlowEvidence, Slowed};
use reports::{Effect, FaultRecord};
use serde_json::{Map, Value, json};

use super::{Begun, Director, NOBODY};

impl Director {
    pub(super) fn slow_down(
        &self,
        pace: Pace,
        nodes: Vec<NodeName>,
        record: &mut FaultRecord,
    ) -> Result<Begun, String> {
        let mut slowed = Vec::new();
        for node in nodes {
            if let Ok(one) = self.cluster.slow(&node, pace) {
                slowed.push((node, one));
            }
        }
        if slowed.is_empty() {
            return Err(NOBODY.to_owned());
        }
        let names: Vec<&str> = slowed.iter().map(|(node, _)| node.as_str()).collect();
        record.description = format!("slow {} down to {pace}", names.join(" "));
        Ok(Begun::Slowed(slowed))
    }

    pub(super) async fn speed_up(
        &self,
        slowed: Vec<(NodeName, Slowed)>,
        record: &mut FaultRecord,
    ) -> Result<(), String> {
        let mut by_node = Map::new();
        let mut acted = true;
        for (node, slowed) in slowed {
            let evidence = self.blocking(move |_| Ok(slowed.end())).await?;
            acted &= evidence.stops > 0;
            by_node.insert(node.to_string(), told(&evidence));
        }
        record.evidence.insert("nodes".to_owned(), json!(by_node));
        if acted {
            record.effect = Effect::Installed;
        }
        Ok(())
    }
}

fn told(evidence: &SlowEvidence) -> Value {
    let SlowEvidence {
        stops,
        ran,
        stood,
        cpu,
        processes,
        without,
        failed,
    } = evidence;
    json!({
        "stops": stops, "ran_ms": millis(*ran), "stood_ms": millis(*stood),
        "ran_percent": (100.0 * evidence.share()).round(), "cpu_ms": millis(*cpu),
        "processes": processes, "turns_without_it": without, "failed": failed,
    })
}

fn millis(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
