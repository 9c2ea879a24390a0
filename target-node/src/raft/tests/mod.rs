//! The rules of the paper, one by one.

mod election;
mod quorum;
mod read;
mod replication;
mod script;
mod snapshot;
mod strangers;
mod table;

use std::{collections::BTreeMap, time::Duration};

use super::{
    change::Change,
    durability::Gate,
    effects::{Effects, Envelope, Token},
    entry::{Body, Entry, HardState, LogIndex, NodeId, Payload, Position, Term},
    membership::{Addresses, Membership},
    message::{AppendOutcome, AppendReply, AppendRequest, Ballot, Message, VoteReply, VoteRequest},
    node::{Config, Input, Raft, Restored, Role},
    read::ReadLevel,
};
use crate::bug::BugSet;

const ELECTION_MAX: Duration = Duration::from_millis(300);
const HEARTBEAT: Duration = Duration::from_millis(50);

fn id(number: usize) -> NodeId {
    NodeId::new(&format!("n{number}"))
}

fn at(term: u64, index: u64) -> Position {
    Position {
        term: Term(term),
        index: LogIndex(index),
    }
}

/// A log written as the terms of its entries.
fn log(terms: &[u64]) -> Vec<Entry> {
    let entries = (1..).zip(terms);
    entries
        .map(|(index, &term)| Entry {
            at: at(term, index),
            body: Body::Command(Payload::new(&[0; 4])),
        })
        .collect()
}

/// A cluster of `nodes` voters.
fn voters(nodes: usize) -> Membership {
    let nowhere = Addresses {
        peer: ([127, 0, 0, 1], 1).into(),
        client: None,
    };
    Membership::of_voters((1..=nodes).map(|number| (id(number), nowhere)))
}

/// Node `n1` of a cluster, on a disk that is done at once, and what it said last.
struct Bench {
    raft: Raft,
    now: Duration,
    effects: Effects,
}

impl Bench {
    /// A node that restarts in `term` with a log of these terms.
    fn new(nodes: usize, term: u64, terms: &[u64]) -> Self {
        let config = Config {
            id: id(1),
            bootstrap: Membership::default(),
            election_min: Duration::from_millis(150),
            election_max: ELECTION_MAX,
            heartbeat: HEARTBEAT,
            seed: 5,
            life: 1,
            retained_entries: 0,
            append_bytes_max: 64 << 10,
            log_bytes_max: usize::MAX,
            bugs: BugSet::default(),
        };
        let restored = Restored {
            hard: HardState {
                term: Term(term),
                vote: None,
                met: BTreeMap::new(),
            },
            begin: Some((Position::default(), voters(nodes))),
            entries: log(terms),
            snapshot: None,
        };
        let now = Duration::from_secs(1);
        let mut raft = Raft::new(config, restored, now);
        // Up for so long that no leader is owed anything from before the start.
        raft.heard = Duration::ZERO;
        Self {
            raft,
            now,
            effects: Effects::default(),
        }
    }

    /// A node that was elected in `term` with the votes of all, its no-op appended and sent.
    fn leader(nodes: usize, term: u64, terms: &[u64]) -> Self {
        let mut bench = Self::new(nodes, term - 1, terms);
        bench.pass(ELECTION_MAX);
        for ballot in [Ballot::Pre, Ballot::Real] {
            for voter in 1..=nodes {
                // What it says as it begins to lead must stay in `effects`.
                if bench.raft.role() != Role::Leader {
                    bench.vote(voter, ballot, term, true);
                }
            }
        }
        assert_eq!(bench.raft.role(), Role::Leader);
        bench
    }

    fn input(&mut self, input: Input) -> &mut Self {
        self.effects = self.raft.step(self.now, input);
        self
    }

    fn pass(&mut self, time: Duration) -> &mut Self {
        self.now += time;
        self.input(Input::Tick)
    }

    /// All writes so far are on disk; messages of the node to itself arrive.
    fn sync(&mut self) -> &mut Self {
        let id = self.effects.id;
        self.input(Input::Persisted(id))
    }

