//! Everything that touches C: the functions of `resty_ffi.h`, its frames and its memory, behind types that the rest of
//! the crate uses safely.
#![allow(unsafe_code)]

use std::ffi::{CStr, c_char, c_int, c_void};
use std::fmt;
use std::io;
use std::ops::{Deref, DerefMut};
use std::os::fd::{AsRawFd, RawFd};
use std::ptr::{self, NonNull};
use std::slice;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use crate::answer::{Answer, Outcome, Payload};
use crate::dict::Questions;

/// `resty_ffi_frame`.
#[repr(C)]
#[derive(Clone, Copy)]
struct Frame {
    id: u64,
    kind: u16,
    flags: u16,
    status: i32,
    data: *mut c_void,
    len: u64,
    deadline: u64,
    method: u32,
    zone: u32,
    arg: u64,
    release: *mut c_void,
}

const _: () = {
    assert!(size_of::<Frame>() == 64);
    assert!(std::mem::offset_of!(Frame, data) == 16);
    assert!(std::mem::offset_of!(Frame, deadline) == 32);
    assert!(std::mem::offset_of!(Frame, zone) == 44);
    assert!(std::mem::offset_of!(Frame, arg) == 48);
};

const CALL: u16 = 1;
const DATA: u16 = 2;
const CANCEL: u16 = 3;
const WINDOW: u16 = 4;
const LOG: u16 = 5;
const DICT: u16 = 6;

const END: u16 = 1;
const NIL: u16 = 2;
const COPY: u16 = 4;

const EMPTY: Frame = Frame {
    id: 0,
    kind: 0,
    flags: 0,
    status: 0,
    data: ptr::null_mut(),
    len: 0,
    deadline: 0,
    method: 0,
    zone: 0,
    arg: 0,
    release: ptr::null_mut(),
};

#[derive(Clone, Copy, Debug)]
pub(crate) enum DictOp {
    Get = 1,
    Set = 2,
    Incr = 3,
    Delete = 4,
    Add = 5,
}

/// `resty_ffi_queue`, which only the host knows.
#[repr(C)]
struct Raw {
    _opaque: [u8; 0],
}

unsafe extern "C" {
    fn resty_ffi_poll(q: *mut Raw, out: *mut Frame, max: c_int, timeout_ms: c_int) -> c_int;
    fn resty_ffi_send(q: *mut Raw, frames: *const Frame, n: c_int) -> c_int;
    fn resty_ffi_fd(q: *mut Raw, level: c_int) -> c_int;
    fn resty_ffi_free(q: *mut Raw, data: *mut c_void);
    fn resty_ffi_method(q: *mut Raw, method: u32, len: *mut usize) -> *const c_char;
    fn resty_ffi_config(q: *mut Raw, len: *mut usize) -> *const c_char;
    fn resty_ffi_name(q: *mut Raw) -> *const c_char;
    fn resty_ffi_fail(q: *mut Raw, text: *const c_char, len: usize);
    fn resty_ffi_finish(q: *mut Raw, busy: c_int) -> c_int;
    fn resty_ffi_close(q: *mut Raw);
    fn resty_ffi_abi() -> c_int;
}

/// The version of the host's interface to runtimes.
#[must_use]
pub fn abi() -> i32 {
    // SAFETY: takes nothing and touches nothing.
    unsafe { resty_ffi_abi() }
}

/// Now, in the clock of a call's deadline.
pub(crate) fn monotonic_ns() -> u64 {
    let mut now = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: `now` is ours to write.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &mut now) };
    // Neither is negative: the clock counts from the machine's start.
    now.tv_sec as u64 * 1_000_000_000 + now.tv_nsec as u64
}

/// One runtime's queue. Whoever holds memory of it holds an `Arc` of it: the last one to let go closes it.
pub(crate) struct Queue {
    raw: NonNull<Raw>,
    /// Set up is done, so that the queue is ours to close.
    open: AtomicBool,
    pub(crate) questions: Questions,
}

