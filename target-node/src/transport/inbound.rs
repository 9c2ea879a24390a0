//! Receiving from peers. A peer's new connection replaces its old one, which may hang half open.

use std::{
    collections::BTreeMap,
    io,
    sync::{Arc, Mutex},
    time::Duration,
};

use tokio::{
    io::BufReader,
    net::{TcpListener, TcpStream},
    sync::mpsc,
    task::AbortHandle,
    time::{sleep, timeout},
};

use super::{
    Met, Myself,
    frame::{Kind, Reader},
};
use crate::raft::{Message, NodeId};

/// How long a new connection may take to say who it is.
const HELLO_MAX: Duration = Duration::from_secs(1);
/// Bytes taken from a connection at once: an append request of a busy leader fits in.
const READ_BYTES_MAX: usize = 64 << 10;
/// Pause after the listener failed, for instance without file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Who may connect: every node of the cluster, member or not yet or no more. Raft tells them apart.
#[derive(Debug)]
pub(crate) struct Door {
    me: Myself,
    readers: Mutex<BTreeMap<NodeId, AbortHandle>>,
}

impl Door {
    pub(crate) fn new(me: Myself) -> Self {
        Self {
            me,
            readers: Mutex::default(),
        }
    }

    fn replace_reader(&self, peer: NodeId, reader: AbortHandle) {
        let mut readers = self.readers.lock().expect("nobody panics with it");
        if let Some(old) = readers.insert(peer, reader) {
            old.abort();
        }
    }
}

/// Accepts peers for ever and passes on what they send, waiting when the node is behind.
pub(crate) async fn listen<T: From<(NodeId, Message)> + From<Met> + Send + 'static>(
    listener: TcpListener,
    door: Door,
    inbox: mpsc::Sender<T>,
) {
    let door = Arc::new(door);
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                tokio::spawn(greet(stream, Arc::clone(&door), inbox.clone()));
            }
            Err(error) => {
                tracing::warn!(%error, "cannot accept a peer");
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

async fn greet<T: From<(NodeId, Message)> + From<Met> + Send + 'static>(
    stream: TcpStream,
    door: Arc<Door>,
    inbox: mpsc::Sender<T>,
) {
    let mut frames = Reader::new(BufReader::with_capacity(READ_BYTES_MAX, stream));
    let hello = frames.next(Kind::Hello);
    let Ok(Ok(hello)) = timeout(HELLO_MAX, hello).await else {
        return;
    };
    match door.me.admit(&hello) {
        Ok(met) => {
            let peer = met.id.clone();
            if inbox.send(met.into()).await.is_err() {
                return;
            }
            let reader = tokio::spawn(receive(frames, peer.clone(), inbox));
            door.replace_reader(peer, reader.abort_handle());
        }
        Err(reason) => tracing::warn!(%reason, "refused a peer"),
    }
}

async fn receive<T: From<(NodeId, Message)>>(
    mut frames: Reader<BufReader<TcpStream>>,
    peer: NodeId,
    inbox: mpsc::Sender<T>,
) -> io::Result<()> {
    loop {
        let message: Message = frames.next(Kind::Message).await?;
        let event = T::from((peer.clone(), message));
        if inbox.send(event).await.is_err() {
            return Ok(());
        }
    }
}
