//! What a history that is still written has come to, line by line. Time is that of the history: of the last event that was seen.

use std::collections::{BTreeMap, VecDeque};

use checker::{Event, EventType, Header, Process};
use hdrhistogram::Histogram;
use reports::Counts;
use reports::site::{ActiveFault, NodeNow, Quantiles, Second, Snapshot};
use serde::Deserialize;

use crate::run::Sign;

/// What is called "lately".
const WINDOW_NS: u64 = 5_000_000_000;
/// Most operations that are remembered of that time.
const MAX_RECENT: usize = 200_000;
/// The seconds that are drawn.
const SECONDS: usize = 60;
const SECOND_NS: u64 = 1_000_000_000;
/// A line that is longer is no line of a history that this program wrote, and is skipped.
const MAX_LINE_BYTES: usize = 64 * 1024 * 1024;
/// The latencies that are told apart, to three digits.
const LATENCIES_NS: (u64, u64) = (1, 3_600_000_000_000);

/// A history, as far as it was read.
///
/// - Whatever bytes come, in pieces of any size, it is as if the whole lines among them had come one by one.
/// - What is no event is skipped: a run that is watched need not be well.
#[derive(Debug)]
pub(super) struct Follower {
    cut: Vec<u8>,
    time_ns: u64,
    operations: Counts,
    /// When each open operation was due, by its process.
    open: BTreeMap<i64, u64>,
    /// When operations were acknowledged lately, and after how long.
    recent: VecDeque<(u64, u64)>,
    seconds: VecDeque<Second>,
    faults: BTreeMap<u64, ActiveFault>,
    nodes: Vec<NodeNow>,
    phase: String,
    latencies: Histogram<u64>,
}

/// What an act of the nemesis says of itself.
#[derive(Debug, Deserialize)]
struct Act {
    id: u64,
    phase: String,
    #[serde(default)]
    description: String,
}

impl Follower {
    pub(super) fn new() -> Self {
        let (least, most) = LATENCIES_NS;
        Self {
            cut: Vec::new(),
            time_ns: 0,
            operations: Counts::default(),
            open: BTreeMap::new(),
            recent: VecDeque::new(),
            seconds: VecDeque::new(),
            faults: BTreeMap::new(),
            nodes: Vec::new(),
            phase: String::new(),
            latencies: Histogram::new_with_bounds(least, most, 3).expect("the bounds are in order"),
        }
    }

