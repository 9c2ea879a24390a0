//! Who may ask, and what a browser may do with the answer.
//!
//! A page somewhere else can make a browser ask this server, if a name of that page is made to lead to this machine. Such a
//! request names that page as its host, so that a server for this machine alone answers only to names of this machine.

use axum::extract::{Request, State};
use axum::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use axum::http::{StatusCode, Uri};
use axum::middleware::Next;
use axum::response::{Html, IntoResponse as _, Response};

/// What pages of the site may do: show themselves and ask this server.
const PAGE_POLICY: &str = "default-src 'none'; style-src 'self' 'unsafe-inline'; script-src 'self'; connect-src 'self'; img-src data:; \
     form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// Whether hosts are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hosts {
    /// Only this machine's names for itself.
    Loopback,
    /// Any: what a machine is called elsewhere is not known here.
    Any,
}

/// Refuses foreign hosts, and puts the headers on every answer.
pub(super) async fn watch(State(hosts): State<Hosts>, request: Request, next: Next) -> Response {
    let welcome = match hosts {
        Hosts::Any => true,
        Hosts::Loopback => is_loopback(request.uri(), request.headers()),
    };
    let mut response = match welcome {
        true => next.run(request).await,
        false => refused(),
    };
    let headers = response.headers_mut();
    let mut put = |name: HeaderName, value: &'static str| {
        headers
            .entry(name)
            .or_insert(HeaderValue::from_static(value));
    };
    put(header::CONTENT_SECURITY_POLICY, PAGE_POLICY);
    put(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    put(header::REFERRER_POLICY, "no-referrer");
    put(header::X_FRAME_OPTIONS, "DENY");
    put(header::CACHE_CONTROL, "no-store");
    put(
        HeaderName::from_static("cross-origin-resource-policy"),
        "same-origin",
    );
    response
}

fn refused() -> Response {
    let page = reports::site::refusal(
        "Not under this name",
        "This server answers to 127.0.0.1, [::1] and localhost only. To reach it from elsewhere, start it with --listen and an address of this machine.",
    );
    (StatusCode::FORBIDDEN, Html(page)).into_response()
}

fn is_loopback(uri: &Uri, headers: &HeaderMap) -> bool {
    let named = uri.host().is_none_or(is_own_name);
    let mut hosts = headers.get_all(header::HOST).iter();
    let (Some(host), None) = (hosts.next(), hosts.next()) else {
        return false;
    };
    named
        && host
            .to_str()
            .is_ok_and(|host| is_own_name(without_port(host)))
}

/// The host of `host:port`.
fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        Some(_) | None => host,
    }
}

fn is_own_name(host: &str) -> bool {
    let bare = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'));
    let address = bare.unwrap_or(host).parse::<std::net::IpAddr>();
    host.eq_ignore_ascii_case("localhost") || address.is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_this_machine_are_its_own() {
        for host in [
            "127.0.0.1:7400",
            "127.1.2.3",
            "localhost",
            "LocalHost:1",
            "[::1]",
            "[::1]:7400",
        ] {
            assert!(is_own_name(without_port(host)), "{host}");
        }
        let foreign = [
            "",
            ":7400",
            "evil.example",
            "127.0.0.1.evil.example",
            "localhost.evil.example:7400",
            "10.0.0.1:7400",
            "[::2]:7400",
            "127.0.0.1:7400:evil",
            "127.0.0.1@evil",
            "0x7f.1",
            "127.0.0.1:80x",
        ];
        for host in foreign {
            assert!(!is_own_name(without_port(host)), "{host}");
        }
    }
}
