//! Failures of gRPC, as they reach Lua.

use std::time::Duration;

use resty_ffi::{Error, code};
use tonic::{Code, Status};

/// A status that the server sends this close to the caller's deadline is about that deadline. grpc-go resets the stream
/// then, which is CANCELLED here.
const CLOSE: Duration = Duration::from_millis(50);

/// What tonic says of a message that is above the limit once it is decompressed.
const TOO_LARGE: &str = "Error decompressing: size limit, of ";

/// `remaining`: until the caller's deadline.
pub fn error(status: &Status, remaining: Option<Duration>) -> Error {
    let gave_up = matches!(status.code(), Code::DeadlineExceeded | Code::Cancelled);
    if gave_up && remaining.is_some_and(|left| left < CLOSE) {
        return Error::new(
            code::TIMEOUT,
            "timeout: the server did not answer before the deadline",
        );
    }
    if let Some(limit) = too_large(status) {
        let text = format!(
            "the answer is above the limit of {limit} bytes once it is decompressed (option max_message_size)"
        );
        return Error::new(Code::ResourceExhausted as i32, text);
    }
    let text = match status.message() {
        "" => status.code().description(),
        text => text,
    };
    Error::new(status.code() as i32, text)
}

fn too_large(status: &Status) -> Option<&str> {
    let rest = status.message().strip_prefix(TOO_LARGE)?;
    Some(rest.split_once(' ')?.0)
}
