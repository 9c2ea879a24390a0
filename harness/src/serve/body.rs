//! A file as an answer, piece by piece: a history of gigabytes is never held.

use std::fs::{File, Metadata};
use std::io::{self, Read as _};
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes, HttpBody};
use axum::http::HeaderValue;
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use hyper::body::{Frame, SizeHint};
use reports::site::FileKind;
use tokio::sync::mpsc;

/// Bytes of a piece, and pieces that may wait for a slow reader.
const PIECE_BYTES: u64 = 128 * 1024;
const WAITING_PIECES: usize = 2;

/// The report runs its scripts in a world of its own: it reaches neither this server nor anything else.
const REPORT_POLICY: &str = "sandbox allow-scripts; default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:; \
     base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
/// Everything else is looked at, and does nothing.
const INERT_POLICY: &str =
    "sandbox; default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'";

/// The file as it is now; what is appended meanwhile is left out.
pub(super) fn answer(file: File, metadata: &Metadata, kind: FileKind) -> Response {
    let (content, policy) = match kind {
        FileKind::Report => ("text/html; charset=utf-8", REPORT_POLICY),
        FileKind::Drawing => ("image/svg+xml", INERT_POLICY),
        FileKind::Text => ("text/plain; charset=utf-8", INERT_POLICY),
        FileKind::Bytes => ("application/octet-stream", INERT_POLICY),
    };
    let mut response = Body::new(pieces(file, metadata.len())).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content));
    headers.insert(
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(policy),
    );
    if kind == FileKind::Bytes {
        headers.insert(
            header::CONTENT_DISPOSITION,
            HeaderValue::from_static("attachment"),
        );
    }
    response
}

/// A body of exactly so many bytes, read by a thread of its own as fast as it is taken.
fn pieces(file: File, bytes: u64) -> Pieces {
    let (sender, receiver) = mpsc::channel(WAITING_PIECES);
    tokio::task::spawn_blocking(move || {
        let mut left = bytes;
        while left > 0 {
            let piece = read(&file, left.min(PIECE_BYTES));
            let failed = piece.is_err();
            left -= piece.as_ref().map_or(0, |piece| piece.len() as u64);
            // Who has gone away wants no more.
            if sender.blocking_send(piece).is_err() || failed {
                return;
            }
        }
    });
    Pieces {
        receiver,
        left: bytes,
    }
}

/// The next piece; a file that has become shorter is an error, since its length was promised.
fn read(mut file: &File, bytes: u64) -> io::Result<Bytes> {
    let mut piece = Vec::with_capacity(usize::try_from(bytes).unwrap_or(0));
    let read = io::Read::by_ref(&mut file)
        .take(bytes)
        .read_to_end(&mut piece)?;
    match read {
        0 => Err(io::ErrorKind::UnexpectedEof.into()),
        _ => Ok(piece.into()),
    }
}

struct Pieces {
    receiver: mpsc::Receiver<io::Result<Bytes>>,
    left: u64,
}

impl HttpBody for Pieces {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        self.receiver.poll_recv(context).map(|piece| {
            let piece = piece?;
            self.left -= piece.as_ref().map_or(0, |piece| piece.len() as u64);
            Some(piece.map(Frame::data))
        })
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}
