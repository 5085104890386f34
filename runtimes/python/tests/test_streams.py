from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from conftest import Host, NewHost

WINDOW = 262144


@pytest.fixture
def host(new_host: NewHost) -> Host:
    host = new_host()
    assert host.load(0, "streams,app,") is None
    return host


def both(*names: str) -> pytest.MarkDecorator:
    """A test for the handler on asyncio and for the one in a thread."""
    return pytest.mark.parametrize("method", [kind + name for name in names for kind in ("", "blocking_")])


@both("chat")
def test_chat(host: Host, method: str) -> None:
    stream = host.open(method, b"first")
    assert stream.read() == b"first"
    for message in [b"x", b"", bytes(range(256)) * 400, b"y"]:
        assert stream.send(message) == 0
        assert stream.read() == message
    assert stream.send(b"last", end=True) == 0
    assert stream.read_all() == ([b"last"], 0, None)


@both("chat")
@pytest.mark.parametrize("first", [None, b"", b"x"])
def test_a_stream_of_one_message_or_none(host: Host, method: str, first: bytes | None) -> None:
    assert host.open(method, first, end=True).read_all() == ([] if first is None else [first], 0, None)


@both("sum")
def test_the_end_of_the_clients_direction(host: Host, method: str) -> None:
    assert host.open(method, messages=(b"1", b"2", b"39")).read_all() == ([b"42"], 0, None)
    assert host.open(method, end=True).read_all() == ([b"0"], 0, None)
    stream = host.open(method, b"5")
    assert stream.read(seconds=0.05) is None
    assert stream.send(None, end=True) == 0
    assert stream.read_all() == ([b"5"], 0, None)


@both("count")
@pytest.mark.parametrize("n", [0, 1, 5000])
def test_count(host: Host, method: str, n: int) -> None:
    assert host.open(method, b"%d" % n).read_all() == ([b"%d" % i for i in range(n)], 0, None)


@both("flood")
def test_a_slow_reader_holds_up_its_handler_alone(host: Host, method: str) -> None:
    stream = host.open(method, b"64")
    most = WINDOW // 65536
    for taken in range(0, 32, 8):
        assert stream.skip(8) == [65536] * 8
        time.sleep(0.05)
        assert host.stats()["bytes_out"] < (taken + 8 + most + 1) * 65536
        assert int(host.call("flooded")[1]) <= taken + 8 + most + 1
    assert len(stream.skip()) == 32
    assert stream.read() == (0, None)


@both("forever")
def test_a_handler_that_takes_nothing_holds_up_its_client(host: Host, method: str) -> None:
    stream = host.open(method)
    sent = 0
    while stream.send(bytes(65536), seconds=0.2) == 0:
        sent += 1
        assert sent <= 4
    assert sent == 4
    if method == "forever":
        stream.cancel()  # it goes on, and holds up no other stream
    assert host.call("plain", b"x") == (0, b"x")


@both("chat")
def test_consumed_messages_are_given_back(host: Host, method: str) -> None:
    stream = host.open(method)
    for _ in range(40):
        assert stream.send(bytes(40000)) == 0
        assert len(stream.read()) == 40000
    for size in range(2000):  # small ones cost more than they hold
        assert stream.send(b"%d" % size) == 0
        assert stream.read() == b"%d" % size


@both("fails")
def test_a_failure_in_the_middle(host: Host, method: str) -> None:
    stream = host.open(method, b"x")
    assert stream.read_all() == ([b"x"], 7, b"mid-stream")
    assert stream.send(b"y") == -8
    assert not any("raised" in line for _, line in host.logs)


@both("raises")
def test_an_exception_in_the_middle(host: Host, method: str) -> None:
    assert host.open(method, b"x").read_all() == ([b"x"], -6, b"ValueError: unexpected")
    assert host.log(f'the handler of "{method}" raised') == 4
    assert host.log('raise ValueError("unexpected")') == 4
    assert host.call("plain", b"x") == (0, b"x")


@both("refused")
def test_what_a_message_may_be(host: Host, method: str) -> None:
    answers = [b"TypeError", b"TypeError", b"UnicodeEncodeError", b"buffer", b"view", "grüße".encode()]
    assert host.open(method).read_all() == (answers, 0, None)


