"""`async def` handlers."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from conftest import Host, NewHost


@pytest.fixture
def events(tmp_path: Path) -> Path:
    return tmp_path / "events"


@pytest.fixture
def host(new_host: NewHost, events: Path) -> Host:
    host = new_host()
    assert host.load(0, f"tasks,app,{events}") is None
    return host


@pytest.mark.parametrize("method", ["at_once", "later", "yields", "thread"])
@pytest.mark.parametrize("request_", [None, b"", b"x" * 100_000])
def test_answers(host: Host, method: str, request_: bytes | None) -> None:
    assert host.call(method, request_) == (0, request_)


def test_many_at_once_of_every_kind(host: Host) -> None:
    methods = ["at_once", "later", "yields", "thread"]
    calls = [(host.start(methods[n % 4], b"%d" % n), b"%d" % n) for n in range(2000)]
    assert [host.wait(call) for call, _ in calls] == [(0, request) for _, request in calls]


def test_one_task_from_the_first_step_on(host: Host) -> None:
    for _ in range(2):
        assert host.call("same_task") == (0, b"True False True resty_ffi-same_task")


def test_calls_in_flight_have_tasks_of_their_own(host: Host) -> None:
    host.call("at_once")
    calls = [host.start("other_task") for _ in range(5)]
    assert {host.wait(call) for call in calls} == {(0, b"5")}


def test_a_plain_handler_has_a_loop_but_no_task(host: Host) -> None:
    async_call, plain = host.start("at_once"), host.start("no_task")
    assert (host.wait(async_call), host.wait(plain)) == ((0, b""), (0, b"None"))


@pytest.mark.parametrize(
    ("method", "answer"),
    [
        ("timeout", b"timeout 0"),
        ("group", b"3"),
        ("context_variable", b"unset set by another call"),
        ("failed_future", b"'of a future'"),
    ],
)
def test_what_asyncio_offers_works(host: Host, method: str, answer: bytes) -> None:
    for _ in range(3):
        assert host.call(method) == (0, answer)


@pytest.mark.parametrize(
    ("method", "status", "text"),
    [
        ("raises_at_once", -6, "ValueError: at once"),
        ("raises_later", -6, "ValueError: later"),
        ("fails_later", 12, "later"),
        ("group_fails", -6, "ExceptionGroup: unhandled errors in a TaskGroup (1 sub-exception)"),
        ("awaits_nonsense", -6, "RuntimeError: a handler awaited something that asyncio does not know: 5"),
        ("awaits_itself", -6, "RuntimeError: resty_ffi-awaits_itself cannot await on itself"),
        ("cancels_itself", -6, "asyncio.exceptions.CancelledError"),
    ],
)
def test_failures(host: Host, method: str, status: int, text: str) -> None:
    for _ in range(2):
        got, answer = host.call(method)
        assert (got, answer.decode()) == (status, text)
    assert host.call("at_once", b"next") == (0, b"next")


def test_a_done_callback_runs_and_only_for_its_own_call(host: Host) -> None:
    host.call("done_callback")
    host.until("events", b"done")
    for _ in range(3):
        host.call("at_once")
    assert host.call("events") == (0, b"done")


def test_a_task_may_be_awaited_and_cancelled_by_others(host: Host) -> None:
    waiting = host.start("wait_for_other", b"wait")
    assert host.call("wait_for_other") == (0, b"True")
    status, text = host.wait(waiting)
    assert (status, text) == (-6, b"asyncio.exceptions.CancelledError")


@pytest.mark.parametrize("request_", [b"", b"error", b"answer"])
def test_cancel_reaches_the_handler(host: Host, request_: bytes) -> None:
    call = host.start("stops", request_)
    assert host.call("events") == (0, b"")
    host.cancel(call)
    host.until("events", b"stopped:True")


def test_a_deadline_cancels(host: Host) -> None:
    assert host.call("stops", timeout_ms=20)[0] == -1
    host.until("events", b"stopped:True")


def test_the_shared_dict(host: Host) -> None:
    assert host.call("shared_dict") == (0, b"[None, b'\\x00value', 1, 5, None]")


def test_the_hosts_refusal_is_an_error_with_its_code(host: Host) -> None:
    status, text = host.call("dict_error")
    assert status < 0
    assert b"number" in text


def test_no_task_is_kept_after_its_call(host: Host) -> None:
    for method in ["at_once", "later", "yields", "raises_later", "timeout", "group"]:
        for _ in range(20):
            host.call(method)
    cancelled = [host.start("stops") for _ in range(20)]
    for call in cancelled:
        host.cancel(call)
    host.call("later")
    assert int(host.call("live_tasks")[1]) <= 2


def test_unload_ends_the_lifespan(host: Host, events: Path) -> None:
    call = host.start("stops")
    host.cancel(call)
    host.until("events", b"stopped:True")
    host.unload()
    until = time.monotonic() + 20
    while not events.exists() or not events.read_text():
        assert time.monotonic() < until
    assert events.read_text() == "stopped:True"
    assert host.call("at_once")[0] == -8


def test_the_end_of_the_host_cancels_what_runs(host: Host, events: Path) -> None:
    for request in (b"", b"error", b"answer"):
        host.start("stops", request)
    host.call("at_once")
    before = time.monotonic()
    assert host.close() == 0
    assert time.monotonic() - before < 8
    assert events.read_text() == "stopped:True stopped:True stopped:True"


VARIABLES = """
import asyncio, contextlib, contextvars
import resty_ffi

