//! Addresses, and what they answer.
//!
//! | address | what |
//! |---|---|
//! | `/` | the list of runs, filtered by its query |
//! | `/trend` | the same runs over time |
//! | `/compare?run=…&run=…` | two runs side by side |
//! | `/runs/ID` | a run, or the live view of one that is under way |
//! | `/runs/ID/FILE` | a file of it |
//! | `/live/ID` | the part of the live view that changes, as JSON |

use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::http::{StatusCode, header};
use axum::middleware::from_fn_with_state;
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use reports::RunResult;
use reports::site::{self, Entry, Filter, Listing, Side, State as RunState, StoredFile};
use serde_json::json;

use super::body;
use super::folders::files;
use super::guard::{self, Hosts};
use super::index::Index;
use super::reading::result;
use super::root::Root;
use super::watch::Watches;

/// Most earlier runs of the same test that a run's page names.
const MAX_ALIKE: usize = 5;

type Pairs = Vec<(String, String)>;
type Shared = State<Arc<Site>>;

/// Everything that is served.
#[derive(Debug)]
pub(super) struct Site {
    root: Arc<Root>,
    /// The folder, as the user wrote it.
    folder: String,
    hosts: Hosts,
    index: Index,
    watches: Watches,
}

impl Site {
    pub(super) fn new(root: Root, folder: String, is_loopback: bool) -> Self {
        let root = Arc::new(root);
        let hosts = match is_loopback {
            true => Hosts::Loopback,
            false => Hosts::Any,
        };
        Self {
            folder,
            hosts,
            index: Index::new(Arc::clone(&root)),
            watches: Watches::new(Arc::clone(&root)),
            root,
        }
    }
}

/// The routes.
pub(super) fn router(site: Arc<Site>) -> Router {
    let hosts = site.hosts;
    Router::new()
        .route("/", get(overview))
        .route("/trend", get(trend))
        .route("/compare", get(compare))
        .route("/runs/{*address}", get(run))
        .route("/live/{*address}", get(live))
        .route("/style.css", get(style))
        .route("/script.js", get(script))
        .fallback(async || refusal(&Refusal::Absent))
        .with_state(site)
        .layer(from_fn_with_state(hosts, guard::watch))
}

async fn style() -> Response {
    (
        [(header::CONTENT_TYPE, "text/css; charset=utf-8")],
        site::style(),
    )
        .into_response()
}

async fn script() -> Response {
    let content = [(header::CONTENT_TYPE, "text/javascript; charset=utf-8")];
    (content, site::SCRIPT.concat()).into_response()
}

/// Why there is no answer.
#[derive(Debug)]
enum Refusal {
    /// There is no such run or file.
    Absent,
    /// Two runs are compared, no more and no fewer.
    NotTwo(usize),
    /// This run has no result.
    NoResult(String),
}

fn refusal(refusal: &Refusal) -> Response {
    let (status, title, reason) = match refusal {
        Refusal::Absent => (
            StatusCode::NOT_FOUND,
            "There is nothing here",
            "No run and no file of a run has this address. Runs may have been moved or deleted meanwhile.".to_owned(),
        ),
        Refusal::NotTwo(ticked) => (
            StatusCode::BAD_REQUEST,
            "Two runs are compared",
            format!("{ticked} were chosen. Go back and tick two of them."),
        ),
        Refusal::NoResult(id) => (
            StatusCode::NOT_FOUND,
            "Only runs with a result are compared",
            format!("{id} has none, or is not there any more."),
        ),
    };
    (status, Html(site::refusal(title, &reason))).into_response()
}

