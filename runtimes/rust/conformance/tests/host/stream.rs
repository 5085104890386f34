//! Streams of the host, without waiting and while the event loop runs.

use std::ffi::c_int;
use std::ptr;
use std::time::{Duration, Instant};

use super::{CANCELLED, CallHead, Host, Runtime, TIMEOUT};

const AGAIN: c_int = 1;
const MESSAGE: c_int = 1;
const ENDED: c_int = 2;

unsafe extern "C" {
    fn resty_ffi_stream_open(
        rt: *mut std::ffi::c_void,
        call: *mut CallHead,
        method: u32,
        data: *const u8,
        len: u64,
        end: bool,
        timeout_ms: u64,
    ) -> c_int;
    fn resty_ffi_stream_send(call: *mut CallHead, data: *const u8, len: u64, end: bool) -> c_int;
    fn resty_ffi_stream_next(call: *mut CallHead) -> c_int;
}

/// An event of a stream.
#[derive(Debug, PartialEq)]
pub enum Event {
    Message(Vec<u8>),
    /// The end: a status, with a message unless the status is 0.
    End(i32, String),
}

pub struct Stream<'a> {
    host: &'a Host,
    call: *mut CallHead,
    deadline: Option<Instant>,
}

impl Drop for Stream<'_> {
    fn drop(&mut self) {
        unsafe { super::resty_ffi_pull_call_free(self.call) }
    }
}

fn pointer(data: Option<&[u8]>) -> (*const u8, u64) {
    data.map_or((ptr::null(), 0), |data| (data.as_ptr(), data.len() as u64))
}

impl Host {
    pub fn open<'a>(
        &self,
        rt: Runtime,
        method: &str,
        first: impl Into<Option<&'a str>>,
    ) -> Stream<'_> {
        self.open_with(rt, method, first.into(), false, None)
    }

    /// Opens a stream. `closed`: nothing follows the first message.
    pub fn open_with(
        &self,
        rt: Runtime,
        method: &str,
        first: Option<&str>,
        closed: bool,
        timeout: Option<Duration>,
    ) -> Stream<'_> {
        let number =
            unsafe { super::resty_ffi_runtime_method(rt.0, method.as_ptr(), method.len()) };
        let call = unsafe { super::resty_ffi_pull_call_new(self.pull) };
        let (data, len) = pointer(first.map(str::as_bytes));
        let ms = timeout.map_or(0, |timeout| timeout.as_millis() as u64);
        let number = u32::try_from(number).unwrap();
        let rc = unsafe { resty_ffi_stream_open(rt.0, call, number, data, len, closed, ms) };
        assert_eq!(rc, 0, "the host refused the stream");
        Stream {
            host: self,
            call,
            deadline: timeout.map(|timeout| Instant::now() + timeout),
        }
    }
}

impl Stream<'_> {
    /// Sends a message. Returns whether the window had room for it.
    #[track_caller]
    pub fn try_send(&self, message: &[u8]) -> bool {
        let (data, len) = pointer(Some(message));
        let rc = unsafe { resty_ffi_stream_send(self.call, data, len, false) };
        assert!(rc == 0 || rc == AGAIN, "send returned {rc}");
        rc == 0
    }

    #[track_caller]
    pub fn send(&self, message: &str) {
        self.host
            .turn_until("the window opens", || self.try_send(message.as_bytes()));
    }

    /// Closes the client's direction, after a last message if there is one.
    #[track_caller]
    pub fn close(&self, last: Option<&str>) {
        let (data, len) = pointer(last.map(str::as_bytes));
        let rc = unsafe { resty_ffi_stream_send(self.call, data, len, true) };
        assert_eq!(rc, 0);
    }

    /// The next message or the end, if one is there.
    pub fn try_next(&self) -> Option<Event> {
        let next = unsafe { resty_ffi_stream_next(self.call) };
        let head = unsafe { &*self.call };
        let data = || unsafe { super::bytes(head.data, head.len) }.to_vec();
        match next {
            MESSAGE => {
                assert_eq!(head.nil, 0, "a message is never nil");
                Some(Event::Message(data()))
            }
            ENDED => Some(Event::End(
                head.status,
                String::from_utf8_lossy(&data()).into_owned(),
            )),
            _ => None,
        }
    }

    /// Waits for the next event. Cancels the stream at its deadline.
    #[track_caller]
    pub fn next(&self) -> Event {
        let mut next = None;
        self.host.turn_until("the stream has something", || {
            if self.deadline.is_some_and(|end| Instant::now() >= end) {
                self.cancel_with(TIMEOUT);
                next = Some(Event::End(TIMEOUT, String::new()));
                return true;
            }
            next = self.try_next();
            next.is_some()
        });
        next.expect("there is something")
    }

    /// The next message, as text.
    #[track_caller]
    pub fn text(&self) -> String {
        match self.next() {
            Event::Message(bytes) => String::from_utf8(bytes).unwrap(),
            end => panic!("a message was expected, not {end:?}"),
        }
    }

    /// All messages up to the end, as text, and the end.
    #[track_caller]
    pub fn rest(&self) -> (Vec<String>, i32, String) {
        let mut messages = Vec::new();
        loop {
            match self.next() {
                Event::Message(bytes) => messages.push(String::from_utf8(bytes).unwrap()),
                Event::End(status, text) => return (messages, status, text),
            }
        }
    }

    pub fn cancel(&self) {
        self.cancel_with(CANCELLED);
    }

    fn cancel_with(&self, status: i32) {
        unsafe { super::resty_ffi_call_cancel(self.call, status) }
    }
}
