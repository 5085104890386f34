//! The state of one stream: the messages that wait for the handler, and the window for those that it sends.

use std::collections::VecDeque;
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use tokio::sync::Notify;
use tokio::sync::futures::Notified;

use crate::answer::Answer;
use crate::host::{Body, Incoming, LEAST_COST};
use crate::outbox::Outbox;
use crate::{Error, code};

pub(crate) struct Flow {
    id: u64,
    /// The client's window is widened when this much is due.
    half: u64,
    state: Mutex<State>,
    /// Notified when more may be sent, and when the stream is over.
    opened: Notify,
}

struct State {
    /// `None` once the stream is over. The code that sets it sends the last frame.
    outbox: Option<Arc<Outbox>>,
    incoming: VecDeque<Body>,
    /// The message at the front came with the call and costs no window.
    first: bool,
    /// The handler still holds its `Requests`.
    reading: bool,
    /// The client's direction has ended; `incoming` holds the rest.
    closed: bool,
    /// The cost of the messages that were read and not given back yet.
    due: u64,
    reader: Option<Waker>,
    /// How much may be sent. A message may take it below zero.
    window: i64,
}

/// `resty_ffi_cost`.
fn cost(len: usize) -> u64 {
    LEAST_COST.max(len as u64)
}

impl Flow {
    /// Creates the state from the call that opens the stream.
    pub(crate) fn new(outbox: &Arc<Outbox>, call: Incoming) -> Arc<Self> {
        let mut incoming = VecDeque::new();
        if !call.nil {
            incoming.push_back(call.body);
        }
        Arc::new(Self {
            id: call.id,
            half: call.arg / 2,
            state: Mutex::new(State {
                outbox: Some(outbox.clone()),
                first: !call.nil,
                incoming,
                reading: true,
                closed: call.end,
                due: 0,
                reader: None,
                window: i64::try_from(call.arg).unwrap_or(i64::MAX),
            }),
            opened: Notify::new(),
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // No code of the author runs under this lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a message of the client, or the end of its direction.
    pub(crate) fn deliver(&self, frame: Incoming) {
        let mut state = self.state();
        if !frame.nil && state.reading && !state.closed {
            state.incoming.push_back(frame.body);
        }
        state.closed |= frame.end;
        let reader = state.reader.take();
        drop(state);
        if let Some(reader) = reader {
            reader.wake();
        }
    }

    pub(crate) fn poll_recv(&self, cx: &mut Context<'_>) -> Poll<Result<Option<Body>, Error>> {
        let mut guard = self.state();
        let state = &mut *guard;
        let Some(outbox) = &state.outbox else {
            return Poll::Ready(Err(over()));
        };
        let Some(message) = state.incoming.pop_front() else {
            if state.closed {
                return Poll::Ready(Ok(None));
            }
            let before = state.reader.replace(cx.waker().clone());
            drop(guard);
            // Outside the lock: dropping the waker may drop its task.
            drop(before);
            return Poll::Pending;
        };
        if !mem::take(&mut state.first) {
            state.due += cost(message.len());
        }
        if state.due >= self.half && !state.closed {
            outbox.give_window(self.id, mem::take(&mut state.due));
        }
        Poll::Ready(Ok(Some(message)))
    }

    /// Drops the client's messages from here on.
    pub(crate) fn stop_reading(&self) {
        let mut state = self.state();
        state.reading = false;
        let unread = mem::take(&mut state.incoming);
        drop(state);
        drop(unread);
    }

    /// Widens the window.
    pub(crate) fn widen(&self, bytes: u64) {
        let mut state = self.state();
        let bytes = i64::try_from(bytes).unwrap_or(i64::MAX);
        state.window = state.window.saturating_add(bytes);
        let open = state.window > 0;
        drop(state);
        if open {
            self.opened.notify_waiters();
        }
    }

    /// Becomes ready at the next change of the stream.
    pub(crate) fn opened(&self) -> Notified<'_> {
        self.opened.notified()
    }

    /// Sends a message, or returns it when it has to wait until the window has [`opened`](Self::opened).
    pub(crate) fn try_send(&self, message: Answer) -> Result<Option<Answer>, Error> {
        let mut state = self.state();
        if state.outbox.is_none() {
            return Err(over());
        }
        if state.window <= 0 {
            return Ok(Some(message));
        }
        let len = message.as_bytes().map_or(0, <[u8]>::len);
        state.window -= cost(len) as i64;
        // Under the lock, so that no message comes after the stream's end.
        let sent = state
            .outbox
            .as_ref()
            .map(|outbox| outbox.message(self.id, message));
        drop(state);
        drop(sent);
        Ok(None)
    }

    /// From here on nothing is sent or received. The caller sends the end.
    pub(crate) fn close(&self) {
        let mut state = self.state();
        let outbox = state.outbox.take();
        let unread = mem::take(&mut state.incoming);
        let reader = state.reader.take();
        state.reading = false;
        drop(state);
        drop((outbox, unread));
        if let Some(reader) = reader {
            reader.wake();
        }
        self.opened.notify_waiters();
    }
}

fn over() -> Error {
    Error::new(
        code::CANCELLED,
        "the stream is over: its handler has ended, or its client has gone away",
    )
}
