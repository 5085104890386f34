//! Calls of the conformance runtime in this process.

mod host;

use std::time::{Duration, Instant};

use host::{BAD_ARGUMENT, CANCELLED, Host, NO_METHOD, THREW, TIMEOUT};

fn loaded() -> (Host, host::Runtime) {
    let host = Host::new();
    let rt = host.load(None).unwrap();
    (host, rt)
}

#[test]
fn payloads_of_every_size_arrive_as_they_left() {
    let (host, rt) = loaded();
    for len in [
        0,
        1,
        63,
        64,
        65,
        4095,
        4096,
        65535,
        65536,
        1 << 20,
        16 << 20,
    ] {
        let payload: Vec<u8> = (0..len).map(|i| (i * 7 % 256) as u8).collect();
        let echo = host.finish(&host.start(rt, "echo", Some(&payload), None));
        assert!(echo == Ok(Some(payload.clone())), "echo of {len} bytes");
        let changed: Vec<u8> = payload.iter().map(|byte| byte ^ 0x5a).collect();
        let xor = host.finish(&host.start(rt, "xor", Some(&payload), None));
        assert!(xor == Ok(Some(changed)), "xor of {len} bytes");
        let size = len.to_string();
        let fill = host.finish(&host.start(rt, "fill", Some(size.as_bytes()), None));
        let filled: Vec<u8> = (0..len).map(|i| (i % 251) as u8).collect();
        assert!(fill == Ok(Some(filled)), "fill of {len} bytes");
    }
}

#[test]
fn nil_and_empty_are_kept_apart() {
    let (host, rt) = loaded();
    assert_eq!(host.call(rt, "echo", None), Ok(None));
    assert_eq!(host.call(rt, "echo", ""), Ok(Some(vec![])));
    assert_eq!(host.call(rt, "none", "x"), Ok(None));
    assert_eq!(host.call(rt, "empty", None), Ok(Some(vec![])));
    assert_eq!(host.text(rt, "nilreq", None), "nil");
    assert_eq!(host.text(rt, "nilreq", ""), "empty");
    assert_eq!(host.text(rt, "nilreq", "x"), "bytes");
}

#[test]
fn failures_reach_the_caller_and_the_next_call_works() {
    let (host, rt) = loaded();
    let own = host.call(rt, "fail", "42 out of paper");
    assert_eq!(own, Err((42, "out of paper".to_owned())));
    let panicked = host.call(rt, "throw", None);
    assert_eq!(panicked, Err((THREW, "thrown on purpose".to_owned())));
    let foreign = host.call(rt, "sleep", "soon");
    let text = "invalid digit found in string".to_owned();
    assert_eq!(foreign, Err((THREW, text)));
    assert_eq!(host.text(rt, "echo", "still here"), "still here");
}

#[test]
fn an_unknown_method_is_told_which_there_are() {
    let (host, rt) = loaded();
    let (code, text) = host.call(rt, "nosuch", None).unwrap_err();
    assert_eq!(code, NO_METHOD);
    assert!(text.contains("ffi_rust_conformance"), "{text}");
    assert!(
        text.contains("has no method \"nosuch\"; it has: arguments, block, "),
        "{text}"
    );
}

#[test]
fn a_fallback_takes_every_name() {
    let host = Host::new();
    let rt = host.load_library("ffi_rust_echo", None).unwrap();
    assert_eq!(host.text(rt, "anything", "a"), "hello from anything");
    assert_eq!(host.text(rt, "at all", None), "hello from at all");
    assert_eq!(host.text(rt, "echo", "a"), "a");
}

#[test]
fn a_cancelled_handler_is_dropped() {
    let (host, rt) = loaded();
    let call = host.start(rt, "never", None, None);
    assert_eq!(host.text(rt, "cancelled", None), "0");
    host.cancel(&call);
    host.turn_until("the handler is dropped", || {
        host.text(rt, "cancelled", None) == "1"
    });
    assert_eq!(host.finish(&call).unwrap_err().0, CANCELLED);
    host.turn_until("the end that is owed has come", || host.late(rt) == 1);
}

#[test]
fn a_deadline_is_told_and_kept() {
    let (host, rt) = loaded();
    let patience = Duration::from_secs(5);
    let left = host.finish(&host.start(rt, "remaining", None, Some(patience)));
    let left: u64 = String::from_utf8(left.unwrap().unwrap())
        .unwrap()
        .parse()
        .unwrap();
    assert!((4000..=5000).contains(&left), "{left}");
    assert_eq!(host.text(rt, "remaining", None), "-1");

    let began = Instant::now();
    let call = host.start(rt, "never", None, Some(Duration::from_millis(30)));
    assert_eq!(host.finish(&call).unwrap_err().0, TIMEOUT);
    assert!(began.elapsed() < Duration::from_secs(2));
    host.turn_until("the handler is dropped", || {
        host.text(rt, "cancelled", None) == "1"
    });
}

#[test]
fn handlers_that_wait_do_so_side_by_side() {
    let (host, rt) = loaded();
    let began = Instant::now();
    let waiting: Vec<_> = (0..20)
        .map(|i| {
            host.start(
                rt,
                if i % 2 == 0 { "sleep" } else { "block" },
                Some(b"500"),
                None,
            )
        })
        .collect();
    assert_eq!(host.text(rt, "echo", "meanwhile"), "meanwhile");
    assert!(waiting.iter().all(host::Call::in_flight));
    for (i, call) in waiting.iter().enumerate() {
        let answer = if i % 2 == 0 { "slept" } else { "blocked" };
        assert_eq!(host.finish(call), Ok(Some(answer.into())));
    }
    assert!(began.elapsed() < Duration::from_secs(5));
}

