"""The conformance runtime, method by method, by this package's own host; the suite runs it on every other."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
from conftest import Host, NewHost


def test_lang(conformance: Host) -> None:
    status, answer = conformance.call("lang", None)
    lang = json.loads(answer)
    assert status == 0
    assert lang["language"] == "python"
    assert lang["abi"] == 2
    assert lang["pid"] == conformance.process.pid


@pytest.mark.parametrize(
    ("method", "request_", "answer"),
    [
        ("echo", b"\x00\xff", b"\x00\xff"),
        ("async-echo", b"\x00\xff", b"\x00\xff"),
        ("xor", bytes(range(256)), bytes(n ^ 0x5A for n in range(256))),
        ("xor", None, b""),
        ("empty", b"x", b""),
        ("none", b"x", None),
        ("nilreq", None, b"nil"),
        ("nilreq", b"", b"empty"),
        ("nilreq", b"\x00", b"bytes"),
        ("fill", b"0", b""),
        ("fill", b"600", bytes(n % 251 for n in range(600))),
        ("sleep", b"5", b"slept"),
        ("block", b"5", b"blocked"),
        ("config", None, b"a,b, c"),
        ("remaining", None, b"-1"),
        ("cancelled", None, b"0"),
        ("dict", b"get none", None),
        ("dict", b"set k v w", b"v w"),
        ("dict", b"set k v 60000", b"v"),
        ("dict", b"add k2 v 60000", b"v"),
        ("dict", b"in other set k v", b"v"),
        ("dict", b"incr n 3", b"3"),
        ("dict", b"incr n -5", b"-5"),
        ("dict", b"delete k", None),
    ],
)
def test_methods(conformance: Host, method: str, request_: bytes | None, answer: bytes | None) -> None:
    assert conformance.call(method, request_) == (0, answer)


def test_fail(conformance: Host) -> None:
    assert conformance.call("fail", b"42 the message, as it is") == (42, b"the message, as it is")


def test_throw(conformance: Host) -> None:
    assert conformance.call("throw") == (-6, b"RuntimeError: thrown on purpose")
    assert conformance.call("echo", b"next") == (0, b"next")


def test_remaining(conformance: Host) -> None:
    status, answer = conformance.call("remaining", timeout_ms=5000)
    assert status == 0
    assert 3000 < int(answer) <= 5000


def test_never_is_cancelled(conformance: Host) -> None:
    before = time.monotonic()
    assert conformance.call("never", timeout_ms=50)[0] == -1
    assert time.monotonic() - before < 10
    call = conformance.start("never")
    conformance.call("echo")
    conformance.cancel(call)
    conformance.until("cancelled", b"2")


def test_an_unknown_method_names_those_there_are(conformance: Host) -> None:
    status, text = conformance.call("nothing")
    assert status == -5
    assert b'has no method "nothing"; it has: ' in text
    assert b", async-echo, block, " in text


@pytest.mark.parametrize(
    ("level", "number"), [("debug", 8), ("info", 7), ("notice", 6), ("warn", 5), ("error", 4), ("crit", 3)]
)
def test_log(conformance: Host, level: str, number: int) -> None:
    assert conformance.call("log", f"{level} a line, to be found".encode()) == (0, b"logged")
    assert conformance.log("a line, to be found") == number


def test_sleep_holds_no_thread(conformance: Host) -> None:
    before = time.monotonic()
    calls = [conformance.start("sleep", b"200") for _ in range(500)]
    assert {conformance.wait(call) for call in calls} == {(0, b"slept")}
    assert time.monotonic() - before < 20
    assert conformance.threads().count("ffi-python") == 2


def test_large_payloads(conformance: Host) -> None:
    for size in (63, 64, 65, 4096, 65535, 65536, 1 << 20, 16 << 20):
        status, answer = conformance.call("fill", b"%d" % size)
        assert status == 0
        assert len(answer) == size
        if size <= 1 << 20:
            assert conformance.call("xor", answer)[1] == bytes(byte ^ 0x5A for byte in answer)


@pytest.mark.parametrize(
    ("method", "messages", "answers"),
    [
        ("count", (b"3",), [b"0", b"1", b"2"]),
        ("sum", (b"40", b"2"), [b"42"]),
        ("sum", (), [b"0"]),
        ("chat", (b"a", b"", b"b"), [b"a", b"", b"b"]),
        ("flood", (b"5",), [bytes(n % 251 for n in range(65536))] * 5),
    ],
)
def test_streams(conformance: Host, method: str, messages: Any, answers: Any) -> None:
    assert conformance.open(method, end=True, messages=messages).read_all() == (answers, 0, None)
    assert conformance.call("streams") == (0, b"0")
    assert conformance.call("cancelled") == (0, b"0")


def test_failstream(conformance: Host) -> None:
    assert conformance.open("failstream", b"2").read_all() == ([b"0", b"1"], 7, b"mid-stream")


def test_streams_are_cancelled(conformance: Host) -> None:
    waiting = ["chat", "sum", "count", "flood", "failstream"]
    streams = [conformance.open(method, b"100000") for method in waiting]
    conformance.until("streams", b"5")
    for stream in streams:
        stream.cancel()
    conformance.until("streams", b"0")
    assert conformance.call("cancelled") == (0, b"5")


def test_print(conformance: Host) -> None:
    assert conformance.call("print", b"stderr a line on standard error") == (0, b"")
    line = "log\t6\t" + b"printed".hex()  # as the test host itself writes it to standard output
    assert conformance.call("print", f"stdout {line}".encode()) == (0, b"")
    assert conformance.log("printed") == 6


@pytest.mark.parametrize("method", ["crash", "exit"])
def test_the_end_of_the_process(program: Path, new_host: NewHost, method: str) -> None:
    from conftest import ROOT, Host

    host = Host({"PYTHONPATH": str(ROOT / "conformance")}, program)
    assert host.load(0, "resty_ffi_conformance,app,") is None
    host.start(method)
    assert host.process.wait(10) == (3 if method == "exit" else -6)
    host.input.close()
