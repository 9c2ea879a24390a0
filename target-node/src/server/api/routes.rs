//! Every route, once: the router and the interface document are made of this table.

use axum::routing::{MethodRouter, delete, get, post, put};
use schemars::{JsonSchema, Schema, SchemaGenerator};

use super::{
    admin::{self, ChangeBody, TransferBody},
    door::Door,
    inspect::{self, Health, LogQuery, StateHashed, StateQuery, Stood},
    level::ReadQuery,
    locks::{self, AcquireBody, ReleaseBody},
    sessions::{self, RegisterQuery},
    terms::Wait,
    transaction::{self, TransactionBody},
    values::{self, AddBody, CasBody, ValueBody},
};
use crate::server::{dump::LogDump, reply::Body};

/// The shape of a type, once a generator asks for it.
pub(super) type Shape = fn(&mut SchemaGenerator) -> Schema;

#[derive(Debug, Clone, Copy)]
pub(super) enum Method {
    Get,
    Put,
    Post,
    Delete,
}

/// What a route answers when it succeeds.
#[derive(Debug, Clone, Copy)]
pub(super) enum Success {
    Json(Shape),
    Text,
}

/// Whether a route takes the headers of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sessions {
    Taken,
    Unknown,
}

/// A method of a path: who handles it, what it takes and what it gives.
#[derive(Debug)]
pub(super) struct Route {
    pub(super) method: Method,
    pub(super) path: &'static str,
    pub(super) summary: &'static str,
    pub(super) handler: MethodRouter<Door>,
    pub(super) query: Option<Shape>,
    pub(super) sessions: Sessions,
    pub(super) body: Option<Shape>,
    pub(super) success: Success,
}

impl Method {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Get => "get",
            Self::Put => "put",
            Self::Post => "post",
            Self::Delete => "delete",
        }
    }
}

impl Route {
    fn new(
        method: Method,
        path: &'static str,
        handler: MethodRouter<Door>,
        summary: &'static str,
    ) -> Self {
        Self {
            method,
            path,
            summary,
            handler,
            query: None,
            sessions: Sessions::Unknown,
            body: None,
            success: Success::Json(shape::<Body<'static>>),
        }
    }

    /// A route whose handler takes [`Terms`](super::terms::Terms).
    fn with_terms(self) -> Self {
        Self {
            sessions: Sessions::Taken,
            ..self.asking::<Wait>()
        }
    }

    fn asking<Q: JsonSchema>(self) -> Self {
        Self {
            query: Some(shape::<Q>),
            ..self
        }
    }

    fn taking<B: JsonSchema>(self) -> Self {
        Self {
            body: Some(shape::<B>),
            ..self
        }
    }

    fn giving<S: JsonSchema>(self) -> Self {
        Self {
            success: Success::Json(shape::<S>),
            ..self
        }
    }

    fn giving_text(self) -> Self {
        Self {
            success: Success::Text,
            ..self
        }
    }
}

fn shape<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<T>()
}

/// All routes, in the order in which people want to read of them.
pub(super) fn all() -> Vec<Route> {
    let parts = [
        values(),
        locks_and_transactions(),
        sessions(),
        admin(),
        node(),
    ];
    parts.into_iter().flatten().collect()
}

fn values() -> Vec<Route> {
    use Method::{Delete, Get, Post, Put};

    let key = "/kv/{key}";
    vec![
        Route::new(Get, key, get(values::read), "Read a value").asking::<ReadQuery>(),
        Route::new(Put, key, put(values::write), "Write a value; null deletes")
            .with_terms()
            .taking::<ValueBody>(),
        Route::new(Delete, key, delete(values::delete), "Delete a value").with_terms(),
        Route::new(
            Post,
            "/kv/{key}/cas",
            post(values::cas),
            "Write a value if the key holds what is expected; an absent key holds null",
        )
        .with_terms()
        .taking::<CasBody>(),
        Route::new(
            Post,
            "/kv/{key}/append",
            post(values::append),
            "Put a value behind the end of a list; an absent key holds an empty one",
        )
        .with_terms()
        .taking::<ValueBody>(),
        Route::new(
            Post,
            "/kv/{key}/add",
            post(values::add),
            "Add to an integer; an absent key holds 0; the answer's value is the sum",
        )
        .with_terms()
        .taking::<AddBody>(),
    ]
}

fn locks_and_transactions() -> Vec<Route> {
    use Method::Post;

    vec![
        Route::new(
            Post,
            "/locks/{lock}/acquire",
            post(locks::acquire),
            "Take a lock, or be told again that one has it; the answer's token grows with each grant",
        )
        .with_terms()
        .taking::<AcquireBody>(),
        Route::new(
            Post,
            "/locks/{lock}/release",
            post(locks::release),
            "Free a lock that the owner holds",
        )
        .with_terms()
        .taking::<ReleaseBody>(),
        Route::new(
            Post,
            "/txn",
            post(transaction::transact),
            "Several operations, all of them or none; the answer's values are what each gave",
        )
        .with_terms()
        .taking::<TransactionBody>(),
    ]
}

fn sessions() -> Vec<Route> {
    use Method::Post;

    vec![
        Route::new(
            Post,
            "/sessions",
            post(sessions::register),
            "Open a session; the answer's client is for the header Session-Client",
        )
        .asking::<RegisterQuery>(),
        Route::new(
            Post,
            "/sessions/{client}/keep-alive",
            post(sessions::keep_alive),
            "Show a sign of life of a client",
        )
        .asking::<Wait>(),
    ]
}

fn admin() -> Vec<Route> {
    use Method::Post;

    vec![
        Route::new(
            Post,
            "/admin/members",
            post(admin::change),
            "Add or remove a server, or replace all of them; answered once it is in force",
        )
        .taking::<ChangeBody>(),
        Route::new(
            Post,
            "/admin/transfer",
            post(admin::transfer),
            "Hand leadership to a server, or to any",
        )
        .taking::<TransferBody>(),
        Route::new(
            Post,
            "/admin/snapshot",
            post(admin::snapshot),
            "Take a snapshot of this node's state; answered once it is durable",
        ),
    ]
}

fn node() -> Vec<Route> {
    use Method::Get;

    vec![
        Route::new(Get, "/status", get(inspect::status), "What this node takes itself for")
            .giving::<Stood>(),
        Route::new(Get, "/health", get(inspect::health), "Whether this node answers at all")
            .giving::<Health>(),
        Route::new(Get, "/metrics", get(inspect::metrics), "Counters and histograms for Prometheus")
            .giving_text(),
        Route::new(
            Get,
            "/state-hash",
            get(inspect::state_hash),
            "The hash of the state once an entry is applied, or as it is now; the same on every node",
        )
        .asking::<StateQuery>()
        .giving::<StateHashed>(),
        Route::new(Get, "/log", get(inspect::log), "Part of this node's log")
            .asking::<LogQuery>()
            .giving::<LogDump>(),
        Route::new(Get, "/openapi.json", get(inspect::openapi), "This document")
            .giving::<serde_json::Value>(),
    ]
}