    fn hear(&mut self, from: usize, message: Message) -> &mut Self {
        let from = id(from);
        self.input(Input::Message { from, message })
    }

    fn vote(&mut self, from: usize, ballot: Ballot, election: u64, granted: bool) -> &mut Self {
        let reply = VoteReply {
            ballot,
            term: self.raft.term(),
            election: Term(election),
            granted,
        };
        self.hear(from, Message::VoteReply(reply))
    }

    fn ask_vote(&mut self, from: usize, ballot: Ballot, term: u64, last: Position) -> VoteReply {
        let request = VoteRequest {
            ballot,
            term: Term(term),
            last,
        };
        self.hear(from, Message::VoteRequest(request));
        self.said().find_map(as_vote).expect("an answer")
    }

    fn append(&mut self, term: u64, prev: Position, terms: &[u64], commit: u64) -> AppendOutcome {
        let entries = (prev.index.0 + 1..).zip(terms).map(|(index, &term)| Entry {
            at: at(term, index),
            body: Body::Command(Payload::new(&[0; 4])),
        });
        let request = AppendRequest {
            term: Term(term),
            prev,
            entries: entries.collect(),
            commit: LogIndex(commit),
            round: 1,
        };
        self.hear(2, Message::AppendRequest(request));
        self.said()
            .find_map(as_append_reply)
            .expect("an answer")
            .outcome
    }

    /// Follower `from` answers: it agrees up to `index`, having seen `round`.
    fn matched(&mut self, from: usize, index: u64, round: u64) -> &mut Self {
        let reply = AppendReply {
            term: self.raft.term(),
            round,
            outcome: AppendOutcome::Matched(LogIndex(index)),
        };
        self.hear(from, Message::AppendReply(reply))
    }

    fn propose(&mut self, token: u64) -> &mut Self {
        self.input(Input::Propose(vec![(Token(token), Payload::new(&[1]))]))
    }

    fn said(&self) -> impl Iterator<Item = &Envelope> {
        let effects = &self.effects;
        effects.messages_now.iter().chain(&effects.messages_durable)
    }

    /// The terms of the log.
    fn terms(&self) -> Vec<u64> {
        let last = self.raft.log.last().index.0;
        (1..=last)
            .map(|index| self.raft.log.term_at(LogIndex(index)).unwrap().0)
            .collect()
    }
}

fn as_vote(envelope: &Envelope) -> Option<VoteReply> {
    let Message::VoteReply(reply) = &envelope.message else {
        return None;
    };
    Some(reply.clone())
}

fn as_append_reply(envelope: &Envelope) -> Option<AppendReply> {
    let Message::AppendReply(reply) = &envelope.message else {
        return None;
    };
    Some(reply.clone())
}

fn as_append(envelope: &Envelope) -> Option<(&NodeId, &AppendRequest)> {
    let Message::AppendRequest(request) = &envelope.message else {
        return None;
    };
    Some((&envelope.to, request))
}

/// Two nodes that exchange every message at once until silence, on disks that are done at once.
fn converse(leader: &mut Bench, follower: &mut Bench, follower_number: usize) -> usize {
    let mut exchanged = 0;
    let mut waiting: Vec<Envelope> = leader.said().cloned().collect();
    while let Some(position) = waiting.iter().position(|e| e.to == id(follower_number)) {
        exchanged += 1;
        assert!(exchanged < 10_000, "the conversation does not end");
        let request = waiting.remove(position).message;
        follower.hear(1, request);
        let replies: Vec<Message> = follower.said().map(|e| e.message.clone()).collect();
        for reply in replies {
            leader.hear(follower_number, reply);
            waiting.extend(leader.said().cloned());
        }
    }
    exchanged
}

/// A gate with nothing at the disk lets everything of a step through.
#[test]
fn without_writes_nothing_is_held_back() {
    let mut bench = Bench::new(3, 1, &[1]);
    bench.append(1, at(1, 1), &[], 0);
    bench.append(1, at(1, 1), &[], 0);
    let mut gate = Gate::default();
    gate.absorb(&mut bench.effects);
    assert_eq!(gate.release().len(), 1);
}
