//! A minimal host for tests: loads a runtime and makes calls with the host functions of `libresty_ffi.so`
//! (`native/loop/host.h`, `native/host/pull/pull.h`). Each host belongs to one thread; several hosts may exist at once.
//!
//! The safety of all code here rests on this: a runtime and a call belong to one host, are used on its thread, and are
//! dropped before it.
#![allow(
    unsafe_code,
    dead_code,
    unused_imports,
    clippy::multiple_unsafe_ops_per_block,
    clippy::undocumented_unsafe_blocks
)]

mod stream;

use std::cell::RefCell;
use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::path::PathBuf;
use std::ptr;
use std::time::{Duration, Instant};

pub use stream::Event;

const IN_FLIGHT: i32 = 1;
const DONE: i32 = 2;
const PATIENCE: Duration = Duration::from_secs(20);

pub const TIMEOUT: i32 = -1;
pub const CANCELLED: i32 = -2;
pub const NO_METHOD: i32 = -5;
pub const THREW: i32 = -6;
pub const EXITED: i32 = -7;
pub const BAD_ARGUMENT: i32 = -10;

#[repr(C)]
struct CallHead {
    user: *mut c_void,
    data: *const u8,
    len: u64,
    status: i32,
    nil: i32,
    state: i32,
    stream: i32,
}

#[repr(C)]
struct Options {
    size: u32,
    max_queue: u32,
    workers: u32,
    load_timeout_ms: u32,
    drain_ms: u32,
    timeout_ms: u32,
    isolate: u8,
    global: u8,
    unpin: u8,
    restart: u8,
    watch: u8,
    files: u32,
    cpus: u32,
    memory: u64,
    dicts: *const c_char,
    user: *const c_char,
    env: *const c_char,
    settings: *const c_char,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            size: size_of::<Self>() as u32,
            load_timeout_ms: 10_000,
            ..unsafe { std::mem::zeroed() }
        }
    }
}

#[repr(C)]
#[derive(Default)]
pub struct Stats {
    pub calls: u64,
    pub answered: u64,
    pub failed: u64,
    pub timed_out: u64,
    pub cancelled: u64,
    pub late: u64,
    pub queue_full: u64,
    pub restarts: u64,
    pub reloads: u64,
    pub streams: u64,
    pub bytes_in: u64,
    pub bytes_out: u64,
    pub in_flight: u32,
    pub workers: u32,
    pub queued: u32,
    pub process: i32,
    pub up: i32,
}

unsafe extern "C" {
    fn resty_ffi_pull_new(error: *mut c_char, size: usize) -> *mut c_void;
    fn resty_ffi_pull_loop(p: *mut c_void) -> *mut c_void;
    fn resty_ffi_pull_run(p: *mut c_void, timeout_ms: c_int) -> c_int;
    fn resty_ffi_pull_done(p: *mut c_void) -> *mut CallHead;
    fn resty_ffi_pull_log(p: *mut c_void, text: *mut *const u8, len: *mut usize) -> c_int;
    fn resty_ffi_pull_close(p: *mut c_void, timeout_ms: c_int);
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
    fn resty_ffi_runtime_reload(rt: *mut c_void) -> c_int;
    fn resty_ffi_runtime_reload_wait(
        rt: *mut c_void,
        timeout_ms: c_int,
        error: *mut c_char,
        error_size: usize,
    ) -> c_int;
    fn resty_ffi_runtime_stats(rt: *mut c_void, out: *mut Stats);
    fn resty_ffi_runtime_unload(rt: *mut c_void);
    fn resty_ffi_runtime_method(rt: *mut c_void, name: *const u8, len: usize) -> c_int;
    fn resty_ffi_pull_call_new(p: *mut c_void) -> *mut CallHead;
    fn resty_ffi_pull_call_free(call: *mut CallHead);
    fn resty_ffi_pull_stream(p: *mut c_void, events: *mut c_int) -> *mut CallHead;
    fn resty_ffi_call_submit(
        rt: *mut c_void,
        call: *mut CallHead,
        method: u32,
        data: *const u8,
        len: u64,
        timeout_ms: u64,
    ) -> c_int;
    fn resty_ffi_call_cancel(call: *mut CallHead, status: c_int);
}

unsafe fn bytes<'a>(data: *const u8, len: u64) -> &'a [u8] {
    match len {
        0 => &[],
        len => unsafe { std::slice::from_raw_parts(data, len as usize) },
    }
}

/// An answer: bytes or nil, or a code and a message.
pub type Answer = Result<Option<Vec<u8>>, (i32, String)>;

pub struct Host {
    pull: *mut c_void,
    log: RefCell<Vec<(i32, String)>>,
}

#[derive(Clone, Copy)]
pub struct Runtime(*mut c_void);

pub struct Call {
    call: *mut CallHead,
    deadline: Option<Instant>,
}

impl Call {
    pub fn in_flight(&self) -> bool {
        unsafe { (*self.call).state == IN_FLIGHT }
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        unsafe { resty_ffi_pull_call_free(self.call) }
    }
}

