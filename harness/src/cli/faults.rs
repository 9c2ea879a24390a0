//! What may be typed about faults beyond their names: whom they hit, how long and how often, how strong they are.

use clap::Args;

#[derive(Debug, Clone, Args)]
pub(crate) struct FaultArgs {
    /// Whom faults hit (see: list targets): leader,minority for all kinds, kill=one,leader,pause=n1+n2 for some; several
    /// take turns. Partitions can be given shapes as well [default: what each kind usually aims at]
    #[arg(long, value_name = "TARGET,…", conflicts_with = "schedule")]
    pub target: Option<String>,
    /// Faults that take nodes down may together take more than a minority, after which nobody can serve
    #[arg(long, conflicts_with = "schedule")]
    pub beyond_minority: bool,
    /// How long each fault lasts
    #[arg(
        long,
        value_name = "TIME..TIME",
        default_value = "1.5s..3s",
        conflicts_with = "schedule"
    )]
    pub fault_length: String,
    /// How long it is quiet between two faults of a timeline
    #[arg(
        long,
        value_name = "TIME..TIME",
        default_value = "1s..1.5s",
        conflicts_with = "schedule"
    )]
    pub fault_interval: String,
    /// From which range a fault's numbers are drawn, as in delay=10ms..50ms,loss=1%..5% [default: see list nemeses]
    #[arg(long, value_name = "NAME=A..B,…", conflicts_with = "schedule")]
    pub range: Option<String>,
}
