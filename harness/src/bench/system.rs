//! What a system must offer to be measured.

use std::ffi::OsString;
use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;

use crate::cli::Target;

/// One node of a cluster: its name, and an address on loopback of its own, so that everybody has their usual ports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Member {
    pub name: String,
    pub address: IpAddr,
}

impl Member {
    /// The members of a cluster of `count` nodes: n1 on 127.0.0.1, n2 on 127.0.0.2, …
    pub(super) fn first(count: usize) -> Vec<Self> {
        let member = |number: u8| Self {
            name: format!("n{number}"),
            address: Ipv4Addr::new(127, 0, 0, number).into(),
        };
        let count = u8::try_from(count).expect("a plan has few nodes");
        (1..=count).map(member).collect()
    }
}

/// What a node says about itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Standing {
    pub leads: bool,
    pub term: u64,
}

/// Whether leadership was handed over on request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Handover {
    Asked,
    /// The system has no such request.
    NotOffered,
}

/// An operation that was not answered with success; the text says why.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{0}")]
pub(super) struct StoreError(pub String);

impl StoreError {
    /// From an error whose innermost reason tells more than its first line.
    pub(super) fn from_error(what: &str, error: &dyn std::error::Error) -> Self {
        let mut innermost = error;
        while let Some(source) = innermost.source() {
            innermost = source;
        }
        Self(format!("{what}: {innermost}"))
    }
}

/// A client's connection: a key-value store, as everybody has one.
pub(super) trait Store: Send {
    /// Writes; returns once the write is durable on a majority.
    fn put(
        &mut self,
        key: &str,
        value: &str,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Reads linearizably.
    fn get(&mut self, key: &str) -> impl Future<Output = Result<(), StoreError>> + Send;
}

/// A replicated system that can be started, asked and disturbed.
pub(super) trait System: Send + Sync + 'static {
    type Store: Store + 'static;

    fn target(&self) -> Target;
    fn program(&self) -> &Path;

    /// Arguments with which `own` starts on the empty or kept folder `data`.
    fn arguments(&self, own: &Member, all: &[Member], data: &Path) -> Vec<OsString>;

    /// Opens a connection of a client to one node.
    fn connect(
        &self,
        member: &Member,
    ) -> impl Future<Output = Result<Self::Store, StoreError>> + Send;

    fn standing(
        &self,
        member: &Member,
    ) -> impl Future<Output = Result<Standing, StoreError>> + Send;

    /// Asks the leader to hand its office over.
    fn hand_over(
        &self,
        from: &Member,
        to: &Member,
    ) -> impl Future<Output = Result<Handover, StoreError>> + Send;
}