setter = contextvars.ContextVar("setter", default="nobody")
setter.set("the module")


@contextlib.asynccontextmanager
async def lifespan(runtime):
    setter.set("the lifespan")
    yield


app = resty_ffi.Runtime(**({{"lifespan": lifespan}} if {lifespan} else {{}}), threads=1)


@app.method
def plain(req):
    before = setter.get()
    setter.set(req.decode())
    return before


@app.method(thread=True)
def thread(req):
    return plain(req)


@app.stream
def blocking_stream(requests):
    for message in requests:
        yield plain(message)


def asynchronous():
    @app.method
    async def at_once(req):
        return plain(req)

    @app.method
    async def later(req):
        before = plain(req)
        await asyncio.sleep(0.001)
        if setter.get() != req.decode():
            return "a foreign one: " + setter.get()
        await asyncio.gather(asyncio.sleep(0), asyncio.create_task(changes()))
        return before + ("" if setter.get() == req.decode() else " and a foreign one: " + setter.get())

    @app.stream
    async def stream(requests):
        async for message in requests:
            await asyncio.sleep(0)
            yield plain(message)


async def changes():
    setter.set("a task")


if {asynchronous}:
    asynchronous()
"""


@pytest.mark.parametrize("isolate", [0, 1], ids=["thread", "process"])
@pytest.mark.parametrize(("lifespan", "asynchronous"), [(False, False), (False, True), (True, True)])
def test_context_variables_do_not_leak(
    new_host: NewHost, tmp_path: Path, lifespan: bool, asynchronous: bool, isolate: int
) -> None:
    (tmp_path / "variables.py").write_text(VARIABLES.format(lifespan=lifespan, asynchronous=asynchronous))
    host = new_host(tmp_path)
    assert host.load(0, "variables,app,", isolate=isolate) is None
    first = b"the lifespan" if lifespan else b"the module"
    methods = ["plain", "thread", *(["at_once", "later"] if asynchronous else [])]
    calls = [host.start(method, b"%d" % n) for n in range(60) for method in methods]
    assert {host.wait(call) for call in calls} == {(0, first)}
    for method in ["blocking_stream", *(["stream"] if asynchronous else [])]:
        streams = [host.open(method, b"a") for _ in range(3)]
        for stream in streams:
            assert stream.read() == first
        for stream in streams:
            stream.send(b"b", end=True)
            assert stream.read_all() == ([b"a"], 0, None)
    assert {host.call(method, b"x") for method in methods} == {(0, first)}
