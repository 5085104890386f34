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
fn streams_are_served_as_in_this_process() {
    let host = Host::new();
    let rt = host.load_isolated("ffi_rust_conformance", None).unwrap();
    let (numbers, status, _) = host.open(rt, "count", "3000").rest();
    assert_eq!((numbers.len(), status), (3000, 0));
    let chat = host.open(rt, "chat", "one");
    assert_eq!(chat.text(), "one");
    chat.close(Some("two"));
    assert_eq!(chat.rest(), (vec!["two".to_owned()], 0, String::new()));
    let failing = host.open(rt, "failstream", "1").rest();
    assert_eq!(failing, (vec!["0".to_owned()], 7, "mid-stream".to_owned()));
    let flood = host.open(rt, "flood", "1000");
    flood.next();
    flood.cancel();
    host.turn_until("the handler is dropped", || {
        host.text(rt, "streams", None) == "0"
    });
    assert_eq!(host.text(rt, "cancelled", None), "1");
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
