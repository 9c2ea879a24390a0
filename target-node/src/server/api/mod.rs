//! The HTTP door: keys, locks, transactions and sessions for clients, and this node alone for people and harnesses.
//!
//! | file | idea |
//! |---|---|
//! | `routes` | every route, once: the router and the interface document are made of it |
//! | `openapi` | the interface document |
//! | `door` | one request: its bounds, its wait, its answer |
//! | `extract` | what a request must look like |
//! | `terms` | how long a request waits, and the headers of a session |
//! | `level` | how much a read may miss |
//! | `values`, `locks`, `transaction`, `sessions` | the handlers of each |
//! | `admin` | members, leadership, snapshots |
//! | `inspect` | this node alone |

mod admin;
mod door;
mod extract;
mod inspect;
mod level;
mod locks;
mod openapi;
mod routes;
mod sessions;
mod terms;
mod transaction;
mod values;

use axum::{Router, extract::DefaultBodyLimit, serve::ListenerExt as _};
pub(super) use door::Door;
use tokio::{net::TcpListener, sync::watch};

/// Serves until `stopped` turns true, then finishes the requests under way.
pub(super) async fn serve(
    listener: TcpListener,
    door: Door,
    mut stopped: watch::Receiver<bool>,
) -> std::io::Result<()> {
    let listener = listener.tap_io(|stream| {
        // A socket without the option is slower, not wrong.
        let _ = stream.set_nodelay(true);
    });
    axum::serve(listener, router(door))
        .with_graceful_shutdown(async move {
            let _ = stopped.wait_for(|stopped| *stopped).await;
        })
        .await
}

fn router(door: Door) -> Router {
    let routes = routes::all().into_iter();
    let router = routes.fold(Router::new(), |router, route| {
        router.route(route.path, route.handler)
    });
    router
        .fallback(inspect::not_found)
        .method_not_allowed_fallback(inspect::not_found)
        .layer(DefaultBodyLimit::max(extract::BODY_BYTES_MAX))
        .with_state(door)
}
