//! The system under test: real processes, each in its own network namespace, with a log and a disk that are kept.

mod clocks;
mod disks;

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use nemesis::NodeName;
use nemesis::net::{Disturbance, Plane, RuleId, Tally};
use nemesis::partition::Link;
use nemesis::process::{NodeProcess, PauseEvidence, ProcessError, ProcessSpec};
use serde_json::{Value, json};

use super::admin::Admin;
use super::client::{Doors, plain_http};
use super::folder::Folder;
use crate::config::{NodeProgram, RunConfig};
use clocks::OwnClock;
pub(crate) use clocks::WrongClock;
use disks::NodeDisk;
pub(crate) use disks::Struck;

const PEER_PORT: u16 = 7000;
const CLIENT_PORT: u16 = 8000;
/// Wider than the bundled node's own default: five nodes, their clients and a checker share a machine of perhaps two
/// cores here, and a leader that is merely starved must not lose its office.
const ELECTION_TIMEOUT: &str = "250ms..500ms";
/// How long a node may take from its start to its first healthy answer.
const START_LIMIT: Duration = Duration::from_secs(20);
/// How long a node may take to end by itself when asked to.
const STOP_GRACE: Duration = Duration::from_secs(2);
const HEALTH_EVERY: Duration = Duration::from_millis(20);
const HEALTH_TIMEOUT: Duration = Duration::from_millis(500);

/// The faults that hit processes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NodeFault {
    Kill,
    Pause,
}

/// A running cluster.
///
/// - A node that is `Up` or `Paused` has a process; one that is `Killed` or `Dead` has none.
/// - A node becomes `Dead` only by itself, and is not started again. One that ends while its disk fails becomes `Killed`.
pub(crate) struct Cluster {
    plane: SharedPlane,
    nodes: BTreeMap<NodeName, Mutex<Node>>,
    doors: Doors,
    http: reqwest::Client,
    admin: Admin,
    deaths: Mutex<Vec<Death>>,
}

/// The network of a run. Whoever made it lets go of it last, outside the runtime: taking it down needs a runtime of its
/// own.
pub(crate) type SharedPlane = Arc<Mutex<Box<dyn Plane>>>;

struct Node {
    program: PathBuf,
    arguments: Vec<OsString>,
    log: PathBuf,
    disk: NodeDisk,
    /// Faults of its disk that act now: while there are any it may end by itself.
    excuses: u32,
    /// How it did.
    gave_up: Option<String>,
    clock: OwnClock,
    state: State,
}

enum State {
    Up(NodeProcess),
    Paused(NodeProcess),
    Killed,
    /// Ended by itself; how.
    Dead(String),
}

/// A node that ended although nobody had killed it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Death {
    pub node: NodeName,
    pub how: String,
}

impl Cluster {
    /// Starts every node on an empty disk.
    pub(crate) fn start(config: &RunConfig, folder: &Folder, plane: &SharedPlane) -> Result<Self> {
        let network = plane.lock().unwrap_or_else(PoisonError::into_inner);
        let doors = doors(config, network.as_ref());
        let (mut nodes, mut addresses) = (BTreeMap::new(), BTreeMap::new());
        for name in &config.nodes {
            let address = network.address(name);
            let of_port = |port: u16| format!("{address}:{port}");
            addresses.insert(name.clone(), (of_port(PEER_PORT), of_port(CLIENT_PORT)));
            let data = folder.data(name);
            std::fs::create_dir_all(&data)
                .with_context(|| format!("cannot create {}", data.display()))?;
            let mut node = Node {
                program: config.program.path().to_owned(),
                arguments: arguments(config, folder, network.as_ref(), name),
                log: folder.log(name),
                disk: disks::mount(config, &data),
                excuses: 0,
                gave_up: None,
                clock: clocks::make(config, name),
                state: State::Killed,
            };
            node.spawn(network.as_ref(), name)?;
            nodes.insert(name.clone(), Mutex::new(node));
        }
        drop(network);
        let http = plain_http()?;
        Ok(Self {
            plane: Arc::clone(plane),
            nodes,
            admin: Admin::new(Arc::clone(&doors), http.clone(), addresses),
            doors,
            http,
            deaths: Mutex::default(),
        })
    }

    /// The way to change the cluster itself.
    pub(crate) const fn admin(&self) -> &Admin {
        &self.admin
    }

    /// Every node.
    pub(crate) fn names(&self) -> impl Iterator<Item = &NodeName> {
        self.nodes.keys()
    }

    /// Where clients connect.
    pub(crate) fn doors(&self) -> &Doors {
        &self.doors
    }

    /// Waits until every node answers `/health`.
    pub(crate) async fn wait_all_healthy(&self) -> Result<()> {
        for name in self.nodes.keys() {
            self.wait_healthy(name, START_LIMIT).await?;
        }
        Ok(())
    }

    /// Waits until `name` answers `/health`.
    pub(crate) async fn wait_healthy(&self, name: &NodeName, limit: Duration) -> Result<()> {
        let url = format!("{}/health", self.doors[name.as_str()]);
        let healthy = async {
            loop {
                let answer = self.http.get(&url).timeout(HEALTH_TIMEOUT).send().await;
                if answer.is_ok_and(|answer| answer.status().is_success()) {
                    return Ok(());
                }
                if let Some(how) = self.died(name) {
                    bail!("node {name} {how}; {}", self.last_words(name));
                }
                tokio::time::sleep(HEALTH_EVERY).await;
            }
        };
        tokio::time::timeout(limit, healthy)
            .await
            .unwrap_or_else(|_| {
                bail!(
                    "node {name} did not answer /health within {limit:?} (log: {})",
                    self.log(name).display()
                )
            })
    }

