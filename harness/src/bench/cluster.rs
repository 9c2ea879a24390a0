//! A cluster under measurement: one process a node, each on an address of its own on loopback, in the lab's own network.

use std::ffi::OsString;
use std::fs::OpenOptions;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use nemesis::process::{NodeProcess, ProcessSpec};
use tokio::time::{sleep, timeout};

use super::system::{Member, Standing, System};

/// How long a cluster may take until it has one leader whom everybody could ask.
const START_LIMIT: Duration = Duration::from_secs(30);
const ASK_LIMIT: Duration = Duration::from_millis(500);
const ASK_EVERY: Duration = Duration::from_millis(20);

/// A running cluster; dropped, its processes are killed.
pub(super) struct Cluster<S> {
    pub system: Arc<S>,
    pub members: Arc<[Member]>,
    processes: Vec<NodeProcess>,
    folder: PathBuf,
}

/// Who leads, and since which election.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Leader {
    pub node: usize,
    pub term: u64,
}

impl<S: System> Cluster<S> {
    /// Starts every node on an empty disk below `folder`.
    pub(super) fn start(system: S, nodes: usize, folder: &Path) -> Result<Self> {
        let mut cluster = Self {
            system: Arc::new(system),
            members: Member::first(nodes).into(),
            processes: Vec::new(),
            folder: folder.to_owned(),
        };
        for node in 0..nodes {
            let process = cluster.spawn(node)?;
            cluster.processes.push(process);
        }
        Ok(cluster)
    }

    /// Process numbers, in the order of the members.
    pub(super) fn pids(&self) -> Vec<u32> {
        self.processes.iter().map(NodeProcess::pid).collect()
    }

    /// Ends a node as `kill -9` does.
    pub(super) fn kill(&mut self, node: usize) -> Result<()> {
        self.processes[node].kill()?;
        Ok(())
    }

    /// Starts a killed node again on the disk it left.
    pub(super) fn restart(&mut self, node: usize) -> Result<()> {
        self.processes[node] = self.spawn(node)?;
        Ok(())
    }

    /// Stops a node as SIGSTOP does.
    pub(super) fn pause(&self, node: usize) -> Result<()> {
        self.processes[node].pause()?;
        Ok(())
    }

    /// Lets a stopped node continue.
    pub(super) fn resume(&self, node: usize) -> Result<()> {
        Ok(self.processes[node].resume()?)
    }

    /// Starts one more node on an empty disk, which waits to be added. Its number, if the system has such nodes.
    pub(super) async fn start_waiting(&mut self) -> Result<Option<usize>> {
        let node = self.members.len();
        let member = Member::number(node + 1);
        let data = self.folder.join(&member.name);
        let arguments = self.system.waiting_arguments(&member, &self.members, &data);
        let Some(arguments) = arguments else {
            return Ok(None);
        };
        let process = self.launch(&member, arguments)?;
        self.processes.push(process);
        self.members = self.members.iter().cloned().chain([member]).collect();
        let answers = async {
            while self.system.standing(&self.members[node]).await.is_err() {
                self.require_alive()?;
                sleep(ASK_EVERY).await;
            }
            Ok(Some(node))
        };
        match timeout(START_LIMIT, answers).await {
            Ok(end) => end,
            Err(_) => bail!("a node that is to be added did not answer within {START_LIMIT:?}"),
        }
    }

    /// Waits until every node answers and exactly one of them leads.
    pub(super) async fn settled(&mut self) -> Result<Leader> {
        let settled = async {
            loop {
                self.require_alive()?;
                let standings = self.standings().await;
                if standings.iter().all(Option::is_some)
                    && let [leader] = leaders(&standings)[..]
                {
                    return Ok(leader);
                }
                sleep(ASK_EVERY).await;
            }
        };
        match timeout(START_LIMIT, settled).await {
            Ok(end) => end,
            Err(_) => bail!(
                "{} did not agree on a leader within {START_LIMIT:?}; {}",
                self.system.target().name(),
                self.last_words(0)
            ),
        }
    }

    /// The leader of the latest term, as far as nodes answer.
    pub(super) async fn leader(&self) -> Option<Leader> {
        let standings = self.standings().await;
        leaders(&standings)
            .into_iter()
            .max_by_key(|leader| leader.term)
    }

    /// Fails when a node has ended by itself.
    pub(super) fn require_alive(&mut self) -> Result<()> {
        for node in 0..self.processes.len() {
            if let Some(status) = self.processes[node].try_wait()? {
                let name = &self.members[node].name;
                bail!(
                    "{} {name} ended by itself: {status}; {}",
                    self.system.target().name(),
                    self.last_words(node)
                );
            }
        }
        Ok(())
    }

    async fn standings(&self) -> Vec<Option<Standing>> {
        let mut standings = Vec::new();
        for member in self.members.iter() {
            let asked = timeout(ASK_LIMIT, self.system.standing(member)).await;
            standings.push(asked.ok().and_then(Result::ok));
        }
        standings
    }

    fn spawn(&self, node: usize) -> Result<NodeProcess> {
        let member = &self.members[node];
        let data = self.folder.join(&member.name);
        let arguments = self.system.arguments(member, &self.members, &data);
        self.launch(member, arguments)
    }

    fn launch(&self, member: &Member, arguments: Vec<OsString>) -> Result<NodeProcess> {
        let path = self.log(member);
        let log = OpenOptions::new()
            .create(true)
            .append(true)
            .open(&path)
            .with_context(|| format!("cannot open {}", path.display()))?;
        let spec = ProcessSpec {
            program: self.system.program(),
            args: arguments,
            env: Vec::new(),
            log,
            namespace: None,
            clock: None,
        };
        Ok(NodeProcess::spawn(&spec)?)
    }

    fn log(&self, member: &Member) -> PathBuf {
        self.folder.join(format!("{}.log", member.name))
    }

    /// The last line a node left: its folder does not outlive the measurement.
    fn last_words(&self, node: usize) -> String {
        let name = &self.members[node].name;
        let text = std::fs::read(self.log(&self.members[node])).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        match text.lines().rfind(|line| !line.trim().is_empty()) {
            Some(line) => format!("{name} said last: {line}"),
            None => format!("{name} said nothing"),
        }
    }
}

fn leaders(standings: &[Option<Standing>]) -> Vec<Leader> {
    let leader = |(node, standing): (usize, &Option<Standing>)| {
        let standing = standing.filter(|standing| standing.leads)?;
        Some(Leader {
            node,
            term: standing.term,
        })
    };
    standings.iter().enumerate().filter_map(leader).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_replaced_leader_that_still_answers_is_not_the_only_one() {
        let standing = |leads, term| Some(Standing { leads, term });
        let found = leaders(&[
            standing(true, 1),
            None,
            standing(true, 2),
            standing(false, 2),
        ]);
        let expected = [Leader { node: 0, term: 1 }, Leader { node: 2, term: 2 }];
        assert_eq!(found, expected);
    }
}
