//! Errors of calls. The code is the gRPC status, 1 to 16.

use std::error::Error as Cause;
use std::iter::successors;
use std::time::{Duration, Instant};

use resty_ffi::Error;
use tonic::{Code, Status, TimeoutExpired};

/// A status this close to the deadline is caused by it.
const CLOSE: Duration = Duration::from_millis(50);

/// Servers in Go reset the stream at the deadline, which may arrive here a moment later.
pub fn failed(status: Status, deadline: Option<Instant>) -> Error {
    let due = deadline.is_some_and(|deadline| deadline <= Instant::now() + CLOSE);
    match status.source() {
        _ if due && is_cancelled(&status) => {
            Error::new(Code::DeadlineExceeded as i32, "the deadline has passed")
        }
        None => Error::new(status.code() as i32, status.message()),
        // Not a status of the service: it could not be reached, or went away.
        Some(cause) => {
            let late = chain(cause).any(|cause| cause.is::<TimeoutExpired>());
            let code = if late {
                Code::DeadlineExceeded
            } else {
                Code::Unavailable
            };
            Error::new(code as i32, causes(cause))
        }
    }
}

/// Cancelled by a status, or by a reset without one, which tonic reports as an error of the connection.
fn is_cancelled(status: &Status) -> bool {
    let reset = |cause: &(dyn Cause + 'static)| {
        let error = cause.downcast_ref::<h2::Error>();
        error.is_some_and(|error| error.reason() == Some(h2::Reason::CANCEL))
    };
    status.code() == Code::Cancelled || status.source().is_some_and(|cause| chain(cause).any(reset))
}

pub fn bad_input(what: impl Into<String>) -> Error {
    Error::new(Code::InvalidArgument as i32, what)
}

/// An error with its causes, in one line.
pub fn causes(error: &(dyn Cause + 'static)) -> String {
    let texts: Vec<String> = chain(error).map(ToString::to_string).collect();
    texts.join(": ")
}

fn chain<'a>(error: &'a (dyn Cause + 'static)) -> impl Iterator<Item = &'a (dyn Cause + 'static)> {
    successors(Some(error), |error| (*error).source())
}
