//! One runtime's queue, and its payload memory.

use std::ffi::{CStr, c_int, c_void};
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

use super::contract::{
    DictOp, EMPTY, Frame, Raw, flag, kind, resty_ffi_abi, resty_ffi_close, resty_ffi_config,
    resty_ffi_fail, resty_ffi_fd, resty_ffi_finish, resty_ffi_free, resty_ffi_method,
    resty_ffi_name, resty_ffi_poll, resty_ffi_send,
};
use crate::Error;
use crate::questions::Questions;

/// The version of the host's interface to runtimes.
#[must_use]
pub fn abi() -> i32 {
    // SAFETY: takes nothing and touches nothing.
    unsafe { resty_ffi_abi() }
}

/// The current time on the clock of a call's deadline.
pub(crate) fn monotonic_ns() -> u64 {
    let mut now = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: `now` is ours to write.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &mut now) };
    // Neither is negative: the clock starts at 0 when the machine does.
    now.tv_sec as u64 * 1_000_000_000 + now.tv_nsec as u64
}

/// One runtime's queue. Every owner of its memory holds an `Arc` of it, and the last `Arc` closes it.
pub(crate) struct Queue {
    raw: NonNull<Raw>,
    /// Set once the runtime is set up, so that dropping the queue closes it.
    open: AtomicBool,
    pub(crate) questions: Questions<Result<Option<Body>, Error>>,
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

    /// Marks the runtime as set up: from here on, dropping the queue closes it.
    pub(crate) fn open(&self) {
        self.open.store(true, Ordering::Release);
    }

    /// Tells the host why the set-up failed.
    pub(crate) fn fail(&self, text: &str) {
        // SAFETY: the text is read before the function returns.
        unsafe { resty_ffi_fail(self.raw.as_ptr(), text.as_ptr().cast(), text.len()) }
    }

    /// A descriptor that becomes readable when frames arrive; edge-triggered. Call it inside a tokio runtime.
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

    /// The name of the method with this number.
    pub(crate) fn method(&self, number: u32) -> Option<&[u8]> {
        let mut len = 0;
        // SAFETY: `len` is ours to write.
        let name = unsafe { resty_ffi_method(self.raw.as_ptr(), number, &mut len) };
        // SAFETY: `len` bytes, there until the queue is closed, that is as long as self.
        (!name.is_null()).then(|| unsafe { slice::from_raw_parts(name.cast(), len) })
    }

    /// Writes a line to the host's log.
    pub(crate) fn log(&self, level: i32, text: &str) {
        let frame = Frame {
            kind: kind::LOG,
            flags: flag::END | flag::COPY,
            status: level,
            data: text.as_ptr().cast_mut().cast(),
            len: text.len() as u64,
            ..EMPTY
        };
        // SAFETY: the text outlives the call.
        unsafe { self.send(&[frame]) }
    }

    /// Sends a request to the shared dict. The answer is a frame of the kind `DICT` with the same id.
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
        let frame = Frame {
            id,
            kind: kind::DICT,
            flags: flag::END | flag::COPY,
            data: payload.as_ptr().cast_mut().cast(),
            len: payload.len() as u64,
            deadline: ttl_ms,
            method: op as u32,
            zone: zone.len() as u32,
            arg: key.len() as u64,
            ..EMPTY
        };
        // SAFETY: the payload outlives the call.
        unsafe { self.send(&[frame]) }
    }

    /// Tells a host that ends the runtime whether there is work to finish. Returns how long that work may take.
    pub(crate) fn finish(&self, busy: bool) -> Duration {
        // SAFETY: the queue is open as long as we are.
        let ms = unsafe { resty_ffi_finish(self.raw.as_ptr(), busy.into()) };
        Duration::from_millis(ms.try_into().unwrap_or(0))
    }

    /// Sends frames, in order.
    ///
    /// # Safety
    ///
    /// The payload of each frame is marked with [`flag::COPY`] and lives until this returns, or is payload memory of this
    /// queue that the caller gives up.
    pub(super) unsafe fn send(&self, frames: &[Frame]) {
        // A batch is far below c_int's limit: it holds what one turn of the loop answered.
        // SAFETY: as above.
        unsafe { resty_ffi_send(self.raw.as_ptr(), frames.as_ptr(), frames.len() as c_int) };
    }

    /// Takes the frames that wait and returns how many there are; a negative number means that the runtime must end.
    pub(super) fn poll(&self, frames: &mut [Frame]) -> c_int {
        let (out, max) = (frames.as_mut_ptr(), frames.len() as c_int);
        // SAFETY: room for `max` frames.
        unsafe { resty_ffi_poll(self.raw.as_ptr(), out, max, 0) }
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

/// The host's descriptor. It is never read and never closed here.
pub(crate) struct Arrivals {
    fd: RawFd,
    _queue: Arc<Queue>,
}

impl AsRawFd for Arrivals {
    fn as_raw_fd(&self) -> RawFd {
        self.fd
    }
}

/// A payload from the host, in the host's own memory. Its bytes can be read and changed in place, and answered without
/// a copy. Dropping a `Body` frees it; an unloaded runtime ends once its last `Body` is dropped.
///
/// `Bytes::from(body)` turns it into [`Bytes`], also without a copy.
pub struct Body {
    queue: Arc<Queue>,
    /// `len` bytes of the queue's payload memory with no other owner; null if there is nothing to free.
    data: *mut u8,
    len: usize,
}

// SAFETY: a Body is the only one to have its memory, like a Box<[u8]>; any thread may free it.
unsafe impl Send for Body {}
// SAFETY: sharing a Body gives nothing but shared access to its bytes.
unsafe impl Sync for Body {}

impl Body {
    /// # Safety
    ///
    /// `data` is null, or `len` bytes of the queue's payload memory with no other owner.
    pub(super) unsafe fn new(queue: Arc<Queue>, data: *mut c_void, len: usize) -> Self {
        let data = data.cast();
        Self { queue, data, len }
    }

    pub(crate) fn queue(&self) -> &Arc<Queue> {
        &self.queue
    }

    /// Moves the memory into a frame.
    pub(super) fn into_data(mut self) -> *mut c_void {
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
