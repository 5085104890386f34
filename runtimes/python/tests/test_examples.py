"""The powers, and the parts of the other examples that need no service. packages/examples tests the rest."""

from __future__ import annotations

import time
from typing import Any

import pytest
from conftest import ROOT, Host, NewHost

EXAMPLES = ROOT / "examples"
VENV = EXAMPLES / ".venv"


@pytest.fixture
def host(new_host: NewHost) -> Host:
    host = new_host(EXAMPLES / "powers")
    assert host.load(0, "powers,app,") is None
    return host


def test_streams(host: Host) -> None:
    assert host.open("ticks", b"3").read_all() == ([b"tick 0", b"tick 1", b"tick 2"], 0, None)
    assert host.open("upper", messages=(b"a", b"b")).read_all() == ([b"A", b"B"], 0, None)


def test_slow_stops_at_its_deadline(host: Host) -> None:
    assert host.call("slow", timeout_ms=50)[0] == -1
    assert host.log("the caller waits 0.0") == 8
    assert host.log("nobody waits any more") == 7


def test_divide(host: Host) -> None:
    assert host.call("divide", b"7 2") == (0, b"3")
    assert host.call("divide", b"7 0") == (22, b"division by zero")


def test_hello(host: Host) -> None:
    assert host.call("hello", b"you") == (0, b"Hello you")
    assert host.log("hello you") == 7
    assert host.load(1, 'powers,app,{"greeting": "Welcome"}') is None
    assert host.call("hello", b"you", number=1) == (0, b"Welcome you")


def test_visits(host: Host) -> None:
    assert [host.call("visits", b"me")[1] for _ in range(2)] == [b"1", b"2"]
    assert host.load(1, "powers,app,{}", dicts="other") is None
    status, text = host.call("visits", b"me", number=1)
    assert status == -10
    assert b'may not use the shared dict "cache": name it in the option dicts' in text


def test_echo(new_host: NewHost) -> None:
    host = new_host()
    assert host.load(0, f"{EXAMPLES}/echo/echo,app,") is None
    assert host.call("echo", b"\0 as it is") == (0, b"\0 as it is")
    assert host.call("echo", None) == (0, None)
    assert host.call("greet") == (0, b"hello from greet")


# Addresses without a listener.
DOWN = {
    "grpc": '{"address":"127.0.0.1:1"}',
    "etcd": '{"endpoints":["127.0.0.1:1","127.0.0.1:2"]}',
    "kafka": '{"brokers":["127.0.0.1:1"]}',
}


def load(host: Host, name: Any, config: Any, number: int = 0, **options: Any) -> Any:
    return host.load(number, f"{EXAMPLES}/{name}/{name}_runtime,app,{config}", venv=VENV, **options)


@pytest.mark.parametrize("isolate", [0, 1], ids=["thread", "process"])
@pytest.mark.parametrize(
    ("name", "method", "request_", "code", "bad", "bad_code", "field"),
    [
        ("grpc", "say_hello", b'{"name":"you"}', 14, b'{"nam":"you"}', 3, b'"nam"'),
        ("etcd", "put", b'{"key":"a","value":"b"}', 14, b'{"key":"a"}', 3, b"`value`"),
        ("kafka", "produce", b'{"topic":"a","value":"b"}', 1000, b'{"topic":1,"value":"b"}', 42, b"$.topic"),
    ],
)
def test_a_service_that_is_down(
    new_host: NewHost,
    name: str,
    method: str,
    request_: bytes,
    code: int,
    bad: bytes,
    bad_code: int,
    field: bytes,
    isolate: int,
) -> None:
    host = new_host()
    assert load(host, name, DOWN[name], isolate=isolate) is None
    assert host.call(method, request_, timeout_ms=5000)[0] == code
    status, text = host.call(method, bad)
    assert (status, field in text) == (bad_code, True), text
    assert host.call(method, None)[0] == bad_code
    assert host.call("nothing")[0] == -5


@pytest.mark.parametrize(
    ("name", "method", "request_"),
    [("grpc", "say_hello", b"{}"), ("etcd", "get", b'{"key":"a"}'), ("kafka", "create_topic", b'{"topic":"a"}')],
)
def test_unload_leaves_no_thread(new_host: NewHost, name: str, method: str, request_: bytes) -> None:
    host = new_host()
    assert host.load(1, f"{EXAMPLES}/echo/echo,app,") is None
    eventually(lambda: host.threads().count("ffi-init") == 1)  # the one that stays; that of this load is gone
    before = sorted(host.threads())
    assert load(host, name, DOWN[name]) is None
    assert host.call(method, request_, timeout_ms=5000)[0] > 0
    assert sorted(host.threads()) != before
    host.unload()
    eventually(lambda: sorted(host.threads()) == before)


def eventually(condition: Any) -> None:
    until = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.05)


@pytest.mark.parametrize(
    ("name", "config", "said"),
    [
        ("grpc", "", "is not JSON"),
        ("grpc", "{}", "`address`"),
        ("grpc", '{"address":1}', "$.address"),
        ("grpc", '{"address":"a:1","tls":{"ca":"/nowhere/ca.pem"}}', "tls.ca: /nowhere/ca.pem"),
        ("grpc", '{"address":"a:1","tls":{"ca":"/a","cert":"/b"}}', "`cert` and `key` belong together"),
        ("etcd", "{}", "`endpoints`"),
        ("etcd", '{"endpoints":[]}', "$.endpoints"),
        ("etcd", '{"endpoints":["http://127.0.0.1:2379"]}', "each of `endpoints` is HOST:PORT"),
        ("etcd", '{"endpoints":["a:1"],"user":"root"}', "`user` and `password` belong together"),
        ("kafka", "[]", "Expected `object`"),
        ("kafka", '{"brokers":["127.0.0.1"]}', "each of `brokers` is HOST:PORT"),
        ("kafka", '{"brokers":["a:1"],"acks":"2"}', "$.acks"),
        ("kafka", '{"brokers":["a:1"],"linger":1}', "`linger`"),
    ],
)
def test_a_wrong_configuration_fails_the_load(new_host: NewHost, name: str, config: str, said: str) -> None:
    assert said in load(new_host(), name, config)
