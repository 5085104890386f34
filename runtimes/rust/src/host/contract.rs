//! `resty_ffi.h` in Rust: the frame, the numbers and the functions.

use std::ffi::{c_char, c_int, c_void};
use std::ptr;

/// `resty_ffi_frame`.
#[repr(C)]
#[derive(Clone, Copy)]
pub(super) struct Frame {
    pub(super) id: u64,
    pub(super) kind: u16,
    pub(super) flags: u16,
    pub(super) status: i32,
    pub(super) data: *mut c_void,
    pub(super) len: u64,
    pub(super) deadline: u64,
    pub(super) method: u32,
    pub(super) zone: u32,
    pub(super) arg: u64,
    pub(super) release: *mut c_void,
}

pub(super) const EMPTY: Frame = Frame {
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

/// `resty_ffi_kind`.
pub(super) mod kind {
    pub(crate) const CALL: u16 = 1;
    pub(crate) const DATA: u16 = 2;
    pub(crate) const CANCEL: u16 = 3;
    pub(crate) const WINDOW: u16 = 4;
    pub(crate) const LOG: u16 = 5;
    pub(crate) const DICT: u16 = 6;
}

/// `resty_ffi_flag`.
pub(super) mod flag {
    pub(crate) const END: u16 = 1;
    pub(crate) const NIL: u16 = 2;
    pub(crate) const COPY: u16 = 4;
}

/// `resty_ffi_level`: nginx's numbers.
pub(crate) mod level {
    pub(crate) const EMERG: i32 = 1;
    pub(crate) const ALERT: i32 = 2;
    pub(crate) const CRIT: i32 = 3;
    pub(crate) const ERR: i32 = 4;
    pub(crate) const WARN: i32 = 5;
    pub(crate) const NOTICE: i32 = 6;
    pub(crate) const INFO: i32 = 7;
    pub(crate) const DEBUG: i32 = 8;
}

/// `resty_ffi_dict_op`.
#[derive(Clone, Copy, Debug)]
pub(crate) enum DictOp {
    Get = 1,
    Set = 2,
    Incr = 3,
    Delete = 4,
    Add = 5,
}

/// `RESTY_FFI_LEAST_COST`: what the smallest message takes from a stream's window.
pub(crate) const LEAST_COST: u64 = 256;

/// `resty_ffi_queue`, which is opaque here.
#[repr(C)]
pub(super) struct Raw {
    _opaque: [u8; 0],
}

unsafe extern "C" {
    pub(super) fn resty_ffi_poll(
        q: *mut Raw,
        out: *mut Frame,
        max: c_int,
        timeout_ms: c_int,
    ) -> c_int;
    pub(super) fn resty_ffi_send(q: *mut Raw, frames: *const Frame, n: c_int) -> c_int;
    pub(super) fn resty_ffi_fd(q: *mut Raw, level: c_int) -> c_int;
    pub(super) fn resty_ffi_free(q: *mut Raw, data: *mut c_void);
    pub(super) fn resty_ffi_method(q: *mut Raw, method: u32, len: *mut usize) -> *const c_char;
    pub(super) fn resty_ffi_config(q: *mut Raw, len: *mut usize) -> *const c_char;
    pub(super) fn resty_ffi_name(q: *mut Raw) -> *const c_char;
    pub(super) fn resty_ffi_fail(q: *mut Raw, text: *const c_char, len: usize);
    pub(super) fn resty_ffi_finish(q: *mut Raw, busy: c_int) -> c_int;
    pub(super) fn resty_ffi_close(q: *mut Raw);
    pub(super) fn resty_ffi_abi() -> c_int;
}

#[cfg(test)]
mod tests;
