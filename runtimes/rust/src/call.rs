//! A call or a stream, from its handler's first poll to its end.

use std::collections::HashMap;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use tokio::runtime::Handle;
use tokio::task::AbortHandle;

use crate::answer::Outcome;
use crate::flow::Flow;
use crate::host::{Incoming, Queue};
use crate::outbox::Outbox;
use crate::{Error, Handler, IntoAnswer, Request, Requests, Sender, StreamHandler, code};

/// The calls that did not end with their first poll.
pub(crate) struct Calls {
    queue: Arc<Queue>,
    /// The code that removes a call's entry sends its end.
    running: Mutex<HashMap<u64, Running>>,
    outbox: Arc<Outbox>,
    /// Threads that run the handlers. Without them the polling thread does.
    workers: Option<Handle>,
}

struct Running {
    /// `None` while the task is being spawned.
    task: Option<AbortHandle>,
    /// Set for a stream.
    flow: Option<Arc<Flow>>,
}

impl Calls {
    pub(crate) fn new(queue: &Arc<Queue>, outbox: &Arc<Outbox>, workers: Option<Handle>) -> Self {
        Self {
            queue: queue.clone(),
            running: Mutex::default(),
            outbox: outbox.clone(),
            workers,
        }
    }

    /// Drops the future of a call that still runs, which ends the call.
    pub(crate) fn cancel(&self, id: u64) {
        let running = lock(&self.running);
        if let Some(task) = running.get(&id).and_then(|call| call.task.as_ref()) {
            task.abort();
        }
    }

    pub(crate) fn cancel_all(&self) {
        for task in lock(&self.running).values().flat_map(|call| &call.task) {
            task.abort();
        }
    }

    pub(crate) fn idle(&self) -> bool {
        lock(&self.running).is_empty()
    }

    /// Ends the calls whose handlers ignore their cancellation.
    pub(crate) fn end_all(&self) {
        let rest = mem::take(&mut *lock(&self.running));
        for (id, call) in rest {
            if let Some(flow) = call.flow {
                flow.close();
            }
            let text = "the runtime was unloaded while the handler ran";
            self.queue.end(id, Err(Error::new(code::UNLOADED, text)));
        }
    }

    /// The stream of a call that runs.
    pub(crate) fn flow(&self, id: u64) -> Option<Arc<Flow>> {
        lock(&self.running).get(&id)?.flow.clone()
    }

    fn spawn<F>(self: &Arc<Self>, id: u64, future: Slot<F>, flow: Option<Arc<Flow>>)
    where
        F: Future + Send + 'static,
        F::Output: IntoAnswer,
    {
        let task = Task {
            future,
            end: End {
                id,
                calls: self.clone(),
                sent: false,
            },
        };
        // Inserted before the task is spawned: on another thread the task may finish first.
        lock(&self.running).insert(id, Running { task: None, flow });
        let handle = match &self.workers {
            Some(workers) => workers.spawn(task),
            None => tokio::spawn(task),
        };
        if let Some(call) = lock(&self.running).get_mut(&id) {
            call.task = Some(handle.abort_handle());
        }
    }

    fn end(&self, id: u64, outcome: Outcome) {
        let Some(call) = lock(&self.running).remove(&id) else {
            return;
        };
        if let Some(flow) = call.flow {
            flow.close();
        }
        self.outbox.end(id, outcome);
    }
}

/// No code of the author runs under this lock, so a poisoned lock is safe to use.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A place for a handler's future. The next call uses it again if this future was ready at once.
type Slot<F> = Pin<Box<Option<F>>>;

/// A handler of any type.
pub(crate) trait Route: Send {
    /// Starts a plain call. `None`: the call continues as a task, which ends it.
    fn start(&mut self, calls: &Arc<Calls>, id: u64, request: Request) -> Option<Outcome>;

    /// Starts a call that opens a stream. An error returns the call, which must be started with its next message.
    fn open(&mut self, calls: &Arc<Calls>, call: Incoming) -> Result<Option<Outcome>, Incoming>;
}

pub(crate) struct Served<H: Handler> {
    handler: H,
    slot: Slot<H::Future>,
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
            calls.spawn(id, Box::pin(Some(future)), None);
            return None;
        }
        self.slot.as_mut().set(Some(future));
        // A future that is not ready becomes a task, which polls it again at once with a real waker.
        let mut cx = Context::from_waker(Waker::noop());
        match poll(&mut self.slot, &mut cx) {
            Poll::Ready(outcome) => Some(outcome),
            Poll::Pending => {
                calls.spawn(id, mem::replace(&mut self.slot, Box::pin(None)), None);
                None
            }
        }
    }

    /// A handler of plain calls takes the stream's first message and answers with one message.
    fn open(&mut self, calls: &Arc<Calls>, call: Incoming) -> Result<Option<Outcome>, Incoming> {
        if call.nil && !call.end {
            return Err(call);
        }
        Ok(self.start(calls, call.id, call.into()))
    }
}

pub(crate) struct Streamed<H>(pub(crate) H);

impl<H: StreamHandler> Route for Streamed<H> {
    fn start(&mut self, _: &Arc<Calls>, _: u64, request: Request) -> Option<Outcome> {
        let text = format!(
            "\"{}\" is a stream: open it with resty_ffi.stream",
            request.method()
        );
        Some(Err(Error::new(code::BAD_ARGUMENT, text)))
    }

    fn open(&mut self, calls: &Arc<Calls>, call: Incoming) -> Result<Option<Outcome>, Incoming> {
        let (id, method, deadline) = (call.id, call.method, call.deadline);
        let flow = Flow::new(&calls.outbox, call);
        let requests = Requests::new(flow.clone(), calls.queue.clone(), method, deadline);
        let sender = Sender::new(flow.clone());
        match catch_unwind(AssertUnwindSafe(|| self.0.call(requests, sender))) {
            Ok(future) => {
                calls.spawn(id, Box::pin(Some(future)), Some(flow));
                Ok(None)
            }
            Err(panic) => {
                flow.close();
                Ok(Some(Err(Error::panicked(panic))))
            }
        }
    }
}

/// Polls the slot's future. The slot is empty once the future is ready or has panicked.
fn poll<F>(slot: &mut Slot<F>, cx: &mut Context<'_>) -> Poll<Outcome>
where
    F: Future,
    F::Output: IntoAnswer,
{
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

/// A call that waits. Dropping it before its end drops the handler's future and then reports the cancellation.
struct Task<F> {
    future: Slot<F>,
    end: End,
}

impl<F> Future for Task<F>
where
    F: Future,
    F::Output: IntoAnswer,
{
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        poll(&mut self.future, cx).map(|outcome| self.end.send(outcome))
    }
}

/// Sends the end of a call exactly once.
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