@both("seen")
@pytest.mark.parametrize("how", ["receive", "send", "deadline"])
def test_cancel(host: Host, method: str, how: str) -> None:
    stream = host.open(method, b"100" if how == "send" else None, timeout_ms=100 if how == "deadline" else 0)
    if how == "send":
        assert stream.read() == bytes(65536)
    time.sleep(0.05)
    assert host.call("seen_events") == (0, b"")
    if how != "deadline":
        stream.cancel()
    host.until("seen_events", b"cancelled:True left")
    assert host.call("plain", b"x") == (0, b"x")


@both("stubborn")
def test_a_handler_that_goes_on_is_stopped(host: Host, method: str) -> None:
    stream = host.open(method, b"")
    assert stream.read() == bytes(65536)
    stream.cancel()
    host.until("seen_events", b"stopped")


def test_a_handler_may_wait_while_it_cleans_up(host: Host) -> None:
    stream = host.open("cleans_up", b"x")
    assert stream.read() == b"x"
    stream.cancel()
    host.until("seen_events", b"cleaned")


@both("seen", "forever")
def test_unload_with_open_streams(host: Host, method: str) -> None:
    assert host.load(1, "streams,app,to be unloaded", drain=100) is None
    streams = [host.open(method, first, number=1) for first in (None, b"100", b"1")]
    assert streams[0].read(seconds=0.05) is None
    threads = host.threads().count("ffi-python")
    host.unload(1)
    assert [stream.skip(1) for stream in streams] == [[], [65536], [65536]] if "seen" in method else [[]] * 3
    assert [stream.read_all()[1] for stream in streams] == [-8] * 3
    if "seen" in method:
        host.until("seen_events", b"cancelled:True left cancelled:True left cancelled:True left")
    until = time.monotonic() + 20
    while host.threads().count("ffi-python") >= threads:
        assert time.monotonic() < until, host.threads()
    assert host.open("chat", number=1).status == -8
    assert host.call("plain", b"x") == (0, b"x")


@both("chat", "seen", "forever")
def test_the_host_can_end_while_streams_are_open(host: Host, method: str) -> None:
    host.open(method, b"1")
    host.open(method)
    before = time.monotonic()
    assert host.close() == 0
    assert time.monotonic() - before < 15


@pytest.mark.parametrize(("method", "count"), [("count", 10_000), ("blocking_count", 3000)])
def test_many_streams_leave_nothing(host: Host, method: str, count: int) -> None:
    assert host.times(method, b"3", 500) == 0
    memory, alive = host.memory(), host.call("alive")
    assert host.times(method, b"3", count) == 0
    assert host.call("alive") == alive
    assert host.memory() - memory < 2_000_000
    assert host.stats()["in_flight"] == 0


@both("chat")
def test_several_at_once(host: Host, method: str) -> None:
    streams = [host.open(method) for _ in range(20)]
    for n in range(20):
        for number, stream in enumerate(streams):
            assert stream.send(b"%d %d" % (number, n)) == 0
    for number, stream in enumerate(streams):
        assert [stream.read() for _ in range(20)] == [b"%d %d" % (number, n) for n in range(20)]
        stream.send(None, end=True)
        assert stream.read() == (0, None)


def test_cancelled_and_failed_streams_leave_nothing(host: Host) -> None:
    host.call("alive")
    alive = host.call("alive")
    for method in ("seen", "stubborn", "raises", "two_readers"):
        for _ in range(30):
            host.open(method, b"1").cancel()
            if method in ("seen", "stubborn", "raises"):
                host.open(f"blocking_{method}", b"1").cancel()
    host.until("alive", alive[1])


@both("context")
def test_a_context(host: Host, method: str) -> None:
    stream = host.open(method, timeout_ms=60_000)
    assert stream.read() == f"{method} True resty_ffi.streams".encode()
    assert stream.read_all() == ([b"1"], 0, None)


def test_a_time_limit_on_a_message(host: Host) -> None:
    stream = host.open("impatient")
    assert [stream.read() for _ in range(5)] == [b"none yet"] * 5
    stream.send(b"here it is", end=True)
    messages, status, _ = stream.read_all()
    assert status == 0
    assert messages[-1] == b"here it is"


def test_two_tasks_may_read_one_stream(host: Host) -> None:
    assert host.open("two_readers", messages=(b"a", b"b", b"c")).read_all() == ([b"a b c"], 0, None)


