//! The smallest host, for tests: loads a runtime with the core's own functions (`native/core/host.h`), makes calls, keeps
//! a shared dict and a log. One thread each; several hosts may live at once.
//!
//! What makes it sound, for all of it: a runtime and a call belong to one host and are used on its thread; the core calls
//! back on that thread only, with the `State` that the host keeps until it has closed the core's loop.
#![allow(
    unsafe_code,
    dead_code,
    clippy::multiple_unsafe_ops_per_block,
    clippy::undocumented_unsafe_blocks
)]

use std::cell::RefCell;
use std::collections::HashMap;
use std::ffi::{CStr, CString, c_char, c_int, c_short, c_ulong, c_void};
use std::path::PathBuf;
use std::ptr;
use std::time::{Duration, Instant};

const IN_FLIGHT: i32 = 1;
const DONE: i32 = 2;
const PATIENCE: Duration = Duration::from_secs(20);

pub const TIMEOUT: i32 = -1;
pub const CANCELLED: i32 = -2;
pub const NO_METHOD: i32 = -5;
pub const THREW: i32 = -6;
const BAD_ARGUMENT: i32 = -10;

#[repr(C)]
struct CallHead {
    user: *mut c_void,
    data: *const u8,
    len: u64,
    status: i32,
    nil: i32,
    state: i32,
}

#[repr(C)]
struct DictRequest {
    op: c_int,
    key: *const u8,
    value: *const u8,
    key_len: u64,
    value_len: u64,
    ttl_ms: u64,
}

#[repr(C)]
struct DictAnswer {
    status: c_int,
    data: *const u8,
    len: usize,
}

type Ready = extern "C" fn(*mut c_void);

#[repr(C)]
struct HostFunctions {
    watch: extern "C" fn(*mut c_void, c_int, Ready, *mut c_void, *mut *mut c_void) -> *const c_char,
    unwatch: extern "C" fn(*mut c_void, *mut c_void),
    done: extern "C" fn(*mut c_void, *mut CallHead),
    log: extern "C" fn(*mut c_void, c_int, *const u8, usize),
    dict: extern "C" fn(*mut c_void, *mut c_void, *const DictRequest, *mut DictAnswer),
    host: *mut c_void,
    level: bool,
}

#[repr(C)]
struct Options {
    size: u32,
    max_queue: u32,
    workers: u32,
    load_timeout_ms: u32,
    flags: [u8; 4],
}

#[repr(C)]
#[derive(Default)]
struct Stats {
    calls: u64,
    answered: u64,
    failed: u64,
    timed_out: u64,
    cancelled: u64,
    late: u64,
    queue_full: u64,
    restarts: u64,
    rest: [u32; 4],
}

unsafe extern "C" {
    fn resty_ffi_loop_new(host: *const HostFunctions) -> *mut c_void;
    fn resty_ffi_loop_close(l: *mut c_void, timeout_ms: c_int);
    fn resty_ffi_runtime_load(
        l: *mut c_void,
        lib: *const c_char,
        cfg: *const u8,
        cfg_len: usize,
        options: *const Options,
        error: *mut c_char,
        error_size: usize,
    ) -> *mut c_void;
    fn resty_ffi_runtime_wait(
        rt: *mut c_void,
        timeout_ms: c_int,
        error: *mut c_char,
        error_size: usize,
    ) -> c_int;
    fn resty_ffi_runtime_stats(rt: *mut c_void, out: *mut Stats);
    fn resty_ffi_runtime_unload(rt: *mut c_void);
    fn resty_ffi_runtime_method(rt: *mut c_void, name: *const u8, len: usize) -> c_int;
    fn resty_ffi_call_new(l: *mut c_void) -> *mut CallHead;
    fn resty_ffi_call_free(call: *mut CallHead);
    fn resty_ffi_call_submit(
        rt: *mut c_void,
        call: *mut CallHead,
        method: u32,
        data: *const u8,
        len: u64,
        timeout_ms: u64,
    ) -> c_int;
    fn resty_ffi_call_cancel(call: *mut CallHead, status: c_int);
    fn poll(fds: *mut PollFd, n: c_ulong, timeout_ms: c_int) -> c_int;
}

#[repr(C)]
struct PollFd {
    fd: c_int,
    events: c_short,
    revents: c_short,
}

#[derive(Clone, Copy)]
struct Watch {
    id: usize,
    fd: c_int,
    ready: Ready,
    arg: *mut c_void,
}

#[derive(Default)]
struct State {
    watches: RefCell<Vec<Watch>>,
    next: RefCell<usize>,
    log: RefCell<Vec<(i32, String)>>,
    dict: RefCell<HashMap<Vec<u8>, Vec<u8>>>,
    answer: RefCell<Vec<u8>>,
}

