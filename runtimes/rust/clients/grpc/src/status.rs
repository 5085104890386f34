//! gRPC failures in the form that reaches Lua.

use std::time::Duration;

use resty_ffi::{Error, code};
use tonic::{Code, Status};

/// A status this close to the caller's deadline is caused by the deadline. grpc-go then resets the stream, which
/// arrives as CANCELLED.
const CLOSE: Duration = Duration::from_millis(50);

/// The beginning of tonic's message when a decompressed message is above the limit.
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
