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

/// Serves a method as a stream. Every `async fn(Requests, Sender)` that returns `()` or a `Result<(), E>` is a stream
/// handler, as a function or a closure; see [`Router::stream`](crate::Router::stream).
///
/// The stream ends when the function returns, with its error if it returns one. When the client goes away or the
/// deadline passes, the function's future is dropped at its current await point, as for a plain call.
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
    /// The running stream. Cancellation drops it.
    type Future: Future<Output = Self::Output> + Send + 'static;

    /// Starts one stream.
    fn call(&self, requests: Requests, sender: Sender) -> Self::Future;
}

/// An async function of [`Requests`] and a [`Sender`]. The other bounds of [`StreamHandler`] (`Send`, [`IntoEnd`]) are
/// left out, so that the compiler names the missing one. For a type that is not such a function it shows the text
/// below.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot serve a stream",
    label = "not an `async fn(Requests, Sender)` that returns `()` or a `Result<(), E>`",
    note = "a function that is not async cannot serve a stream: it has to await messages"
)]
pub trait AsyncStreamFunction {
    /// The result of the future.
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

/// The types that a stream handler may return: `()`, or a `Result<(), E>` whose error is an [`Error`] or converts into
/// one.
#[diagnostic::on_unimplemented(
    message = "a stream cannot end with `{Self}`",
    label = "not `()` or a `Result<(), E>`",
    note = "a stream's handler sends its messages with `sender.send(message).await?` and then returns `Ok(())`"
)]
pub trait IntoEnd: IntoAnswer {}

impl IntoEnd for () {}
impl<E: Into<Error>> IntoEnd for Result<(), E> {}

/// The client's messages of one stream, with the stream's method and deadline.
///
/// Read them with [`recv`](Self::recv), or as a [`Stream`] of `Result<Body, Error>` with the combinators of `futures`
/// or `tokio-stream`. The stream's window bounds the messages that wait here: a client that is ahead has to wait.
/// Dropping `Requests` drops the messages that wait and those that still arrive.
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

    /// Waits for the next message; `None` once the client has closed its direction. Dropping the future loses no
    /// message, so `recv` is safe in `tokio::select!`.
    ///
    /// # Errors
    ///
    /// Fails with [`code::CANCELLED`] when the stream is over. The handler's own future is dropped before it sees this
    /// error; a task that it spawned sees it, and can tell a client that went away from one that finished.
    pub async fn recv(&mut self) -> Result<Option<Body>, Error> {
        poll_fn(|cx| self.poll_recv(cx)).await
    }

    /// The poll function of [`recv`](Self::recv).
    pub fn poll_recv(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Body>, Error>> {
        // A long row of waiting messages must not keep the thread from other calls.
        let turn = ready!(coop::poll_proceed(cx));
        let message = self.flow.poll_recv(cx);
        if message.is_ready() {
            turn.made_progress();
        }
        message
    }

    /// The name of the called method, as Lua spells it.
    #[must_use]
    pub fn method(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(self.queue.method(self.method).unwrap_or_default())
    }

    /// When the client stops waiting; `None` if it waits without a limit.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        self.remaining().map(|left| Instant::now() + left)
    }

    /// The time until the deadline, zero if it has passed; `None` for a stream without a deadline.
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

/// Sends messages to the client of one stream. A `Sender` is cheap to clone and usable from any task and any thread.
/// Messages arrive in the order in which their sends completed.
#[derive(Clone)]
pub struct Sender {
    flow: Arc<Flow>,
}

impl Sender {
    pub(crate) fn new(flow: Arc<Flow>) -> Self {
        Self { flow }
    }

    /// Sends a message: anything that a plain call may answer, except nil. Waits while the client is behind by more
    /// than the stream's window. If the future is dropped before it completes, the message is not sent.
    ///
    /// A thread that may block (`tokio::task::spawn_blocking`) sends with
    /// `tokio::runtime::Handle::current().block_on(sender.send(…))`.
    ///
    /// # Errors
    ///
    /// Fails with [`code::CANCELLED`] when the stream is over, with [`code::BAD_ARGUMENT`] if the message is nil, and
    /// with the message's own error if its conversion fails.
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
