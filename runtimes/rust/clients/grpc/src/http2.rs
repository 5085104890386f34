//! Failures of HTTP/2 as gRPC statuses and messages.

use std::error::Error as _;
use std::fmt;
use std::io;
use std::sync::Arc;

use h2::Reason;
use http::{HeaderValue, StatusCode};
use tonic::{Code, Status};

use crate::explain::explain;

/// The server has not processed the request, so it may be sent again.
#[derive(Debug)]
struct Unprocessed;

impl fmt::Display for Unprocessed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the server did not take the request")
    }
}

impl std::error::Error for Unprocessed {}

pub fn is_unprocessed(status: &Status) -> bool {
    status
        .source()
        .is_some_and(|source| source.is::<Unprocessed>())
}

/// The status of a call whose stream failed. `lost`: why the connection ended, if it has.
pub fn of_stream(error: &h2::Error, server: &str, lost: Option<String>) -> Status {
    let text = format!("{server}: {}", lost.unwrap_or_else(|| sentence(error)));
    let refused =
        error.is_reset() && error.is_remote() && error.reason() == Some(Reason::REFUSED_STREAM);
    // GOAWAY names the streams that the server still processes; this error is for the others.
    let too_late =
        error.is_go_away() && error.is_remote() && error.reason() == Some(Reason::NO_ERROR);
    if refused || too_late {
        let mut status = Status::unavailable(text);
        status.set_source(Arc::new(Unprocessed));
        return status;
    }
    match error.reason().filter(|_| error.is_reset()) {
        Some(Reason::CANCEL) => Status::cancelled(text),
        Some(Reason::ENHANCE_YOUR_CALM) => Status::resource_exhausted(text),
        Some(Reason::INADEQUATE_SECURITY) => Status::permission_denied(text),
        Some(_) => Status::internal(text),
        None => Status::unavailable(text),
    }
}

/// Describes the failure of a stream or a connection.
pub fn sentence(error: &h2::Error) -> String {
    let Some(reason) = error.reason() else {
        let closed = error
            .get_io()
            .is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe);
        return if closed {
            "the server closed the connection".to_owned()
        } else {
            format!("the connection broke: {}", explain(error))
        };
    };
    let name = name(reason);
    let too_large = "or its headers are too large (option max_metadata_size)";
    match (error.is_remote(), error.is_go_away()) {
        (true, true) => {
            // The server's own text is only in h2's `Display`.
            let text = error.to_string();
            let why = text.strip_prefix("connection error received: ");
            let why = why.unwrap_or(&text);
            format!("the server ended the connection ({name}): {why}")
        }
        (true, false) => format!("the server reset the stream ({name})"),
        (false, true) if reason == Reason::ENHANCE_YOUR_CALM => {
            format!("the server floods the connection, {too_large}")
        }
        (false, true) => format!("the server did not send valid HTTP/2 ({name})"),
        (false, false) => {
            format!("the server did not send a valid response ({name}), {too_large}")
        }
    }
}

/// The name in the RFC, or the number.
fn name(reason: Reason) -> String {
    match u32::from(reason) {
        0..=13 => format!("{reason:?}"),
        number => format!("error {number}"),
    }
}

/// The status for a response without a gRPC status, usually from a proxy or from a server that is not gRPC.
pub fn of_response(status: StatusCode, kind: Option<&HeaderValue>, server: &str) -> Status {
    let code = match status.as_u16() {
        400 => Code::Internal,
        401 => Code::Unauthenticated,
        403 => Code::PermissionDenied,
        404 => Code::Unimplemented,
        429 | 502 | 503 | 504 => Code::Unavailable,
        _ => Code::Unknown,
    };
    let kind = match kind {
        Some(kind) => format!("the content-type \"{}\"", kind.as_bytes().escape_ascii()),
        None => "no content-type".to_owned(),
    };
    let text = format!("{server}: HTTP {status} with {kind}, and no gRPC status");
    Status::new(code, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_of_http2_have_their_names() {
        assert_eq!(name(Reason::CANCEL), "CANCEL");
        assert_eq!(name(Reason::HTTP_1_1_REQUIRED), "HTTP_1_1_REQUIRED");
        assert_eq!(name(Reason::from(99)), "error 99");
    }

    #[test]
    fn a_response_of_http_is_mapped_as_grpc_defines() {
        let codes = [
            (200, 2),
            (204, 2),
            (302, 2),
            (400, 13),
            (401, 16),
            (403, 7),
            (404, 12),
            (405, 2),
            (429, 14),
            (431, 2),
            (500, 2),
            (501, 2),
            (502, 14),
            (503, 14),
            (504, 14),
            (599, 2),
        ];
        for (http, grpc) in codes {
            let status = of_response(StatusCode::from_u16(http).unwrap(), None, "a:1");
            assert_eq!(status.code() as i32, grpc, "{http}");
        }
        let html = HeaderValue::from_static("text/html");
        assert_eq!(
            of_response(StatusCode::BAD_GATEWAY, Some(&html), "a:1").message(),
            "a:1: HTTP 502 Bad Gateway with the content-type \"text/html\", and no gRPC status"
        );
        assert_eq!(
            of_response(StatusCode::NOT_FOUND, None, "a:1").message(),
            "a:1: HTTP 404 Not Found with no content-type, and no gRPC status"
        );
    }
}
