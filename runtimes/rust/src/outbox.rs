//! Sends answers and messages to the host.

use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use crate::answer::{Answer, Outcome};
use crate::host::{Batch, Queue};

/// Sends frames of handlers: at once from threads of their own, else in batches by the polling thread.
pub(crate) struct Outbox {
    queue: Arc<Queue>,
    waiting: Option<Mutex<Waiting>>,
}

/// Frames of tasks, which the polling thread sends together.
struct Waiting {
    batch: Batch,
    /// Wakes the polling task if it sleeps.
    sleeper: Option<Waker>,
}

impl Outbox {
    /// `direct`: handlers run on threads of their own and send at once.
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

    /// Swaps the frames that wait with an empty batch. If there are no frames, `cx` is woken when one arrives.
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

    /// Sends the frames that wait.
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

    /// Sends a stream's message. The caller drops the returned value.
    pub(crate) fn message(&self, id: u64, message: Answer) -> Option<Answer> {
        match &self.waiting {
            None => Some(self.queue.message(id, message)),
            Some(waiting) => {
                put(waiting, |batch| batch.message(id, message));
                None
            }
        }
    }

    /// Widens the window of a stream's client.
    pub(crate) fn give_window(&self, id: u64, bytes: u64) {
        match &self.waiting {
            None => self.queue.give_window(id, bytes),
            Some(waiting) => put(waiting, |batch| batch.give_window(id, bytes)),
        }
    }
}

/// Adds a frame that the polling thread sends next.
fn put(waiting: &Mutex<Waiting>, frame: impl FnOnce(&mut Batch)) {
    let mut waiting = lock(waiting);
    frame(&mut waiting.batch);
    if let Some(sleeper) = waiting.sleeper.take() {
        sleeper.wake();
    }
}

/// No code of the author runs under this lock, so a poisoned lock is safe to use.
fn lock(waiting: &Mutex<Waiting>) -> MutexGuard<'_, Waiting> {
    waiting.lock().unwrap_or_else(PoisonError::into_inner)
}
