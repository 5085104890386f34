//! Panics on the runtime's threads go to its log, with the location and the author's functions in the backtrace.

use std::backtrace::Backtrace;
use std::panic::{self, PanicHookInfo};
use std::sync::Once;

use tracing_core::dispatcher::{self, Dispatch};
use tracing_core::subscriber::NoSubscriber;

use crate::threads;

/// Prefixes of functions that are not the author's.
const MACHINERY: [&str; 10] = [
    "__",
    "alloc::",
    "clone3",
    "core::",
    "resty_ffi::",
    "rust_",
    "start_thread",
    "std::",
    "tokio::",
    "tracing",
];

/// Installs the hook once for each library, which has its own copy of the standard library.
pub(crate) fn log_them() {
    static INSTALL: Once = Once::new();
    INSTALL.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if threads::logs_here() && dispatcher::get_default(listens) {
                log(info);
            } else {
                before(info);
            }
        }));
    });
}

/// False while the panic comes out of a subscriber.
fn listens(subscriber: &Dispatch) -> bool {
    !subscriber.is::<NoSubscriber>()
}

fn log(info: &PanicHookInfo<'_>) {
    let trace = frames(&Backtrace::force_capture().to_string());
    // "panicked at src/lib.rs:1:2:\nthe message"
    tracing::error!("{}{trace}", info.to_string().replacen(":\n", ": ", 1));
}

/// The author's frames of a printed backtrace, one on each line.
fn frames(backtrace: &str) -> String {
    let mut text = String::new();
    let mut wanted = false;
    for line in backtrace.lines().map(str::trim_start) {
        if let Some(place) = line.strip_prefix("at ") {
            if wanted {
                text.push_str(" at ");
                text.push_str(place);
            }
        } else if let Some((_, function)) = line.split_once(": ") {
            let name = function.trim_start_matches(['<', '&']);
            wanted = !MACHINERY.iter().any(|prefix| name.starts_with(prefix));
            if wanted {
                text.push_str("\n  in ");
                text.push_str(function);
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_authors_functions_are_left() {
        let backtrace = "\
   0: std::panicking::begin_panic
             at /rustc/std/src/panicking.rs:1:2
   1: app::divide
             at ./src/lib.rs:7:9
   2: app::handler::{{closure}}
   3: <core::panic::AssertUnwindSafe<F> as core::ops::FnOnce<()>>::call_once
             at /rustc/core/src/panic.rs:3:4
   4: resty_ffi::call::poll
   5: clone3";
        let left = "\n  in app::divide at ./src/lib.rs:7:9\n  in app::handler::{{closure}}";
        assert_eq!(frames(backtrace), left);
    }
}
