//! Sockets inside the namespaces of nodes, and whether packets pass between them.

use nemesis::NodeName;
use nemesis::net::{NetOptions, Plane, PlaneKind};
use nix::sched::{CloneFlags, setns};
use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::fd::BorrowedFd;
use std::thread;
use std::time::Duration;

/// How long silence must last to count as silence: longer where more programs want to run than can.
pub(crate) fn silence() -> Duration {
    let load = std::fs::read_to_string("/proc/loadavg").unwrap();
    let load: f64 = load.split(' ').next().unwrap().parse().unwrap();
    let processors = thread::available_parallelism().unwrap().get() as f64;
    Duration::from_millis(300).mul_f64((load / processors).clamp(1.0, 10.0))
}

/// How long an answer may take; only a failing test waits for it.
const ANSWER: Duration = Duration::from_secs(20);

const PORT: u16 = 7000;

/// A network of three nodes, or the scene is skipped.
pub(crate) fn three_nodes(kind: PlaneKind) -> (Vec<NodeName>, Box<dyn Plane>) {
    let nodes = NodeName::first(3);
    match nemesis::net::build(kind, &nodes, &NetOptions::default()) {
        Ok(plane) => (nodes, plane),
        Err(
            error @ (nemesis::net::NetError::NoIptables | nemesis::net::NetError::NoPorts { .. }),
        ) => crate::runner::skip(error),
        Err(error) => panic!("{error}"),
    }
}

/// Opens something in the namespace of a node; sockets stay there.
pub(crate) fn at<T: Send>(namespace: BorrowedFd<'_>, open: impl FnOnce() -> T + Send) -> T {
    thread::scope(|scope| {
        let work = || {
            setns(namespace, CloneFlags::CLONE_NEWNET).unwrap();
            open()
        };
        scope.spawn(work).join().unwrap()
    })
}

/// A TCP connection from one node to an echo server on another.
pub(crate) struct Conversation {
    stream: TcpStream,
}

impl Conversation {
    pub(crate) fn between(plane: &dyn Plane, from: &NodeName, to: &NodeName) -> Conversation {
        let address = (plane.address(to), PORT);
        let listener = at(plane.namespace(to), || TcpListener::bind(address)).unwrap();
        let connect = || TcpStream::connect_timeout(&std::net::SocketAddr::from(address), ANSWER);
        let stream = at(plane.namespace(from), connect).unwrap();
        let (peer, _) = listener.accept().unwrap();
        thread::spawn(move || echo(peer));
        Conversation { stream }
    }

    pub(crate) fn say(&mut self, word: u8) {
        self.stream.write_all(&[word]).unwrap();
    }

    /// The next byte that comes back; `None` is silence.
    pub(crate) fn hear(&mut self, within: Duration) -> Option<u8> {
        let mut answer = [0];
        self.stream.set_read_timeout(Some(within)).unwrap();
        match self.stream.read_exact(&mut answer) {
            Ok(()) => Some(answer[0]),
            Err(error) if error.kind() == ErrorKind::WouldBlock => None,
            Err(error) => panic!("the connection broke: {error}"),
        }
    }

    pub(crate) fn assert_answers(&mut self, word: u8) {
        self.say(word);
        assert_eq!(self.hear(ANSWER), Some(word));
    }

    pub(crate) fn assert_silent(&mut self) {
        assert_eq!(self.hear(silence()), None);
    }

    /// What was said into the cut arrives after the heal, on the same connection.
    pub(crate) fn assert_catches_up(&mut self, word: u8) {
        assert_eq!(self.hear(ANSWER), Some(word));
    }
}

fn echo(mut peer: TcpStream) {
    let mut bytes = [0; 4096];
    while let Ok(length @ 1..) = peer.read(&mut bytes) {
        if peer.write_all(&bytes[..length]).is_err() {
            return;
        }
    }
}

/// UDP sockets of all nodes.
pub(crate) struct Datagrams<'a> {
    nodes: &'a [NodeName],
    sockets: Vec<UdpSocket>,
}

impl<'a> Datagrams<'a> {
    pub(crate) fn open(plane: &dyn Plane, nodes: &'a [NodeName]) -> Datagrams<'a> {
        let open = |node| {
            let address = (plane.address(node), PORT);
            at(plane.namespace(node), || UdpSocket::bind(address)).unwrap()
        };
        Datagrams {
            nodes,
            sockets: nodes.iter().map(open).collect(),
        }
    }

    /// Whether one of a few datagrams arrives.
    pub(crate) fn pass(&self, from: &NodeName, to: &NodeName) -> bool {
        let [sender, receiver] = [from, to].map(|node| self.socket(node));
        receiver.set_read_timeout(Some(silence())).unwrap();
        let address = receiver.local_addr().unwrap();
        for _ in 0..3 {
            sender.send_to(b"datagram", address).unwrap();
        }
        let mut passed = 0;
        while let Ok((_, source)) = receiver.recv_from(&mut [0; 64]) {
            assert_eq!(source, sender.local_addr().unwrap());
            passed += 1;
            if passed == 3 {
                break;
            }
        }
        passed > 0
    }

    /// Every ordered pair of nodes between which datagrams do not pass.
    pub(crate) fn blocked(&self) -> Vec<String> {
        let pairs = self
            .nodes
            .iter()
            .flat_map(|from| self.nodes.iter().map(move |to| (from, to)));
        pairs
            .filter(|(from, to)| from != to && !self.pass(from, to))
            .map(|(from, to)| format!("{from}->{to}"))
            .collect()
    }

    /// Sends numbered datagrams one after the other; what arrives, in its order, until nothing does any more.
    pub(crate) fn stream(&self, from: &NodeName, to: &NodeName, count: u16) -> Vec<Vec<u8>> {
        let [sender, receiver] = [from, to].map(|node| self.socket(node));
        let address = receiver.local_addr().unwrap();
        receiver.set_read_timeout(Some(silence())).unwrap();
        thread::scope(|scope| {
            scope.spawn(|| {
                for number in 0..count {
                    sender.send_to(&numbered(number), address).unwrap();
                    thread::sleep(Duration::from_micros(200));
                }
            });
            let mut arrived = Vec::new();
            let mut bytes = [0; 64];
            while let Ok((length, _)) = receiver.recv_from(&mut bytes) {
                arrived.push(bytes[..length].to_vec());
            }
            arrived
        })
    }

    pub(crate) fn socket(&self, node: &NodeName) -> &UdpSocket {
        let seat = self.nodes.iter().position(|other| other == node).unwrap();
        &self.sockets[seat]
    }
}

/// A datagram that says which one it is, twice.
pub(crate) fn numbered(number: u16) -> [u8; 4] {
    let [high, low] = number.to_be_bytes();
    [high, low, high, low]
}
