//! `adrasteia serve`: stored runs, and those under way, for a browser.
//!
//! | file | idea |
//! |---|---|
//! | `root` | files below one folder, and none outside of it |
//! | `folders` | which folders are runs |
//! | `reading` | what a run folder says of itself |
//! | `index` | all of them, read once and again when they change |
//! | `follower` | what a history that is still written has come to (pure) |
//! | `watch` | the followers of runs under way, which read what was appended |
//! | `door` | addresses and what they answer |
//! | `guard` | who may ask, and what a browser may do with the answer |
//! | `body` | a file as an answer, piece by piece |
//!
//! Pages come from [`reports::site`]. Nothing here writes to the folder.

mod body;
mod door;
mod folders;
mod follower;
mod guard;
mod index;
mod reading;
mod root;
mod watch;

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

use crate::cli::ServeArgs;
use crate::exit::Exit;
use crate::say;
use door::Site;
use root::Root;

/// Serves until somebody ends it.
pub(crate) fn command(args: &ServeArgs) -> Result<Exit> {
    let folder = args.dir.display().to_string();
    let root = match Root::open(&args.dir) {
        Ok(root) => root,
        Err(error) => {
            say::aside(format_args!(
                "adrasteia: --dir {folder} cannot be served: {error}; name the folder that collects runs, as --out did"
            ));
            return Ok(Exit::Usage);
        }
    };
    let runtime = tokio::runtime::Runtime::new().context("cannot start the runtime")?;
    let exit = runtime.block_on(serve(args, root, folder));
    // Who is still being answered is not waited for.
    runtime.shutdown_background();
    exit
}

async fn serve(args: &ServeArgs, root: Root, folder: String) -> Result<Exit> {
    let listener = match TcpListener::bind(args.listen).await {
        Ok(listener) => listener,
        Err(error) => {
            say::aside(refused(args.listen, &error));
            return Ok(Exit::Usage);
        }
    };
    let address = listener
        .local_addr()
        .context("cannot tell where it listens")?;
    if !address.ip().is_loopback() {
        say::aside(
            "Everybody who reaches this machine at that address can read every file of these runs: there is no password.",
        );
    }
    let mut interrupt = signal(SignalKind::interrupt()).context("cannot listen for Ctrl-C")?;
    say::answer(format_args!(
        "{folder} is served at http://{address}/ (Ctrl-C ends it)"
    ));
    let site = Arc::new(Site::new(root, folder, address.ip().is_loopback()));
    tokio::select! {
        served = async { axum::serve(listener, door::router(site)).await } => {
            served.context("the server broke down").map(|()| Exit::Valid)
        }
        _ = interrupt.recv() => Ok(Exit::Valid),
    }
}

fn refused(address: SocketAddr, error: &std::io::Error) -> String {
    let remedies = [
        (
            ErrorKind::AddrInUse,
            "somebody listens there already: end that, or choose another port with --listen (0 is a free one)",
        ),
        (
            ErrorKind::AddrNotAvailable,
            "this machine has no such address: choose one that it has with --listen",
        ),
        (
            ErrorKind::PermissionDenied,
            "ports below 1024 are for the administrator: choose a higher one with --listen",
        ),
    ];
    let known = remedies.iter().find(|(kind, _)| *kind == error.kind());
    let remedy = known.map_or("choose another address with --listen", |(_, remedy)| remedy);
    format!("adrasteia: cannot listen at {address}: {error}; {remedy}")
}
