//! Messages as datagrams: each carries who sent it, and each may be lost, doubled, late or overtaken.
//!
//! TCP hides from Raft whatever happens to packets. Here a packet that arrives twice is a message that arrives twice, which
//! Raft has to bear (§5.1: remote calls are idempotent). A message that is too long for one datagram travels in parts.

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    net::SocketAddr,
    sync::Arc,
};

use serde::{Deserialize, Serialize};
use tokio::{net::UdpSocket, sync::mpsc};

use super::{
    Hello, Met, Myself, QUEUE_MAX,
    frame::{self, Kind},
    outbound::Queue,
};
use crate::raft::{Message, NodeId};

/// Bytes of a message in one datagram; with its head it stays below the 64 KiB of UDP.
const PART_BYTES_MAX: usize = 32 << 10;
/// Messages of one sender of which some parts are still missing.
const INCOMPLETE_MAX: usize = 8;
/// Senders that are remembered.
const SENDERS_MAX: usize = 64;
/// Reasons for refusals that are told, each once.
const REFUSALS_TOLD_MAX: usize = 16;

/// One datagram.
#[derive(Debug, Serialize, Deserialize)]
struct Datagram {
    hello: Hello,
    /// Counts the messages of this sender to this peer.
    number: u64,
    /// Which part of it this is, of how many.
    part: u16,
    parts: u16,
    bytes: Vec<u8>,
}

/// Starts the task that sends to `addr`, and returns its queue.
pub(super) fn start(socket: Arc<UdpSocket>, addr: SocketAddr, hello: Hello) -> Queue {
    let (queue, messages) = mpsc::channel(QUEUE_MAX);
    tokio::spawn(send_all(socket, addr, hello, messages));
    queue
}

async fn send_all(
    socket: Arc<UdpSocket>,
    addr: SocketAddr,
    hello: Hello,
    mut messages: mpsc::Receiver<Message>,
) {
    let mut number = 0;
    while let Some(message) = messages.recv().await {
        number += 1;
        for datagram in datagrams(&hello, number, &message) {
            // A peer that cannot be reached is told by its silence.
            let _ = socket.send_to(&datagram, addr).await;
        }
    }
}

/// The datagrams that a message travels in.
fn datagrams(hello: &Hello, number: u64, message: &Message) -> Vec<Vec<u8>> {
    let bytes = postcard::to_allocvec(message).expect("messages always encode");
    let parts = bytes.chunks(PART_BYTES_MAX);
    let count = u16::try_from(parts.len()).expect("messages are bounded by some MiB");
    (0..)
        .zip(parts)
        .map(|(part, bytes)| {
            let datagram = Datagram {
                hello: hello.clone(),
                number,
                part,
                parts: count,
                bytes: bytes.to_vec(),
            };
            let mut framed = Vec::new();
            frame::encode(Kind::Datagram, &datagram, &mut framed);
            framed
        })
        .collect()
}

/// Passes on what arrives, for ever, waiting when the node is behind. What cannot be read is dropped.
pub(crate) async fn listen<T: From<(NodeId, Message)> + From<Met> + Send + 'static>(
    socket: Arc<UdpSocket>,
    me: Myself,
    inbox: mpsc::Sender<T>,
) {
    let mut desk = Desk::new(me);
    let mut bytes = vec![0; usize::from(u16::MAX)];
    loop {
        // An error here is an answer to something sent before: that peer is not there.
        let Ok(length) = socket.recv(&mut bytes).await else {
            continue;
        };
        let Ok(Brought { met, message }) = desk.take(&bytes[..length]) else {
            continue;
        };
        let message = message.map(T::from);
        for event in met.map(T::from).into_iter().chain(message) {
            if inbox.send(event).await.is_err() {
                return;
            }
        }
    }
}

/// Puts parts together and notices who speaks.
struct Desk {
    me: Myself,
    senders: BTreeMap<NodeId, Sender>,
    told: BTreeSet<String>,
}

/// What a datagram brought.
struct Brought {
    /// Its sender, if that is news.
    met: Option<Met>,
    /// The message that it completes.
    message: Option<(NodeId, Message)>,
}

struct Sender {
    /// As it introduced itself last; on a new disk it is somebody else.
    met: Met,
    incomplete: BTreeMap<u64, Vec<Option<Vec<u8>>>>,
}

impl Desk {
    const fn new(me: Myself) -> Self {
        Self {
            me,
            senders: BTreeMap::new(),
            told: BTreeSet::new(),
        }
    }

    fn take(&mut self, bytes: &[u8]) -> io::Result<Brought> {
        let datagram: Datagram = frame::decode(Kind::Datagram, bytes)?;
        let met = match self.me.admit(&datagram.hello) {
            Ok(met) => met,
            Err(reason) => {
                self.tell(&reason);
                return Err(io::Error::other(reason));
            }
        };
        let id = met.id.clone();
        if self.senders.len() >= SENDERS_MAX && !self.senders.contains_key(&id) {
            self.senders.pop_first();
        }
        let known = self.senders.get(&id).is_some_and(|known| known.met == met);
        if !known {
            let sender = Sender {
                met: met.clone(),
                incomplete: BTreeMap::new(),
            };
            self.senders.insert(id.clone(), sender);
        }
        let sender = self.senders.get_mut(&id).expect("it was put there");
        let message = sender.take(datagram)?;
        Ok(Brought {
            met: (!known).then_some(met),
            message: message.map(|message| (id, message)),
        })
    }

