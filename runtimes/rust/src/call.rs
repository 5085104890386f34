//! A call from its handler's first poll to its end.

use std::collections::HashMap;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use tokio::runtime::Handle;
use tokio::task::AbortHandle;

use crate::answer::Outcome;
use crate::queue::{Batch, Queue};
use crate::{Error, Handler, IntoAnswer, Request, code};

/// The calls that did not end with their first poll, and the way back for their answers.
pub(crate) struct Calls {
    queue: Arc<Queue>,
    /// Whoever removes a call's entry owes its end. `None` while its task is being spawned.
    running: Mutex<HashMap<u64, Option<AbortHandle>>>,
    outbox: Mutex<Outbox>,
    /// Threads to run handlers on; without them they run on the thread that polls.
    workers: Option<Handle>,
}

/// Answers of tasks, for the polling thread to send together.
struct Outbox {
    batch: Batch,
    /// The polling task, asleep.
    sleeper: Option<Waker>,
}

impl Calls {
    pub(crate) fn new(queue: &Arc<Queue>, workers: Option<Handle>) -> Self {
        Self {
            queue: queue.clone(),
            running: Mutex::default(),
            outbox: Mutex::new(Outbox {
                batch: Batch::new(queue.clone()),
                sleeper: None,
            }),
            workers,
        }
    }

    /// Swaps the answers that wait with an empty batch; if there are none, `cx` is woken by the next.
    pub(crate) fn poll_answers(&self, batch: &mut Batch, cx: &mut Context<'_>) -> Poll<()> {
        let mut outbox = lock(&self.outbox);
        if outbox.batch.is_empty() {
            outbox.sleeper = Some(cx.waker().clone());
            return Poll::Pending;
        }
        outbox.sleeper = None;
        mem::swap(&mut outbox.batch, batch);
        Poll::Ready(())
    }

    /// Sends the answers that wait.
    pub(crate) fn send_answers(&self) {
        lock(&self.outbox).batch.send();
    }

    /// Drops the future of a call, if it still runs; that ends it.
    pub(crate) fn cancel(&self, id: u64) {
        if let Some(Some(task)) = lock(&self.running).get(&id) {
            task.abort();
        }
    }

    pub(crate) fn cancel_all(&self) {
        for task in lock(&self.running).values().flatten() {
            task.abort();
        }
    }

    pub(crate) fn idle(&self) -> bool {
        lock(&self.running).is_empty()
    }

    /// Ends the calls whose handlers do not let go.
    pub(crate) fn end_all(&self) {
        let rest = mem::take(&mut *lock(&self.running));
        for id in rest.into_keys() {
            let text = "the runtime was unloaded while the handler ran";
            self.queue.end(id, Err(Error::new(code::UNLOADED, text)));
        }
    }

    fn spawn<H: Handler>(self: &Arc<Self>, id: u64, future: Slot<H>) {
        let task = Task::<H> {
            future,
            end: End {
                id,
                calls: self.clone(),
                sent: false,
            },
        };
        // Before the task: on another thread it may be done before we are.
        lock(&self.running).insert(id, None);
        let handle = match &self.workers {
            Some(workers) => workers.spawn(task),
            None => tokio::spawn(task),
        };
        if let Some(entry) = lock(&self.running).get_mut(&id) {
            *entry = Some(handle.abort_handle());
        }
    }

    fn end(&self, id: u64, outcome: Outcome) {
        if lock(&self.running).remove(&id).is_none() {
            return;
        }
        if self.workers.is_some() {
            self.queue.end(id, outcome);
            return;
        }
        let mut outbox = lock(&self.outbox);
        outbox.batch.end(id, outcome);
        if let Some(sleeper) = outbox.sleeper.take() {
            sleeper.wake();
        }
    }
}

/// Nothing that holds one of these locks runs the author's code, so a poisoned one is as good as any.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A place for a handler's future, used again for the next call as long as the futures are ready at once.
type Slot<H> = Pin<Box<Option<<H as Handler>::Future>>>;

/// A handler, whatever its type.
pub(crate) trait Route: Send {
    /// Starts a call. `None`: it goes on as a task, which ends it.
    fn start(&mut self, calls: &Arc<Calls>, id: u64, request: Request) -> Option<Outcome>;
}

pub(crate) struct Served<H: Handler> {
    handler: H,
    slot: Slot<H>,
}

impl<H: Handler> Served<H> {
    pub(crate) fn new(handler: H) -> Self {
        Self {
            handler,
            slot: Box::pin(None),
        }
    }
}

impl<H: Handler> Route for Served<H> {
    fn start(&mut self, calls: &Arc<Calls>, id: u64, request: Request) -> Option<Outcome> {
        let future = match catch_unwind(AssertUnwindSafe(|| self.handler.call(request))) {
            Ok(future) => future,
            Err(panic) => return Some(Err(Error::panicked(panic))),
        };
        if calls.workers.is_some() {
            calls.spawn::<H>(id, Box::pin(Some(future)));
            return None;
        }
        self.slot.as_mut().set(Some(future));
        // A task polls the future again at once, with a waker that counts.
        let mut cx = Context::from_waker(Waker::noop());
        match poll::<H>(&mut self.slot, &mut cx) {
            Poll::Ready(outcome) => Some(outcome),
            Poll::Pending => {
                calls.spawn::<H>(id, mem::replace(&mut self.slot, Box::pin(None)));
                None
            }
        }
    }
}

/// Polls the slot's future; once it is ready, or has panicked, the slot is empty.
fn poll<H: Handler>(slot: &mut Slot<H>, cx: &mut Context<'_>) -> Poll<Outcome> {
    let polled = catch_unwind(AssertUnwindSafe(|| {
        let future = slot
            .as_mut()
            .as_pin_mut()
            .expect("a call is polled until it ends");
        future.poll(cx).map(IntoAnswer::into_answer)
    }));
    if let Ok(Poll::Pending) = polled {
        return Poll::Pending;
    }
    let dropped = catch_unwind(AssertUnwindSafe(|| slot.as_mut().set(None)));
    Poll::Ready(match (polled, dropped) {
        (Ok(Poll::Ready(outcome)), Ok(())) => outcome,
        (Err(panic), _) | (_, Err(panic)) => Err(Error::panicked(panic)),
        (Ok(Poll::Pending), _) => unreachable!("handled above"),
    })
}

/// A call that waits. Dropping it before its end drops the handler's future, and then says that it was cancelled.
struct Task<H: Handler> {
    future: Slot<H>,
    end: End,
}

impl<H: Handler> Future for Task<H> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        poll::<H>(&mut self.future, cx).map(|outcome| self.end.send(outcome))
    }
}

/// The one end that a call is owed.
struct End {
    id: u64,
    calls: Arc<Calls>,
    sent: bool,
}

impl End {
    fn send(&mut self, outcome: Outcome) {
        self.sent = true;
        self.calls.end(self.id, outcome);
    }
}

impl Drop for End {
    fn drop(&mut self) {
        if !self.sent {
            let text = "the call was cancelled before its handler was done";
            self.send(Err(Error::new(code::CANCELLED, text)));
        }
    }
}
