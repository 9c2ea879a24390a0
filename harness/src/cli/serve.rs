//! Arguments of `adrasteia serve`.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use clap::Args;

pub(super) const EXAMPLES: &str = "\
The pages list the runs below the folder, newest first, and need no scripts: filter by verdict, answer,
class, workload, nemesis, bug, seed or text, and share the filter as a link; see verdicts and times to
detection over time; open a run, its report and its files; put two runs side by side; watch a run that
is under way. Runs may come and go meanwhile. Nothing is changed in the folder.

Ctrl-C ends it.

Examples:
  adrasteia serve                                  the runs in runs/, at http://127.0.0.1:7400/
  adrasteia serve --dir nightly --listen 8080      another folder, another port
  ssh -L 7400:127.0.0.1:7400 lab adrasteia serve   the runs of another machine
  adrasteia serve --listen 0.0.0.0:7400            for everybody who reaches this machine: there is no password";

#[derive(Debug, Clone, Args)]
pub(crate) struct ServeArgs {
    /// The folder that collects runs
    #[arg(long, value_name = "DIR", default_value = "runs")]
    pub dir: PathBuf,
    /// Where to listen: an address with a port, or a port of this machine alone; port 0 is a free one
    #[arg(long, value_name = "ADDR:PORT", default_value = "127.0.0.1:7400", value_parser = parse_listen)]
    pub listen: SocketAddr,
}

fn parse_listen(text: &str) -> Result<SocketAddr, String> {
    let loopback = |port: &str| {
        let port = port.parse::<u16>().ok()?;
        Some(SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port))
    };
    let port = text.strip_prefix("localhost:").unwrap_or(text);
    loopback(port).or_else(|| text.parse().ok()).ok_or_else(|| {
        "write an address with a port, as in 127.0.0.1:7400 or [::1]:7400, or a port".to_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_alone_is_of_this_machine() {
        let rows = [
            ("8080", "127.0.0.1:8080"),
            ("localhost:8080", "127.0.0.1:8080"),
            ("0.0.0.0:1", "0.0.0.0:1"),
            ("[::1]:7400", "[::1]:7400"),
        ];
        for (text, expected) in rows {
            assert_eq!(parse_listen(text), Ok(expected.parse().unwrap()), "{text}");
        }
        for text in ["", "localhost", "example.org:80", "65536", "1.2.3.4"] {
            assert!(parse_listen(text).is_err(), "{text}");
        }
    }
}
