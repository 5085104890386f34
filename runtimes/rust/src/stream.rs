use std::borrow::Cow;
use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use futures_core::Stream;
use tokio::task::coop;

use crate::flow::Flow;
use crate::host::{Body, Queue};
use crate::{Dict, Error, IntoAnswer, code, request};

/// What serves a method that is a stream: any `async fn(Requests, Sender)`, as a function or a closure, that returns `()`
/// or a `Result<(), E>`; see [`Router::stream`](crate::Router::stream).
///
/// The stream ends for the client when the function returns, normally or with the error. When the client goes away or
/// the deadline passes, the function's future is dropped, wherever it awaits, just as that of a plain call.
///
/// ```no_run
/// use resty_ffi::{Error, Requests, Router, Sender};
///
/// async fn upper(mut requests: Requests, sender: Sender) -> Result<(), Error> {
///     while let Some(mut message) = requests.recv().await? {
///         message.make_ascii_uppercase();
///         sender.send(message).await?;
///     }
///     Ok(())
/// }
///
/// let router = Router::new().stream("upper", upper);
/// ```
///
/// ```lua
/// local stream = resty_ffi.stream(rt, "upper")
/// stream:send("hello")
/// local ok, message = stream:recv()      -- true, "HELLO"
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot serve a stream",
    label = "not an `async fn(Requests, Sender)` that returns `()` or a `Result<(), E>`",
    note = "a function that is not async cannot serve a stream: it has to await messages"
)]
pub trait StreamHandler: Send + 'static {
    /// How the stream ends.
    type Output: IntoEnd;
    /// The stream under way; dropped when it is cancelled.
    type Future: Future<Output = Self::Output> + Send + 'static;

    /// Starts one stream.
    fn call(&self, requests: Requests, sender: Sender) -> Self::Future;
}

/// An async function of [`Requests`] and a [`Sender`]. The bounds of [`StreamHandler`] beyond that (`Send`, [`IntoEnd`])
/// are not here, so that the compiler names the one that is missing; for this trait it shows the text below.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot serve a stream",
    label = "not an `async fn(Requests, Sender)` that returns `()` or a `Result<(), E>`",
    note = "a function that is not async cannot serve a stream: it has to await messages"
)]
pub trait AsyncStreamFunction {
    /// What the future ends with.
    type Output;
    /// The future.
    type Future: Future<Output = Self::Output>;

    /// Calls the function.
    fn start(&self, requests: Requests, sender: Sender) -> Self::Future;
}

#[diagnostic::do_not_recommend]
impl<F, Fut> AsyncStreamFunction for F
where
    F: Fn(Requests, Sender) -> Fut,
    Fut: Future,
{
    type Output = Fut::Output;
    type Future = Fut;

    fn start(&self, requests: Requests, sender: Sender) -> Fut {
        self(requests, sender)
    }
}

/// `F` is a `Fn(Requests, Sender) -> impl Future`.
impl<F> StreamHandler for F
where
    F: AsyncStreamFunction + Send + 'static,
    F::Future: Send + 'static,
    F::Output: IntoEnd,
{
    type Output = F::Output;
    type Future = F::Future;

    fn call(&self, requests: Requests, sender: Sender) -> F::Future {
        self.start(requests, sender)
    }
}

/// What a stream's handler may return: `()`, or a `Result<(), E>` whose error is an [`Error`] or converts into one.
#[diagnostic::on_unimplemented(
    message = "a stream cannot end with `{Self}`",
    label = "not `()` or a `Result<(), E>`",
    note = "a stream's handler sends its messages with `sender.send(message).await?` and then returns `Ok(())`"
)]
pub trait IntoEnd: IntoAnswer {}

impl IntoEnd for () {}
impl<E: Into<Error>> IntoEnd for Result<(), E> {}

