//! Sessions against an oracle that remembers everything: who asked what, and every answer ever given.

use std::collections::{BTreeMap, BTreeSet};

use proptest::{collection::vec, prelude::*};
use serde_json::json;

use super::*;

const IDLE_MS: u64 = 20;

/// What can be next in the log.
#[derive(Debug, Clone)]
enum Next {
    Register,
    /// A request of one of the clients, which acknowledges so many of its earlier ones.
    Fresh {
        client: usize,
        acknowledged: u64,
    },
    /// An entry that is in the log already, once more.
    Again {
        entry: usize,
    },
    KeepAlive {
        client: usize,
    },
    /// Every node may be replaced by one that starts from an image.
    Image,
    Time {
        ms: u64,
    },
}

fn next() -> impl Strategy<Value = Next> {
    prop_oneof![
        1 => Just(Next::Register),
        6 => (0..4_usize, 0..4_u64)
            .prop_map(|(client, acknowledged)| Next::Fresh { client, acknowledged }),
        6 => (0..1000_usize).prop_map(|entry| Next::Again { entry }),
        1 => (0..4_usize).prop_map(|client| Next::KeepAlive { client }),
        1 => Just(Next::Image),
        2 => (1..12_u64).prop_map(|ms| Next::Time { ms }),
    ]
}

/// One client whose session is there.
#[derive(Debug, Default)]
struct Client {
    heard: u64,
    acknowledged: u64,
    answers: BTreeMap<u64, Applied>,
}

/// A log that is written and executed, and what must come of it.
#[derive(Debug, Default)]
struct World {
    kv: Kv,
    time: u64,
    clients: BTreeMap<ClientId, Client>,
    /// All clients that ever were, and how many requests each made.
    names: Vec<ClientId>,
    asked: BTreeMap<ClientId, u64>,
    entries: Vec<(Stamp, Command)>,
    /// What was executed, in order.
    executed: Vec<(ClientId, u64)>,
    seen: BTreeSet<&'static str>,
}

impl World {
    fn happen(&mut self, next: &Next) {
        match *next {
            Next::Register => {
                let idle_ms = IDLE_MS;
                let applied = propose(&mut self.kv, self.time, Command::Register { idle_ms });
                let Applied::Registered(client) = applied else {
                    panic!("{applied:?}")
                };
                let heard = self.time;
                let known = Client {
                    heard,
                    ..Client::default()
                };
                assert!(self.clients.insert(client, known).is_none());
                self.names.push(client);
            }
            Next::Fresh {
                client,
                acknowledged,
            } => self.ask_fresh(client, acknowledged),
            Next::Again { entry } => {
                let count = self.entries.len().max(1);
                if let Some((stamp, command)) = self.entries.get(entry % count).cloned() {
                    self.ask(stamp, command);
                }
            }
            Next::KeepAlive { client } => self.keep_alive(client),
            Next::Image => {
                let mut image = Vec::new();
                self.kv.encode(&mut image).unwrap();
                self.kv = Kv::decode(None, &mut image.as_slice()).unwrap();
            }
            Next::Time { ms } => self.time += ms,
        }
    }

    fn named(&self, client: usize) -> Option<ClientId> {
        self.names.get(client % self.names.len().max(1)).copied()
    }

    /// Forgets who was silent for too long, as every entry makes nodes do.
    fn expire(&mut self) {
        let time = self.time;
        self.clients
            .retain(|_, client| client.heard + IDLE_MS >= time);
    }

    fn ask_fresh(&mut self, client: usize, acknowledged: u64) {
        let Some(client) = self.named(client) else {
            return;
        };
        let asked = self.asked.entry(client).or_default();
        *asked += 1;
        let sequence = *asked;
        let known = self.clients.get(&client);
        let before = known.map_or(0, |known| known.acknowledged);
        let unanswered = (before + acknowledged).min(sequence);
        let stamp = stamp(client, sequence, unanswered);
        let item = self.entries.len();
        let command = append("list", &json!(item));
        self.entries.push((stamp, command.clone()));
        self.ask(stamp, command);
    }

    fn keep_alive(&mut self, client: usize) {
        let Some(client) = self.named(client) else {
            return;
        };
        self.expire();
        let applied = propose(&mut self.kv, self.time, Command::KeepAlive { client });
        let expected = match self.clients.get_mut(&client) {
            Some(known) => {
                known.heard = self.time;
                Applied::Done
            }
            None => Applied::Rejected(Rejection::SessionExpired),
        };
        assert_eq!(applied, expected);
    }

    fn ask(&mut self, stamp: Stamp, command: Command) {
        self.expire();
        let before = self.kv.values.clone();
        let applied = propose_once(&mut self.kv, self.time, stamp, command);
        let expected = self.expected(stamp);
        let executed = expected.is_none();
        assert_eq!(applied, expected.unwrap_or(Applied::Done));
        assert_eq!(self.kv.values != before, executed, "{stamp:?}");
    }

    /// The answer, if the request is not to be executed; notes it as executed otherwise.
    fn expected(&mut self, stamp: Stamp) -> Option<Applied> {
        let expired = Some(Applied::Rejected(Rejection::SessionExpired));
        let Some(known) = self.clients.get_mut(&stamp.client) else {
            self.seen.insert("unknown");
            return expired;
        };
        known.heard = self.time;
        known.acknowledged = known.acknowledged.max(stamp.unanswered.0);
        if stamp.sequence.0 < known.acknowledged {
            self.seen.insert("acknowledged");
            return expired;
        }
        if let Some(answer) = known.answers.get(&stamp.sequence.0) {
            self.seen.insert("again");
            return Some(answer.clone());
        }
        self.seen.insert("executed");
        known.answers.insert(stamp.sequence.0, Applied::Done);
        self.executed.push((stamp.client, stamp.sequence.0));
        None
    }

    /// Nothing was executed twice, and the state is what the executed requests make in their order.
    fn check_end(&self) {
        let mut once = self.executed.clone();
        once.sort_unstable();
        once.dedup();
        assert_eq!(once.len(), self.executed.len());
        let items = self.executed.iter().map(|(client, sequence)| {
            let at = |(stamp, _): &(Stamp, Command)| {
                stamp.client == *client && stamp.sequence.0 == *sequence
            };
            self.entries.iter().position(at).unwrap()
        });
        let items: Vec<usize> = items.collect();
        let list = if items.is_empty() {
            json!(null)
        } else {
            json!(items)
        };
        assert_eq!(read(&self.kv, "list"), list);
    }
}

proptest! {
    #[test]
    fn every_request_is_executed_at_most_once_and_answered_the_same(log in vec(next(), 1..120)) {
        let mut world = World::default();
        for next in &log {
            world.happen(next);
        }
        world.check_end();
    }
}

#[test]
fn draws_reach_every_end_of_a_request() {
    use proptest::{strategy::ValueTree as _, test_runner::TestRunner};

    let mut runner = TestRunner::deterministic();
    let mut world = World::default();
    for _ in 0..500 {
        world.happen(&next().new_tree(&mut runner).unwrap().current());
    }
    let all = ["acknowledged", "again", "executed", "unknown"];
    assert_eq!(world.seen.into_iter().collect::<Vec<_>>(), all);
    assert!(world.executed.len() > 20, "{}", world.executed.len());
}