    /// What was appended to the history.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        let mut pieces = bytes.split_inclusive(|byte| *byte == b'\n');
        for piece in &mut pieces {
            if !piece.ends_with(b"\n") {
                if self.cut.len() + piece.len() <= MAX_LINE_BYTES {
                    self.cut.extend_from_slice(piece);
                }
            } else if self.cut.is_empty() {
                self.line(piece);
            } else {
                let mut line = std::mem::take(&mut self.cut);
                line.extend_from_slice(piece);
                self.line(&line);
            }
        }
    }

    /// A line of `live.jsonl`.
    pub(super) fn sign(&mut self, line: &[u8]) {
        match serde_json::from_slice(line) {
            Ok(Sign::Phase(words)) => self.phase = words,
            Ok(Sign::Node(sign)) => {
                let now = NodeNow {
                    name: sign.name,
                    answers: Some(sign.answers),
                    role: sign.role,
                    term: sign.term,
                };
                match self.nodes.iter_mut().find(|node| node.name == now.name) {
                    Some(node) => *node = now,
                    None => self.nodes.push(now),
                }
            }
            Err(_) => {}
        }
    }

    fn line(&mut self, line: &[u8]) {
        if let Ok(event) = serde_json::from_slice::<Event>(line) {
            self.event(&event);
        } else if let Ok(header) = serde_json::from_slice::<Header>(line) {
            let unasked = |name| NodeNow {
                name,
                answers: None,
                role: None,
                term: None,
            };
            let known: Vec<String> = self.nodes.iter().map(|node| node.name.clone()).collect();
            let new = header
                .nodes
                .into_iter()
                .filter(|name| !known.contains(name));
            self.nodes.extend(new.map(unasked));
        }
    }

    fn event(&mut self, event: &Event) {
        self.time_ns = self.time_ns.max(event.time.0);
        match (event.process, event.event_type) {
            (Process::Nemesis, _) => self.act(event),
            (Process::Client(process), EventType::Invoke) => {
                let due = event.arrival.unwrap_or(event.time);
                self.open.insert(process, due.0);
            }
            (Process::Client(process), EventType::Ok) => {
                let due = self.open.remove(&process).unwrap_or(event.time.0);
                self.acknowledged(event.time.0, event.time.0.saturating_sub(due));
                self.count(event.time.0, |counts| &mut counts.ok);
            }
            (Process::Client(process), EventType::Fail) => {
                self.open.remove(&process);
                self.count(event.time.0, |counts| &mut counts.fail);
            }
            (Process::Client(process), EventType::Info) => {
                self.open.remove(&process);
                self.count(event.time.0, |counts| &mut counts.info);
            }
        }
    }

    fn acknowledged(&mut self, at_ns: u64, latency_ns: u64) {
        self.latencies.saturating_record(latency_ns);
        self.recent.push_back((at_ns, latency_ns));
        let since = self.time_ns.saturating_sub(WINDOW_NS);
        while self.recent.len() > MAX_RECENT
            || self.recent.front().is_some_and(|(at, _)| *at < since)
        {
            self.recent.pop_front();
        }
    }

    fn count(&mut self, at_ns: u64, outcome: fn(&mut Counts) -> &mut u64) {
        *outcome(&mut self.operations) += 1;
        let number = at_ns / SECOND_NS;
        let last = self.seconds.back().map(|second| second.number);
        // What is before everything that is drawn is counted, but not drawn.
        let first = last.map_or(number, |last| {
            (last + 1).max(number.saturating_sub(SECONDS as u64))
        });
        for number in first..=number {
            self.seconds.push_back(Second {
                number,
                operations: Counts::default(),
            });
        }
        while self.seconds.len() > SECONDS {
            self.seconds.pop_front();
        }
        if let Some(second) = self
            .seconds
            .iter_mut()
            .rfind(|second| second.number == number)
        {
            *outcome(&mut second.operations) += 1;
        }
    }

    fn act(&mut self, event: &Event) {
        if event.f.as_str() == "final-heal" {
            return self.faults.clear();
        }
        let act = serde_json::to_value(&event.value).and_then(serde_json::from_value::<Act>);
        let Ok(act) = act else { return };
        match act.phase.as_str() {
            "start" => {
                let fault = ActiveFault {
                    id: act.id,
                    name: event.f.to_string(),
                    description: act.description,
                    since_ns: event.time.0,
                };
                self.faults.insert(act.id, fault);
            }
            "end" => drop(self.faults.remove(&act.id)),
            _ => {}
        }
    }

    /// What it has come to.
    pub(super) fn snapshot(&self) -> Snapshot {
        let window_ns = WINDOW_NS.min(self.time_ns);
        let since = self.time_ns - window_ns;
        let mut latencies: Vec<u64> = self
            .recent
            .iter()
            .filter(|(at, _)| *at >= since)
            .map(|(_, latency)| *latency)
            .collect();
        latencies.sort_unstable();
        let seconds = window_ns.max(1) as f64 / SECOND_NS as f64;
        Snapshot {
            phase: self.phase.clone(),
            time_ns: self.time_ns,
            operations: self.operations,
            open: self.open.len() as u64,
            window_ns,
            rate: latencies.len() as f64 / seconds,
            latency: of_sorted(&latencies),
            faults: self.faults.values().cloned().collect(),
            nodes: self.nodes.clone(),
            seconds: self.seconds.iter().copied().collect(),
        }
    }

    /// Latencies of everything that was acknowledged so far.
    pub(super) fn overall(&self) -> Option<Quantiles> {
        let at = |part| self.latencies.value_at_quantile(part);
        (!self.latencies.is_empty()).then(|| Quantiles {
            half_ns: at(0.5),
            p95_ns: at(0.95),
            p99_ns: at(0.99),
            max_ns: self.latencies.max(),
        })
    }
}

