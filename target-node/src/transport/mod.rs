//! Messages between nodes: framed TCP, one outgoing connection a peer.
//!
//! Nothing is guaranteed here. A message that does not fit a queue is dropped, and so is everything
//! queued while a peer cannot be reached: Raft sends again, and old news would only be in the way.
//!
//! A connection whose peer stopped acknowledging is given up within [`UNACKNOWLEDGED_MAX`], so that a healed
//! network is used again at once and not when the kernel next tries.

mod frame;
mod inbound;
mod outbound;

use std::{collections::BTreeMap, net::SocketAddr, time::Duration};

pub(crate) use inbound::{Door, listen};
use serde::{Deserialize, Serialize};

use crate::raft::{Envelope, NodeId};

/// How long sent bytes may stay unacknowledged before the connection is replaced.
const UNACKNOWLEDGED_MAX: Duration = Duration::from_millis(700);
/// How long a connection attempt may take.
const CONNECT_MAX: Duration = Duration::from_millis(500);
/// Pause between attempts.
const RECONNECT_PAUSE: Duration = Duration::from_millis(100);
/// Messages that wait for one peer.
const QUEUE_MAX: usize = 256;

/// The first frame of a connection: who speaks, to whom, in which cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Hello {
    version: u32,
    cluster: u64,
    from: String,
    to: String,
}

/// Version of the frames and messages; nodes of different versions refuse each other.
const VERSION: u32 = 1;

/// The queues to all peers.
#[derive(Debug)]
pub(crate) struct Outbox {
    queues: BTreeMap<NodeId, outbound::Queue>,
}

impl Outbox {
    /// Starts one sending task a peer on the current runtime.
    pub(crate) fn start(id: &NodeId, cluster: u64, peers: &BTreeMap<NodeId, SocketAddr>) -> Self {
        let start = |(peer, addr): (&NodeId, &SocketAddr)| {
            let hello = Hello {
                version: VERSION,
                cluster,
                from: id.as_str().into(),
                to: peer.as_str().into(),
            };
            (peer.clone(), outbound::start(*addr, hello))
        };
        Self {
            queues: peers.iter().map(start).collect(),
        }
    }

    /// Sends or drops a message; never waits.
    pub(crate) fn send(&self, envelope: Envelope) {
        if let Some(queue) = self.queues.get(&envelope.to) {
            // Full: the peer does not keep up, and Raft will send again.
            let _ = queue.try_send(envelope.message);
        }
    }
}