/// The client's messages of one stream, and what else there is to know about it.
///
/// Read them with [`recv`](Self::recv), or as a [`Stream`] of `Result<Body, Error>` with the combinators of `futures` or
/// `tokio-stream`. What has not been read is bounded by the stream's window: a client that is ahead has to wait.
/// Dropping it drops what was not read, and whatever still comes.
pub struct Requests {
    flow: Arc<Flow>,
    queue: Arc<Queue>,
    method: u32,
    deadline: u64,
}

impl Requests {
    pub(crate) fn new(flow: Arc<Flow>, queue: Arc<Queue>, method: u32, deadline: u64) -> Self {
        Self {
            flow,
            queue,
            method,
            deadline,
        }
    }

    /// The next message, awaited; `None` once the client has closed its direction. Dropping the future loses nothing, so
    /// it fits into `tokio::select!`.
    ///
    /// # Errors
    ///
    /// With [`code::CANCELLED`] when the stream is over. The handler itself is dropped before it sees that; a task that it
    /// has spawned does, and can tell a client that went away from one that was done.
    pub async fn recv(&mut self) -> Result<Option<Body>, Error> {
        poll_fn(|cx| self.poll_recv(cx)).await
    }

    /// [`recv`](Self::recv), for futures written by hand.
    pub fn poll_recv(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Body>, Error>> {
        // Messages that are there already do not keep the thread from other calls for ever.
        let turn = ready!(coop::poll_proceed(cx));
        let message = self.flow.poll_recv(cx);
        if message.is_ready() {
            turn.made_progress();
        }
        message
    }

    /// The method that was called, as Lua spelt it.
    #[must_use]
    pub fn method(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(self.queue.method(self.method).unwrap_or_default())
    }

    /// When the client stops waiting; `None` if it waits for ever.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        self.remaining().map(|left| Instant::now() + left)
    }

    /// The time left until the deadline, zero if it has passed; `None` if there is none.
    #[must_use]
    pub fn remaining(&self) -> Option<Duration> {
        request::remaining(self.deadline)
    }

    /// The host's shared dict.
    #[must_use]
    pub fn dict(&self) -> Dict {
        Dict::new(&self.queue)
    }
}

impl Stream for Requests {
    type Item = Result<Body, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll_recv(cx).map(Result::transpose)
    }
}

impl Drop for Requests {
    fn drop(&mut self) {
        self.flow.stop_reading();
    }
}

impl fmt::Debug for Requests {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Requests")
            .field("method", &self.method())
            .field("remaining", &self.remaining())
            .finish_non_exhaustive()
    }
}

/// The way back to the client of one stream. Cheap to clone, usable from any task and any thread; messages arrive in the
/// order in which their sends were done.
#[derive(Clone)]
pub struct Sender {
    flow: Arc<Flow>,
}

impl Sender {
    pub(crate) fn new(flow: Arc<Flow>) -> Self {
        Self { flow }
    }

    /// Sends a message: whatever a plain call may answer, except nil. Waits while the client is behind by more than the
    /// stream's window. If the future is dropped before it is done, the message was not sent.
    ///
    /// A thread that may block (`tokio::task::spawn_blocking`) sends with
    /// `tokio::runtime::Handle::current().block_on(sender.send(…))`.
    ///
    /// # Errors
    ///
    /// With [`code::CANCELLED`] when the stream is over, with [`code::BAD_ARGUMENT`] if the message is nil, and with the
    /// message's own error if it is one.
    pub async fn send(&self, message: impl IntoAnswer) -> Result<(), Error> {
        let mut message = message.into_answer()?;
        if message.as_bytes().is_none() {
            return Err(Error::new(
                code::BAD_ARGUMENT,
                "a message of a stream cannot be nil: send bytes, or return to end the stream",
            ));
        }
        coop::consume_budget().await;
        loop {
            let opened = self.flow.opened();
            match self.flow.try_send(message)? {
                None => return Ok(()),
                Some(unsent) => message = unsent,
            }
            opened.await;
        }
    }
}

impl fmt::Debug for Sender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender").finish_non_exhaustive()
    }
}