fn of_sorted(sorted: &[u64]) -> Option<Quantiles> {
    let max_ns = *sorted.last()?;
    let at = |percent: usize| sorted[(sorted.len() * percent).div_ceil(100).max(1) - 1];
    Some(Quantiles {
        half_ns: at(50),
        p95_ns: at(95),
        p99_ns: at(99),
        max_ns,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const HISTORY: &str = r#"{"format":"adrasteia-history","version":1,"nodes":["n1","n2"]}
{"index":0,"time":1000000000,"process":0,"type":"invoke","f":"read","arrival":900000000}
{"index":1,"time":1100000000,"process":0,"type":"ok","f":"read","value":1}
{"index":2,"time":2000000000,"process":"nemesis","type":"info","f":"partition","value":{"id":1,"phase":"start","description":"n1 | n2"}}
{"index":3,"time":2100000000,"process":1,"type":"invoke","f":"write","value":2}
{"index":4,"time":2200000000,"process":2,"type":"invoke","f":"write","value":3}
{"index":5,"time":4000000000,"process":1,"type":"info","f":"write","value":2,"error":"timeout"}
{"index":6,"time":4100000000,"process":"nemesis","type":"info","f":"kill","value":{"id":2,"phase":"start","description":"n2"}}
{"index":7,"time":4200000000,"process":"nemesis","type":"info","f":"partition","value":{"id":1,"phase":"end"}}
"#;

    fn followed(pieces: usize) -> Snapshot {
        let mut follower = Follower::new();
        for piece in HISTORY.as_bytes().chunks(pieces) {
            follower.push(piece);
        }
        follower.snapshot()
    }

    #[test]
    fn a_history_in_pieces_is_the_same_history() {
        let whole = followed(usize::MAX);
        assert_eq!(whole.time_ns, 4_200_000_000);
        assert_eq!(
            whole.operations,
            Counts {
                ok: 1,
                fail: 0,
                info: 1
            }
        );
        assert_eq!(whole.open, 1);
        assert_eq!(whole.faults.len(), 1);
        assert_eq!(whole.faults[0].name, "kill");
        assert_eq!(
            whole.latency.map(|latency| latency.max_ns),
            Some(200_000_000)
        );
        let drawn: Vec<(u64, u64)> = whole
            .seconds
            .iter()
            .map(|second| (second.number, second.operations.total()))
            .collect();
        assert_eq!(drawn, [(1, 1), (2, 0), (3, 0), (4, 1)]);
        for pieces in [1, 7, 100] {
            assert_eq!(followed(pieces), whole, "pieces of {pieces}");
        }
    }

    #[test]
    fn what_is_no_event_is_skipped_and_a_cut_line_is_waited_for() {
        let mut follower = Follower::new();
        follower.push(b"\n{}\nnonsense\n\xff\xfe\n{\"index\":0,\"time\":5,");
        assert_eq!(follower.snapshot().time_ns, 0);
        follower.push(b"\"process\":1,\"type\":\"invoke\",\"f\":\"read\"}\n");
        let now = follower.snapshot();
        assert_eq!((now.time_ns, now.open), (5, 1));
    }

    #[test]
    fn only_the_last_seconds_are_remembered() {
        let mut follower = Follower::new();
        let completions = (0..200_u64).map(|second| {
            let time = second * SECOND_NS;
            format!("{{\"index\":0,\"time\":{time},\"process\":1,\"type\":\"invoke\",\"f\":\"read\"}}\n{{\"index\":0,\"time\":{},\"process\":1,\"type\":\"ok\",\"f\":\"read\"}}\n", time + second)
        });
        for lines in completions {
            follower.push(lines.as_bytes());
        }
        let now = follower.snapshot();
        assert_eq!(now.operations.ok, 200);
        assert_eq!((now.seconds.len(), now.seconds[0].number), (SECONDS, 140));
        let lately = now.latency.expect("operations were acknowledged");
        assert!(lately.half_ns >= 195 && lately.max_ns == 199, "{lately:?}");
        let overall = follower.overall().expect("operations were acknowledged");
        assert!((95..105).contains(&overall.half_ns), "{overall:?}");
    }

    #[test]
    fn nodes_say_what_they_are() {
        let mut follower = Follower::new();
        follower.push(HISTORY.as_bytes());
        follower.sign(br#"{"phase":"clients at work"}"#);
        follower.sign(br#"{"node":{"name":"n2","answers":true,"role":"leader","term":3}}"#);
        follower.sign(b"nonsense");
        let now = follower.snapshot();
        assert_eq!(now.phase, "clients at work");
        assert_eq!(now.nodes.len(), 2);
        assert_eq!((now.nodes[0].answers, now.nodes[1].term), (None, Some(3)));
    }
}
