//! Where the nodes of a cluster are: on the command line or in a file, by addresses or by names that DNS knows
//! (Raft thesis, section 6.1: an external directory).
//!
//! A directory is read once, at the start. It names at least the members: who joins is entered before, who left is
//! struck out after. What the log says about members later counts more than what is found here.

use std::{
    fmt, fs, io,
    net::{SocketAddr, ToSocketAddrs as _},
    path::{Path, PathBuf},
    str::FromStr,
    thread,
    time::Duration,
};

/// How often a name is looked up before it counts as unknown: it may become known with the node that has it.
const TRIES: u32 = 60;
/// Time between two tries.
const TRY_EVERY: Duration = Duration::from_millis(500);

/// `ID=HOST:PORT`: where a node is found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// The node's name.
    pub id: String,
    /// Its place.
    pub place: Place,
}

/// `HOST:PORT`: an address, or a name that DNS knows, with a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// An IP address and a port.
    Address(SocketAddr),
    /// A name and a port.
    Name(String, u16),
}

/// Text that is not `ID=HOST:PORT`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not of the form ID=HOST:PORT, as in n1=10.0.0.1:7000 or n1=raft-1.example:7000")]
pub struct BadMember(String);

/// Text that is not `HOST:PORT`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not of the form HOST:PORT, as in 10.0.0.1:7000 or raft-1.example:7000")]
pub struct BadPlace(String);

/// Why nodes cannot be found.
#[derive(Debug, thiserror::Error)]
pub enum DirectoryError {
    /// The file cannot be read.
    #[error("cannot read the directory {}: {source}; name a file with a line `ID HOST:PORT HOST:PORT` for each node", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The reason.
        source: io::Error,
    },
    /// A line of the file is something else.
    #[error("{}, line {line}: {text:?} is not `ID HOST:PORT`, with a second HOST:PORT for clients if it has one", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What stands there.
        text: String,
    },
    /// DNS does not know a name.
    #[error(
        "cannot find {place}: {why}; enter the name in DNS or /etc/hosts, or use an IP address"
    )]
    Unknown {
        /// The name and the port.
        place: Place,
        /// What the resolver said.
        why: String,
    },
}

/// What a directory says.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Directory {
    /// Where nodes find each other.
    pub(crate) peers: Vec<Member>,
    /// Where clients find nodes.
    pub(crate) clients: Vec<Member>,
}

impl Directory {
    /// Reads a file: a node a line; what follows `#` is for people.
    pub(crate) fn read(path: &Path) -> Result<Self, DirectoryError> {
        let text = fs::read_to_string(path).map_err(|source| DirectoryError::Unreadable {
            path: path.to_owned(),
            source,
        })?;
        let mut directory = Self::default();
        for (line, text) in (1..).zip(text.lines()) {
            let entry = text.split('#').next().unwrap_or_default();
            if !entry.trim().is_empty() {
                let understood = directory.enter(entry);
                understood.ok_or_else(|| DirectoryError::Malformed {
                    path: path.to_owned(),
                    line,
                    text: text.to_owned(),
                })?;
            }
        }
        Ok(directory)
    }

    /// Takes one line in, if it is one.
    fn enter(&mut self, line: &str) -> Option<()> {
        let words: Vec<&str> = line.split_whitespace().collect();
        let (id, peer, client) = match words[..] {
            [id, peer] => (id, peer, None),
            [id, peer, client] => (id, peer, Some(client)),
            _ => return None,
        };
        let member = |place: &str| {
            let id = id.to_owned();
            let place = place.parse().ok()?;
            Some(Member { id, place })
        };
        self.peers.push(member(peer)?);
        if let Some(client) = client {
            self.clients.push(member(client)?);
        }
        Some(())
    }
}

