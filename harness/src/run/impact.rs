//! What a fault did to the nodes and their links, read from its record. Pure.
//!
//! A record that does not say enough counts as a disturbance of everything: what is judged by these impacts must never be
//! held against a system that was in trouble.

use std::collections::BTreeSet;

use nemesis::partition::{Endpoint, Link};
use nemesis::schedule::{DiskKind, FaultKind, NetworkKind, ProcessKind};
use reports::{Effect, FaultRecord};

/// What one fault did, for as long as it acted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Impact {
    /// Everybody was disturbed, in ways nobody can tell.
    pub unclear: bool,
    /// Nodes that took no part: killed, stopped, without power, no members.
    pub gone: BTreeSet<String>,
    /// Nodes that ran on, hampered: their disk, their clock or the way to their clients.
    pub hampered: BTreeSet<String>,
    /// Directed links between nodes over which nothing came.
    pub cut: BTreeSet<Link>,
    /// Nodes that did not hear their clients, or were not heard by them.
    pub without_clients: BTreeSet<String>,
    /// Directed links over which not everything came, or not at once.
    pub disturbed: BTreeSet<Link>,
    /// Leadership was handed over on purpose.
    pub handed_over: bool,
}

/// How faults of a kind act.
enum Manner {
    Gone,
    Hampered,
    Cut,
    Disturbed,
    Removed,
    HandedOver,
    /// In ways that its record does not tell.
    Unclear,
}

impl Impact {
    /// What the fault of this record did; nothing if it was skipped.
    pub(super) fn of(record: &FaultRecord) -> Self {
        if record.effect == Effect::Skipped {
            return Self::default();
        }
        let unclear = Self {
            unclear: true,
            ..Self::default()
        };
        let Ok(kind) = record.name.parse() else {
            return unclear;
        };
        let impact = match manner(kind) {
            Manner::Gone => Self {
                gone: hit(record),
                ..Self::default()
            },
            Manner::Hampered => Self {
                hampered: hit(record),
                ..Self::default()
            },
            Manner::Removed => Self {
                gone: named(record),
                ..Self::default()
            },
            Manner::Cut => Self::of_cut(links(record)),
            Manner::Disturbed => Self {
                disturbed: links(record),
                ..Self::default()
            },
            Manner::HandedOver => Self {
                handed_over: true,
                ..Self::default()
            },
            Manner::Unclear => Self::default(),
        };
        if impact == Self::default() {
            unclear
        } else {
            impact
        }
    }

    /// A node that its clients do not reach, or not both ways, may go on leading: it is hampered, not gone.
    fn of_cut(links: BTreeSet<Link>) -> Self {
        let (of_clients, cut): (BTreeSet<Link>, _) = links.into_iter().partition(is_of_clients);
        let nodes = of_clients.iter().flat_map(|link| [&link.from, &link.to]);
        let nodes = nodes.filter_map(Endpoint::node).map(ToString::to_string);
        let without_clients: BTreeSet<String> = nodes.collect();
        Self {
            hampered: without_clients.clone(),
            without_clients,
            cut,
            ..Self::default()
        }
    }

    /// Takes in what another fault did at the same time.
    pub(super) fn add(&mut self, other: &Self) {
        self.unclear |= other.unclear;
        self.handed_over |= other.handed_over;
        self.gone.extend(other.gone.iter().cloned());
        self.hampered.extend(other.hampered.iter().cloned());
        self.cut.extend(other.cut.iter().cloned());
        self.without_clients
            .extend(other.without_clients.iter().cloned());
        self.disturbed.extend(other.disturbed.iter().cloned());
    }
}

const fn manner(kind: FaultKind) -> Manner {
    match kind {
        FaultKind::Kill | FaultKind::Pause => Manner::Gone,
        FaultKind::Process(kind) => of_processes(kind),
        FaultKind::Reconfigure => Manner::Unclear,
        FaultKind::Disk(kind) => of_disk(kind),
        FaultKind::Clock(_) => Manner::Hampered,
        FaultKind::Partition => Manner::Cut,
        FaultKind::Network(kind) => of_network(kind),
        FaultKind::Member => Manner::Removed,
        FaultKind::Transfer => Manner::HandedOver,
    }
}

const fn of_processes(kind: ProcessKind) -> Manner {
    match kind {
        ProcessKind::CrashLoop | ProcessKind::RollingRestart | ProcessKind::Wipe => Manner::Gone,
        ProcessKind::SlowCpu => Manner::Hampered,
    }
}