/// Does what waits for the disk away from those who answer.
async fn answered(
    site: Arc<Site>,
    make: impl FnOnce(&Site) -> Result<Response, Refusal> + Send + 'static,
) -> Response {
    match tokio::task::spawn_blocking(move || make(&site)).await {
        Ok(Ok(response)) => response,
        Ok(Err(why)) => refusal(&why),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

async fn overview(State(site): Shared, Query(query): Query<Pairs>) -> Response {
    let page = query.iter().rev().find(|(name, _)| name == "page");
    let page = page.and_then(|(_, page)| page.parse().ok()).unwrap_or(1);
    let make = move |site: &Site| {
        Ok(listed(site, &query, |listing| {
            site::overview(listing, page)
        }))
    };
    answered(site, make).await
}

async fn trend(State(site): Shared, Query(query): Query<Pairs>) -> Response {
    answered(site, move |site| Ok(listed(site, &query, site::trend))).await
}

fn listed(site: &Site, query: &Pairs, render: impl FnOnce(&Listing<'_>) -> String) -> Response {
    let all = site.index.all();
    let all: Vec<&Entry> = all.iter().map(Arc::as_ref).collect();
    let listing = Listing {
        folder: &site.folder,
        all: &all,
        filter: &Filter::of_query(query),
    };
    Html(render(&listing)).into_response()
}

async fn compare(State(site): Shared, Query(query): Query<Pairs>) -> Response {
    answered(site, move |site| compared(site, query)).await
}

fn compared(site: &Site, query: Pairs) -> Result<Response, Refusal> {
    let ids = query.into_iter().filter(|(name, _)| name == "run");
    let ids: Vec<String> = ids.map(|(_, id)| id).collect();
    let [left, right] = ids.as_slice() else {
        return Err(Refusal::NotTwo(ids.len()));
    };
    let of = |id: &str| -> Result<(Arc<Entry>, RunResult), Refusal> {
        let none = || Refusal::NoResult(id.to_owned());
        let (entry, rest) = site.index.find(id).ok_or_else(none)?;
        let result = result(&site.root, &entry.id).map_err(|_| none())?;
        rest.is_empty().then_some((entry, result)).ok_or_else(none)
    };
    let (left, right) = (of(left)?, of(right)?);
    let side = |(entry, result)| Side {
        entry,
        result,
        latency: site.watches.measure(&entry.id),
    };
    let (left, right) = (side((&*left.0, &left.1)), side((&*right.0, &right.1)));
    Ok(Html(site::compare(&site.folder, &left, &right)).into_response())
}

async fn run(State(site): Shared, Path(address): Path<String>) -> Response {
    answered(site, move |site| {
        let (entry, file) = site.index.find(&address).ok_or(Refusal::Absent)?;
        match file {
            "" => Ok(Html(page(site, &entry)).into_response()),
            file => stored(site, &entry, file),
        }
    })
    .await
}

fn page(site: &Site, entry: &Entry) -> String {
    let files = files(&site.root.path().join(&entry.id));
    if let RunState::UnderWay(_) = entry.state {
        return site::live(&site.folder, entry, &site.watches.look(&entry.id), &files);
    }
    let result = result(&site.root, &entry.id).ok();
    let all = site.index.all();
    let earlier = all
        .iter()
        .map(Arc::as_ref)
        .filter(|other| is_earlier(other, entry));
    let alike: Vec<&Entry> = earlier.take(MAX_ALIKE).collect();
    site::run(&site.folder, entry, result.as_ref(), &files, &alike)
}

/// Is it an earlier run of the same test?
fn is_earlier(other: &Entry, entry: &Entry) -> bool {
    let (Some(one), Some(two)) = (other.plan(), entry.plan()) else {
        return false;
    };
    let same = (&one.workload, &one.nemesis, &one.bugs) == (&two.workload, &two.nemesis, &two.bugs);
    same && other.judged().is_some() && other.started < entry.started
}

fn stored(site: &Site, entry: &Entry, name: &str) -> Result<Response, Refusal> {
    let below = format!("{}/{name}", entry.id);
    let (file, metadata) = site.root.file(&below).map_err(|_| Refusal::Absent)?;
    let stored = StoredFile {
        name: name.to_owned(),
        bytes: metadata.len(),
    };
    Ok(body::answer(file, &metadata, stored.kind()))
}

async fn live(State(site): Shared, Path(address): Path<String>) -> Response {
    answered(site, move |site| match site.index.find(&address) {
        Some((entry, "")) => {
            if let RunState::UnderWay(_) = entry.state {
                let html = site.watches.look(&entry.id).fragment();
                return Ok(Json(json!({ "over": false, "html": html })).into_response());
            }
            site.watches.forget(&entry.id);
            Ok(Json(json!({ "over": true })).into_response())
        }
        Some(_) | None => Err(Refusal::Absent),
    })
    .await
}
