//! Frames to the host: answers, messages and windows.

use std::sync::Arc;

use super::contract::{EMPTY, Frame, flag, kind};
use super::queue::Queue;
use crate::answer::{Answer, Outcome, Payload};

impl Queue {
    /// Ends one call now.
    pub(crate) fn end(self: &Arc<Self>, id: u64, outcome: Outcome) {
        let (frame, held) = end_frame(self, id, outcome);
        // SAFETY: `held` is what the frame points to.
        unsafe { self.send(&[frame]) }
        drop(held);
    }

    /// Sends one message of a stream now. The caller drops the returned value.
    pub(crate) fn message(self: &Arc<Self>, id: u64, message: Answer) -> Answer {
        let (frame, held) = data_frame(self, id, 0, 0, message);
        // SAFETY: `held` is what the frame points to.
        unsafe { self.send(&[frame]) }
        held
    }

    /// Widens the window of a stream's client by `bytes`.
    pub(crate) fn give_window(&self, id: u64, bytes: u64) {
        // SAFETY: the frame has no payload.
        unsafe { self.send(&[window_frame(id, bytes)]) }
    }
}

/// Frames of one queue that wait to be sent together.
pub(crate) struct Batch {
    queue: Arc<Queue>,
    frames: Vec<Frame>,
    /// The payloads that the frames of the same index point to.
    held: Vec<Answer>,
}

// SAFETY: the frames' pointers lead to what the batch owns: `held`, or payload memory that any thread may send.
unsafe impl Send for Batch {}

impl Batch {
    pub(crate) fn new(queue: Arc<Queue>) -> Self {
        Self {
            queue,
            frames: Vec::new(),
            held: Vec::new(),
        }
    }

    /// Adds the end of a call.
    pub(crate) fn end(&mut self, id: u64, outcome: Outcome) {
        self.push(end_frame(&self.queue, id, outcome));
    }

    /// Adds a message of a stream.
    pub(crate) fn message(&mut self, id: u64, message: Answer) {
        self.push(data_frame(&self.queue, id, 0, 0, message));
    }

    /// Adds a frame that widens the window of a stream's client.
    pub(crate) fn give_window(&mut self, id: u64, bytes: u64) {
        self.push((window_frame(id, bytes), Answer::NIL));
    }

    fn push(&mut self, (frame, held): (Frame, Answer)) {
        self.frames.push(frame);
        self.held.push(held);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.frames.is_empty()
    }

    /// Sends all frames and leaves the batch empty.
    pub(crate) fn send(&mut self) {
        if !self.is_empty() {
            // SAFETY: `held` is what the frames point to.
            unsafe { self.queue.send(&self.frames) }
            self.frames.clear();
            self.held.clear();
        }
    }
}

impl Drop for Batch {
    fn drop(&mut self) {
        self.send();
    }
}

fn window_frame(id: u64, bytes: u64) -> Frame {
    Frame {
        id,
        kind: kind::WINDOW,
        arg: bytes,
        ..EMPTY
    }
}

/// A call's last frame, and the payload that must live until it is sent.
fn end_frame(queue: &Arc<Queue>, id: u64, outcome: Outcome) -> (Frame, Answer) {
    match outcome {
        Ok(answer) => data_frame(queue, id, flag::END, 0, answer),
        Err(error) => {
            let status = error.code();
            let text = Answer(Payload::Vec(error.into_message().into()));
            data_frame(queue, id, flag::END, status, text)
        }
    }
}

/// A frame with a payload, and the answer that must live until the frame is sent. Moving an `Answer` leaves its bytes
/// in place.
fn data_frame(
    queue: &Arc<Queue>,
    id: u64,
    flags: u16,
    status: i32,
    answer: Answer,
) -> (Frame, Answer) {
    let mut frame = Frame {
        id,
        kind: kind::DATA,
        flags,
        status,
        ..EMPTY
    };
    let held = match answer.0 {
        Payload::Body(body) if Arc::ptr_eq(body.queue(), queue) => {
            frame.len = body.len() as u64;
            frame.data = body.into_data();
            Answer::NIL
        }
        payload => {
            let answer = Answer(payload);
            match answer.as_bytes() {
                None => frame.flags |= flag::NIL,
                Some([]) => {}
                Some(bytes) => {
                    frame.flags |= flag::COPY;
                    frame.data = bytes.as_ptr().cast_mut().cast();
                    frame.len = bytes.len() as u64;
                }
            }
            answer
        }
    };
    (frame, held)
}
