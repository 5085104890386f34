//! Streams of the conformance runtime: on the thread that takes the calls, and on threads of their own.

mod host;

use std::time::Duration;

use host::{BAD_ARGUMENT, CANCELLED, Event, Host, NO_METHOD, Runtime, THREW, TIMEOUT};

/// `RESTY_FFI_STREAM_WINDOW`.
const WINDOW: u64 = 256 * 1024;
const CHUNK: u64 = 64 * 1024;

/// Runs a test with handlers on the polling thread, and on two threads of their own.
fn both(test: impl Fn(&Host, Runtime)) {
    for cfg in [None, Some("workers")] {
        let host = Host::new();
        let rt = host.load_library("examples/ffi_rust_trial", cfg).unwrap();
        test(&host, rt);
    }
}

fn none_run(host: &Host, rt: Runtime) {
    host.turn_until("the handlers are gone", || {
        host.text(rt, "streams", None) == "0"
    });
}

fn ended() -> Event {
    Event::End(0, String::new())
}

#[test]
fn messages_come_in_order_and_then_the_end() {
    both(|host, rt| {
        for n in [0, 1, 5, 5000] {
            let stream = host.open_with(rt, "count", Some(&n.to_string()), true, None);
            let expected: Vec<_> = (0..n).map(|i| i.to_string()).collect();
            assert_eq!(stream.rest(), (expected, 0, String::new()));
            assert_eq!(stream.next(), ended(), "again and again");
        }
        let late = host.open(rt, "count", None);
        late.send("2");
        assert_eq!(late.rest().0, ["0", "1"]);
        none_run(host, rt);
        assert_eq!(host.text(rt, "cancelled", None), "0");
    });
}

#[test]
fn the_handler_sees_the_end_of_the_clients_direction() {
    both(|host, rt| {
        let long = host.open(rt, "sum", None);
        for i in 1..=3000 {
            long.send(&i.to_string());
        }
        long.close(None);
        assert_eq!(long.rest().0, ["4501500"]);
        let with_the_end = host.open(rt, "sum", "1");
        with_the_end.close(Some("2"));
        assert_eq!(with_the_end.rest().0, ["3"]);
        let at_once = host.open_with(rt, "sum", Some("4"), true, None);
        assert_eq!(at_once.rest().0, ["4"]);
        let nothing = host.open_with(rt, "sum", None, true, None);
        assert_eq!(nothing.rest().0, ["0"]);
        let by_the_trait = host.open(rt, "as_stream", "four");
        by_the_trait.send("");
        by_the_trait.close(Some("three"));
        assert_eq!(by_the_trait.rest().0, ["9"]);
    });
}

#[test]
fn each_message_is_answered_as_it_comes() {
    both(|host, rt| {
        for method in ["chat", "from_a_thread"] {
            let stream = host.open(rt, method, "first");
            assert_eq!(stream.text(), "first");
            for len in [0usize, 1, 255, 256, 257, 65536, 1 << 20] {
                let message: Vec<u8> = (0..len).map(|i| (i * 7 % 256) as u8).collect();
                host.turn_until("the window opens", || stream.try_send(&message));
                assert!(stream.next() == Event::Message(message), "{len} bytes");
            }
            stream.close(None);
            assert_eq!(stream.next(), ended());
        }
    });
}

#[test]
fn a_slow_reader_holds_the_handler_back() {
    both(|host, rt| {
        let before = host.stats(rt).bytes_out;
        let stream = host.open(rt, "flood", "100");
        let sent = || host.stats(rt).bytes_out - before;
        host.turn_until("the window is used up", || sent() >= WINDOW);
        for _ in 0..20 {
            host.text(rt, "fine", None);
            std::thread::sleep(Duration::from_millis(1));
        }
        let mut read = 0;
        while let Event::Message(chunk) = stream.next() {
            read += chunk.len() as u64;
            assert!(chunk.iter().enumerate().all(|(i, b)| *b == (i % 251) as u8));
            let answers = 4 * 1000;
            assert!(
                sent() - read <= WINDOW + CHUNK + answers,
                "{} bytes",
                sent()
            );
        }
        assert_eq!(read, 100 * CHUNK);
    });
}

