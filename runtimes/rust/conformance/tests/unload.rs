//! The end of a runtime. A process of its own: it counts threads.

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
