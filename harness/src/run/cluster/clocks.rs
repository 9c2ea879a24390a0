//! The clocks of the nodes: their own when a fault of clocks may happen, and what faults do with them.

use std::path::PathBuf;

use anyhow::{Context as _, Result, anyhow, bail};
use nemesis::NodeName;
use nemesis::clocks::{ChosenWay, ClockChange, NodeClock, Witness};
use nemesis::process::ClockReach;
use serde_json::{Value, json};

use super::{Cluster, State};

/// The clocks of a node, or why it goes by those of the host.
pub(super) type OwnClock = std::result::Result<NodeClock, String>;

/// How the nodes of a run get clocks of their own, or why they get none.
pub(crate) type Clocks = std::result::Result<ChosenWay, String>;

/// A node whose clock is wrong.
pub(crate) struct WrongClock {
    pub node: NodeName,
    /// What it had been told before.
    before: Witness,
    reach: ClockReach,
}

/// What came of it.
pub(crate) struct Told {
    pub evidence: Value,
    /// Whether the node looked at its clock and was told a wrong time.
    pub acted: bool,
}

/// Makes the clocks of a node. The folder is private to the lab.
pub(super) fn make(clocks: &Clocks, name: &NodeName) -> OwnClock {
    let chosen = clocks.as_ref().map_err(String::clone)?;
    let path = PathBuf::from(format!("/run/clock-{name}"));
    NodeClock::create(&path, chosen.way).map_err(|error| error.to_string())
}

impl Cluster {
    /// Makes the clock of a running node wrong.
    pub(crate) fn set_clock(&self, name: &NodeName, change: ClockChange) -> Result<WrongClock> {
        let node = self.node(name);
        let clock = own(&node.clock, name)?;
        let State::Up(process) = &node.state else {
            bail!("node {name} is not running");
        };
        let reach = process.clock_reach(clock);
        if reach.faked.is_empty() {
            bail!(
                "no process of node {name} goes by its clock: a program that is no script has executed another one, or one with \
                 the rights of another user; start that one directly, or from a script"
            );
        }
        let before = clock.witness(change)?;
        clock.install(change)?;
        let node = name.clone();
        Ok(WrongClock {
            node,
            before,
            reach,
        })
    }

    /// Sets the clock right, and says what the node was told meanwhile.
    pub(crate) fn right_clock(&self, wrong: &WrongClock, change: ClockChange) -> Result<Told> {
        let node = self.node(&wrong.node);
        let clock = own(&node.clock, &wrong.node)?;
        let (after, offset_ns) = (clock.witness(change)?, clock.offset_ns(change));
        clock.undo(change)?;
        let reads = after.reads - wrong.before.reads;
        let turns = after.turns - wrong.before.turns;
        let told_ms = match reads {
            0 => Value::Null,
            _ => json!(after.last_offset_ns as f64 / 1e6),
        };
        Ok(Told {
            evidence: json!({
                "pids": wrong.reach.faked, "pids_on_true_time": wrong.reach.missed,
                "looked_at_the_clock": reads, "was_told_another_offset": turns,
                "last_told_offset_ms": told_ms, "offset_at_the_end_ms": offset_ns as f64 / 1e6,
            }),
            acted: reads > 0 && (turns > 0 || after.last_offset_ns != 0),
        })
    }

    /// Sets every clock right.
    pub(super) fn right_clocks(&self) -> Result<()> {
        for name in self.nodes.keys() {
            if let Ok(clock) = &self.node(name).clock {
                clock
                    .reset()
                    .with_context(|| format!("cannot set the clock of {name} right"))?;
            }
        }
        Ok(())
    }
}

fn own<'a>(clock: &'a OwnClock, name: &NodeName) -> Result<&'a NodeClock> {
    let why = |why: &String| anyhow!("node {name} has no clock of its own: {why}");
    clock.as_ref().map_err(why)
}
