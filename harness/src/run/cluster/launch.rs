//! How a node is started: its command line, its namespace, its log.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use nemesis::NodeName;
use nemesis::net::Plane;
use nemesis::process::{NodeProcess, ProcessError, ProcessSpec};

use super::{Node, State};
use crate::config::{NodeProgram, RunConfig};
use crate::run::client::Doors;
use crate::run::folder::Folder;

const PEER_PORT: u16 = 7000;
const CLIENT_PORT: u16 = 8000;
/// Wider than the bundled node's own default: five nodes, their clients and a checker share a machine of perhaps two
/// cores here, and a leader that is merely starved must not lose its office.
const ELECTION_TIMEOUT: &str = "250ms..500ms";

impl Node {
    pub(super) fn spawn(&mut self, plane: &dyn Plane, name: &NodeName) -> Result<()> {
        let started = match self.start(plane, name)? {
            // It goes by the clocks of the host then, and faults of clocks are skipped with this reason.
            Err(error @ ProcessError::Clock { .. }) => {
                self.clock = Err(error.to_string());
                self.start(plane, name)?
            }
            started => started,
        };
        let process = started
            .with_context(|| format!("cannot start node {name} ({})", self.program.display()))?;
        self.state = State::Up(process);
        Ok(())
    }

    fn start(
        &self,
        plane: &dyn Plane,
        name: &NodeName,
    ) -> Result<std::result::Result<NodeProcess, ProcessError>> {
        let spec = ProcessSpec {
            program: &self.program,
            args: self.arguments.clone(),
            env: Vec::new(),
            log: append(&self.log)?,
            namespace: Some(plane.namespace(name)),
            clock: self.clock.as_ref().ok(),
        };
        Ok(NodeProcess::spawn(&spec))
    }
}

fn append(log: &Path) -> Result<File> {
    OpenOptions::new()
        .create(true)
        .append(true)
        .open(log)
        .with_context(|| format!("cannot open {}", log.display()))
}

pub(super) fn doors(config: &RunConfig, plane: &dyn Plane) -> Doors {
    let door = |name: &NodeName| {
        (
            name.to_string(),
            format!("http://{}:{CLIENT_PORT}", plane.address(name)),
        )
    };
    Arc::new(config.nodes.iter().map(door).collect())
}

pub(super) fn arguments(
    config: &RunConfig,
    folder: &Folder,
    plane: &dyn Plane,
    name: &NodeName,
) -> Vec<OsString> {
    let everyone = |port: u16| {
        let members: Vec<String> = config
            .nodes
            .iter()
            .map(|node| format!("{node}={}:{port}", plane.address(node)))
            .collect();
        members.join(",")
    };
    let own = |port: u16| format!("{}:{port}", plane.address(name));
    let mut arguments: Vec<OsString> = match config.program {
        NodeProgram::Bundled(_) => vec!["node".into()],
        NodeProgram::Other(_) => Vec::new(),
    };
    for (option, value) in [
        ("--id", name.to_string()),
        ("--client-addr", own(CLIENT_PORT)),
        ("--peer-addr", own(PEER_PORT)),
        ("--peers", everyone(PEER_PORT)),
        ("--client-addrs", everyone(CLIENT_PORT)),
        ("--seed", config.seed.to_string()),
        ("--election-timeout", ELECTION_TIMEOUT.to_owned()),
    ] {
        arguments.extend([option.into(), value.into()]);
    }
    arguments.extend(["--data".into(), folder.data(name).into_os_string()]);
    arguments.extend(config.node_args.iter().map(OsString::from));
    if !config.bugs.is_empty() {
        let bugs: Vec<String> = config.bugs.iter().map(ToString::to_string).collect();
        arguments.extend(["--bug".into(), bugs.join(",").into()]);
    }
    arguments
}

/// Where nodes and clients reach each node.
pub(super) fn addresses(
    config: &RunConfig,
    plane: &dyn Plane,
) -> BTreeMap<NodeName, (String, String)> {
    let of_node = |name: &NodeName| {
        let address = plane.address(name);
        let at = |port: u16| format!("{address}:{port}");
        (name.clone(), (at(PEER_PORT), at(CLIENT_PORT)))
    };
    config.nodes.iter().map(of_node).collect()
}
