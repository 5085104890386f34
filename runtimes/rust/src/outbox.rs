//! The way of answers and messages to the host.

use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use crate::answer::{Answer, Outcome};
use crate::host::{Batch, Queue};

/// Sends what handlers give: at once from threads of their own, else in batches by the polling thread.
pub(crate) struct Outbox {
    queue: Arc<Queue>,
    waiting: Option<Mutex<Waiting>>,
}

/// What tasks gave, for the polling thread to send together.
struct Waiting {
    batch: Batch,
    /// The polling task, asleep.
    sleeper: Option<Waker>,
}

impl Outbox {
    /// `direct`: the handlers run on threads of their own.
    pub(crate) fn new(queue: &Arc<Queue>, direct: bool) -> Self {
        let waiting = || Waiting {
            batch: Batch::new(queue.clone()),
            sleeper: None,
        };
        Self {
            queue: queue.clone(),
            waiting: (!direct).then(|| Mutex::new(waiting())),
        }
    }

    /// Swaps what waits with an empty batch; if nothing does, `cx` is woken when something comes.
    pub(crate) fn poll(&self, batch: &mut Batch, cx: &mut Context<'_>) -> Poll<()> {
        let Some(waiting) = &self.waiting else {
            return Poll::Pending;
        };
        let mut waiting = lock(waiting);
        if waiting.batch.is_empty() {
            waiting.sleeper = Some(cx.waker().clone());
            return Poll::Pending;
        }
        waiting.sleeper = None;
        mem::swap(&mut waiting.batch, batch);
        Poll::Ready(())
    }

    /// Sends what waits.
    pub(crate) fn flush(&self) {
        if let Some(waiting) = &self.waiting {
            lock(waiting).batch.send();
        }
    }

    /// Ends a call.
    pub(crate) fn end(&self, id: u64, outcome: Outcome) {
        match &self.waiting {
            None => self.queue.end(id, outcome),
            Some(waiting) => put(waiting, |batch| batch.end(id, outcome)),
        }
    }

    /// Sends a stream's message. What it returns is to be dropped.
    pub(crate) fn message(&self, id: u64, message: Answer) -> Option<Answer> {
        match &self.waiting {
            None => Some(self.queue.message(id, message)),
            Some(waiting) => {
                put(waiting, |batch| batch.message(id, message));
                None
            }
        }
    }

    /// Tells the client that a stream's messages were read.
    pub(crate) fn give_window(&self, id: u64, bytes: u64) {
        match &self.waiting {
            None => self.queue.give_window(id, bytes),
            Some(waiting) => put(waiting, |batch| batch.give_window(id, bytes)),
        }
    }
}

/// Adds to what the polling thread sends next.
fn put(waiting: &Mutex<Waiting>, frame: impl FnOnce(&mut Batch)) {
    let mut waiting = lock(waiting);
    frame(&mut waiting.batch);
    if let Some(sleeper) = waiting.sleeper.take() {
        sleeper.wake();
    }
}

/// Nothing that holds the lock runs the author's code, so a poisoned one is as good as any.
fn lock(waiting: &Mutex<Waiting>) -> MutexGuard<'_, Waiting> {
    waiting.lock().unwrap_or_else(PoisonError::into_inner)
}
