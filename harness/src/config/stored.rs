//! A decided run as it is stored and shown: `config.json`, and the command line that makes it again.

use std::collections::BTreeMap;
use std::time::Duration;

use clap::Parser as _;
use nemesis::clocks::ClockChoice;
use nemesis::net::NetChoice;
use nemesis::schedule::{Preferences, Spans};

use super::arguments::workers;
use super::faults::typed_times;
use super::{NodeProgram, RunConfig, compact};
use crate::cli::{Cli, ReadLevel};

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
            "clocks": self.clocks.to_string(),
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

    /// The command line that makes the same run again, in the way this program was started: the faults, the seed, and what else is not as it
    /// would be anyway.
    pub(crate) fn command(&self) -> String {
        typed(&self.words(&self.usual()))
    }

    /// The arguments of `run` that make the same run again, whatever a later release takes when nothing is said.
    pub(crate) fn arguments(&self) -> Vec<String> {
        self.words(&[])
    }

    /// Options that always have a value.
    fn options(&self) -> Vec<(&'static str, String)> {
        vec![
            ("--workload", self.workload.to_string()),
            ("--nodes", self.nodes.len().to_string()),
            ("--concurrency", self.workers.to_string()),
            ("--rate", self.rate.to_string()),
            ("--time-limit", compact(self.time_limit)),
            ("--operation-timeout", compact(self.habits.deadline)),
            ("--recovery-limit", compact(self.recovery_limit)),
            ("--outage-limit", compact(self.outage_limit)),
            ("--check-limit", compact(self.check.time)),
            ("--memory-limit", size(self.check.memory_bytes)),
            ("--net", self.net.to_string()),
            ("--clocks", self.clocks.to_string()),
            ("--require", self.require.name().to_owned()),
        ]
    }

    /// The same options as they are when nobody gives them to a run of so many nodes.
    fn usual(&self) -> Vec<(&'static str, String)> {
        let usual = Cli::try_parse_from(["adrasteia"]).map(|cli| cli.run);
        let usual = usual.expect("no argument is required");
        let of_nodes = workers(&usual.concurrency, self.nodes.len());
        vec![
            ("--workload", usual.workload),
            ("--nodes", usual.nodes.to_string()),
            (
                "--concurrency",
                of_nodes.map_or(usual.concurrency, |workers| workers.to_string()),
            ),
            ("--rate", usual.rate.to_string()),
            ("--time-limit", compact(usual.time_limit)),
            ("--operation-timeout", compact(usual.operation_timeout)),
            ("--recovery-limit", compact(usual.recovery_limit)),
            ("--outage-limit", compact(usual.outage_limit)),
            ("--check-limit", compact(usual.check_limit)),
            ("--memory-limit", size(usual.memory_limit.as_u64())),
            ("--net", NetChoice::Auto.to_string()),
            ("--clocks", ClockChoice::Auto.to_string()),
            ("--require", usual.require.name().to_owned()),
        ]
    }

    /// Arguments, without options that are as in `usual`.
    fn words(&self, usual: &[(&'static str, String)]) -> Vec<String> {
        let mut words = match &self.given {
            Some(given) => vec!["--schedule".to_owned(), given.path.display().to_string()],
            None => vec!["--nemesis".to_owned(), self.weighted()],
        };
        words.extend(["--seed".to_owned(), self.seed.to_string()]);
        let options = self
            .options()
            .into_iter()
            .filter(|option| !usual.contains(option));
        words.extend(options.flat_map(|(option, value)| [option.to_owned(), value]));
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

/// A size as it is typed, exactly.
fn size(bytes: u64) -> String {
    let units = [(1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")];
    let fits = |(unit, _): &(u64, &str)| bytes > 0 && bytes.is_multiple_of(*unit);
    match units.into_iter().find(fits) {
        Some((unit, name)) => format!("{}{name}", bytes / unit),
        None => format!("{bytes}B"),
    }
}

/// A word as a shell takes it.
fn quoted(word: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_=.,:/+".contains(&byte);
    match !word.is_empty() && word.bytes().all(is_plain) {
        true => word.to_owned(),
        false => format!("'{}'", word.replace('\'', r"'\''")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(line: &str) -> RunConfig {
        let words = std::iter::once("adrasteia").chain(line.split_whitespace());
        RunConfig::new(&Cli::try_parse_from(words).unwrap().run).unwrap()
    }

    #[test]
    fn the_command_names_what_is_not_as_usual_and_makes_the_same_run() {
        for (line, command) in [
            ("--seed 3", "--nemesis partition --seed 3"),
            (
                "--nemesis none --seed 3 --rate 200 --nodes 5 --concurrency 2n",
                "--nemesis none --seed 3",
            ),
            (
                "--seed 3 --nodes 3 --concurrency 6",
                "--nemesis partition --seed 3 --nodes 3",
            ),
            (
                "--seed 3 --nodes 3 --concurrency 10",
                "--nemesis partition --seed 3 --nodes 3 --concurrency 10",
            ),
            (
                "--steps figure-8 --seed 1",
                "--nemesis none --seed 1 --steps figure-8",
            ),
            (
                "--nemesis kill=2,pause=1 --seed 9 --workload counter --rate 12.5 --time-limit 1m --check-limit 5ms --memory-limit 1500MiB",
                "--nemesis kill=2,pause=1 --seed 9 --workload counter --rate 12.5 --time-limit 1m --check-limit 5ms --memory-limit 1500MiB",
            ),
            (
                "--seed 4 --operation-timeout 1s --recovery-limit 20s --outage-limit 4s --net switch --require strong --retry --read-level log \
                 --no-replay --capture --online --max-needless-elections 0 --bug read-no-quorum --node-arg=--snapshot-bytes=20000 \
                 --target leader --fault-length 500ms..2s --memory-limit 1000",
                "--nemesis partition --seed 4 --operation-timeout 1s --recovery-limit 20s --outage-limit 4s --memory-limit 1000B --net switch \
                 --require strong --bug read-no-quorum --max-needless-elections 0 --retry --read-level log --no-replay --capture --online \
                 --node-arg=--snapshot-bytes=20000 --target leader --fault-length 500ms..2s",
            ),
        ] {
            let first = config(line);
            let said = first.command();
            let words = said.rsplit_once(" run ").unwrap().1;
            assert_eq!(words, command);
            for words in [words, &first.arguments().join(" ")] {
                let again = config(words);
                assert_eq!(again.to_json(), first.to_json(), "{words}");
                assert_eq!(again.schedule(), first.schedule(), "{words}");
            }
        }
    }
}