#[test]
fn a_handler_that_does_not_read_holds_the_client_back() {
    both(|host, rt| {
        let stream = host.open(rt, "deaf", None);
        let chunk = vec![b'x'; CHUNK as usize];
        let mut sent = 0;
        for _ in 0..50 {
            while stream.try_send(&chunk) {
                sent += CHUNK;
            }
            host.text(rt, "fine", None);
        }
        assert_eq!(sent, WINDOW);
        stream.cancel();
    });
}

#[test]
fn messages_that_nobody_reads_are_dropped() {
    both(|host, rt| {
        let stream = host.open(rt, "closes_its_ears", "hello");
        assert_eq!(stream.text(), "hello");
        for _ in 0..10 {
            stream.send("more");
        }
        assert_eq!(stream.text(), "heard enough");
        assert_eq!(stream.next(), ended());
    });
}

#[test]
fn a_failure_comes_after_the_messages_before_it() {
    both(|host, rt| {
        let failing = host.open(rt, "failstream", "3").rest();
        let messages = ["0", "1", "2"].map(str::to_owned).to_vec();
        assert_eq!(failing, (messages, 7, "mid-stream".to_owned()));
        let foreign = host.open(rt, "count", "many").rest();
        let text = "invalid digit found in string".to_owned();
        assert_eq!(foreign, (vec![], THREW, text));
        let panics = host.open(rt, "panic_in_stream", None).rest();
        let text = "in the stream".to_owned();
        assert_eq!(panics, (vec!["one".to_owned()], THREW, text));
        let earlier = host.open(rt, "panic_in_call_of_stream", None).rest();
        assert_eq!(earlier, (vec![], THREW, "before the stream".to_owned()));
        let (messages, code, text) = host.open(rt, "nil_message", None).rest();
        assert_eq!((messages.len(), code), (0, BAD_ARGUMENT));
        assert!(text.contains("cannot be nil"), "{text}");
        none_run(host, rt);
        assert_eq!(host.text(rt, "cancelled", None), "0");
        let lines = host.log();
        let logged: Vec<_> = lines.iter().filter(|(level, _)| *level == 4).collect();
        assert_eq!(logged.len(), 2, "{lines:?}");
        assert!(logged[0].1.contains("odd_streams.rs"), "{lines:?}");
    });
}

#[test]
fn a_cancelled_stream_drops_its_handler_wherever_it_waits() {
    both(|host, rt| {
        let to_send = host.open(rt, "flood", "1000");
        let to_receive = host.open(rt, "chat", "hello");
        let for_the_first = host.open(rt, "sum", None);
        to_send.next();
        assert_eq!(to_receive.text(), "hello");
        assert_eq!(host.text(rt, "streams", None), "3");
        for stream in [&to_send, &to_receive, &for_the_first] {
            stream.cancel();
        }
        none_run(host, rt);
        assert_eq!(host.text(rt, "cancelled", None), "3");
        let unheard = host.open(rt, "chat", None);
        unheard.cancel();
        none_run(host, rt);
        assert_eq!(host.text(rt, "cancelled", None), "4");
        host.turn_until("the ends that are owed have come", || host.late(rt) == 4);
    });
}

#[test]
fn a_deadline_ends_a_stream() {
    both(|host, rt| {
        let patience = Duration::from_secs(9);
        let about = host.open_with(rt, "about", None, false, Some(patience));
        assert_eq!(about.text(), "about 8");
        assert_eq!(host.open(rt, "about", None).text(), "about 0");
        let short = Some(Duration::from_millis(30));
        let stream = host.open_with(rt, "chat", None, false, short);
        assert_eq!(stream.next(), Event::End(TIMEOUT, String::new()));
        none_run(host, rt);
        assert_eq!(host.text(rt, "cancelled", None), "1");
    });
}

