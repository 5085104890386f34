//! The end of a runtime. A test program of its own, because it counts threads.

mod host;

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use host::Host;

fn threads() -> usize {
    let tasks = fs::read_dir("/proc/self/task").unwrap();
    tasks
        .filter_map(|task| fs::read_to_string(task.unwrap().path().join("comm")).ok())
        .filter(|name| name.trim_end() == "ffi-rust")
        .count()
}

#[test]
fn an_unloaded_runtime_leaves_no_thread() {
    let host = Host::new();
    for round in 0..5 {
        let rt = host.load(None).unwrap();
        let blocked = host.start(rt, "block", Some(b"1"), None);
        assert_eq!(host.finish(&blocked), Ok(Some(b"blocked".to_vec())));
        assert!(threads() >= 1, "round {round}");
        let call = host.start(rt, "sleep", Some(b"50"), None);
        host.unload(rt);
        assert_eq!(host.finish(&call), Ok(Some(b"slept".to_vec())));
        host.turn_until("its threads are gone", || threads() == 0);
    }
}

#[test]
fn closing_the_host_answers_for_nobody_and_hangs_on_nothing() {
    let host = Host::new();
    let rt = host.load(Some("closed")).unwrap();
    let call = host.start(rt, "never", None, None);
    assert_eq!(host.text(rt, "echo", "up"), "up");
    let began = Instant::now();
    drop(call);
    drop(host);
    assert!(began.elapsed() < Duration::from_secs(5));
    while threads() > 0 {
        assert!(
            began.elapsed() < Duration::from_secs(10),
            "its threads go on"
        );
        thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn streams_go_on_until_they_end_and_then_the_runtime_does() {
    let host = Host::new();
    let rt = host.load(Some("streams")).unwrap();
    let chat = host.open(rt, "chat", "before");
    assert_eq!(chat.text(), "before");
    host.unload(rt);
    chat.send("after");
    assert_eq!(chat.text(), "after");
    chat.close(None);
    assert_eq!(chat.rest(), (vec![], 0, String::new()));
    host.turn_until("its threads are gone", || threads() == 0);
}

#[test]
fn closing_the_host_ends_streams_that_nobody_cancelled() {
    let host = Host::new();
    let rt = host.load(Some("closed streams")).unwrap();
    let waits_to_receive = host.open(rt, "chat", "x");
    assert_eq!(waits_to_receive.text(), "x");
    let waits_to_send = host.open(rt, "flood", "1000");
    waits_to_send.next();
    let waits_for_a_message = host.open(rt, "echo", None);
    assert_eq!(host.text(rt, "streams", None), "2");
    for stream in [waits_to_receive, waits_to_send, waits_for_a_message] {
        std::mem::forget(stream);
    }
    let began = Instant::now();
    drop(host);
    while threads() > 0 {
        assert!(
            began.elapsed() < Duration::from_secs(10),
            "its threads go on"
        );
        thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn a_reload_serves_old_streams_for_a_while() {
    let host = Host::new();
    let rt = host.load_to_drain("ffi_rust_conformance", None, Duration::from_secs(1));
    let old = host.open(rt, "chat", "old");
    assert_eq!(old.text(), "old");
    let here = host.text(rt, "lang", None);
    host.reload(rt);
    old.send("still old");
    assert_eq!(old.text(), "still old");
    assert_ne!(host.text(rt, "lang", None), here, "a process of its own");
    let (messages, status, _) = old.rest();
    assert!(messages.is_empty() && status < 0, "it ended with {status}");
    host.turn_until("the old threads are gone", || threads() == 0);
    assert_eq!(host.open(rt, "chat", "new").text(), "new");
}

fn logged(host: &Host, text: &str) -> bool {
    host.log().iter().any(|(_, line)| line.contains(text))
}

#[test]
fn what_is_to_be_done_at_the_end_is_awaited_and_may_fail() {
    let host = Host::new();
    let rt = host
        .load_library("examples/ffi_rust_trial", Some("ends"))
        .unwrap();
    host.unload(rt);
    host.turn_until("the first one has run", || logged(&host, "closed"));
    assert!(logged(
        &host,
        "given to on_unload failed: no broker answers"
    ));
    assert!(logged(&host, "given to on_unload failed: broken end"));
    host.turn_until("its threads are gone", || threads() == 0);
}

#[test]
fn what_takes_too_long_at_the_end_is_dropped() {
    let host = Host::new();
    let rt = host.load_to_drain(
        "examples/ffi_rust_trial",
        Some("ends late"),
        Duration::from_secs(8),
    );
    host.unload(rt);
    host.turn_until("it is dropped", || logged(&host, "dropped"));
    host.turn_until("that is said", || logged(&host, "did not end in time"));
    host.turn_until("its threads are gone", || threads() == 0);
}
