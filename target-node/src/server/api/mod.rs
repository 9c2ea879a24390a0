//! The HTTP door: keys, locks and transactions for clients, `/status` and `/health` for people and harnesses.
//!
//! | file | idea |
//! |---|---|
//! | `door` | one request: its bounds, its wait, its answer |
//! | `extract` | what a request must look like |
//! | `terms` | how long a request waits, and the headers of a session |
//! | `level` | how much a read may miss |
//! | `values`, `locks`, `transaction`, `sessions` | the routes of each |
//! | `admin` | members, leadership, snapshots |
//! | `inspect` | this node alone |

mod admin;
mod door;
mod extract;
mod inspect;
mod level;
mod locks;
mod sessions;
mod terms;
mod transaction;
mod values;

use axum::{
    Router,
    extract::DefaultBodyLimit,
    routing::{get, post},
    serve::ListenerExt as _,
};
use door::Door;
use tokio::{
    net::TcpListener,
    sync::{mpsc, watch},
};

use super::node::{Event, Status};

/// Serves until `stopped` turns true, then finishes the requests under way.
pub(super) async fn serve(
    listener: TcpListener,
    events: mpsc::Sender<Event>,
    status: watch::Receiver<Status>,
    mut stopped: watch::Receiver<bool>,
) -> std::io::Result<()> {
    let listener = listener.tap_io(|stream| {
        // A socket without the option is slower, not wrong.
        let _ = stream.set_nodelay(true);
    });
    axum::serve(listener, router(Door::new(events, status)))
        .with_graceful_shutdown(async move {
            let _ = stopped.wait_for(|stopped| *stopped).await;
        })
        .await
}

fn router(door: Door) -> Router {
    let kv = get(values::read).put(values::write).delete(values::delete);
    Router::new()
        .route("/kv/{key}", kv)
        .route("/kv/{key}/cas", post(values::cas))
        .route("/kv/{key}/append", post(values::append))
        .route("/kv/{key}/add", post(values::add))
        .route("/locks/{lock}/acquire", post(locks::acquire))
        .route("/locks/{lock}/release", post(locks::release))
        .route("/txn", post(transaction::transact))
        .route("/sessions", post(sessions::register))
        .route("/sessions/{client}/keep-alive", post(sessions::keep_alive))
        .route("/admin/members", post(admin::change))
        .route("/admin/transfer", post(admin::transfer))
        .route("/admin/snapshot", post(admin::snapshot))
        .route("/status", get(inspect::status))
        .route("/health", get(inspect::health))
        .route("/state-hash", get(inspect::state_hash))
        .fallback(inspect::not_found)
        .method_not_allowed_fallback(inspect::not_found)
        .layer(DefaultBodyLimit::max(extract::BODY_BYTES_MAX))
        .with_state(door)
}