    /// The nodes that ended by themselves since this was last asked.
    pub(crate) fn deaths(&self) -> Vec<Death> {
        for name in self.nodes.keys() {
            self.died(name);
        }
        std::mem::take(&mut *self.deaths.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Complaints that nodes left in their logs although they went on: the line, by node.
    pub(crate) fn panics(&self) -> Vec<(NodeName, String)> {
        let complaint = |name: &NodeName| {
            let text = std::fs::read(self.log(name)).unwrap_or_default();
            let text = String::from_utf8_lossy(&text).into_owned();
            let line = text.lines().find(|line| line.contains("panicked at"))?;
            Some((name.clone(), line.to_owned()))
        };
        self.nodes.keys().filter_map(complaint).collect()
    }

    /// Nodes that are not running now, for whatever reason.
    pub(crate) fn down(&self) -> BTreeSet<NodeName> {
        let down = |name: &&NodeName| !matches!(self.node(name).state, State::Up(_));
        self.nodes.keys().filter(down).cloned().collect()
    }

    /// Lays a rule on links of the network.
    pub(crate) fn impose(
        &self,
        id: RuleId,
        disturbance: &Disturbance,
        links: &BTreeSet<Link>,
    ) -> Result<()> {
        Ok(self.plane().impose(id, disturbance, links)?)
    }

    /// Sends a packet of our own over each of `links`.
    pub(crate) fn probe(&self, links: &BTreeSet<Link>) -> Result<()> {
        Ok(self.plane().probe(links)?)
    }

    /// What a rule did on each of its links so far.
    pub(crate) fn tallies(&self, id: RuleId) -> Result<BTreeMap<Link, Tally>> {
        Ok(self.plane().tallies(id)?)
    }

    /// Takes a rule away.
    pub(crate) fn lift(&self, id: RuleId) -> Result<()> {
        Ok(self.plane().lift(id)?)
    }

    /// Hits a running node; the answer is the evidence.
    pub(crate) fn strike(&self, fault: NodeFault, name: &NodeName) -> Result<Value> {
        let mut node = self.node(name);
        match (fault, std::mem::replace(&mut node.state, State::Killed)) {
            (NodeFault::Kill, State::Up(mut process) | State::Paused(mut process)) => {
                let pid = process.pid();
                if let Ok(disk) = &node.disk {
                    disk.abandon();
                }
                let status = process.kill()?;
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

    /// Undoes everything: no rule on any link, no failing disk, no wrong clock, nobody paused, every killed node started.
    pub(crate) fn heal_all(&self) -> Result<()> {
        self.plane().heal()?;
        self.heal_disks();
        self.right_clocks()?;
        for name in self.nodes.keys() {
            self.revive(NodeFault::Pause, name)?;
            self.revive(NodeFault::Kill, name)?;
        }
        Ok(())
    }

    /// Ends every process; logs and what is on the disks stay.
    pub(crate) fn stop(&self) {
        self.heal_disks();
        for node in self.nodes.values() {
            let mut node = node.lock().unwrap_or_else(PoisonError::into_inner);
            if let State::Up(mut process) | State::Paused(mut process) =
                std::mem::replace(&mut node.state, State::Killed)
            {
                let _ = process.resume();
                // Whatever is left of a node ends with the lab.
                let _ = process.terminate(STOP_GRACE);
            }
            node.disk = Err("the run is over".to_owned());
        }
    }

    /// The last line of a node's log, for an error that must name the reason.
    fn last_words(&self, name: &NodeName) -> String {
        let log = self.log(name);
        let text = std::fs::read_to_string(&log).unwrap_or_default();
        let last = text
            .lines()
            .rfind(|line| !line.trim().is_empty())
            .unwrap_or("its log is empty");
        format!("it said last: {last} (log: {})", log.display())
    }

    fn log(&self, name: &NodeName) -> PathBuf {
        self.node(name).log.clone()
    }

    /// How `name` ended, if it ended by itself; the first look that notices it puts it on the list of deaths.
    fn died(&self, name: &NodeName) -> Option<String> {
        let mut node = self.node(name);
        let process = match &mut node.state {
            State::Up(process) | State::Paused(process) => process,
            State::Killed => return None,
            State::Dead(how) => return Some(how.clone()),
        };
        let how = match process.try_wait() {
            Ok(None) => return None,
            Ok(Some(status)) => format!("ended by itself: {status}"),
            Err(error) => format!("is lost: {error}"),
        };
        if node.excuses > 0 {
            node.state = State::Killed;
            node.gave_up = Some(how.clone());
            return Some(how);
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
        Some(how)
    }

    fn node(&self, name: &NodeName) -> MutexGuard<'_, Node> {
        self.nodes[name]
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn plane(&self) -> MutexGuard<'_, Box<dyn Plane>> {
        self.plane.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Node {
    fn spawn(&mut self, plane: &dyn Plane, name: &NodeName) -> Result<()> {
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

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

fn append(log: &Path) -> Result<File> {
    OpenOptions::new()
        .create(true)
        .append(true)
        .open(log)
        .with_context(|| format!("cannot open {}", log.display()))
}

fn doors(config: &RunConfig, plane: &dyn Plane) -> Doors {
    let door = |name: &NodeName| {
        (
            name.to_string(),
            format!("http://{}:{CLIENT_PORT}", plane.address(name)),
        )
    };
    Arc::new(config.nodes.iter().map(door).collect())
}

fn arguments(
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
