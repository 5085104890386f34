//! What a call ends with when it fails: the status of gRPC, 1 to 16, as the code.

use std::error::Error as Cause;
use std::iter::successors;

use resty_ffi::Error;
use tonic::{Code, Status, TimeoutExpired};

pub fn failed(status: Status) -> Error {
    match status.source() {
        None => Error::new(status.code() as i32, status.message()),
        // Not etcd's own: it could not be reached, or has gone.
        Some(cause) => {
            let late = chain(cause).any(|cause| cause.is::<TimeoutExpired>());
            let code = if late {
                Code::DeadlineExceeded
            } else {
                Code::Unavailable
            };
            let texts: Vec<String> = chain(cause).map(ToString::to_string).collect();
            Error::new(code as i32, texts.join(": "))
        }
    }
}

pub fn bad_input(what: impl Into<String>) -> Error {
    Error::new(Code::InvalidArgument as i32, what)
}

pub fn is(error: &Error, code: Code) -> bool {
    error.code() == code as i32
}

/// An error, and what caused it.
pub fn chain<'a>(
    error: &'a (dyn Cause + 'static),
) -> impl Iterator<Item = &'a (dyn Cause + 'static)> {
    successors(Some(error), |error| (*error).source())
}
