use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::Dict;
#[cfg(feature = "json")]
use crate::Error;
use crate::host::{self, Body, Incoming};

/// One call: its method, payload and deadline.
///
/// When the deadline passes or the client goes away, the handler's future is dropped at its current await point; values
/// that it holds are dropped with it. A [`blocking`](crate::blocking) handler checks
/// [`is_cancelled`](Self::is_cancelled).
pub struct Request {
    pub(crate) body: Body,
    pub(crate) nil: bool,
    pub(crate) method: u32,
    pub(crate) deadline: u64,
    pub(crate) cancelled: Option<Arc<AtomicBool>>,
}

impl Request {
    /// The name of the called method, as Lua spells it.
    #[must_use]
    pub fn method(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(self.body.queue().method(self.method).unwrap_or_default())
    }

    /// The payload; `None` for nil, which is not the same as empty.
    #[must_use]
    pub fn body(&self) -> Option<&[u8]> {
        (!self.nil).then_some(&*self.body)
    }

    /// The payload, to keep, to change in place, or to answer without a copy; `None` for nil.
    #[must_use]
    pub fn into_body(self) -> Option<Body> {
        (!self.nil).then_some(self.body)
    }

    /// The payload, decoded from JSON; nil counts as `null`. Needs the feature `json` (on by default).
    ///
    /// # Errors
    ///
    /// The error has the code [`code::THREW`](crate::code::THREW) and the decoder's text if the payload does not fit
    /// `T`.
    #[cfg(feature = "json")]
    pub fn json<'a, T: serde::Deserialize<'a>>(&'a self) -> Result<T, Error> {
        Ok(serde_json::from_slice(self.body().unwrap_or(b"null"))?)
    }

    /// When the caller stops waiting; `None` if it waits without a limit.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        self.remaining().map(|left| Instant::now() + left)
    }

    /// The time until the deadline, zero if it has passed; `None` for a call without a deadline.
    #[must_use]
    pub fn remaining(&self) -> Option<Duration> {
        remaining(self.deadline)
    }

    /// Whether the call was cancelled. For [`blocking`](crate::blocking) handlers, which nothing can interrupt; the
    /// future of any other handler is dropped instead, so it always sees `false`.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.cancelled
            .as_ref()
            .is_some_and(|flag| flag.load(Ordering::Relaxed))
    }

    /// The host's shared dict.
    #[must_use]
    pub fn dict(&self) -> Dict {
        Dict::new(self.body.queue())
    }
}

/// The time until a frame's deadline.
pub(crate) fn remaining(deadline: u64) -> Option<Duration> {
    (deadline != 0).then(|| Duration::from_nanos(deadline.saturating_sub(host::monotonic_ns())))
}

impl From<Incoming> for Request {
    fn from(call: Incoming) -> Self {
        Self {
            body: call.body,
            nil: call.nil,
            method: call.method,
            deadline: call.deadline,
            cancelled: None,
        }
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("method", &self.method())
            .field("len", &self.body().map(<[u8]>::len))
            .field("remaining", &self.remaining())
            .finish()
    }
}