/// The library of a workspace member in Cargo's target folder.
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
        let pull = unsafe { resty_ffi_pull_new(std::ptr::null_mut(), 0) };
        assert!(!pull.is_null());
        Self {
            pull,
            log: RefCell::default(),
        }
    }

    fn event_loop(&self) -> *mut c_void {
        unsafe { resty_ffi_pull_loop(self.pull) }
    }

    /// Loads the conformance runtime.
    pub fn load(&self, cfg: Option<&str>) -> Result<Runtime, String> {
        self.load_library("ffi_rust_conformance", cfg)
    }

    pub fn load_library(&self, name: &str, cfg: Option<&str>) -> Result<Runtime, String> {
        self.load_with(name, cfg, Options::default())
    }

    /// Loads it with these shared dicts.
    pub fn load_with_dicts(&self, name: &str, cfg: Option<&str>, dicts: &str) -> Runtime {
        let list = CString::new(dicts).unwrap();
        let mut list = list.into_bytes_with_nul();
        list.iter_mut()
            .filter(|byte| **byte == b' ')
            .for_each(|byte| *byte = 0);
        list.push(0);
        let options = Options {
            dicts: list.as_ptr().cast(),
            ..Options::default()
        };
        self.load_with(name, cfg, options).unwrap()
    }

    /// Loads it with this time for the old code to end after a reload.
    pub fn load_to_drain(&self, name: &str, cfg: Option<&str>, patience: Duration) -> Runtime {
        let options = Options {
            drain_ms: patience.as_millis() as u32,
            ..Options::default()
        };
        self.load_with(name, cfg, options).unwrap()
    }

    /// Loads it in a process of its own, which is restarted when it ends.
    pub fn load_isolated(&self, name: &str, cfg: Option<&str>) -> Result<Runtime, String> {
        let options = Options {
            isolate: 1,
            restart: 1,
            ..Options::default()
        };
        self.load_with(name, cfg, options)
    }

    fn load_with(
        &self,
        name: &str,
        cfg: Option<&str>,
        options: Options,
    ) -> Result<Runtime, String> {
        let lib = CString::new(library(name).into_os_string().into_encoded_bytes()).unwrap();
        let mut error = [0u8; 2048];
        let text = error.as_mut_ptr().cast::<c_char>();
        let rt = unsafe {
            resty_ffi_runtime_load(
                self.event_loop(),
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
        let call = unsafe { resty_ffi_pull_call_new(self.pull) };
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

    /// The same for an answer that is text.
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

    /// Cancels the call.
    pub fn cancel(&self, call: &Call) {
        unsafe { resty_ffi_call_cancel(call.call, CANCELLED) }
    }

    /// How many calls ended after they were cancelled.
    pub fn late(&self, rt: Runtime) -> u64 {
        self.stats(rt).late
    }

    pub fn stats(&self, rt: Runtime) -> Stats {
        let mut stats = Stats::default();
        unsafe { resty_ffi_runtime_stats(rt.0, &mut stats) };
        stats
    }

    /// Reloads the runtime and waits until the new code serves.
    #[track_caller]
    pub fn reload(&self, rt: Runtime) {
        let mut error = [0u8; 2048];
        let text = error.as_mut_ptr().cast::<c_char>();
        assert_eq!(unsafe { resty_ffi_runtime_reload(rt.0) }, 0);
        let up = unsafe { resty_ffi_runtime_reload_wait(rt.0, 10_000, text, error.len()) };
        assert_eq!(
            up,
            1,
            "{}",
            unsafe { CStr::from_ptr(text) }.to_string_lossy()
        );
    }

    pub fn unload(&self, rt: Runtime) {
        unsafe { resty_ffi_runtime_unload(rt.0) }
    }

    /// Runs the event loop until a condition holds.
    #[track_caller]
    pub fn turn_until(&self, what: &str, mut so: impl FnMut() -> bool) {
        let end = Instant::now() + PATIENCE;
        while !so() {
            assert!(Instant::now() < end, "waited in vain until {what}");
            self.turn();
        }
    }

    fn turn(&self) {
        unsafe { resty_ffi_pull_run(self.pull, 1) };
        while !unsafe { resty_ffi_pull_done(self.pull) }.is_null() {}
        let mut events = 0;
        while !unsafe { resty_ffi_pull_stream(self.pull, &mut events) }.is_null() {}
        let (mut text, mut len) = (ptr::null(), 0);
        loop {
            let level = unsafe { resty_ffi_pull_log(self.pull, &mut text, &mut len) };
            if level == 0 {
                break;
            }
            let line = String::from_utf8_lossy(unsafe { bytes(text, len as u64) }).into_owned();
            self.log.borrow_mut().push((level, line));
        }
    }

    /// The lines of the log without the runtime's name.
    pub fn log(&self) -> Vec<(i32, String)> {
        let line = |(level, text): &(i32, String)| {
            let text = text
                .split_once(": ")
                .map_or(text.as_str(), |(_, text)| text);
            (*level, text.to_owned())
        };
        self.log.borrow().iter().map(line).collect()
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        unsafe { resty_ffi_pull_close(self.pull, 10_000) }
    }
}
