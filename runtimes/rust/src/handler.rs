use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use tokio::task::JoinHandle;

use crate::answer::Outcome;
use crate::{Error, IntoAnswer, Request, code};

/// Serves a method. Every `async fn(Request) -> impl IntoAnswer` is a handler, as a function or a closure; [`sync`] and
/// [`blocking`] turn a plain function into one.
///
/// The thread that takes the call polls the future at once, so a handler that does not wait costs neither a task nor an
/// allocation. A closure captures its state, usually in an `Arc`:
///
/// ```no_run
/// # use std::sync::{Arc, Mutex};
/// # use resty_ffi::{Request, Router};
/// let seen = Arc::new(Mutex::new(0));
/// let router = Router::new().route("count", move |_: Request| {
///     let seen = seen.clone();
///     async move {
///         let mut seen = seen.lock().unwrap();
///         *seen += 1;
///         seen.to_string()
///     }
/// });
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot serve a method",
    label = "not an `async fn(Request) -> impl IntoAnswer`",
    note = "wrap a function that is not async: `sync(function)`, or `blocking(function)` if it may hold its thread"
)]
pub trait Handler: Send + 'static {
    /// The result of the call.
    type Output: IntoAnswer;
    /// The running call. Cancellation drops it.
    type Future: Future<Output = Self::Output> + Send + 'static;

    /// Starts one call.
    fn call(&self, request: Request) -> Self::Future;
}

/// An async function of a [`Request`]. The other bounds of [`Handler`] (`Send`, [`IntoAnswer`]) are left out, so that
/// the compiler names the missing one. For a type that is not such a function it shows the text below.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot serve a method",
    label = "not an `async fn(Request) -> impl IntoAnswer`",
    note = "wrap a function that is not async: `sync(function)`, or `blocking(function)` if it may hold its thread"
)]
pub trait AsyncFunction {
    /// The result of the future.
    type Output;
    /// The future.
    type Future: Future<Output = Self::Output>;

    /// Calls the function.
    fn start(&self, request: Request) -> Self::Future;
}

#[diagnostic::do_not_recommend]
impl<F, Fut> AsyncFunction for F
where
    F: Fn(Request) -> Fut,
    Fut: Future,
{
    type Output = Fut::Output;
    type Future = Fut;

    fn start(&self, request: Request) -> Fut {
        self(request)
    }
}

/// `F` is a `Fn(Request) -> impl Future`.
impl<F> Handler for F
where
    F: AsyncFunction + Send + 'static,
    F::Future: Send + 'static,
    F::Output: IntoAnswer,
{
    type Output = F::Output;
    type Future = F::Future;

    fn call(&self, request: Request) -> F::Future {
        self.start(request)
    }
}

/// Turns a plain function into a handler. The function runs on the thread that takes the calls, so it must be quick;
/// [`blocking`] is for functions that are not.
///
/// ```no_run
/// # use resty_ffi::{Request, Router, sync};
/// let router = Router::new().route("length", sync(|req: Request| {
///     req.body().map_or(0, <[u8]>::len).to_string()
/// }));
/// ```
pub fn sync<F, A>(function: F) -> SyncHandler<F>
where
    F: Fn(Request) -> A + Clone + Send + 'static,
    A: IntoAnswer,
{
    SyncHandler(function)
}

/// See [`sync`].
#[must_use = "a handler serves nothing until it is given to a Router"]
#[derive(Clone, Copy, Debug)]
pub struct SyncHandler<F>(F);

impl<F, A> Handler for SyncHandler<F>
where
    F: Fn(Request) -> A + Clone + Send + 'static,
    A: IntoAnswer,
{
    type Output = A;
    type Future = SyncCall<F>;

    fn call(&self, request: Request) -> SyncCall<F> {
        SyncCall(Some((self.0.clone(), request)))
    }
}

/// A call of a [`sync`] handler.
#[must_use = "the function is called when the future is polled"]
#[derive(Debug)]
pub struct SyncCall<F>(Option<(F, Request)>);

impl<F> Unpin for SyncCall<F> {}

impl<F: Fn(Request) -> A, A> Future for SyncCall<F> {
    type Output = A;

    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<A> {
        let (function, request) = self.0.take().expect("polled after it was ready");
        Poll::Ready(function(request))
    }
}

/// Turns a plain function that may hold its thread (a blocking database driver, a file, a long computation) into a
/// handler. Each call runs on a thread of tokio's blocking pool, at most 512 at once, so other calls continue.
///
/// Nothing can interrupt the function. When a call is cancelled, its caller is answered at once and the function's
/// result is dropped; a long function checks [`Request::is_cancelled`] from time to time.
///
/// ```no_run
/// # use resty_ffi::{Request, Router, blocking};
/// let router = Router::new().route("motd", blocking(|_: Request| std::fs::read("/etc/motd")));
/// ```
pub fn blocking<F, A>(function: F) -> BlockingHandler<F>
where
    F: Fn(Request) -> A + Clone + Send + 'static,
    A: IntoAnswer,
{
    BlockingHandler(function)
}

/// See [`blocking`].
#[must_use = "a handler serves nothing until it is given to a Router"]
#[derive(Clone, Copy, Debug)]
pub struct BlockingHandler<F>(F);

impl<F, A> Handler for BlockingHandler<F>
where
    F: Fn(Request) -> A + Clone + Send + 'static,
    A: IntoAnswer,
{
    type Output = Outcome;
    type Future = BlockingCall;

    fn call(&self, mut request: Request) -> BlockingCall {
        let function = self.0.clone();
        let cancelled = Arc::new(AtomicBool::new(false));
        request.cancelled = Some(cancelled.clone());
        BlockingCall {
            thread: tokio::task::spawn_blocking(move || function(request).into_answer()),
            cancelled,
        }
    }
}

/// A call of a [`blocking`] handler.
#[must_use = "dropping the future cancels the call"]
#[derive(Debug)]
pub struct BlockingCall {
    thread: JoinHandle<Outcome>,
    cancelled: Arc<AtomicBool>,
}

impl Future for BlockingCall {
    type Output = Outcome;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Outcome> {
        Pin::new(&mut self.thread).poll(cx).map(|end| {
            end.unwrap_or_else(|error| {
                Err(match error.try_into_panic() {
                    Ok(panic) => Error::panicked(panic),
                    Err(_) => Error::new(
                        code::CANCELLED,
                        "the runtime ended before the handler began",
                    ),
                })
            })
        })
    }
}

impl Drop for BlockingCall {
    fn drop(&mut self) {
        self.cancelled.store(true, Ordering::Relaxed);
        // A call that still waits for a thread never begins.
        self.thread.abort();
    }
}