// SAFETY: resty_ffi.h lets any thread call any of its functions.
unsafe impl Send for Queue {}
// SAFETY: as above; the other fields are Sync by themselves.
unsafe impl Sync for Queue {}

impl Queue {
    /// `None` for a null pointer.
    ///
    /// # Safety
    ///
    /// `tq` is the queue that the host gave to `libffi_init`, and this is called once for it.
    pub(crate) unsafe fn new(tq: *mut c_void) -> Option<Arc<Self>> {
        Some(Arc::new(Self {
            raw: NonNull::new(tq.cast())?,
            open: AtomicBool::new(false),
            questions: Questions::default(),
        }))
    }

    /// From here on the runtime serves, and its end closes the queue.
    pub(crate) fn open(&self) {
        self.open.store(true, Ordering::Release);
    }

    /// The text of a set-up that failed.
    pub(crate) fn fail(&self, text: &str) {
        // SAFETY: the text is read before the function returns.
        unsafe { resty_ffi_fail(self.raw.as_ptr(), text.as_ptr().cast(), text.len()) }
    }

    /// Becomes readable when frames come, and is edge-triggered. Only inside a tokio runtime.
    pub(crate) fn arrivals(self: &Arc<Self>) -> io::Result<AsyncFd<Arrivals>> {
        // SAFETY: the queue lives as long as self.
        let fd = unsafe { resty_ffi_fd(self.raw.as_ptr(), 0) };
        let arrivals = Arrivals {
            fd,
            _queue: self.clone(),
        };
        // SAFETY: the descriptor is the queue's, always the same, and stays open as long as the queue that we hold.
        Ok(unsafe { AsyncFd::register_with_interest(arrivals, Interest::READABLE) }?)
    }

    pub(crate) fn name(&self) -> String {
        // SAFETY: the queue lives as long as self.
        let name = unsafe { resty_ffi_name(self.raw.as_ptr()) };
        if name.is_null() {
            return String::new();
        }
        // SAFETY: a C string that lives as long as the queue.
        unsafe { CStr::from_ptr(name) }
            .to_string_lossy()
            .into_owned()
    }

    pub(crate) fn config(&self) -> Option<Vec<u8>> {
        let mut len = 0;
        // SAFETY: `len` is ours to write.
        let text = unsafe { resty_ffi_config(self.raw.as_ptr(), &mut len) };
        // SAFETY: `len` bytes, there until the queue is closed.
        (!text.is_null()).then(|| unsafe { slice::from_raw_parts(text.cast::<u8>(), len) }.to_vec())
    }

    /// The name of a method by its number.
    pub(crate) fn method(&self, number: u32) -> Option<&[u8]> {
        let mut len = 0;
        // SAFETY: `len` is ours to write.
        let name = unsafe { resty_ffi_method(self.raw.as_ptr(), number, &mut len) };
        // SAFETY: `len` bytes, there until the queue is closed, that is as long as self.
        (!name.is_null()).then(|| unsafe { slice::from_raw_parts(name.cast(), len) })
    }

    /// Ends one call now.
    pub(crate) fn end(self: &Arc<Self>, id: u64, outcome: Outcome) {
        let (frame, held) = end_frame(self, id, outcome);
        self.send(&[frame]);
        drop(held);
    }

    /// Sends one message of a stream now. What it returns is to be dropped.
    pub(crate) fn message(self: &Arc<Self>, id: u64, message: Answer) -> Answer {
        let (frame, held) = data_frame(self, id, 0, 0, message);
        self.send(&[frame]);
        held
    }

    /// The client of a stream may send this much more.
    pub(crate) fn give_window(&self, id: u64, bytes: u64) {
        self.send(&[window_frame(id, bytes)]);
    }

    /// A line for the host's log.
    pub(crate) fn log(&self, level: i32, text: &str) {
        self.send(&[Frame {
            kind: LOG,
            flags: END | COPY,
            status: level,
            data: text.as_ptr().cast_mut().cast(),
            len: text.len() as u64,
            ..EMPTY
        }]);
    }

