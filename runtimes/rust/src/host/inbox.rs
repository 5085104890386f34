//! Frames from the host.

use std::sync::Arc;

use super::contract::{EMPTY, Frame, flag, kind};
use super::queue::{Body, Queue};

/// The kind of a frame from the host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Call,
    Data,
    Cancel,
    Window,
    Dict,
    /// A kind that a newer host may add.
    Other,
}

/// A frame from the host, with its payload.
#[derive(Debug)]
pub(crate) struct Incoming {
    pub(crate) id: u64,
    pub(crate) kind: Kind,
    pub(crate) end: bool,
    pub(crate) nil: bool,
    pub(crate) status: i32,
    pub(crate) method: u32,
    pub(crate) deadline: u64,
    /// For a call: the window of a stream, 0 for a plain call. For [`Kind::Window`]: the bytes that the window grows
    /// by.
    pub(crate) arg: u64,
    pub(crate) body: Body,
}

const BATCH: usize = 64;

/// Takes frames off the queue, a batch at a time. The iterator returns the frames of the batch.
pub(crate) struct Inbox {
    queue: Arc<Queue>,
    frames: Box<[Frame; BATCH]>,
    next: usize,
    count: usize,
}

/// The host wants the runtime to end.
#[derive(Debug)]
pub(crate) struct Unloaded;

impl Inbox {
    pub(crate) fn new(queue: Arc<Queue>) -> Self {
        Self {
            queue,
            frames: Box::new([EMPTY; BATCH]),
            next: 0,
            count: 0,
        }
    }

    /// Takes the frames that wait and returns how many there are. Does not wait.
    pub(crate) fn fill(&mut self) -> Result<usize, Unloaded> {
        debug_assert_eq!(self.next, self.count, "the previous batch was read");
        let n = self.queue.poll(&mut *self.frames);
        self.next = 0;
        self.count = usize::try_from(n).unwrap_or(0);
        if n < 0 { Err(Unloaded) } else { Ok(self.count) }
    }
}

impl Iterator for Inbox {
    type Item = Incoming;

    fn next(&mut self) -> Option<Incoming> {
        let frame = *self.frames[..self.count].get(self.next)?;
        self.next += 1;
        Some(Incoming {
            id: frame.id,
            kind: match frame.kind {
                kind::CALL => Kind::Call,
                kind::DATA => Kind::Data,
                kind::CANCEL => Kind::Cancel,
                kind::WINDOW => Kind::Window,
                kind::DICT => Kind::Dict,
                _ => Kind::Other,
            },
            end: frame.flags & flag::END != 0,
            nil: frame.flags & flag::NIL != 0,
            status: frame.status,
            method: frame.method,
            deadline: frame.deadline,
            arg: frame.arg,
            // SAFETY: the host gives each payload once, and each frame is read once.
            body: unsafe { Body::new(self.queue.clone(), frame.data, frame.len as usize) },
        })
    }
}

impl Drop for Inbox {
    fn drop(&mut self) {
        self.for_each(drop);
    }
}
