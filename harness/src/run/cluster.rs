//! The system under test: real processes, each in its own network namespace, with a log and a disk that are kept.

mod clocks;
mod disks;
mod launch;
mod processes;
mod wipe;

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use nemesis::NodeName;
use nemesis::net::{Disturbance, Plane, RuleId, Tally};
use nemesis::partition::Link;
use nemesis::process::NodeProcess;

use super::admin::Admin;
use super::client::{Doors, plain_http};
use super::folder::Folder;
use crate::config::RunConfig;
use clocks::OwnClock;
pub(crate) use clocks::{Clocks, WrongClock};
use disks::NodeDisk;
pub(crate) use disks::Struck;
pub(crate) use processes::{NodeFault, Taken};

/// How long a node may take from its start to its first healthy answer.
const START_LIMIT: Duration = Duration::from_secs(20);
/// How long a node may take to end by itself when asked to.
const STOP_GRACE: Duration = Duration::from_secs(2);
const HEALTH_EVERY: Duration = Duration::from_millis(20);
const HEALTH_TIMEOUT: Duration = Duration::from_millis(500);

/// A running cluster.
///
/// - A node that is `Up` or `Paused` has a process; one that is `Killed` or `Dead` has none, and that of one that is `Ending`
///   is with whoever asked it to end.
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
    data: PathBuf,
    disk: NodeDisk,
    /// Faults of its disk that act now: while there are any it may end by itself.
    excuses: u32,
    /// How it did.
    gave_up: Option<String>,
    /// A fault of several steps is at work on it, which others must not disturb.
    is_taken: bool,
    clock: OwnClock,
    state: State,
}

enum State {
    Up(NodeProcess),
    Paused(NodeProcess),
    Killed,
    /// Asked to end: its process is waited for.
    Ending,
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
    pub(crate) fn start(
        config: &RunConfig,
        folder: &Folder,
        plane: &SharedPlane,
        clocks: &Clocks,
    ) -> Result<Self> {
        let network = plane.lock().unwrap_or_else(PoisonError::into_inner);
        let doors = launch::doors(config, network.as_ref());
        let addresses = launch::addresses(config, network.as_ref());
        let mut nodes = BTreeMap::new();
        for name in &config.nodes {
            let data = folder.data(name);
            std::fs::create_dir_all(&data)
                .with_context(|| format!("cannot create {}", data.display()))?;
            let mut node = Node {
                program: config.program.path().to_owned(),
                arguments: launch::arguments(config, folder, network.as_ref(), name),
                log: folder.log(name),
                data: data.clone(),
                disk: disks::mount(config, &data),
                excuses: 0,
                gave_up: None,
                is_taken: false,
                clock: clocks::make(clocks, name),
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

    /// Nodes that are not running now, for whatever reason, or not for long.
    pub(crate) fn down(&self) -> BTreeSet<NodeName> {
        let down = |name: &&NodeName| {
            let node = self.node(name);
            node.is_taken || !matches!(node.state, State::Up(_))
        };
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

    fn node(&self, name: &NodeName) -> MutexGuard<'_, Node> {
        self.nodes[name]
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn plane(&self) -> MutexGuard<'_, Box<dyn Plane>> {
        self.plane.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
