//! The rarer ways to set up, to fail and to wait.

mod host;

use host::{CANCELLED, Host, Runtime, THREW};

fn loaded(cfg: Option<&str>) -> (Host, Runtime) {
    let host = Host::new();
    let rt = host.load_library("examples/ffi_rust_trial", cfg).unwrap();
    (host, rt)
}

#[test]
fn a_set_up_that_fails_says_why() {
    let host = Host::new();
    let failures = [
        ("code", "no broker answers", "returned 9"),
        ("error", "invalid digit found in string", "returned -6"),
        ("panic", "broken set-up", "returned -6"),
    ];
    for (cfg, text, code) in failures {
        let error = host
            .load_library("examples/ffi_rust_trial", Some(cfg))
            .err()
            .expect("a failure");
        assert!(error.contains(text), "{error}");
        assert!(error.contains(code), "{error}");
    }
    let rt = host.load_library("examples/ffi_rust_trial", None).unwrap();
    assert_eq!(host.text(rt, "fine", None), "fine it is");
}

#[test]
fn configuration_that_does_not_fit_says_where() {
    let host = Host::new();
    let error = host.load_library("examples/ffi_rust_trial", Some("json"));
    let error = error.err().expect("a failure");
    assert!(error.contains("does not fit"), "{error}");
    assert!(error.contains("line 1 column"), "{error}");
}

#[test]
fn panics_are_answered_wherever_they_happen() {
    for cfg in [None, Some("workers")] {
        let (host, rt) = loaded(cfg);
        let panics = [
            ("panic_in_call", "before the future"),
            ("panic_later", "after waiting"),
            ("panic_in_drop", "in a drop"),
            ("panic_in_block", "on a thread"),
        ];
        for (method, text) in panics {
            let expected = Err((THREW, text.to_owned()));
            assert_eq!(host.call(rt, method, None), expected, "{method}, {cfg:?}");
        }
        assert_eq!(host.text(rt, "panic_in_task", None), "true");
        let call = host.start(rt, "panic_when_cancelled", None, None);
        assert_eq!(host.text(rt, "fine", None), "fine it is");
        host.cancel(&call);
        host.turn_until("its end has come", || host.late(rt) == 1);
        assert_eq!(host.finish(&call).unwrap_err().0, CANCELLED);
        assert_eq!(host.text(rt, "fine", None), "fine it is");
    }
}

#[test]
fn payloads_may_be_lent_and_kept() {
    let (host, rt) = loaded(None);
    assert_eq!(host.text(rt, "slice", "abc"), "bc");
    assert_eq!(host.call(rt, "keep", "for later"), Ok(None));
    for _ in 0..100 {
        assert_eq!(host.text(rt, "slice", "something else"), "omething else");
    }
    assert_eq!(host.text(rt, "kept", None), "for later");
    assert_eq!(host.call(rt, "kept", None), Ok(None));
}

#[test]
fn json_in_and_out() {
    let (host, rt) = loaded(None);
    assert_eq!(host.text(rt, "double", "[1, 2]"), "[2,4]");
    let (code, text) = host.call(rt, "double", "[1, -2]").unwrap_err();
    assert_eq!(code, THREW);
    assert!(text.contains("invalid value"), "{text}");
}

#[test]
fn a_blocking_handler_can_ask_whether_it_is_cancelled() {
    for cfg in [None, Some("workers")] {
        let (host, rt) = loaded(cfg);
        let call = host.start(rt, "until_cancelled", None, None);
        host.turn_until("it runs", || host.text(rt, "seen", None) == "its start");
        host.cancel(&call);
        host.turn_until("it notices", || {
            host.text(rt, "seen", None) == "its cancellation"
        });
        host.turn_until("the end that is owed has come", || host.late(rt) == 1);
    }
}

#[test]
fn worker_threads_run_handlers_side_by_side() {
    let (host, rt) = loaded(Some("workers"));
    let one = host.start(rt, "both_at_once", None, None);
    let two = host.start(rt, "both_at_once", None, None);
    assert_eq!(host.finish(&one), Ok(Some(b"met".to_vec())));
    assert_eq!(host.finish(&two), Ok(Some(b"met".to_vec())));
    assert_eq!(host.text(rt, "slice", "abc"), "bc");
    assert_eq!(host.call(rt, "keep", "x"), Ok(None));
}

#[test]
fn set_up_and_blocking_threads_log_and_the_level_is_kept() {
    for cfg in [None, Some("workers")] {
        let (host, rt) = loaded(cfg);
        assert_eq!(host.call(rt, "quiet", None), Ok(None));
        assert_eq!(host.call(rt, "loud", None), Ok(None));
        host.turn_until("the log is there", || host.log().len() >= 2);
        let expected = [(7, "set up"), (5, "from a blocking thread attempt=2")];
        assert_eq!(
            host.log(),
            expected.map(|(level, text)| (level, text.to_owned()))
        );
    }
}
