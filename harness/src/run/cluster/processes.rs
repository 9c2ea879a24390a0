//! The processes of the nodes: what faults do to them, and which of them ended by themselves.

use std::os::unix::process::ExitStatusExt as _;
use std::process::ExitStatus;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use anyhow::{Result, bail};
use nemesis::NodeName;
use nemesis::process::{Pace, PauseEvidence, Slowed};
use nix::libc::SIGKILL;
use serde_json::{Value, json};

use super::{Cluster, Death, Node, State};

/// The faults that hit processes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NodeFault {
    Kill,
    Pause,
}

/// A node that nobody else disturbs until this is dropped.
pub(crate) struct Taken {
    cluster: Arc<Cluster>,
    name: NodeName,
}

impl Drop for Taken {
    fn drop(&mut self) {
        self.cluster.node(&self.name).is_taken = false;
    }
}

impl Cluster {
    /// Keeps a running node for one fault: for others it counts as down.
    pub(crate) fn take(self: &Arc<Self>, name: &NodeName) -> Result<Taken> {
        let mut node = self.node(name);
        if node.is_taken || !matches!(node.state, State::Up(_)) {
            bail!("node {name} is not running, or another fault is at work on it");
        }
        node.is_taken = true;
        drop(node);
        Ok(Taken {
            cluster: Arc::clone(self),
            name: name.clone(),
        })
    }

    /// Hits a running node; the answer is the evidence.
    pub(crate) fn strike(&self, fault: NodeFault, name: &NodeName) -> Result<Value> {
        let mut node = self.node(name);
        match (fault, std::mem::replace(&mut node.state, State::Killed)) {
            (NodeFault::Kill, State::Up(mut process) | State::Paused(mut process)) => {
                let pid = process.pid();
                node.let_go_of_disk();
                let status = process.kill()?;
                if status.signal() != Some(SIGKILL) {
                    // It was faster.
                    let how = self.ended_by_itself(name, &mut node, status);
                    bail!("node {name} {how}");
                }
                Ok(json!({ "pid": pid, "ended": status.to_string() }))
            }
            (NodeFault::Pause, State::Up(process)) => {
                let paused = process.pause();
                node.state = State::Paused(process);
                let PauseEvidence {
                    pids,
                    threads,
                    waited,
                } = paused?;
                Ok(
                    json!({ "stopped_pids": pids, "threads": threads, "stopped_after_us": micros(waited) }),
                )
            }
            (_, state) => {
                node.state = state;
                bail!("node {name} is not running")
            }
        }
    }

    /// Undoes [`Cluster::strike`]: starts a killed node on the disk it left, lets a paused one go on.
    pub(crate) fn revive(&self, fault: NodeFault, name: &NodeName) -> Result<()> {
        let mut node = self.node(name);
        match (fault, std::mem::replace(&mut node.state, State::Killed)) {
            (NodeFault::Kill, State::Killed) => node.spawn(self.plane().as_ref(), name),
            (NodeFault::Pause, State::Paused(process)) => {
                let resumed = process.resume();
                node.state = State::Up(process);
                Ok(resumed?)
            }
            (_, state) => {
                node.state = state;
                Ok(())
            }
        }
    }

    /// Asks a running node to end, and kills it when it has not after `grace`. It stays down until it is revived.
    pub(crate) fn ask_to_end(&self, name: &NodeName, grace: Duration) -> Result<Value> {
        if let Some(how) = self.died(name) {
            bail!("node {name} {how}");
        }
        let mut node = self.node(name);
        let mut process = match std::mem::replace(&mut node.state, State::Ending) {
            State::Up(process) => process,
            state @ (State::Paused(_) | State::Killed | State::Ending | State::Dead(_)) => {
                node.state = state;
                bail!("node {name} is not running");
            }
        };
        node.let_go_of_disk();
        // Others look at the node meanwhile.
        drop(node);
        let status = process.terminate(grace);
        self.node(name).state = State::Killed;
        let status = status?;
        let asked = status.signal() != Some(SIGKILL);
        Ok(json!({
            "pid": process.pid(), "ended": status.to_string(),
            "by": if asked { "SIGTERM" } else { "SIGKILL, after its grace was over" },
        }))
    }

    /// Slows a running node until what this returns is ended. Paused it is left alone, started again it is slowed again.
    pub(crate) fn slow(self: &Arc<Self>, name: &NodeName, pace: Pace) -> Result<Slowed> {
        if !matches!(self.node(name).state, State::Up(_)) {
            bail!("node {name} is not running");
        }
        let (cluster, name) = (Arc::clone(self), name.clone());
        Ok(Slowed::start(pace, move |act| {
            if let State::Up(process) = &cluster.node(&name).state {
                act(process);
            }
        }))
    }

    /// How `name` ended, if it ended by itself; the first look that notices it puts it on the list of deaths.
    pub(super) fn died(&self, name: &NodeName) -> Option<String> {
        let mut node = self.node(name);
        let process = match &mut node.state {
            State::Up(process) | State::Paused(process) => process,
            State::Killed | State::Ending => return None,
            State::Dead(how) => return Some(how.clone()),
        };
        match process.try_wait() {
            Ok(None) => None,
            Ok(Some(status)) => Some(self.ended_by_itself(name, &mut node, status)),
            Err(error) => Some(self.is_gone(name, &mut node, format!("is lost: {error}"))),
        }
    }

    fn ended_by_itself(&self, name: &NodeName, node: &mut Node, status: ExitStatus) -> String {
        self.is_gone(name, node, format!("ended by itself: {status}"))
    }

    /// Takes down that a node is gone though nobody had killed it.
    fn is_gone(&self, name: &NodeName, node: &mut Node, how: String) -> String {
        if node.excuses > 0 {
            node.state = State::Killed;
            node.gave_up = Some(how.clone());
            return how;
        }
        node.state = State::Dead(how.clone());
        let death = Death {
            node: name.clone(),
            how: how.clone(),
        };
        self.deaths
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(death);
        how
    }
}

impl Node {
    /// Nothing that waits for a disk can end.
    fn let_go_of_disk(&self) {
        if let Ok(disk) = &self.disk {
            disk.abandon();
        }
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