const fn of_disk(kind: DiskKind) -> Manner {
    match kind {
        DiskKind::PowerLoss | DiskKind::TornWrite | DiskKind::Blackout => Manner::Gone,
        DiskKind::Errors
        | DiskKind::Full
        | DiskKind::Slow
        | DiskKind::Stuck
        | DiskKind::Lie
        | DiskKind::Misread
        | DiskKind::BitFlip
        | DiskKind::Truncate => Manner::Hampered,
    }
}

const fn of_network(kind: NetworkKind) -> Manner {
    match kind {
        NetworkKind::ClientPartition | NetworkKind::LostReplies => Manner::Cut,
        NetworkKind::Delay
        | NetworkKind::Loss
        | NetworkKind::Reorder
        | NetworkKind::Duplicate
        | NetworkKind::Corrupt
        | NetworkKind::CorruptUnnoticed
        | NetworkKind::Rate
        | NetworkKind::Flap => Manner::Disturbed,
    }
}

fn is_of_clients(link: &Link) -> bool {
    [&link.from, &link.to].contains(&&Endpoint::Clients)
}

/// The nodes in the evidence, without those that were spared for the reason that stands there.
fn hit(record: &FaultRecord) -> BTreeSet<String> {
    let nodes = record.evidence.get("nodes").and_then(|all| all.as_object());
    nodes
        .into_iter()
        .flatten()
        .filter(|(_, evidence)| !evidence.is_string())
        .map(|(node, _)| node.clone())
        .collect()
}

/// The nodes in the description.
fn named(record: &FaultRecord) -> BTreeSet<String> {
    let number = |word: &&str| word.strip_prefix('n').is_some_and(is_number);
    let words = record.description.split(' ');
    words.filter(number).map(str::to_owned).collect()
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// The links of any count of packets in the evidence.
fn links(record: &FaultRecord) -> BTreeSet<Link> {
    let counts = record.evidence.iter();
    counts
        .filter(|(name, _)| name.ends_with("packets"))
        .filter_map(|(_, by_link)| by_link.as_object())
        .flat_map(|by_link| by_link.keys())
        .filter_map(|link| link.parse().ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::run::scene::fault;

    fn names(nodes: &BTreeSet<impl ToString>) -> String {
        let names: Vec<String> = nodes.iter().map(ToString::to_string).collect();
        names.join(" ")
    }

    #[test]
    fn an_impact_is_what_the_record_says() {
        let dropped = |links: &[&str]| {
            let counts: Vec<(String, Value)> = links
                .iter()
                .map(|link| ((*link).to_owned(), json!(3)))
                .collect();
            json!({ "probe_packets": 2, "dropped_packets": Value::Object(counts.into_iter().collect()) })
        };
        let two = json!({ "nodes": { "n1": { "pid": 7 }, "n2": "node n2 is not running" } });
        let delayed = json!({ "delayed_packets": { "n1->n2": 0 }, "packets": { "n1->n2": 4 } });
        for (name, evidence, [gone, hampered, cut, disturbed]) in [
            ("kill", two.clone(), ["n1", "", "", ""]),
            ("blackout", two.clone(), ["n1", "", "", ""]),
            ("disk-stuck", two, ["", "n1", "", ""]),
            ("member", json!({}), ["n9", "", "", ""]),
            (
                "partition",
                dropped(&["n1->n2", "n2->n1"]),
                ["", "", "n1->n2 n2->n1", ""],
            ),
            (
                "lost-replies",
                dropped(&["n1->clients"]),
                ["", "n1", "", ""],
            ),
            ("delay", delayed, ["", "", "", "n1->n2"]),
        ] {
            let impact = Impact::of(&fault(1, name, evidence, [0, 1]));
            let found = [names(&impact.gone), names(&impact.hampered)];
            assert_eq!(found, [gone, hampered], "{name}");
            let found = [names(&impact.cut), names(&impact.disturbed)];
            assert_eq!(found, [cut, disturbed], "{name}");
            assert!(!impact.unclear, "{name}");
        }
    }

    #[test]
    fn a_record_that_says_too_little_is_unclear_and_one_that_was_skipped_did_nothing() {
        for name in ["kill", "partition", "delay", "no-such-kind"] {
            let mut record = fault(1, name, json!({ "undo_error": "gone" }), [0, 1]);
            assert!(Impact::of(&record).unclear, "{name}");
            record.effect = Effect::Skipped;
            assert_eq!(Impact::of(&record), Impact::default(), "{name}");
        }
    }
}
