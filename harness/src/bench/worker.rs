//! One client: a connection and a loop that sends the next operation when the last one is answered.

use std::sync::Arc;
use std::time::Duration;

use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use tokio::time::{sleep, timeout};

use super::system::{Member, Store as _, StoreError, System};
use crate::cli::Operation;

/// Pause after an operation that failed, so that a cluster without a leader is not drowned.
const PAUSE: Duration = Duration::from_millis(2);

/// What all clients of a measurement share.
#[derive(Debug)]
pub(super) struct Content {
    pub keys: Vec<String>,
    pub value: String,
}

impl Content {
    /// Values are letters that look random, so that nothing along the way compresses them; the same ones every time.
    pub(super) fn new(keys: usize, value_bytes: usize) -> Self {
        let mut random = ChaCha8Rng::seed_from_u64(0);
        let letter = |_| char::from(random.random_range(b'a'..=b'z'));
        Self {
            keys: (0..keys).map(|number| format!("k{number:07}")).collect(),
            value: (0..value_bytes).map(letter).collect(),
        }
    }
}

/// A client of one node.
pub(super) struct Worker<S: System> {
    system: Arc<S>,
    member: Member,
    content: Arc<Content>,
    /// How long one operation may take.
    limit: Duration,
    random: ChaCha8Rng,
    store: Option<S::Store>,
}

impl<S: System> Worker<S> {
    /// A client that is not connected yet; `number` decides its keys.
    pub(super) fn new(
        system: Arc<S>,
        member: Member,
        content: Arc<Content>,
        limit: Duration,
        number: usize,
    ) -> Self {
        Self {
            system,
            member,
            content,
            limit,
            random: ChaCha8Rng::seed_from_u64(number as u64 + 1),
            store: None,
        }
    }

    /// One operation on a random key; after a failure, the connection is a new one.
    pub(super) async fn perform(&mut self, operation: Operation) -> Result<(), StoreError> {
        let key = self.random.random_range(0..self.content.keys.len());
        self.perform_on(operation, key).await
    }

    /// One operation on the key of this number.
    pub(super) async fn perform_on(
        &mut self,
        operation: Operation,
        key: usize,
    ) -> Result<(), StoreError> {
        let limit = self.limit;
        let answer = timeout(limit, self.attempt(operation, key)).await;
        let answer =
            answer.unwrap_or_else(|_| Err(StoreError(format!("no answer within {limit:?}"))));
        if answer.is_err() {
            self.store = None;
            sleep(PAUSE).await;
        }
        answer
    }

    async fn attempt(&mut self, operation: Operation, key: usize) -> Result<(), StoreError> {
        let store = match self.store.take() {
            Some(store) => store,
            None => self.system.connect(&self.member).await?,
        };
        let store = self.store.insert(store);
        let key = &self.content.keys[key];
        match operation {
            Operation::Put => store.put(key, &self.content.value).await,
            Operation::Get => store.get(key).await,
        }
    }
}
