//! One node as a process.

use std::fs;

use anyhow::Context as _;

use crate::{args::NodeArgs, config::NodeConfig};

/// Serves one node until SIGTERM.
///
/// # Errors
/// Arguments that contradict each other, a data folder that cannot be made.
pub fn run(args: NodeArgs) -> anyhow::Result<()> {
    let config = NodeConfig::from_args(args)?;
    eprintln!("{}", banner(&config));
    fs::create_dir_all(&config.data)
        .with_context(|| format!("cannot create the data folder {}", config.data.display()))?;
    Ok(())
}

/// One line that says what this process is.
fn banner(config: &NodeConfig) -> String {
    format!(
        "target-node {} id={} client={} peer={} peers={} hints={} data={} segment={} bugs={:?} \
         election={:?}..{:?} heartbeat={:?} seed={}",
        env!("CARGO_PKG_VERSION"),
        config.id,
        config.client_addr,
        config.peer_addr,
        config.peers.len(),
        config.client_addrs.len(),
        config.data.display(),
        config.segment_bytes,
        config.bugs.names(),
        config.election.min,
        config.election.max,
        config.heartbeat,
        config.seed,
    )
}