    /// Asks the shared dict; the answer comes as [`Kind::Dict`] with the same id.
    pub(crate) fn send_dict(
        &self,
        id: u64,
        op: DictOp,
        zone: &[u8],
        key: &[u8],
        value: &[u8],
        ttl_ms: u64,
    ) {
        let payload = [zone, key, value].concat();
        self.send(&[Frame {
            id,
            kind: DICT,
            flags: END | COPY,
            data: payload.as_ptr().cast_mut().cast(),
            len: payload.len() as u64,
            deadline: ttl_ms,
            method: op as u32,
            zone: zone.len() as u32,
            arg: key.len() as u64,
            ..EMPTY
        }]);
    }

    /// Tells the host that the runtime, which is to end, has work to finish, and returns how long it may take; or that it
    /// has none any more.
    pub(crate) fn finish(&self, busy: bool) -> Duration {
        // SAFETY: the queue is open as long as we are.
        let ms = unsafe { resty_ffi_finish(self.raw.as_ptr(), busy.into()) };
        Duration::from_millis(ms.try_into().unwrap_or(0))
    }

    /// What the frames point to is alive: the callers hold it until this returns.
    fn send(&self, frames: &[Frame]) {
        // A batch is far below c_int's limit: it holds what one turn of the loop answered.
        // SAFETY: frames.len() frames, whose payloads are copied or are this queue's own.
        unsafe { resty_ffi_send(self.raw.as_ptr(), frames.as_ptr(), frames.len() as c_int) };
    }
}

impl Drop for Queue {
    fn drop(&mut self) {
        if *self.open.get_mut() {
            // SAFETY: nobody holds the queue any more, nor memory of it.
            unsafe { resty_ffi_close(self.raw.as_ptr()) }
        }
    }
}

impl fmt::Debug for Queue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Queue").field(&self.raw).finish()
    }
}

/// The host's descriptor: waited for, never read, never closed.
pub(crate) struct Arrivals {
    fd: RawFd,
    _queue: Arc<Queue>,
}

impl AsRawFd for Arrivals {
    fn as_raw_fd(&self) -> RawFd {
        self.fd
    }
}

/// A payload that the host sent, in the host's own memory: bytes to read, to change in place, and to answer with, which
/// moves them back without a copy. It is freed when it is dropped; a runtime that is unloaded ends once the last one is.
///
/// `Bytes::from(body)` lends it to whatever takes [`Bytes`], also without a copy.
pub struct Body {
    queue: Arc<Queue>,
    /// `len` bytes of the queue's payload memory that nobody else has; null if there is nothing to free.
    data: *mut u8,
    len: usize,
}

// SAFETY: a Body is the only one to have its memory, like a Box<[u8]>; any thread may free it.
unsafe impl Send for Body {}
// SAFETY: sharing a Body gives nothing but shared access to its bytes.
unsafe impl Sync for Body {}

impl Body {
    pub(crate) fn queue(&self) -> &Arc<Queue> {
        &self.queue
    }

    /// Gives the memory up, to a frame.
    fn into_data(mut self) -> *mut c_void {
        std::mem::replace(&mut self.data, ptr::null_mut()).cast()
    }
}

impl Deref for Body {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        if self.data.is_null() {
            return &[];
        }
        // SAFETY: `len` bytes that are ours until we are dropped.
        unsafe { slice::from_raw_parts(self.data, self.len) }
    }
}

impl DerefMut for Body {
    fn deref_mut(&mut self) -> &mut [u8] {
        if self.data.is_null() {
            return &mut [];
        }
        // SAFETY: `len` bytes that are ours alone until we are dropped.
        unsafe { slice::from_raw_parts_mut(self.data, self.len) }
    }
}

