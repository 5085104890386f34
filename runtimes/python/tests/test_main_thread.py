"""Python's main thread, in a process of its own and in the host's."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import pytest
from conftest import NewHost

NEEDS = {
    "signals": (
        "import signal\nheard = []\nsignal.signal(signal.SIGUSR1, lambda number, frame: heard.append(number))\n",
        "signal only works in main thread",
    ),
    "a loop": (
        "import asyncio\nloop = asyncio.get_event_loop()\nfuture = loop.create_future()\n"
        "loop.call_later(0.01, future.set_result, 'of the loop')\nheard = []\n",
        "There is no current event loop",
    ),
}

MAIN = """
import os, threading
import resty_ffi

app = resty_ffi.Runtime()


@app.method
def here(req):
    first = threading.get_native_id() == os.getpid()
    return f"{threading.current_thread() is threading.main_thread()} {os.getpid()} {first}"


@app.method
def was_heard(req):
    return str(len(heard))
"""
LOOP = """

@app.method("async_here")
async def async_here(req):
    return here(req)


@app.method
async def result(req):
    return await future if "future" in globals() else "none"
"""


@pytest.mark.parametrize("what", NEEDS)
@pytest.mark.parametrize("handlers", [MAIN, MAIN + LOOP], ids=["plain", "asyncio"])
def test_a_module_that_needs_the_main_thread(new_host: NewHost, tmp_path: Path, what: Any, handlers: Any) -> None:
    text, reason = NEEDS[what]
    (tmp_path / "needs.py").write_text(text + handlers)
    host = new_host(tmp_path)
    said = host.load(0, "needs,app,")
    assert reason in said
    assert "isolate = true" in said
    assert host.load(0, "needs,app,", isolate=1) is None
    for method in ["here", "async_here"] if handlers != MAIN else ["here"]:
        status, answer = host.call(method)
        main, process, first = answer.decode().split()
        assert (status, main, first) == (0, "True", "True")
    if what == "signals":
        for count in range(1, 4):  # also an idle runtime runs the handler
            os.kill(int(process), signal.SIGUSR1)
            host.until("was_heard", str(count).encode())
    elif handlers != MAIN:
        assert host.call("result") == (0, b"of the loop")
    assert host.reload() is None
    assert host.call("here")[1].decode().split()[0] == "True"
    host.unload(0)
    assert host.call("here")[0] == -8


def test_a_signal_interrupts_a_plain_handler(new_host: NewHost, tmp_path: Path) -> None:
    (tmp_path / "alarms.py").write_text(
        "import signal, time, resty_ffi\napp = resty_ffi.Runtime()\n"
        "def late(number, frame):\n    raise TimeoutError('too long')\n"
        "@app.method\ndef bounded(req):\n    signal.signal(signal.SIGALRM, late)\n"
        "    signal.setitimer(signal.ITIMER_REAL, 0.05)\n    time.sleep(60)\n"
    )
    host = new_host(tmp_path)
    assert host.load(0, "alarms,app,", isolate=1) is None
    assert host.call("bounded") == (-6, b"TimeoutError: too long")
    assert host.call("bounded") == (-6, b"TimeoutError: too long")


def test_a_broken_pipe_is_an_exception(new_host: NewHost, tmp_path: Path) -> None:
    (tmp_path / "pipes.py").write_text(
        "import os, resty_ffi\napp = resty_ffi.Runtime()\n@app.method\ndef write(req):\n"
        "    r, w = os.pipe()\n    os.close(r)\n    os.write(w, b'x')\n"
    )
    host = new_host(tmp_path)
    assert host.load(0, "pipes,app,", isolate=1) is None
    assert host.call("write") == (-6, b"BrokenPipeError: [Errno 32] Broken pipe")


def test_a_lifespan_that_fails_in_a_process(new_host: NewHost, tmp_path: Path) -> None:
    (tmp_path / "fails.py").write_text(
        "import contextlib, resty_ffi\n@contextlib.asynccontextmanager\nasync def lifespan(runtime):\n"
        "    raise ValueError('not today')\n    yield\napp = resty_ffi.Runtime(lifespan=lifespan)\n"
    )
    host = new_host(tmp_path)
    assert "ValueError: not today" in host.load(0, "fails,app,", isolate=1)