    fn tell(&mut self, reason: &str) {
        if self.told.len() < REFUSALS_TOLD_MAX && self.told.insert(reason.to_owned()) {
            tracing::warn!(%reason, "refused a datagram");
        }
    }
}

impl Sender {
    fn take(&mut self, datagram: Datagram) -> io::Result<Option<Message>> {
        let (part, count) = (usize::from(datagram.part), usize::from(datagram.parts));
        let bytes = if count == 1 {
            datagram.bytes
        } else {
            let parts = self
                .incomplete
                .entry(datagram.number)
                .or_insert_with(|| vec![None; count]);
            let Some(place) = parts.get_mut(part) else {
                return Err(io::ErrorKind::InvalidData.into());
            };
            *place = Some(datagram.bytes);
            if parts.iter().any(Option::is_none) {
                if self.incomplete.len() > INCOMPLETE_MAX {
                    self.incomplete.pop_first();
                }
                return Ok(None);
            }
            let parts = self.incomplete.remove(&datagram.number);
            parts.into_iter().flatten().flatten().flatten().collect()
        };
        let message = postcard::from_bytes(&bytes);
        message.map(Some).map_err(io::Error::other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::raft::{StoreId, sample_append};

    fn me(id: &str) -> Myself {
        Myself {
            id: NodeId::new(id),
            cluster: 7,
            addr: SocketAddr::from(([127, 0, 0, 1], 1)),
            store: StoreId(3),
        }
    }

    fn hello(store: u64) -> Hello {
        Hello {
            version: super::super::VERSION,
            cluster: 7,
            from: "n1".into(),
            addr: SocketAddr::from(([127, 0, 0, 1], 2)),
            store,
            to: "n2".into(),
        }
    }

    fn messages(desk: &mut Desk, datagrams: &[Vec<u8>]) -> Vec<Message> {
        let taken = datagrams.iter().map(|bytes| desk.take(bytes).unwrap());
        taken
            .filter_map(|brought| brought.message)
            .map(|(_, message)| message)
            .collect()
    }

    #[test]
    fn a_datagram_that_comes_twice_is_a_message_that_comes_twice() {
        let mut desk = Desk::new(me("n2"));
        let message = sample_append(300);
        let sent = datagrams(&hello(1), 1, &message);
        assert_eq!(sent.len(), 1);
        let twice = [sent.clone(), sent].concat();
        assert_eq!(
            messages(&mut desk, &twice),
            [message.clone(), message],
            "as UDP does"
        );
    }

    #[test]
    fn parts_may_come_in_any_order_and_between_others() {
        let mut desk = Desk::new(me("n2"));
        let long = [100_000, 70_000].map(sample_append);
        let mut first = datagrams(&hello(1), 1, &long[0]);
        let second = datagrams(&hello(1), 2, &long[1]);
        assert!(first.len() > 2 && second.len() > 1);
        first.reverse();
        let last = first.pop().unwrap();
        let mixed = [first, second, vec![last]].concat();
        let [first, second] = long;
        assert_eq!(messages(&mut desk, &mixed), [second, first]);
    }

    #[test]
    fn a_message_of_which_a_part_is_lost_never_comes_and_holds_nothing_up() {
        let mut desk = Desk::new(me("n2"));
        let long = sample_append(100_000);
        for number in 0..100 {
            let mut parts = datagrams(&hello(1), number, &long);
            parts.remove(1);
            assert!(messages(&mut desk, &parts).is_empty());
        }
        assert!(desk.senders[&NodeId::new("n1")].incomplete.len() <= INCOMPLETE_MAX + 1);
        let whole = datagrams(&hello(1), 100, &long);
        assert_eq!(messages(&mut desk, &whole), [long]);
    }

    #[test]
    fn a_sender_is_met_once_and_again_on_another_disk() {
        let mut desk = Desk::new(me("n2"));
        let mut met = |store| {
            let bytes = &datagrams(&hello(store), 1, &sample_append(1))[0];
            desk.take(bytes).unwrap().met.map(|met| met.store)
        };
        assert_eq!(met(1), Some(StoreId(1)));
        assert_eq!(met(1), None);
        assert_eq!(met(2), Some(StoreId(2)));
    }

    #[test]
    fn what_is_damaged_or_for_somebody_else_is_refused() {
        let mut bytes = datagrams(&hello(1), 1, &sample_append(10)).remove(0);
        assert!(Desk::new(me("n3")).take(&bytes).is_err());
        bytes[20] ^= 1;
        assert!(Desk::new(me("n2")).take(&bytes).is_err());
    }
}
