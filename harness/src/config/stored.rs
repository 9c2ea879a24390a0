//! A decided run as it is stored and shown: `config.json`, and the command line that makes it again.

use std::time::Duration;

use super::{NodeProgram, RunConfig, compact};
use crate::cli::ReadLevel;

impl RunConfig {
    /// The contents of `config.json`.
    pub(crate) fn to_json(&self) -> String {
        let seconds = |duration: Duration| duration.as_secs_f64();
        let config = serde_json::json!({
            "version": 1,
            "command": self.command(),
            "workload": self.workload.to_string(),
            "nemesis": self.kinds,
            "nodes": self.nodes,
            "workers": self.workers,
            "rate_per_s": self.rate,
            "time_limit_s": seconds(self.time_limit),
            "operation_timeout_s": seconds(self.habits.deadline),
            "retry": self.habits.retries,
            "read_level": self.habits.reads.name(),
            "recovery_limit_s": seconds(self.recovery_limit),
            "check_time_limit_s": seconds(self.check.time),
            "check_memory_limit_bytes": self.check.memory_bytes,
            "seed": self.seed,
            "net": self.net.to_string(),
            "replays_held_segments": self.replays,
            "capture": self.capture,
            "require": self.require.name(),
            "online": self.online,
            "bugs": self.bugs.iter().map(ToString::to_string).collect::<Vec<_>>(),
            "node_program": self.program.path(),
            "node_args": self.node_args,
        });
        format!("{config:#}\n")
    }

    /// The command line that makes the same run again, in the way this program was started.
    pub(crate) fn command(&self) -> String {
        let start = if std::env::var_os("CARGO").is_some() {
            "cargo run -p harness --"
        } else {
            "adrasteia"
        };
        let mut command = format!(
            "{start} run --nemesis {} --workload {} --nodes {} --concurrency {} --rate {} --time-limit {} \
             --operation-timeout {} --recovery-limit {} --seed {} --net {} --require {}",
            self.nemesis(","),
            self.workload,
            self.nodes.len(),
            self.workers,
            self.rate,
            compact(self.time_limit),
            compact(self.habits.deadline),
            compact(self.recovery_limit),
            self.seed,
            self.net,
            self.require.name(),
        );
        if !self.bugs.is_empty() {
            let names: Vec<String> = self.bugs.iter().map(ToString::to_string).collect();
            command.push_str(&format!(" --bug {}", names.join(",")));
        }
        if self.habits.retries {
            command.push_str(" --retry");
        }
        if self.habits.reads != ReadLevel::Linearizable {
            command.push_str(&format!(" --read-level {}", self.habits.reads.name()));
        }
        if !self.replays {
            command.push_str(" --no-replay");
        }
        if self.capture {
            command.push_str(" --capture");
        }
        if self.online {
            command.push_str(" --online");
        }
        if let NodeProgram::Other(path) = &self.program {
            command.push_str(&format!(" --node-bin '{}'", path.display()));
        }
        for argument in &self.node_args {
            command.push_str(&format!(" --node-arg='{argument}'"));
        }
        command
    }
}