impl Place {
    /// The address, which DNS is asked for if need be; of several the first that is IPv4.
    pub(crate) fn resolve(&self) -> Result<SocketAddr, DirectoryError> {
        let (host, port) = match self {
            Self::Address(address) => return Ok(*address),
            Self::Name(host, port) => (host.as_str(), *port),
        };
        let mut why = String::new();
        for attempt in 0..TRIES {
            if attempt > 0 {
                thread::sleep(TRY_EVERY);
            }
            match (host, port).to_socket_addrs() {
                Ok(found) => {
                    let found: Vec<SocketAddr> = found.collect();
                    let ipv4 = found.iter().find(|address| address.is_ipv4());
                    if let Some(address) = ipv4.or(found.first()) {
                        return Ok(*address);
                    }
                    "it has no address".clone_into(&mut why);
                }
                Err(error) => why = error.to_string(),
            }
            if attempt == 0 {
                tracing::warn!(place = %self, %why, "not found yet");
            }
        }
        let place = self.clone();
        Err(DirectoryError::Unknown { place, why })
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) => address.fmt(f),
            Self::Name(host, port) => write!(f, "{host}:{port}"),
        }
    }
}

impl FromStr for Place {
    type Err = BadPlace;

    fn from_str(text: &str) -> Result<Self, BadPlace> {
        if let Ok(address) = text.parse() {
            return Ok(Self::Address(address));
        }
        let bad = || BadPlace(text.into());
        let (host, port) = text.rsplit_once(':').ok_or_else(bad)?;
        let port = port.parse().map_err(|_| bad())?;
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
        // Digits and dots alone are an address with a mistake in it.
        let is_host =
            host.bytes().all(is_name) && host.bytes().any(|byte| byte.is_ascii_alphabetic());
        match is_host {
            true => Ok(Self::Name(host.to_owned(), port)),
            false => Err(bad()),
        }
    }
}

impl FromStr for Member {
    type Err = BadMember;

    fn from_str(text: &str) -> Result<Self, BadMember> {
        let bad = || BadMember(text.into());
        let (id, place) = text.split_once('=').ok_or_else(bad)?;
        let place = place.parse().map_err(|_| bad())?;
        let id = id.to_owned();
        Ok(Self { id, place })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_and_names_are_told_apart_and_mistakes_are_neither() {
        let place = |text: &str| text.parse::<Place>();
        let address = |text: &str| Ok(Place::Address(text.parse().unwrap()));
        assert_eq!(place("10.0.0.1:7000"), address("10.0.0.1:7000"));
        assert_eq!(place("[::1]:7000"), address("[::1]:7000"));
        assert_eq!(
            place("raft-1.example:7000"),
            Ok(Place::Name("raft-1.example".into(), 7000))
        );
        for mistake in [
            "10.0.0:7000",
            "raft-1",
            "raft 1:7000",
            ":7000",
            "n1:70000",
            "::1:7000",
        ] {
            assert_eq!(place(mistake), Err(BadPlace(mistake.into())));
        }
    }

    #[test]
    fn a_name_is_looked_up() {
        let found = Place::Name("localhost".into(), 7000).resolve().unwrap();
        assert!(found.ip().is_loopback() && found.port() == 7000, "{found}");
    }

    #[test]
    fn a_file_has_a_node_a_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("directory");
        let read = |text: &str| {
            fs::write(&path, text).unwrap();
            Directory::read(&path)
        };
        let directory = read(
            "# who is where\nn1 10.0.0.1:7000 10.0.0.1:8000\n\n n2  raft-2:7000 # no clients\n",
        )
        .unwrap();
        let member = |text: &str| text.parse::<Member>().unwrap();
        assert_eq!(
            directory.peers,
            [member("n1=10.0.0.1:7000"), member("n2=raft-2:7000")]
        );
        assert_eq!(directory.clients, [member("n1=10.0.0.1:8000")]);
        for malformed in [
            "n1",
            "n1=10.0.0.1:7000",
            "n1 10.0.0.1:7000 10.0.0.1:8000 more",
        ] {
            let error = read(&format!("n2 raft-2:7000\n{malformed}\n")).unwrap_err();
            assert!(error.to_string().contains("line 2"), "{error}");
        }
        let error = Directory::read(&folder.path().join("none")).unwrap_err();
        assert!(error.to_string().contains("none"), "{error}");
    }
}
