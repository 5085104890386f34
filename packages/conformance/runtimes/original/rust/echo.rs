//! An echo as for lua-resty-ffi: the three functions of version 1, a thread that polls, C strings without a length. It
//! answers "config" with its configuration.
use std::ffi::{c_char, c_int, c_void, CStr, CString};
use std::thread;

extern "C" {
    fn ngx_http_lua_ffi_task_poll(tq: *const c_void) -> *const c_void;
    fn ngx_http_lua_ffi_get_req(task: *const c_void, len: *mut c_int) -> *mut c_char;
    fn ngx_http_lua_ffi_respond(task: *const c_void, rc: c_int, rsp: *const c_char, len: c_int);
    fn strdup(text: *const c_char) -> *mut c_char;
}

struct Queue(*const c_void);
unsafe impl Send for Queue {}

fn serve(queue: Queue, config: CString) {
    loop {
        let task = unsafe { ngx_http_lua_ffi_task_poll(queue.0) };
        if task.is_null() {
            return;
        }
        unsafe {
            let request = ngx_http_lua_ffi_get_req(task, std::ptr::null_mut());
            let wants_config = CStr::from_ptr(request).to_bytes() == b"config";
            let answer = if wants_config {
                config.as_ptr()
            } else {
                request
            };
            ngx_http_lua_ffi_respond(task, 0, strdup(answer), 0);
        }
    }
}

/// # Safety
/// As the host calls it.
#[no_mangle]
pub unsafe extern "C" fn libffi_init(cfg: *const c_char, tq: *const c_void) -> c_int {
    let config = CStr::from_ptr(cfg).to_owned();
    let queue = Queue(tq);
    thread::spawn(move || serve(queue, config));
    0
}
