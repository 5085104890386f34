use std::fmt;

use tracing_core::LevelFilter;
use tracing_core::dispatcher::Dispatch;

use crate::call::{Route, Served, Streamed};
use crate::ending::{self, OnUnload};
use crate::{Error, Handler, StreamHandler};

/// The methods of a runtime with their handlers, and how these run.
///
/// ```no_run
/// use resty_ffi::{Error, Request, Router, blocking};
///
/// async fn greet(req: Request) -> Result<String, Error> {
///     let name = std::str::from_utf8(req.body().unwrap_or_default())?;
///     Ok(format!("Hello, {name}!"))
/// }
///
/// let router = Router::new()
///     .route("greet", greet)
///     .route("echo", |req: Request| async { req.into_body() })
///     .route("motd", blocking(|_: Request| std::fs::read("/etc/motd")))
///     .fallback(|req: Request| async move { format!("you called {}", req.method()) });
/// ```
#[must_use = "a Router serves once the function given to export! returns it"]
pub struct Router {
    pub(crate) routes: Vec<(String, Box<dyn Route>)>,
    pub(crate) fallback: Option<Box<dyn Route>>,
    pub(crate) workers: usize,
    pub(crate) log_level: LevelFilter,
    pub(crate) subscriber: Option<Dispatch>,
    pub(crate) on_unload: Vec<OnUnload>,
}

impl Default for Router {
    fn default() -> Self {
        Self::new()
    }
}

impl Router {
    /// A router without methods.
    pub fn new() -> Self {
        Self {
            routes: Vec::new(),
            fallback: None,
            workers: 0,
            log_level: LevelFilter::INFO,
            subscriber: None,
            on_unload: Vec::new(),
        }
    }

    /// Serves a method. A second handler of the same name replaces the first.
    ///
    /// When a client opens the method as a stream, the handler is called with the first message, and its answer is the
    /// only message back.
    pub fn route(self, method: impl Into<String>, handler: impl Handler) -> Self {
        self.add(method.into(), Box::new(Served::new(handler)))
    }

    /// Serves a method as a stream. A plain call of the method fails with
    /// [`code::BAD_ARGUMENT`](crate::code::BAD_ARGUMENT).
    ///
    /// ```no_run
    /// use resty_ffi::{Error, Requests, Router, Sender};
    ///
    /// async fn count(mut requests: Requests, sender: Sender) -> Result<(), Error> {
    ///     let Some(n) = requests.recv().await? else {
    ///         return Ok(());
    ///     };
    ///     for i in 0..std::str::from_utf8(&n)?.parse()? {
    ///         sender.send(i.to_string()).await?;
    ///     }
    ///     Ok(())
    /// }
    ///
    /// let router = Router::new().stream("count", count);
    /// ```
    pub fn stream(self, method: impl Into<String>, handler: impl StreamHandler) -> Self {
        self.add(method.into(), Box::new(Streamed(handler)))
    }

    fn add(mut self, method: String, route: Box<dyn Route>) -> Self {
        self.routes.retain(|(name, _)| *name != method);
        self.routes.push((method, route));
        self
    }

    /// Serves every method that has no handler of its own. Without a fallback such calls fail with
    /// [`code::NO_METHOD`](crate::code::NO_METHOD).
    pub fn fallback(mut self, handler: impl Handler) -> Self {
        self.fallback = Some(Box::new(Served::new(handler)));
        self
    }

    /// Adds a function that runs when the runtime ends, after its last call: it finishes background work, flushes,
    /// closes. The last function added runs first. The end of the runtime waits for it, also in an nginx worker that
    /// quits. An error is logged.
    ///
    /// The function runs on the runtime's thread inside tokio. Its future is dropped when the time is over:
    /// `drain_timeout` (30 s) at an unload or a reload, the host's own limit when the host ends.
    ///
    /// ```no_run
    /// use resty_ffi::{Error, Router};
    ///
    /// # async fn flush() -> std::io::Result<()> { Ok(()) }
    /// let router = Router::new().on_unload(|| async {
    ///     flush().await?;
    ///     Ok::<_, Error>(())
    /// });
    /// ```
    pub fn on_unload<F, Fut, E>(mut self, f: F) -> Self
    where
        F: FnOnce() -> Fut + Send + 'static,
        Fut: Future<Output = Result<(), E>> + 'static,
        E: Into<Error>,
    {
        self.on_unload.push(ending::boxed(f));
        self
    }

    /// Runs the handlers on `threads` threads of a multi-threaded tokio runtime instead of the thread that takes the
    /// calls. Each call then costs one more hop between threads, which pays off for handlers that compute. The default,
    /// 0, keeps everything on one thread.
    pub fn worker_threads(mut self, threads: usize) -> Self {
        self.workers = threads;
        self
    }

    /// The most detailed `tracing` events that reach the host's log. The default is [`LevelFilter::INFO`].
    pub fn log_level(mut self, level: impl Into<LevelFilter>) -> Self {
        self.log_level = level.into();
        self
    }

    /// Sets a `tracing` subscriber for the threads of this runtime. It replaces the one that writes to the host's log.
    ///
    /// ```no_run
    /// use resty_ffi::{Config, Error, Router};
    /// use tracing_subscriber::layer::SubscriberExt;
    ///
    /// fn init(config: Config) -> Result<Router, Error> {
    ///     // Other layers go here: OpenTelemetry, a file, a filter per module.
    ///     Ok(Router::new().subscriber(tracing_subscriber::registry().with(config.log_layer())))
    /// }
    /// ```
    pub fn subscriber(mut self, subscriber: impl Into<Dispatch>) -> Self {
        self.subscriber = Some(subscriber.into());
        self
    }

    /// The index of the handler with this name.
    pub(crate) fn find(&self, method: &[u8]) -> Option<usize> {
        self.routes
            .iter()
            .position(|(name, _)| name.as_bytes() == method)
    }

    /// The handler at an index that [`find`](Self::find) returned, or the fallback.
    pub(crate) fn at(&mut self, index: Option<usize>) -> Option<&mut Box<dyn Route>> {
        match index {
            Some(index) => Some(&mut self.routes[index].1),
            None => self.fallback.as_mut(),
        }
    }

    /// The error text for a method without a handler.
    pub(crate) fn no_method(&self, runtime: &str, method: &str) -> String {
        let mut names: Vec<&str> = self.routes.iter().map(|(name, _)| name.as_str()).collect();
        names.sort_unstable();
        let names = names.join(", ");
        format!("runtime \"{runtime}\" has no method \"{method}\"; it has: {names}")
    }
}

impl fmt::Debug for Router {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.routes.iter().map(|(name, _)| name.as_str()).collect();
        f.debug_struct("Router")
            .field("methods", &names)
            .field("fallback", &self.fallback.is_some())
            .field("worker_threads", &self.workers)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Request;

    async fn nothing(_: Request) {}

    #[test]
    fn the_last_handler_of_a_name_serves_it() {
        let router = Router::new()
            .route("a", nothing)
            .route("b", nothing)
            .route("a", nothing);
        assert_eq!(router.routes.len(), 2);
        assert_eq!(router.find(b"a"), Some(1));
        assert_eq!(router.find(b"c"), None);
    }

    #[test]
    fn an_unknown_method_is_told_which_there_are() {
        let router = Router::new().route("b", nothing).route("a", nothing);
        assert_eq!(
            router.no_method("demo", "x"),
            "runtime \"demo\" has no method \"x\"; it has: a, b"
        );
    }
}
