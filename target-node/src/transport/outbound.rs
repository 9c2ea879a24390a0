//! Sending to one peer: connect, introduce oneself, write what is queued in as few writes as possible.

use std::{io, net::SocketAddr};

use nix::sys::socket::{setsockopt, sockopt};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpStream, tcp::OwnedReadHalf},
    sync::mpsc,
    time::{sleep, timeout},
};

use super::{
    CONNECT_MAX, Hello, QUEUE_MAX, RECONNECT_PAUSE, UNACKNOWLEDGED_MAX,
    frame::{self, Kind},
};
use crate::raft::Message;

pub(super) type Queue = mpsc::Sender<Message>;

/// Bytes gathered into one write.
const WRITE_BYTES_MAX: usize = 256 << 10;

/// Starts the task that sends to `addr`, and returns its queue.
pub(super) fn start(addr: SocketAddr, hello: Hello) -> Queue {
    let (queue, messages) = mpsc::channel(QUEUE_MAX);
    tokio::spawn(keep_connected(addr, hello, messages));
    queue
}

async fn keep_connected(addr: SocketAddr, hello: Hello, mut messages: mpsc::Receiver<Message>) {
    let peer = hello.to.clone();
    while !messages.is_closed() {
        if let Ok(stream) = connect(addr, &hello).await {
            tracing::debug!(%peer, "connected");
            while messages.try_recv().is_ok() {}
            let end = send_until_broken(stream, &mut messages).await;
            tracing::debug!(%peer, ?end, "disconnected");
        }
        sleep(RECONNECT_PAUSE).await;
    }
}

async fn connect(addr: SocketAddr, hello: &Hello) -> io::Result<TcpStream> {
    let mut stream = timeout(CONNECT_MAX, TcpStream::connect(addr)).await??;
    stream.set_nodelay(true)?;
    let limit_ms = u32::try_from(UNACKNOWLEDGED_MAX.as_millis()).unwrap_or(u32::MAX);
    setsockopt(&stream, sockopt::TcpUserTimeout, &limit_ms)?;
    let mut bytes = Vec::new();
    frame::encode(Kind::Hello, hello, &mut bytes);
    stream.write_all(&bytes).await?;
    Ok(stream)
}

async fn send_until_broken(
    stream: TcpStream,
    messages: &mut mpsc::Receiver<Message>,
) -> io::Result<()> {
    let (reader, mut writer) = stream.into_split();
    let broken = watch(reader);
    tokio::pin!(broken);
    let mut bytes = Vec::new();
    loop {
        let message = tokio::select! {
            end = &mut broken => return end,
            message = messages.recv() => message,
        };
        let Some(message) = message else {
            return Ok(());
        };
        frame::encode(Kind::Message, &message, &mut bytes);
        while bytes.len() < WRITE_BYTES_MAX
            && let Ok(message) = messages.try_recv()
        {
            frame::encode(Kind::Message, &message, &mut bytes);
        }
        tokio::select! {
            end = &mut broken => return end,
            written = writer.write_all(&bytes) => written?,
        }
        bytes.clear();
    }
}

/// Nobody answers on this connection: reading ends when it is broken.
async fn watch(mut reader: OwnedReadHalf) -> io::Result<()> {
    let mut byte = [0];
    match reader.read(&mut byte).await? {
        0 => Err(io::ErrorKind::ConnectionReset.into()),
        _ => Err(io::ErrorKind::InvalidData.into()),
    }
}
