//! Streams leak no memory. A test program of its own, because it measures the memory of its process.

mod host;

use std::fs;

use host::Host;

/// The memory of this process in bytes.
fn memory() -> usize {
    let statm = fs::read_to_string("/proc/self/statm").unwrap();
    let pages: usize = statm.split(' ').nth(1).unwrap().parse().unwrap();
    pages * 4096
}

#[test]
fn ten_thousand_streams_leave_nothing() {
    let host = Host::new();
    let rt = host.load(Some("many streams")).unwrap();
    let mut after_a_thousand = 0;
    for i in 0..10_000 {
        match i % 4 {
            0 => assert_eq!(host.open(rt, "count", "2").rest().0, ["0", "1"]),
            1 => {
                let chat = host.open(rt, "chat", "x");
                assert_eq!(chat.text(), "x");
                chat.cancel();
            }
            2 => assert_eq!(host.open(rt, "echo", "y").text(), "y"),
            _ => assert_eq!(host.open(rt, "failstream", "0").rest().1, 7),
        }
        if i == 1000 {
            after_a_thousand = memory();
        }
    }
    host.turn_until("the handlers are gone", || {
        host.text(rt, "streams", None) == "0"
    });
    assert_eq!(host.stats(rt).in_flight, 0);
    assert_eq!(host.text(rt, "cancelled", None), "2500");
    let grown = memory().saturating_sub(after_a_thousand);
    assert!(grown < 4 << 20, "{grown} bytes more");
}
