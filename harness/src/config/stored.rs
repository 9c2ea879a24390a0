//! A decided run as it is stored and shown: `config.json`, and the command line that makes it again.

use std::collections::BTreeMap;
use std::time::Duration;

use nemesis::schedule::{Preferences, Spans};

use super::faults::typed_times;
use super::{NodeProgram, RunConfig, compact};
use crate::cli::ReadLevel;

impl RunConfig {
    /// The contents of `config.json`.
    pub(crate) fn to_json(&self) -> String {
        let seconds = |duration: Duration| duration.as_secs_f64();
        let config = serde_json::json!({
            "version": 1,
            "command": self.command(),
            "arguments": self.arguments(),
            "workload": self.workload.to_string(),
            "nemesis": self.kinds,
            "weights": self.weights(),
            "targets": self.preferences.targets.to_string(),
            "beyond_minority": self.preferences.targets.beyond_minority,
            "fault_length": self.fault_length(),
            "fault_interval": self.fault_interval(),
            "ranges": self.preferences.ranges.to_string(),
            "steps": self.steps.as_ref().map(|steps| &steps.named),
            "nodes": self.nodes,
            "workers": self.workers,
            "rate_per_s": self.rate,
            "time_limit_s": seconds(self.time_limit),
            "operation_timeout_s": seconds(self.habits.deadline),
            "retry": self.habits.retries,
            "read_level": self.habits.reads.name(),
            "recovery_limit_s": seconds(self.recovery_limit),
            "outage_limit_s": seconds(self.outage_limit),
            "max_needless_elections": self.max_needless_elections,
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
        typed(&self.arguments())
    }

    /// The arguments of `run` that make the same run again.
    pub(crate) fn arguments(&self) -> Vec<String> {
        let faults = match &self.given {
            Some(given) => ["--schedule".to_owned(), given.path.display().to_string()],
            None => ["--nemesis".to_owned(), self.weighted()],
        };
        let options = [
            ("--workload", self.workload.to_string()),
            ("--nodes", self.nodes.len().to_string()),
            ("--concurrency", self.workers.to_string()),
            ("--rate", self.rate.to_string()),
            ("--time-limit", compact(self.time_limit)),
            ("--operation-timeout", compact(self.habits.deadline)),
            ("--recovery-limit", compact(self.recovery_limit)),
            ("--outage-limit", compact(self.outage_limit)),
            ("--seed", self.seed.to_string()),
            ("--net", self.net.to_string()),
            ("--require", self.require.name().to_owned()),
        ];
        let options = options.map(|(option, value)| [option.to_owned(), value]);
        let mut words: Vec<String> = faults
            .into_iter()
            .chain(options.into_iter().flatten())
            .collect();
        let mut add = |wanted: bool, option: &[&str]| {
            words.extend(
                option
                    .iter()
                    .filter(|_| wanted)
                    .map(|word| (*word).to_owned()),
            );
        };
        let bugs: Vec<String> = self.bugs.iter().map(ToString::to_string).collect();
        if let Some(steps) = &self.steps {
            add(true, &["--steps", &steps.named]);
        }
        add(!bugs.is_empty(), &["--bug", &bugs.join(",")]);
        if let Some(most) = self.max_needless_elections {
            add(true, &["--max-needless-elections", &most.to_string()]);
        }
        add(self.habits.retries, &["--retry"]);
        let reads = self.habits.reads;
        add(
            reads != ReadLevel::Linearizable,
            &["--read-level", reads.name()],
        );
        add(!self.replays, &["--no-replay"]);
        add(self.capture, &["--capture"]);
        add(self.online, &["--online"]);
        if let NodeProgram::Other(path) = &self.program {
            add(true, &["--node-bin", &path.display().to_string()]);
        }
        for argument in &self.node_args {
            add(true, &[&format!("--node-arg={argument}")]);
        }
        words.extend(self.shape());
        words
    }

    /// What was chosen about faults besides their kinds.
    fn shape(&self) -> Vec<String> {
        let usual = Spans::default();
        let spans = |spans: &Spans| [spans.fault_min_ns, spans.fault_max_ns];
        let quiet = |spans: &Spans| [spans.quiet_min_ns, spans.quiet_max_ns];
        let Preferences {
            targets, ranges, ..
        } = &self.preferences;
        let options = [
            (!targets.is_empty(), "--target", targets.to_string()),
            (
                spans(&self.spans) != spans(&usual),
                "--fault-length",
                self.fault_length(),
            ),
            (
                quiet(&self.spans) != quiet(&usual),
                "--fault-interval",
                self.fault_interval(),
            ),
            (!ranges.is_empty(), "--range", ranges.to_string()),
        ];
        let chosen = options.into_iter().filter(|(is_chosen, ..)| *is_chosen);
        let words = chosen.flat_map(|(_, option, value)| [option.to_owned(), value]);
        let beyond = targets
            .beyond_minority
            .then(|| "--beyond-minority".to_owned());
        words.chain(beyond).collect()
    }

    /// The kinds of fault with their weights, as they are typed.
    fn weighted(&self) -> String {
        if self.preferences.weights.is_empty() {
            return self.nemesis(",");
        }
        let weights = self.preferences.weights.iter();
        let items: Vec<String> = weights
            .map(|(kind, weight)| format!("{kind}={weight}"))
            .collect();
        items.join(",")
    }

    fn weights(&self) -> BTreeMap<&'static str, u32> {
        let weights = self.preferences.weights.iter();
        weights
            .map(|(kind, weight)| (kind.name(), *weight))
            .collect()
    }

    fn fault_length(&self) -> String {
        typed_times(self.spans.fault_min_ns, self.spans.fault_max_ns)
    }

    fn fault_interval(&self) -> String {
        typed_times(self.spans.quiet_min_ns, self.spans.quiet_max_ns)
    }
}

/// These arguments of `run` as they are typed, in the way this program was started.
pub(crate) fn typed(arguments: &[String]) -> String {
    let start = if std::env::var_os("CARGO").is_some() {
        "cargo run -p harness --"
    } else {
        "adrasteia"
    };
    let words: Vec<String> = arguments.iter().map(|word| quoted(word)).collect();
    format!("{start} run {}", words.join(" "))
}

/// A word as a shell takes it.
fn quoted(word: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_=.,:/+".contains(&byte);
    match !word.is_empty() && word.bytes().all(is_plain) {
        true => word.to_owned(),
        false => format!("'{}'", word.replace('\'', r"'\''")),
    }
}
