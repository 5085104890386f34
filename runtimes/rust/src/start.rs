//! The way in: `libffi_init`.
#![allow(unsafe_code)]

use std::ffi::{c_int, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::host::Queue;
use crate::init::Init;
use crate::{Error, code, serve};

/// Makes a library a runtime: exports `libffi_init`, which sets up what the given function returns.
///
/// The function is `fn(Config) -> Result<Router, E>`, plain or `async`; `E` is [`Error`](crate::Error) or converts into
/// it, and fails the load with its text, as a panic does. It runs on the runtime's thread inside tokio, so it may spawn
/// tasks and open connections; calls are served once it is done. The crate is a `cdylib`:
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
        /// The host calls this once for each runtime that it loads.
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

/// What `libffi_init` does; called by [`export!`](crate::export).
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