unsafe fn state<'a>(host: *mut c_void) -> &'a State {
    unsafe { &*host.cast::<State>() }
}

unsafe fn bytes<'a>(data: *const u8, len: u64) -> &'a [u8] {
    match len {
        0 => &[],
        len => unsafe { std::slice::from_raw_parts(data, len as usize) },
    }
}

extern "C" fn watch(
    host: *mut c_void,
    fd: c_int,
    ready: Ready,
    arg: *mut c_void,
    handle: *mut *mut c_void,
) -> *const c_char {
    let state = unsafe { state(host) };
    let id = {
        let mut next = state.next.borrow_mut();
        *next += 1;
        *next
    };
    state
        .watches
        .borrow_mut()
        .push(Watch { id, fd, ready, arg });
    unsafe { *handle = ptr::without_provenance_mut(id) };
    ptr::null()
}

extern "C" fn unwatch(host: *mut c_void, handle: *mut c_void) {
    let state = unsafe { state(host) };
    state
        .watches
        .borrow_mut()
        .retain(|watch| watch.id != handle.addr());
}

extern "C" fn done(_: *mut c_void, _: *mut CallHead) {}

extern "C" fn log(host: *mut c_void, level: c_int, text: *const u8, len: usize) {
    let text = String::from_utf8_lossy(unsafe { bytes(text, len as u64) }).into_owned();
    unsafe { state(host) }.log.borrow_mut().push((level, text));
}

extern "C" fn dict(
    host: *mut c_void,
    _: *mut c_void,
    request: *const DictRequest,
    answer: *mut DictAnswer,
) {
    let (state, request, answer) = unsafe { (state(host), &*request, &mut *answer) };
    let key = unsafe { bytes(request.key, request.key_len) }.to_vec();
    let value = unsafe { bytes(request.value, request.value_len) }.to_vec();
    let mut entries = state.dict.borrow_mut();
    let result: Option<Vec<u8>> = match request.op {
        1 => entries.get(&key).cloned(),
        2 => entries.insert(key, value).and(None),
        3 => {
            let number = |text: &[u8]| std::str::from_utf8(text).ok()?.parse::<i64>().ok();
            let old = entries.get(&key).map_or(Some(0), |old| number(old));
            match old.zip(number(&value)) {
                Some((old, by)) => {
                    let sum = (old + by).to_string().into_bytes();
                    entries.insert(key, sum.clone());
                    Some(sum)
                }
                None => {
                    answer.status = BAD_ARGUMENT;
                    Some(b"not a number".to_vec())
                }
            }
        }
        _ => entries.remove(&key).and(None),
    };
    if let Some(result) = result {
        *state.answer.borrow_mut() = result;
        let result = state.answer.borrow();
        answer.data = result.as_ptr();
        answer.len = result.len();
    }
}

/// An answer: bytes or nil, or a code and a message.
pub type Answer = Result<Option<Vec<u8>>, (i32, String)>;

pub struct Host {
    l: *mut c_void,
    state: Box<State>,
}

#[derive(Clone, Copy)]
pub struct Runtime(*mut c_void);

pub struct Call {
    call: *mut CallHead,
    deadline: Option<Instant>,
}

impl Drop for Call {
    fn drop(&mut self) {
        unsafe { resty_ffi_call_free(self.call) }
    }
}

/// The library of a workspace member, as Cargo has just built it.
pub fn library(name: &str) -> PathBuf {
    let exe = std::env::current_exe().unwrap();
    let folder = exe.parent().and_then(|deps| deps.parent()).unwrap();
    let library = match name.rsplit_once('/') {
        Some((below, name)) => folder.join(below).join(format!("lib{name}.so")),
        None => folder.join(format!("lib{name}.so")),
    };
    assert!(
        library.exists(),
        "{} is not built: run cargo build",
        library.display()
    );
    library
}

impl Host {
    pub fn new() -> Self {
        let state = Box::<State>::default();
        let functions = HostFunctions {
            watch,
            unwatch,
            done,
            log,
            dict,
            host: ptr::from_ref(&*state).cast_mut().cast(),
            level: true,
        };
        let l = unsafe { resty_ffi_loop_new(&functions) };
        assert!(!l.is_null());
        Self { l, state }
    }

    /// The conformance runtime.
    pub fn load(&self, cfg: Option<&str>) -> Result<Runtime, String> {
        self.load_library("ffi_rust_conformance", cfg)
    }

