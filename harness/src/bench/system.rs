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
        (1..=count).map(Self::number).collect()
    }

    /// The one with this number, from 1.
    pub(super) fn number(number: usize) -> Self {
        let number = u8::try_from(number).expect("a plan has few nodes");
        Self {
            name: format!("n{number}"),
            address: Ipv4Addr::new(127, 0, 0, number).into(),
        }
    }
}

/// What a node says about itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Standing {
    pub leads: bool,
    pub term: u64,
}

/// What a leader can be asked to do.
#[derive(Debug, Clone, Copy)]
pub(super) enum Request<'a> {
    /// Hand its office over.
    HandOver(&'a Member),
    /// Store its whole state now.
    Snapshot,
    /// Let a member go.
    Remove(&'a Member),
    /// Take one in that runs and has nothing.
    Add(&'a Member),
}

/// What became of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Granted {
    Done,
    /// The system has no such request, or is not asked for it here.
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

    /// Asks the leader, and waits until it is done.
    fn ask(
        &self,
        leader: &Member,
        request: Request<'_>,
    ) -> impl Future<Output = Result<Granted, StoreError>> + Send;

    /// Arguments with which `own`, which belongs to no cluster, waits to be added to that of `all`; none where
    /// [`Request::Add`] is not offered.
    fn waiting_arguments(&self, own: &Member, all: &[Member], data: &Path)
    -> Option<Vec<OsString>>;
}
