import pytest
from conftest import ROOT


@pytest.fixture
def host(new_host):
    host = new_host(ROOT / "examples" / "powers")
    assert host.load(0, "powers,app,") is None
    return host


def test_streams(host):
    assert host.open("ticks", b"3").read_all() == ([b"tick 0", b"tick 1", b"tick 2"], 0, None)
    assert host.open("upper", messages=(b"a", b"b")).read_all() == ([b"A", b"B"], 0, None)


def test_slow_stops_at_its_deadline(host):
    assert host.call("slow", timeout_ms=50)[0] == -1
    assert host.log("the caller waits 0.0") == 8
    assert host.log("nobody waits any more") == 7


def test_divide(host):
    assert host.call("divide", b"7 2") == (0, b"3")
    assert host.call("divide", b"7 0") == (22, b"division by zero")


def test_hello(host):
    assert host.call("hello", b"you") == (0, b"Hello you")
    assert host.log("hello you") == 7
    assert host.load(1, 'powers,app,{"greeting": "Welcome"}') is None
    assert host.call("hello", b"you", number=1) == (0, b"Welcome you")


def test_visits(host):
    assert [host.call("visits", b"me")[1] for _ in range(2)] == [b"1", b"2"]
    assert host.load(1, "powers,app,{}", dicts="other") is None
    status, text = host.call("visits", b"me", number=1)
    assert status == -10
    assert b'may not use the shared dict "cache": name it in the option dicts' in text
