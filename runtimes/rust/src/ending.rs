//! The work that a runtime finishes when it ends.

use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::time::Instant;

use crate::Error;
use crate::host::{Queue, level};

type Finishing = Pin<Box<dyn Future<Output = Result<(), Error>>>>;

/// A function given to [`Router::on_unload`](crate::Router::on_unload).
pub(crate) type OnUnload = Box<dyn FnOnce() -> Finishing + Send>;

pub(crate) fn boxed<F, Fut, E>(f: F) -> OnUnload
where
    F: FnOnce() -> Fut + Send + 'static,
    Fut: Future<Output = Result<(), E>> + 'static,
    E: Into<Error>,
{
    Box::new(|| Box::pin(async { f().await.map_err(Into::into) }))
}

/// Runs the functions, the last one given first. At `end` the running future and the functions that are left are
/// dropped.
pub(crate) async fn finish(queue: &Queue, all: Vec<OnUnload>, end: Instant) {
    for f in all.into_iter().rev() {
        match tokio::time::timeout_at(end.into(), guarded(f)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => queue.log(
                level::ERR,
                &format!("the function given to on_unload failed: {error}"),
            ),
            Err(_) => {
                let text = "the function given to on_unload did not end in time (drain_timeout, worker_shutdown_timeout) and was dropped";
                queue.log(level::ERR, text);
                return;
            }
        }
    }
}

/// Runs one function. A panic becomes an error.
async fn guarded(f: OnUnload) -> Result<(), Error> {
    let mut future = catch_unwind(AssertUnwindSafe(f)).map_err(Error::panicked)?;
    poll_fn(|cx| {
        catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(cx)))
            .unwrap_or_else(|panic| std::task::Poll::Ready(Err(Error::panicked(panic))))
    })
    .await
}
