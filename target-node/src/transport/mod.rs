//! Messages between nodes: framed TCP, one outgoing connection a peer, or datagrams.
//!
//! Nothing is guaranteed here. A message that does not fit a queue is dropped, and so is everything
//! queued while a peer cannot be reached: Raft sends again, and old news would only be in the way.
//!
//! A connection whose peer stopped acknowledging is given up within [`UNACKNOWLEDGED_MAX`], so that a healed
//! network is used again at once and not when the kernel next tries.

mod datagrams;
mod frame;
mod inbound;
mod outbound;

use std::{collections::BTreeMap, net::SocketAddr, sync::Arc, time::Duration};

pub(crate) use datagrams::listen as listen_for_datagrams;
pub(crate) use inbound::{Door, listen};
use serde::{Deserialize, Serialize};
use tokio::net::UdpSocket;

use crate::raft::{Envelope, NodeId, StoreId};

/// How long sent bytes may stay unacknowledged before the connection is replaced.
const UNACKNOWLEDGED_MAX: Duration = Duration::from_millis(700);
/// How long a connection attempt may take.
const CONNECT_MAX: Duration = Duration::from_millis(500);
/// Pause between attempts.
const RECONNECT_PAUSE: Duration = Duration::from_millis(100);
/// Messages that wait for one peer.
const QUEUE_MAX: usize = 256;

/// The first frame of a connection, and a part of each datagram: who speaks, to whom, in which cluster, where it is found, and on
/// which data folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Hello {
    version: u32,
    cluster: u64,
    from: String,
    addr: SocketAddr,
    store: u64,
    to: String,
}

/// Version of the frames and messages; nodes of different versions refuse each other.
const VERSION: u32 = 1;

/// Nodes that are no members and are answered all the same: joiners, and those that were removed.
const GUESTS_MAX: usize = 16;

/// This node, as it introduces itself.
#[derive(Debug, Clone)]
pub(crate) struct Myself {
    pub(crate) id: NodeId,
    pub(crate) cluster: u64,
    pub(crate) addr: SocketAddr,
    /// The mark of its data folder.
    pub(crate) store: StoreId,
}

impl Myself {
    /// The node that a greeting comes from, or why it is refused.
    fn admit(&self, hello: &Hello) -> Result<Met, String> {
        let Hello {
            version,
            cluster,
            from,
            addr,
            store,
            to,
        } = hello;
        if *version != VERSION {
            return Err(format!("{from} speaks version {version}, not {VERSION}"));
        }
        if *cluster != self.cluster {
            return Err(format!("{from} is of another --cluster"));
        }
        if to != self.id.as_str() || from == to {
            return Err(format!("{from} looks for {to} here; check its --peers"));
        }
        Ok(Met {
            id: NodeId::new(from),
            addr: *addr,
            store: StoreId(*store),
        })
    }
}

/// How messages travel.
#[derive(Debug, Clone)]
pub(crate) enum Way {
    /// In order over a connection to each peer.
    Tcp,
    /// Each by itself from this socket.
    Udp(Arc<UdpSocket>),
}

/// The queues to all peers.
#[derive(Debug)]
pub(crate) struct Outbox {
    me: Myself,
    way: Way,
    members: BTreeMap<NodeId, (SocketAddr, outbound::Queue)>,
    guests: BTreeMap<NodeId, (SocketAddr, outbound::Queue)>,
}

impl Outbox {
    pub(crate) const fn new(me: Myself, way: Way) -> Self {
        Self {
            me,
            way,
            members: BTreeMap::new(),
            guests: BTreeMap::new(),
        }
    }

    /// Keeps one sending task for each of `members` on the current runtime, and ends those of others.
    pub(crate) fn follow(&mut self, members: &BTreeMap<NodeId, SocketAddr>) {
        self.members
            .retain(|id, (addr, _)| members.get(id) == Some(addr));
        for (id, addr) in members {
            if *id != self.me.id && !self.members.contains_key(id) {
                let queue = self.connect(id, *addr);
                self.members.insert(id.clone(), (*addr, queue));
            }
        }
        self.guests.retain(|id, _| !members.contains_key(id));
    }

    /// A node has introduced itself; it is answered even if it is no member.
    pub(crate) fn meet(&mut self, id: NodeId, addr: SocketAddr) {
        let is_known = |known: &BTreeMap<NodeId, (SocketAddr, outbound::Queue)>| {
            known.get(&id).is_some_and(|(known, _)| *known == addr)
        };
        if self.members.contains_key(&id) || is_known(&self.guests) {
            return;
        }
        if self.guests.len() >= GUESTS_MAX {
            self.guests.pop_first();
        }
        let queue = self.connect(&id, addr);
        self.guests.insert(id, (addr, queue));
    }

    fn connect(&self, to: &NodeId, addr: SocketAddr) -> outbound::Queue {
        let hello = Hello {
            version: VERSION,
            cluster: self.me.cluster,
            from: self.me.id.as_str().into(),
            addr: self.me.addr,
            store: self.me.store.0,
            to: to.as_str().into(),
        };
        match &self.way {
            Way::Tcp => outbound::start(addr, hello),
            Way::Udp(socket) => datagrams::start(Arc::clone(socket), addr, hello),
        }
    }

    /// Sends or drops a message; never waits.
    pub(crate) fn send(&self, envelope: Envelope) {
        let member = self.members.get(&envelope.to);
        if let Some((_, queue)) = member.or_else(|| self.guests.get(&envelope.to)) {
            // Full: the peer does not keep up, and Raft will send again.
            let _ = queue.try_send(envelope.message);
        }
    }
}

/// A node has introduced itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Met {
    pub(crate) id: NodeId,
    pub(crate) addr: SocketAddr,
    pub(crate) store: StoreId,
}