    pub fn load_library(&self, name: &str, cfg: Option<&str>) -> Result<Runtime, String> {
        let lib = CString::new(library(name).into_os_string().into_encoded_bytes()).unwrap();
        let options = Options {
            size: size_of::<Options>() as u32,
            max_queue: 0,
            workers: 0,
            load_timeout_ms: 10_000,
            flags: [0; 4],
        };
        let mut error = [0u8; 2048];
        let text = error.as_mut_ptr().cast::<c_char>();
        let rt = unsafe {
            resty_ffi_runtime_load(
                self.l,
                lib.as_ptr(),
                cfg.map_or(ptr::null(), str::as_ptr),
                cfg.map_or(0, str::len),
                &options,
                text,
                error.len(),
            )
        };
        let up =
            !rt.is_null() && 1 == unsafe { resty_ffi_runtime_wait(rt, 10_000, text, error.len()) };
        if up {
            return Ok(Runtime(rt));
        }
        Err(unsafe { CStr::from_ptr(text) }
            .to_string_lossy()
            .into_owned())
    }

    /// Begins a call.
    pub fn start(
        &self,
        rt: Runtime,
        method: &str,
        request: Option<&[u8]>,
        timeout: Option<Duration>,
    ) -> Call {
        let number = unsafe { resty_ffi_runtime_method(rt.0, method.as_ptr(), method.len()) };
        let call = unsafe { resty_ffi_call_new(self.l) };
        let rc = unsafe {
            resty_ffi_call_submit(
                rt.0,
                call,
                u32::try_from(number).unwrap(),
                request.map_or(ptr::null(), <[u8]>::as_ptr),
                request.map_or(0, <[u8]>::len) as u64,
                timeout.map_or(0, |timeout| timeout.as_millis() as u64),
            )
        };
        assert_eq!(rc, 0, "the host refused the call");
        Call {
            call,
            deadline: timeout.map(|timeout| Instant::now() + timeout),
        }
    }

    /// Waits for the answer of a call, and cancels it at its deadline.
    #[track_caller]
    pub fn finish(&self, call: &Call) -> Answer {
        self.turn_until("the call ends", || {
            if call
                .deadline
                .is_some_and(|deadline| Instant::now() >= deadline)
            {
                unsafe { resty_ffi_call_cancel(call.call, TIMEOUT) };
            }
            unsafe { (*call.call).state != IN_FLIGHT }
        });
        if unsafe { (*call.call).state } != DONE {
            let status = if call.deadline.is_some() {
                TIMEOUT
            } else {
                CANCELLED
            };
            return Err((status, "nobody waits any more".to_owned()));
        }
        let head = unsafe { &*call.call };
        let data = unsafe { bytes(head.data, head.len) }.to_vec();
        match head.status {
            0 => Ok((head.nil == 0).then_some(data)),
            status => Err((status, String::from_utf8_lossy(&data).into_owned())),
        }
    }

    pub fn call(
        &self,
        rt: Runtime,
        method: &str,
        request: impl Into<Option<&'static str>>,
    ) -> Answer {
        let request = request.into().map(str::as_bytes);
        self.finish(&self.start(rt, method, request, None))
    }

    /// The same, of an answer that is text.
    #[track_caller]
    pub fn text(
        &self,
        rt: Runtime,
        method: &str,
        request: impl Into<Option<&'static str>>,
    ) -> String {
        let answer = self.call(rt, method, request).unwrap().expect("an answer");
        String::from_utf8(answer).unwrap()
    }

    /// Nobody waits for the call any more.
    pub fn cancel(&self, call: &Call) {
        unsafe { resty_ffi_call_cancel(call.call, CANCELLED) }
    }

    /// How many calls had their end after nobody waited for it.
    pub fn late(&self, rt: Runtime) -> u64 {
        let mut stats = Stats::default();
        unsafe { resty_ffi_runtime_stats(rt.0, &mut stats) };
        stats.late
    }

    pub fn unload(&self, rt: Runtime) {
        unsafe { resty_ffi_runtime_unload(rt.0) }
    }

    /// Lets the event loop turn until something is so.
    #[track_caller]
    pub fn turn_until(&self, what: &str, mut so: impl FnMut() -> bool) {
        let end = Instant::now() + PATIENCE;
        while !so() {
            assert!(Instant::now() < end, "waited in vain until {what}");
            self.turn();
        }
    }

    fn turn(&self) {
        let watches = self.state.watches.borrow().clone();
        let mut fds: Vec<PollFd> = watches
            .iter()
            .map(|watch| PollFd {
                fd: watch.fd,
                events: 1,
                revents: 0,
            })
            .collect();
        unsafe { poll(fds.as_mut_ptr(), fds.len() as c_ulong, 1) };
        for (watch, fd) in watches.iter().zip(&fds) {
            let watched = || self.state.watches.borrow().iter().any(|w| w.id == watch.id);
            if fd.revents != 0 && watched() {
                (watch.ready)(watch.arg);
            }
        }
    }

    pub fn log(&self) -> Vec<(i32, String)> {
        self.state.log.borrow().clone()
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        unsafe { resty_ffi_loop_close(self.l, 2000) }
    }
}
