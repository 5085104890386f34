//! The entry point `libffi_init`.
#![allow(unsafe_code)]

use std::ffi::{c_int, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::host::Queue;
use crate::init::Init;
use crate::{Error, code, serve};

/// Turns a library into a runtime: exports `libffi_init`, which serves the router that the given function returns.
///
/// The function is `fn(Config) -> Result<Router, E>`, plain or `async`. `E` is [`Error`](crate::Error) or converts into
/// it. An error or a panic fails the load with its text. The function runs on the runtime's thread inside tokio, so it
/// may spawn tasks and open connections. Calls are served after it returns. The crate is a `cdylib`:
///
/// ```toml
/// [lib]
/// crate-type = ["cdylib"]
/// ```
///
/// ```no_run
/// use resty_ffi::{Config, Error, Request, Router};
///
/// fn init(_: Config) -> Result<Router, Error> {
///     Ok(Router::new().route("echo", |req: Request| async { req.into_body() }))
/// }
///
/// resty_ffi::export!(init);
/// ```
#[macro_export]
macro_rules! export {
    ($init:path) => {
        /// The host calls this once for each runtime.
        ///
        /// # Safety
        ///
        /// `tq` is the queue of a runtime that is being loaded.
        #[allow(unsafe_code)]
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn libffi_init(
            _cfg: *mut ::std::ffi::c_char,
            tq: *mut ::std::ffi::c_void,
        ) -> ::std::ffi::c_int {
            // SAFETY: as above.
            unsafe { $crate::__start(tq, $init) }
        }
    };
}

/// The body of `libffi_init`; [`export!`](crate::export) calls it.
///
/// # Safety
///
/// `tq` is the queue of a runtime that is being loaded, or null.
pub unsafe fn start<I: Init<M>, M>(tq: *mut c_void, init: I) -> c_int {
    // SAFETY: the host calls libffi_init once for each queue.
    let Some(queue) = (unsafe { Queue::new(tq) }) else {
        return code::BAD_ARGUMENT;
    };
    let launched = catch_unwind(AssertUnwindSafe(|| serve::launch(&queue, init)))
        .unwrap_or_else(|panic| Err(Error::panicked(panic)));
    match launched {
        Ok(()) => 0,
        Err(error) => {
            queue.fail(error.message());
            error.code()
        }
    }
}
