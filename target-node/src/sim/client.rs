//! Clients: one operation at a time each, with values of their own, and not for ever.

use std::time::Duration;

use rand::RngExt as _;

use super::{
    Violation,
    node::Waiting,
    oracle::{Action, Ended, Operation},
    world::{Happening, World},
};
use crate::replica::{Event, Request};

/// Keys that all clients share.
pub(super) const KEYS: usize = 3;
/// How long a client waits before it gives up and goes on.
const PATIENCE: Duration = Duration::from_millis(700);

/// A client and where it looks for answers.
#[derive(Debug)]
pub(super) struct Client {
    /// Of its latest operation.
    pub(super) number: u64,
    pub(super) node: usize,
    pub(super) last_seen: [u64; KEYS],
}

impl World {
    pub(super) fn next_operation(&mut self, client: usize, number: u64) {
        let nodes = self.places.len();
        let Some(state) = self.clients.get_mut(client) else {
            return;
        };
        if state.number != number {
            return;
        }
        // Half of the clients stay with their node as long as it answers.
        if number > 0 && (client.is_multiple_of(2) || self.rng.random_bool(0.2)) {
            state.node = self.rng.random_range(0..nodes);
        }
        state.number += 1;
        let number = state.number;
        let node = state.node;
        let key = self.rng.random_range(0..KEYS);
        self.values += 1;
        let action = match self.rng.random_range(0..5) {
            0 | 1 => Action::Write { value: self.values },
            2 => Action::Cas {
                expected: state.last_seen[key],
                value: self.values,
            },
            _ => Action::Read,
        };
        let floor = self.oracle.floor(key);
        let operation = Operation { key, action, floor };
        let waiting = Waiting {
            client,
            number,
            operation,
        };
        let delay = self.micros(100..2_000);
        self.schedule(delay, Happening::Request { node, waiting });
        self.schedule(PATIENCE, Happening::Client { client, number });
    }

    pub(super) fn request(&mut self, node: usize, waiting: Waiting) -> Result<(), Violation> {
        let request = Request {
            operation: waiting.operation.asked(),
            reply: waiting,
        };
        self.handle(node, Event::Requests(vec![request]))
    }

    pub(super) fn finish(&mut self, waiting: &Waiting, ended: &Ended) -> Result<(), Violation> {
        let leader = self.leader();
        let Some(client) = self.clients.get_mut(waiting.client) else {
            return Ok(());
        };
        if client.number != waiting.number {
            return Ok(());
        }
        match (ended, leader) {
            (Ended::Read(value), _) => client.last_seen[waiting.operation.key] = *value,
            (Ended::Nothing, Some(leader)) => client.node = leader,
            (Ended::Changed | Ended::Mismatch, _) | (Ended::Nothing, None) => {}
        }
        self.oracle.on_end(&waiting.operation, ended, &self.law)?;
        let think = self.micros(1_000..15_000);
        let again = Happening::Client {
            client: waiting.client,
            number: waiting.number,
        };
        self.schedule(think, again);
        Ok(())
    }
}
