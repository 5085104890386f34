//! Tests of the example `powers`.

mod host;

use std::time::Duration;

use host::{Host, Runtime, TIMEOUT};

fn loaded(cfg: Option<&str>) -> (Host, Runtime) {
    let host = Host::new();
    let rt = host.load_with_dicts("ffi_rust_powers", cfg, "other cache");
    (host, rt)
}

#[test]
fn streams() {
    let (host, rt) = loaded(None);
    assert_eq!(host.open(rt, "ticks", "2").rest().0, ["tick 0", "tick 1"]);
    let upper = host.open(rt, "upper", "one");
    assert_eq!(upper.text(), "ONE");
    upper.send("two");
    assert_eq!(upper.text(), "TWO");
    upper.close(None);
    assert_eq!(upper.rest(), (vec![], 0, String::new()));
}

#[test]
fn a_deadline() {
    let (host, rt) = loaded(None);
    let slow = host.start(rt, "slow", None, Some(Duration::from_millis(50)));
    assert_eq!(host.finish(&slow).unwrap_err().0, TIMEOUT);
    host.turn_until("its future is dropped", || host.late(rt) == 1);
    let (level, line) = &host.log()[0];
    assert_eq!(*level, 7);
    assert!(line.starts_with("the caller waits "), "{line}");
}

#[test]
fn errors() {
    let (host, rt) = loaded(None);
    assert_eq!(host.text(rt, "divide", "-7 2"), "-3");
    let by_zero = host.call(rt, "divide", "1 0");
    assert_eq!(by_zero, Err((22, "division by zero".to_owned())));
}

#[test]
fn the_log_and_the_configuration() {
    let (host, rt) = loaded(None);
    assert_eq!(host.text(rt, "hello", "Ada"), "Hello Ada");
    host.turn_until("the log is there", || !host.log().is_empty());
    assert_eq!(host.log(), [(7, "hello Ada".to_owned())]);
    let (host, rt) = loaded(Some(r#"{"greeting": "Moin"}"#));
    assert_eq!(host.text(rt, "hello", "Ada"), "Moin Ada");
}

#[test]
fn the_shared_dict() {
    let (host, rt) = loaded(None);
    assert_eq!(host.text(rt, "visits", "Ada"), "1");
    assert_eq!(host.text(rt, "visits", "Ada"), "2");
    assert_eq!(host.text(rt, "visits", "Grace"), "1");
}
