//! Failures of gRPC and of HTTP/2, as they reach Lua.

use std::error::Error as _;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use h2::Reason;
use resty_ffi::{Error, code};
use tonic::{Code, Status};

use crate::dial::explain;

/// A status that the server sends this close to the caller's deadline is about that deadline. grpc-go resets the stream
/// then, which is CANCELLED here.
const CLOSE: Duration = Duration::from_millis(50);

/// What tonic says of a message above the limit, with a code that gRPC has for something else.
const TOO_LARGE: &str = "Error, decoded message length too large: ";

/// `remaining`: until the caller's deadline.
pub fn error(status: &Status, remaining: Option<Duration>) -> Error {
    let gave_up = matches!(status.code(), Code::DeadlineExceeded | Code::Cancelled);
    if gave_up && remaining.is_some_and(|left| left < CLOSE) {
        return Error::new(
            code::TIMEOUT,
            "timeout: the server did not answer before the deadline",
        );
    }
    if let Some(sizes) = too_large(status) {
        let text = format!("the answer is too large: {sizes} (option max_message_size)");
        return Error::new(Code::ResourceExhausted as i32, text);
    }
    let text = match status.message() {
        "" => status.code().description(),
        text => text,
    };
    Error::new(status.code() as i32, text)
}

fn too_large(status: &Status) -> Option<&str> {
    status
        .message()
        .strip_prefix(TOO_LARGE)
        .filter(|_| status.code() == Code::OutOfRange)
}

/// The server has not looked at the request: it may be sent again.
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

/// Of a call whose stream failed. `lost`: why the connection ended, if it has.
pub fn of_http2(error: &h2::Error, server: &str, lost: Option<String>) -> Status {
    let text = format!("{server}: {}", lost.unwrap_or_else(|| explain(error)));
    let refused = error.is_reset() && error.reason() == Some(Reason::REFUSED_STREAM);
    // Of the streams that a server has taken it says so in GOAWAY, and they go on.
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
