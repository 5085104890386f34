"""Plain handlers and handlers in threads, in a runtime without a loop."""

from __future__ import annotations

import time

import pytest
from conftest import Host, NewHost


@pytest.fixture
def host(new_host: NewHost) -> Host:
    host = new_host()
    assert host.load(0, "answers,app,") is None
    return host


@pytest.mark.parametrize("request_", [None, b"", b"x", bytes(range(256)) * 1000])
def test_echo(host: Host, request_: bytes | None) -> None:
    assert host.call("echo", request_) == (0, request_)


def test_text_goes_as_utf8(host: Host) -> None:
    assert host.call("text") == (0, "grüße".encode())


def test_a_buffer_is_copied_when_it_is_returned(host: Host) -> None:
    calls = [host.start("buffer", b"%04d" % n) for n in range(200)]
    assert [host.wait(call) for call in calls] == [(0, b"%04d" % n) for n in range(200)]


def test_a_memoryview(host: Host) -> None:
    assert host.call("view", b"abcd") == (0, b"bc")


@pytest.mark.parametrize(
    ("method", "status", "text"),
    [
        ("number", -6, "TypeError: a handler answers with bytes, str or None, and this one returned int"),
        ("surrogate", -6, "UnicodeEncodeError: "),
        ("coroutine", -6, "TypeError: a plain handler returned a coroutine: register it as `async def`"),
        ("system_exit", -6, "SystemExit: 3"),
        ("bad_error", -6, "UnprintableError: <exception str() failed>"),
        ("view", -6, "TypeError: "),
        ("thread_raises", -6, "KeyError: 'in a thread'"),
        ("dict_here", -6, "RuntimeError: ctx.dict.blocking would block the thread that takes the calls"),
    ],
)
def test_a_handler_that_raises_fails_its_call_alone(host: Host, method: str, status: int, text: str) -> None:
    got, answer = host.call(method, None)
    assert got == status
    assert text in answer.decode()
    assert host.log(f'the handler of "{method}" raised') == 4 if method != "surrogate" else True
    assert host.call("echo", b"next") == (0, b"next")


def test_the_traceback_is_logged(host: Host) -> None:
    host.call("thread_raises")
    assert host.log("Traceback (most recent call last):") == 4
    assert host.log('raise KeyError("in a thread")') == 4


def test_an_error_may_carry_bytes(host: Host) -> None:
    assert host.call("error_bytes") == (9, b"\x00\xff")


def test_default_handler(host: Host) -> None:
    assert host.call("whatever") == (0, b"default whatever")


def test_context_variables_are_the_calls_own(host: Host) -> None:
    assert [host.call("context_variable")[1] for _ in range(3)] == [b"unset"] * 3


def test_deadline(host: Host) -> None:
    assert host.call("deadline") == (0, b"False None")
    assert host.call("deadline", timeout_ms=30000) == (0, b"True True")


def test_a_blocked_thread_holds_up_nobody(host: Host) -> None:
    slow = host.start("stubborn", b"2000")
    assert host.call("echo", b"x") == (0, b"x")
    assert not host.answered(slow)
    assert host.wait(slow) == (0, b"too late")


def test_threads_have_names(host: Host) -> None:
    assert host.call("thread_name")[1].startswith(b"ffi-python")
    # Python's main thread, the one that takes the calls, one of the pool
    assert host.threads().count("ffi-python") == 3


def test_a_thread_sees_that_its_call_is_cancelled(host: Host) -> None:
    call = host.start("wait_cancelled")
    assert host.call("seen") == (0, b"False")
    host.cancel(call)
    host.until("seen", b"True")


def test_a_cancelled_call_that_has_not_begun_does_not_begin(host: Host) -> None:
    busy = [host.start("stubborn", b"100") for _ in range(2)]
    waiting = host.start("wait_cancelled")
    host.cancel(waiting)
    for call in busy:
        host.wait(call)
    time.sleep(0.05)
    assert host.call("seen") == (0, b"False")


def test_the_shared_dict_from_a_thread(host: Host) -> None:
    assert host.call("dict_in_thread", b"v\x00") == (0, b"v\x00")


def test_dicts_by_name(host: Host) -> None:
    assert host.call("dicts") == (0, b"[True, False, b'1', None, 5, 2, b'of other']")


def test_a_dict_that_the_host_does_not_allow(host: Host) -> None:
    status, text = host.call("forbidden_dict")
    assert status == -10
    assert b'may not use the shared dict "secrets"' in text


def test_loggers_of_others_reach_the_host_too(host: Host) -> None:
    host.call("other_logger")
    assert host.log("from a library") == 5
    assert not any("too quiet" in line for _, line in host.logs)


def test_mixed_calls_at_once(host: Host) -> None:
    calls = [(host.start("echo" if n % 3 else "dict_in_thread", b"%d" % n), b"%d" % n) for n in range(500)]
    answers = [(host.wait(call)[0], request) for call, request in calls]
    assert answers == [(0, request) for _, request in calls]


def test_pythons_main_thread_is_another_that_lives(host: Host) -> None:
    assert host.call("main_thread") == (0, b"True False")