impl AsRef<[u8]> for Body {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

impl From<Body> for Bytes {
    fn from(body: Body) -> Self {
        Bytes::from_owner(body)
    }
}

impl Drop for Body {
    fn drop(&mut self) {
        if !self.data.is_null() {
            // SAFETY: the memory is this queue's and ours, and nobody looks at it any more.
            unsafe { resty_ffi_free(self.queue.raw.as_ptr(), self.data.cast()) }
        }
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Body({} bytes)", self.len)
    }
}

/// What a frame from the host asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Call,
    Data,
    Cancel,
    Window,
    Dict,
    /// One that a newer host may add.
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
    /// Of a call, its window if it is a stream, else 0; of [`Kind::Window`], what it is widened by.
    pub(crate) arg: u64,
    pub(crate) body: Body,
}

const BATCH: usize = 64;

/// Takes frames off the queue, a batch at a time; as an iterator it hands out the batch.
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

    /// Takes what waits, without waiting for it; how many frames that is.
    pub(crate) fn fill(&mut self) -> Result<usize, Unloaded> {
        debug_assert_eq!(self.next, self.count, "the batch before was handed out");
        let frames = self.frames.as_mut_ptr();
        // SAFETY: room for BATCH frames.
        let n = unsafe { resty_ffi_poll(self.queue.raw.as_ptr(), frames, BATCH as c_int, 0) };
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
                CALL => Kind::Call,
                DATA => Kind::Data,
                CANCEL => Kind::Cancel,
                WINDOW => Kind::Window,
                DICT => Kind::Dict,
                _ => Kind::Other,
            },
            end: frame.flags & END != 0,
            nil: frame.flags & NIL != 0,
            status: frame.status,
            method: frame.method,
            deadline: frame.deadline,
            arg: frame.arg,
            // Each frame is read once, so its payload has one owner.
            body: Body {
                queue: self.queue.clone(),
                data: frame.data.cast(),
                len: frame.len as usize,
            },
        })
    }
}

impl Drop for Inbox {
    fn drop(&mut self) {
        self.for_each(drop);
    }
}

/// Answers of one queue's calls that wait to be sent together.
pub(crate) struct Batch {
    queue: Arc<Queue>,
    frames: Vec<Frame>,
    /// What the frames of the same index point to, unless it moved into them.
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

    /// Adds that the client of a stream may send this much more.
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

    /// Sends everything and is empty again.
    pub(crate) fn send(&mut self) {
        if !self.is_empty() {
            self.queue.send(&self.frames);
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
        kind: WINDOW,
        arg: bytes,
        ..EMPTY
    }
}

/// A call's last frame, and what has to live until it is sent.
fn end_frame(queue: &Arc<Queue>, id: u64, outcome: Outcome) -> (Frame, Answer) {
    match outcome {
        Ok(answer) => data_frame(queue, id, END, 0, answer),
        Err(error) => {
            let status = error.code();
            let text = Answer(Payload::Vec(error.into_message().into()));
            data_frame(queue, id, END, status, text)
        }
    }
}

/// A frame with a payload, and what has to live until it is sent. Moving an `Answer` leaves the bytes it owns in place.
fn data_frame(
    queue: &Arc<Queue>,
    id: u64,
    flags: u16,
    status: i32,
    answer: Answer,
) -> (Frame, Answer) {
    let mut frame = Frame {
        id,
        kind: DATA,
        flags,
        status,
        ..EMPTY
    };
    let held = match answer.0 {
        Payload::Body(body) if Arc::ptr_eq(&body.queue, queue) => {
            frame.len = body.len() as u64;
            frame.data = body.into_data();
            Answer::NIL
        }
        payload => {
            let answer = Answer(payload);
            match answer.as_bytes() {
                None => frame.flags |= NIL,
                Some([]) => {}
                Some(bytes) => {
                    frame.flags |= COPY;
                    frame.data = bytes.as_ptr().cast_mut().cast();
                    frame.len = bytes.len() as u64;
                }
            }
            answer
        }
    };
    (frame, held)
}