#[test]
fn many_calls_at_once_get_their_own_answers() {
    let (host, rt) = loaded();
    for round in 0..50 {
        let payloads: Vec<_> = (0..200).map(|i| format!("{round}/{i}")).collect();
        let calls: Vec<_> = payloads
            .iter()
            .enumerate()
            .map(|(i, payload)| {
                let (method, request) = if i % 3 == 0 {
                    ("sleep", "0")
                } else {
                    ("echo", payload.as_str())
                };
                host.start(rt, method, Some(request.as_bytes()), None)
            })
            .collect();
        for (i, (call, payload)) in calls.iter().zip(payloads).enumerate() {
            let expected = if i % 3 == 0 {
                "slept".to_owned()
            } else {
                payload
            };
            assert_eq!(host.finish(call), Ok(Some(expected.into_bytes())));
        }
    }
}

#[test]
fn log_lines_have_the_hosts_levels() {
    let (host, rt) = loaded();
    let levels = [
        ("debug a", 8),
        ("info b", 7),
        ("notice c", 6),
        ("warn d", 5),
        ("error e", 4),
        ("crit f", 3),
    ];
    for (request, _) in levels {
        assert_eq!(host.text(rt, "log", request), "logged");
    }
    host.turn_until("the log is there", || host.log().len() >= levels.len());
    let expected: Vec<_> = levels
        .iter()
        .map(|(line, level)| (*level, line[line.len() - 1..].to_owned()))
        .collect();
    assert_eq!(host.log(), expected);
}

#[test]
fn the_shared_dict_answers() {
    let host = Host::new();
    let rt = host.load_with_dicts("ffi_rust_conformance", None, "shared other");
    assert_eq!(host.call(rt, "dict", "get k"), Ok(None));
    assert_eq!(host.text(rt, "dict", "set k two words"), "two words");
    assert_eq!(host.text(rt, "dict", "get k"), "two words");
    assert_eq!(host.text(rt, "dict", "incr n 5"), "5");
    assert_eq!(host.text(rt, "dict", "incr n -7"), "-2");
    assert_eq!(host.call(rt, "dict", "delete k"), Ok(None));
    assert_eq!(host.call(rt, "dict", "get k"), Ok(None));
    host.text(rt, "dict", "set k word");
    assert!(
        host.call(rt, "dict", "incr k 1")
            .unwrap_err()
            .1
            .contains("not a number")
    );
}

#[test]
fn dicts_have_names_and_their_keys_may_go_away() {
    let host = Host::new();
    let rt = host.load_with_dicts("ffi_rust_conformance", None, "shared other");
    assert_eq!(host.text(rt, "dict", "set k first"), "first");
    assert_eq!(host.call(rt, "dict", "in other get k"), Ok(None));
    assert_eq!(host.text(rt, "dict", "in other set k second"), "second");
    assert_eq!(host.text(rt, "dict", "in shared get k"), "first");
    assert_eq!(host.call(rt, "dict", "add k third"), Ok(None));
    assert_eq!(host.text(rt, "dict", "get k"), "first");

    assert_eq!(host.text(rt, "dict", "add a x 40"), "x");
    assert_eq!(host.text(rt, "dict", "set s x 40"), "x");
    assert_eq!(host.text(rt, "dict", "incr n 2 40"), "2");
    for gone in ["get a", "get s", "get n"] {
        host.turn_until("the key is gone", || {
            host.call(rt, "dict", gone) == Ok(None)
        });
    }
    assert_eq!(host.text(rt, "dict", "add a y"), "y");

    let (code, text) = host.call(rt, "dict", "in third get k").unwrap_err();
    assert_eq!(code, BAD_ARGUMENT);
    assert!(
        text.contains("may not use the shared dict \"third\""),
        "{text}"
    );
    let (host, rt) = loaded();
    let (code, text) = host.call(rt, "dict", "get k").unwrap_err();
    assert_eq!(code, BAD_ARGUMENT);
    assert!(text.contains("may not use a shared dict"), "{text}");
}

#[test]
fn a_panic_is_logged_with_its_place_and_a_failure_is_not() {
    let (host, rt) = loaded();
    assert_eq!(host.call(rt, "fail", "7 seven").unwrap_err().0, 7);
    assert_eq!(host.call(rt, "throw", None).unwrap_err().0, THREW);
    host.turn_until("the log is there", || !host.log().is_empty());
    let [(level, line)] = &host.log()[..] else {
        panic!("one line, not {:?}", host.log());
    };
    assert_eq!(*level, 4);
    assert!(line.starts_with("panicked at "), "{line}");
    assert!(line.contains("src/lib.rs:"), "{line}");
    assert!(line.contains(": thrown on purpose\n  in "), "{line}");
    assert!(line.contains("ffi_rust_conformance::throw"), "{line}");
}

#[test]
fn what_is_printed_does_not_get_into_the_answer() {
    let (host, rt) = loaded();
    assert_eq!(host.text(rt, "print", "stdout to standard output"), "");
    assert_eq!(host.text(rt, "print", "stderr to standard error"), "");
    assert_eq!(host.call(rt, "print", "nowhere x").unwrap_err().0, THREW);
}

#[test]
fn two_runtimes_of_one_library_do_not_mix() {
    let host = Host::new();
    let one = host.load(Some("one")).unwrap();
    let two = host.load(Some("two")).unwrap();
    let call = host.start(one, "never", None, None);
    host.cancel(&call);
    host.turn_until("the handler is dropped", || {
        host.text(one, "cancelled", None) == "1"
    });
    assert_eq!(host.text(two, "cancelled", None), "0");
    assert_eq!(host.text(one, "config", None), "one");
    assert_eq!(host.text(two, "config", None), "two");
    let none = host.load(None).unwrap();
    assert_eq!(host.call(none, "config", None), Ok(None));
}
