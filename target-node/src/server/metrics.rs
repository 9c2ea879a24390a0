//! What a node counts and measures, in the text format of Prometheus.

use std::{fmt, sync::Arc, time::Duration};

use prometheus_client::{
    encoding::{EncodeLabelSet, text::encode},
    metrics::{
        counter::Counter,
        family::Family,
        gauge::Gauge,
        histogram::{Histogram, exponential_buckets},
    },
    registry::{Registry, Unit},
};

use super::node::Status;
use crate::{raft::Role, replica::Answer};

/// How an operation ended; the error is empty when it succeeded.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Ended {
    outcome: &'static str,
    error: &'static str,
}

/// Counters and histograms; clones share them.
#[derive(Debug, Clone)]
pub(super) struct Metrics {
    answers: Family<Ended, Counter>,
    leader_changes: Counter,
    change_latency: Histogram,
    log_latency: Histogram,
    reads_per_round: Histogram,
    shown: Arc<Shown>,
}

/// What is looked up when somebody asks.
#[derive(Debug)]
struct Shown {
    registry: Registry,
    role: Family<[(&'static str, &'static str); 1], Gauge>,
    term: Gauge,
    commit_index: Gauge,
    applied_index: Gauge,
    apply_lag: Gauge,
}

impl Metrics {
    pub(super) fn new() -> Self {
        let mut registry = Registry::with_prefix("adrasteia_node");
        let latency = || Histogram::new(exponential_buckets(0.000_1, 2.0, 17));
        let answers = Family::default();
        registry.register(
            "answers",
            "Operations by outcome and error",
            answers.clone(),
        );
        let leader_changes = Counter::default();
        let help = "Times this node learnt of another leader";
        registry.register("leader_changes", help, leader_changes.clone());
        let change_latency = latency();
        let help =
            "Time from the arrival of a change at this node until it is committed and applied";
        registry.register_with_unit(
            "commit_latency",
            help,
            Unit::Seconds,
            change_latency.clone(),
        );
        let log_latency = latency();
        let help = "Time from handing a batch to the disk until it is durable";
        registry.register_with_unit("log_latency", help, Unit::Seconds, log_latency.clone());
        let reads_per_round = Histogram::new(exponential_buckets(1.0, 2.0, 11));
        let help = "Linearizable reads that were confirmed together";
        registry.register("reads_per_round", help, reads_per_round.clone());
        Self {
            answers,
            leader_changes,
            change_latency,
            log_latency,
            reads_per_round,
            shown: Arc::new(Shown::new(registry)),
        }
    }

    pub(super) fn on_answer(&self, answer: &Answer) {
        let ended = Ended {
            outcome: answer.outcome.name(),
            error: answer
                .error
                .as_ref()
                .map_or("", |(reason, _)| reason.name()),
        };
        self.answers.get_or_create(&ended).inc();
    }

    pub(super) fn on_leader(&self) {
        self.leader_changes.inc();
    }

    /// A change took place.
    pub(super) fn on_change(&self, took: Duration) {
        self.change_latency.observe(took.as_secs_f64());
    }

    pub(super) fn on_durable(&self, took: Duration) {
        self.log_latency.observe(took.as_secs_f64());
    }

    pub(super) fn on_reads(&self, count: usize) {
        let count = u32::try_from(count).unwrap_or(u32::MAX);
        self.reads_per_round.observe(count.into());
    }

    /// The page that a scrape sees.
    pub(super) fn page(&self, status: &Status) -> Result<String, fmt::Error> {
        self.shown.update(status);
        let mut page = String::new();
        encode(&mut page, &self.shown.registry)?;
        Ok(page)
    }
}

impl Shown {
    fn new(mut registry: Registry) -> Self {
        let role = Family::default();
        registry.register("role", "1 for the role that this node has", role.clone());
        let mut gauge = |name, help| {
            let gauge = Gauge::default();
            registry.register(name, help, gauge.clone());
            gauge
        };
        let term = gauge("term", "The term of this node");
        let commit_index = gauge("commit_index", "The last entry known to be committed");
        let applied_index = gauge("applied_index", "The last entry applied");
        let apply_lag = gauge("apply_lag", "Committed entries that are not applied yet");
        Self {
            registry,
            role,
            term,
            commit_index,
            applied_index,
            apply_lag,
        }
    }

    fn update(&self, status: &Status) {
        for role in Role::ALL {
            let has = i64::from(role == status.role);
            let labels = [("role", role.name())];
            self.role.get_or_create(&labels).set(has);
        }
        self.term.set(status.sender.term.cast_signed());
        self.commit_index.set(status.commit.cast_signed());
        self.applied_index.set(status.sender.index.cast_signed());
        let lag = status.commit.saturating_sub(status.sender.index);
        self.apply_lag.set(lag.cast_signed());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{raft::Membership, replica::Reason, server::reply::Sender};

    #[test]
    fn the_page_shows_what_was_counted() {
        let metrics = Metrics::new();
        metrics.on_answer(&Answer::done());
        metrics.on_answer(&Answer::done());
        metrics.on_answer(&Answer::failed(Reason::NotLeader));
        metrics.on_leader();
        metrics.on_change(Duration::from_millis(3));
        metrics.on_durable(Duration::from_millis(1));
        metrics.on_reads(5);
        let status = Status {
            sender: Sender {
                node: "n1".into(),
                leader: None,
                leader_url: None,
                term: 7,
                index: 40,
            },
            role: Role::Candidate,
            commit: 42,
            begin: 0,
            members: Membership::default(),
            last_index: 50,
            bugs: Vec::new(),
        };
        let page = metrics.page(&status).unwrap();
        for line in [
            "adrasteia_node_answers_total{outcome=\"ok\",error=\"\"} 2",
            "adrasteia_node_answers_total{outcome=\"fail\",error=\"not_leader\"} 1",
            "adrasteia_node_leader_changes_total 1",
            "adrasteia_node_commit_latency_seconds_count 1",
            "adrasteia_node_log_latency_seconds_count 1",
            "adrasteia_node_reads_per_round_sum 5.0",
            "adrasteia_node_role{role=\"candidate\"} 1",
            "adrasteia_node_role{role=\"leader\"} 0",
            "adrasteia_node_term 7",
            "adrasteia_node_commit_index 42",
            "adrasteia_node_applied_index 40",
            "adrasteia_node_apply_lag 2",
        ] {
            assert!(page.lines().any(|found| found == line), "{line} in {page}");
        }
    }
}