def test_a_task_that_is_left_behind_is_told(host: Host) -> None:
    assert host.open("left_behind").read_all() == ([b"done"], 0, None)
    host.call("seen_events")
    assert b'-2 runtime "libffi_python3.so(streams)": the stream of "left_behind" has ended' in host.call("seen_events")


@pytest.mark.parametrize("first", [None, b"at once"])
def test_the_task_of_a_stream_may_be_cancelled_by_others(host: Host, first: bytes | None) -> None:
    waiting = host.open("waits")
    other = host.open("cancels_the_other", first)
    if first is None:
        other.send(b"now")
    assert other.read() == b"True"
    assert waiting.read() == (-6, b"asyncio.exceptions.CancelledError")


def test_a_stream_has_one_task_and_one_context(host: Host) -> None:
    stream = host.open("one_task", messages=(b"1", b"2"))
    assert stream.read_all() == ([b"set", b"True set 1", b"True set 2"], 0, None)


def test_a_message_does_not_wait_for_the_work_on_the_next(host: Host, tmp_path: Path) -> None:
    done = tmp_path / "done"
    stream = host.open("slow_sums", os.fsencode(done))
    assert [stream.read(), stream.read()] == [b"0", b"1"]
    done.touch()
    assert stream.read() == b"2"


@pytest.mark.parametrize("method", ["plain", "plain_async", "plain_thread"])
@pytest.mark.parametrize("request_", [None, b"", b"x"])
def test_a_plain_handler_opened_as_a_stream(host: Host, method: str, request_: bytes | None) -> None:
    answer = ([] if request_ is None else [request_], 0, None)
    assert host.open(method, request_, end=True).read_all() == answer
    stream = host.open(method)
    assert stream.read(seconds=0.02) is None
    stream.send(request_, end=True)
    assert stream.read_all() == answer
    if request_ is not None:
        assert host.open(method, request_).read_all() == answer
        stream = host.open(method)
        stream.send(request_)
        assert stream.read_all() == answer


def test_a_plain_handler_may_fail_as_a_stream(host: Host) -> None:
    assert host.open("plain_fails", b"x").read_all() == ([], 9, b"plain")


def test_a_plain_handler_whose_request_never_comes(host: Host) -> None:
    host.open("plain").cancel()
    assert host.call("plain", b"x") == (0, b"x")
    assert host.stats()["in_flight"] == 0
    assert host.load(1, "streams,app,to be unloaded", drain=50) is None
    stream = host.open("plain", number=1)
    host.unload(1)
    assert stream.read()[0] == -8


@both("chat")
def test_a_stream_is_no_plain_call(host: Host, method: str) -> None:
    assert host.call(method) == (-10, f'"{method}" is a stream: open it with resty_ffi.stream'.encode())


def test_an_unknown_method(host: Host) -> None:
    stream = host.open("nothing")
    _, status, text = stream.read_all()
    assert status == -5
    assert b'has no method "nothing"; it has: ' in text


def test_a_runtime_of_plain_generators_needs_no_loop(new_host: NewHost, tmp_path: Path) -> None:
    (tmp_path / "threads.py").write_text(
        "import sys, resty_ffi\napp = resty_ffi.Runtime()\n"
        "@app.stream\ndef chat(requests):\n    yield from requests\n"
        "@app.method\ndef loop(req):\n    return str('asyncio' in sys.modules)\n"
    )
    host = new_host(tmp_path)
    assert host.load(0, "threads,app,", drain=50) is None
    stream, held = host.open("chat", b"x"), host.open("loop")
    assert stream.read() == b"x"
    assert host.call("loop") == (0, b"False")
    host.unload()
    assert stream.read()[0] == -8
    assert held.read()[0] == -8


@both("chat", "count")
def test_in_a_process_of_its_own(new_host: NewHost, method: str) -> None:
    host = new_host()
    assert host.load(0, "streams,app,", isolate=1) is None
    assert host.open(method, b"3", end=True).read_all()[1:] == (0, None)
    stream = host.open(f"{'blocking_' if method[0] == 'b' else ''}flood", b"40")
    assert stream.skip() == [65536] * 40
    assert host.reload() is None
    stream = host.open("chat", b"after the reload", end=True)
    assert stream.read_all() == ([b"after the reload"], 0, None)
