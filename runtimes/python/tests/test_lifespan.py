"""What a lifespan has to finish when its runtime ends."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from conftest import NewHost, Wait

MAIN = """
import asyncio, contextlib, pathlib
import resty_ffi

FILE = pathlib.Path({file!r})


def note(text):
    with FILE.open("a") as file:
        file.write(text + "\\n")


@contextlib.asynccontextmanager
async def lifespan(runtime):
    yield
    {end}


app = resty_ffi.Runtime(lifespan=lifespan)


@app.method
async def slow(req):
    await asyncio.sleep(0.2)
    note("a call")


@app.method
def echo(req):
    return req
"""

# Longer than the time of a runtime that has nothing to finish.
FINISHES = "await asyncio.sleep(2.5); note('finished')"
OBEYS = """try:
        await asyncio.sleep(3600)
    finally:
        note("cancelled")"""


@pytest.fixture(params=["thread", "process"])
def isolate(request: Any) -> Any:
    return request.param == "process"


def write(tmp_path: Path, end: Any) -> Any:
    file = tmp_path / "notes"
    (tmp_path / "main.py").write_text(MAIN.format(file=str(file), end=end))
    return file


def noted(file: Any) -> Any:
    return file.read_text().split("\n")[:-1] if file.exists() else []


def test_it_is_awaited_at_an_unload_and_at_a_reload(
    new_host: NewHost, tmp_path: Path, wait: Wait, isolate: Any
) -> None:
    file = write(tmp_path, FINISHES)
    host = new_host(tmp_path)
    assert host.load(0, "main,app", isolate=isolate) is None
    call = host.start("slow")
    assert host.reload() is None
    assert host.wait(call)[0] == 0
    wait(lambda: len(noted(file)) == 2)
    assert noted(file) == ["a call", "finished"]
    assert host.call("echo", b"new code") == (0, b"new code")
    host.unload()
    wait(lambda: len(noted(file)) == 3)
    assert noted(file) == ["a call", "finished", "finished"]


def test_it_is_cancelled_when_its_time_is_over(new_host: NewHost, tmp_path: Path, isolate: Any) -> None:
    file = write(tmp_path, OBEYS)
    host = new_host(tmp_path)
    assert host.load(0, "main,app", isolate=isolate) is None
    assert host.call("echo", b"x") == (0, b"x")
    host.close()
    assert noted(file) == ["cancelled"]
