//! The conformance runtime in a process of its own.

mod host;

use host::{EXITED, Host, THREW};

#[test]
fn calls_are_served_as_in_this_process() {
    let host = Host::new();
    let rt = host
        .load_isolated("ffi_rust_conformance", Some("apart"))
        .unwrap();
    assert_eq!(host.text(rt, "echo", "hello"), "hello");
    assert_eq!(host.text(rt, "config", None), "apart");
    assert_eq!(host.text(rt, "sleep", "1"), "slept");
    assert_eq!(host.call(rt, "throw", None).unwrap_err().0, THREW);
    assert_eq!(host.text(rt, "dict", "incr n 2"), "2");
    assert!(
        !host
            .text(rt, "lang", None)
            .contains(&format!("\"pid\":{},", std::process::id()))
    );
    let call = host.start(rt, "never", None, None);
    assert_eq!(host.text(rt, "cancelled", None), "0");
    host.cancel(&call);
    host.turn_until("the handler is dropped", || {
        host.text(rt, "cancelled", None) == "1"
    });
}

#[test]
fn a_process_that_ends_fails_its_calls_and_comes_back() {
    let host = Host::new();
    let rt = host.load_isolated("ffi_rust_conformance", None).unwrap();
    for (method, how) in [("crash", "signal 6"), ("exit", "exit code 3")] {
        let waiting = host.start(rt, "never", None, None);
        let (code, text) = host.call(rt, method, None).unwrap_err();
        assert_eq!(code, EXITED);
        assert!(text.contains(how), "{text}");
        assert_eq!(host.finish(&waiting).unwrap_err().0, EXITED);
        assert_eq!(host.text(rt, "echo", "again"), "again");
    }
}

#[test]
fn a_set_up_that_fails_says_why() {
    let host = Host::new();
    let error = host.load_isolated("examples/ffi_rust_trial", Some("code"));
    let error = error.err().expect("a failure");
    assert!(error.contains("no broker answers"), "{error}");
}