#[test]
fn a_plain_handler_takes_one_message_of_a_stream() {
    both(|host, rt| {
        let one = |answer: &str| (vec![answer.to_owned()], 0, String::new());
        assert_eq!(host.open(rt, "slice", "abc").rest(), one("bc"));
        let later = host.open(rt, "slice", None);
        host.text(rt, "fine", None);
        later.send("def");
        later.try_send(b"more than it takes");
        assert_eq!(later.rest(), one("ef"));
        let last = host.open(rt, "double", None);
        last.close(Some("[4]"));
        assert_eq!(last.rest(), one("[8]"));
        let nil = host.open(rt, "slice", None);
        nil.close(None);
        assert_eq!(nil.rest(), (vec![], 0, String::new()));
        let fails = host.open(rt, "panic_later", "x").rest();
        assert_eq!(fails, (vec![], THREW, "after waiting".to_owned()));

        let never_asked = host.open(rt, "slice", None);
        host.text(rt, "fine", None);
        never_asked.cancel();
        host.turn_until("the end that is owed has come", || host.late(rt) == 1);
    });
}

#[test]
fn a_stream_is_not_a_plain_call_and_has_to_be_there() {
    let host = Host::new();
    let rt = host.load(None).unwrap();
    let text = "\"chat\" is a stream: open it with resty_ffi.stream".to_owned();
    assert_eq!(host.call(rt, "chat", "x"), Err((BAD_ARGUMENT, text)));
    let (_, code, text) = host.open(rt, "nosuch", "x").rest();
    assert_eq!(code, NO_METHOD);
    assert!(
        text.contains("has no method \"nosuch\"; it has: "),
        "{text}"
    );
    assert_eq!(host.open(rt, "echo", "still here").text(), "still here");
}

#[test]
fn senders_of_one_stream_share_its_window() {
    both(|host, rt| {
        let (messages, status, _) = host.open(rt, "from_two_tasks", "3000").rest();
        assert_eq!(status, 0);
        for letter in ["a", "b"] {
            let own: Vec<_> = messages.iter().filter(|m| m.starts_with(letter)).collect();
            let expected: Vec<_> = (0..3000).map(|i| format!("{letter}{i}")).collect();
            assert!(own.into_iter().eq(&expected), "those of {letter}");
        }
    });
}

#[test]
fn a_send_that_was_given_up_was_not_sent() {
    both(|host, rt| {
        let stream = host.open(rt, "impatient", None);
        host.turn_until("a send was given up", || {
            host.log().iter().any(|(_, line)| line == "gave up")
        });
        stream.send("go on");
        let (mut messages, status, _) = stream.rest();
        let said = messages.pop().unwrap();
        assert_eq!(status, 0);
        assert_eq!(said, messages.len().to_string());
        assert_eq!(messages.len(), WINDOW.div_ceil(10_000) as usize);
    });
}

#[test]
fn what_outlives_its_stream_is_told_so() {
    both(|host, rt| {
        let stream = host.open(rt, "left_behind", "a");
        assert_eq!(stream.rest(), (vec![], 0, String::new()));
        let mut report = None;
        host.turn_until("the task is done", || {
            report = host.call(rt, "report", None).unwrap();
            report.is_some()
        });
        let report = String::from_utf8(report.unwrap()).unwrap();
        let over = format!(
            "the stream is over: its handler has ended, or its client has gone away (code {CANCELLED})"
        );
        assert_eq!(report, format!("{over} | {over}"));
    });
}

#[test]
fn streams_run_side_by_side() {
    both(|host, rt| {
        let floods: Vec<_> = (0..4).map(|_| host.open(rt, "flood", "20")).collect();
        let chats: Vec<_> = (0..50).map(|_| host.open(rt, "chat", None)).collect();
        for round in 0..20 {
            for (i, chat) in chats.iter().enumerate() {
                chat.send(&format!("{round}/{i}"));
            }
            for (i, chat) in chats.iter().enumerate() {
                assert_eq!(chat.text(), format!("{round}/{i}"));
            }
        }
        assert_eq!(host.text(rt, "streams", None), "54");
        for chat in &chats {
            chat.close(None);
            assert_eq!(chat.next(), ended());
        }
        for flood in &floods {
            for _ in 0..20 {
                assert!(matches!(flood.next(), Event::Message(m) if m.len() as u64 == CHUNK));
            }
            assert_eq!(flood.next(), ended());
        }
        none_run(host, rt);
    });
}
