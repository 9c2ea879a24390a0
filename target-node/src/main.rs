//! One node of the bundled key-value store, as a program of its own.
#![forbid(unsafe_code)]

use clap::Parser as _;

/// A replicated key-value store on Raft whose bugs can be switched on.
#[derive(clap::Parser)]
#[command(version)]
struct Cli {
    #[command(flatten)]
    node: target_node::NodeArgs,
}

fn main() -> anyhow::Result<()> {
    target_node::run(Cli::parse().node)
}
