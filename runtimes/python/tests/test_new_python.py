"""Where CPython differs from what the loader expects, the load fails, or calls are served correctly but slower."""

from __future__ import annotations

from pathlib import Path

import pytest
from conftest import NewHost

MODULE = """
import asyncio
import resty_ffi
from resty_ffi import _task

made = 0
make = _task.CallTask.__init__


def count(self, loop, state):
    global made
    made += 1
    make(self, loop, state)


_task.CallTask.__init__ = count
app = resty_ffi.Runtime()


@app.method
async def tasks(req):
    return str(made)


@app.method
async def later(req):
    before = asyncio.current_task()
    await asyncio.sleep(0)
    return f"{{before is asyncio.current_task()}}"


@app.method
async def attribute(req):
    task = asyncio.current_task()
    try:
        return repr(getattr(task, "note", None))
    finally:
        task.note = "of another call"


{changed}
"""

HIDDEN_MARK = "_task.MARKS = (*_task.MARKS, lambda task: None)"

FOREIGN_TASKS_UNKNOWN = """
def ignoring(function):
    return lambda loop, task: function(loop, task) if isinstance(task, asyncio.Task) else None


asyncio.tasks._enter_task = ignoring(asyncio.tasks._enter_task)
asyncio.tasks._leave_task = ignoring(asyncio.tasks._leave_task)
"""


def load(new_host: NewHost, tmp_path: Path, changed: str) -> tuple[object, list[int]]:
    """The reason of a failed load, and how many tasks had been created at each of five calls in a row."""
    (tmp_path / "changed.py").write_text(MODULE.format(changed=changed))
    host = new_host(tmp_path)
    failed = host.load(0, "changed,app,")
    if failed is not None:
        return failed, []
    assert [host.call("attribute")[1] for _ in range(3)] == [b"None"] * 3
    assert host.call("later") == (0, b"True")
    assert host.call("tasks")[0] == 0
    counts = [int(host.call("tasks")[1]) for _ in range(5)]
    if changed:
        assert host.log("each call gets a new task") == 5
    return None, [count - counts[0] for count in counts]


@pytest.mark.parametrize(("changed", "counts"), [("", [0, 0, 0, 0, 0]), (HIDDEN_MARK, [0, 1, 2, 3, 4])])
def test_a_task_serves_again_where_its_marks_show(
    new_host: NewHost, tmp_path: Path, changed: str, counts: list[int]
) -> None:
    assert load(new_host, tmp_path, changed) == (None, counts)


def test_tasks_that_asyncio_does_not_know_fail_the_load(new_host: NewHost, tmp_path: Path) -> None:
    failed, _ = load(new_host, tmp_path, FOREIGN_TASKS_UNKNOWN)
    assert "does not recognise the task of a call as the current one" in str(failed)
