"""Exit handlers, threads and pools at unload, reload and the end of the process."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from conftest import Host, NewHost, Wait

MAIN = """
import atexit, concurrent.futures, functools, os, pathlib, signal, sys, threading, time
import resty_ffi

app = resty_ffi.Runtime()
FILE = pathlib.Path({file!r})


def note(text):
    with FILE.open("a") as file:
        file.write(text + "\\n")


class Thing:
    def close(self):
        note("{who} method")


thing = Thing()
atexit.register(thing.close)
atexit.register(functools.partial(note, "{who} partial"))
atexit.register(note, text="{who} taken back")
atexit.unregister(note)


@atexit.register
def bye():
    note("{who} bye")


@app.method
def register(req):
    what = req.decode()
    if what == "raise":
        atexit.register(int, "no number")
    if what == "hang":
        atexit.register(time.sleep, 3600)
    if what == "hang for ever":
        def stuck():
            while True:
                pass
        atexit.register(stuck)
    if what == "pool":
        pool = concurrent.futures.ThreadPoolExecutor(1)
        pool.submit(lambda: (time.sleep(0.1), note("{who} pooled")))
    if what == "thread":
        threading.Thread(target=lambda: (time.sleep(0.1), note("{who} thread"))).start()
    if what == "endless thread":
        threading.Thread(target=time.sleep, args=(3600,)).start()
    if what == "package":
        import library

        library.start({file!r}, "{who} package")
    if what == "half a line":
        sys.stdout.write("half a line")
    return what
"""

LAST_FIRST = ["bye", "partial", "method"]


@pytest.fixture
def code(tmp_path: Path) -> Path:
    (tmp_path / "site-packages").mkdir()
    (tmp_path / "site-packages" / "library.py").write_text(
        "import atexit\ndef start(file, text):\n    atexit.register(lambda: open(file, 'a').write(text + '\\n'))\n"
    )
    return tmp_path


def load(host: Host, code: Path, number: int = 0, who: Any = "one", **options: Any) -> None:
    (code / f"{who}.py").write_text(MAIN.format(file=str(code / "noted"), who=who))
    assert host.load(number, f"{code}/{who},app,", **options) is None


def noted(code: Path, count: Any, wait: Wait) -> Any:
    """The noted lines, once there are this many."""
    file = code / "noted"
    wait(lambda: file.exists() and len(file.read_text().splitlines()) >= count)
    return file.read_text().splitlines() if file.exists() else []


@pytest.mark.parametrize("isolate", [0, 1], ids=["thread", "process"])
def test_at_unload(new_host: NewHost, code: Path, wait: Wait, isolate: int) -> None:
    host = new_host()
    load(host, code, isolate=isolate)
    load(host, code, 1, "two", isolate=isolate)
    host.call("register", b"raise")
    host.unload(0)
    assert noted(code, 3, wait) == [f"one {what}" for what in LAST_FIRST]
    if not isolate:
        host.log("an exit handler raised")
        host.log("ValueError: invalid literal for int()")
    assert host.call("register", b"x", number=1) == (0, b"x")


@pytest.mark.parametrize("isolate", [0, 1], ids=["thread", "process"])
def test_at_reload(new_host: NewHost, code: Path, wait: Wait, isolate: int) -> None:
    host = new_host()
    load(host, code, isolate=isolate)
    (code / "one.py").write_text(MAIN.format(file=str(code / "noted"), who="new"))
    assert host.reload() is None
    assert noted(code, 3, wait) == [f"one {what}" for what in LAST_FIRST]
    assert host.close() == 0
    assert noted(code, 6, wait)[3:] == [f"new {what}" for what in LAST_FIRST]


@pytest.mark.parametrize("isolate", [0, 1], ids=["thread", "process"])
@pytest.mark.parametrize("what", ["pool", "thread", "package"])
def test_at_the_end_of_the_process(new_host: NewHost, code: Path, wait: Wait, isolate: int, what: str) -> None:
    said = {"pool": "one pooled", "thread": "one thread", "package": "one package"}[what]
    for _ in range(10):  # on a busy machine a thread may not run at all in the time that threads get
        (code / "noted").unlink(missing_ok=True)
        host = new_host(code / "site-packages")
        load(host, code, isolate=isolate)
        host.call("register", what.encode())
        assert host.close() == 0
        lines = noted(code, 3, wait)
        if said in lines or what == "package":
            break
    assert sorted(lines) == sorted([*(f"one {each}" for each in LAST_FIRST), said])


def test_what_a_package_registers_waits_for_the_end_of_the_process(new_host: NewHost, code: Path, wait: Wait) -> None:
    host = new_host(code / "site-packages")
    load(host, code)
    load(host, code, 1, "two")
    host.call("register", b"package")
    host.unload(0)
    noted(code, 3, wait)
    assert host.call("register", b"x", number=1) == (0, b"x")
    assert "one package" not in noted(code, 3, wait)
    assert host.close() == 0
    assert "one package" in noted(code, 7, wait)


@pytest.mark.parametrize("isolate", [0, 1], ids=["thread", "process"])
@pytest.mark.parametrize("what", ["hang", "hang for ever", "endless thread"])
def test_what_does_not_end_holds_up_nobody(new_host: NewHost, code: Path, wait: Wait, isolate: int, what: str) -> None:
    host = new_host()
    load(host, code, isolate=isolate)
    host.call("register", what.encode())
    host.unload(0)
    if "thread" in what:
        assert noted(code, 3, wait) == [f"one {each}" for each in LAST_FIRST]
    elif not isolate:
        host.log("an exit handler did not end in time")
    load(host, code, 1, "two")
    assert host.call("register", b"x", number=1) == (0, b"x")
    assert host.close() == 0


def test_what_was_printed_without_a_newline_is_not_lost(new_host: NewHost, code: Path) -> None:
    host = new_host()
    load(host, code, isolate=1)
    host.call("register", b"half a line")
    host.unload(0)
    assert host.log("half a line") == 6


def test_after_a_load_that_failed(new_host: NewHost, code: Path, wait: Wait) -> None:
    (code / "fails.py").write_text(MAIN.format(file=str(code / "noted"), who="one") + "\napp = 5\n")
    host = new_host()
    assert '"app" of the module "fails" is neither' in host.load(0, f"{code}/fails,app,")
    assert noted(code, 3, wait) == [f"one {what}" for what in LAST_FIRST]


@pytest.mark.parametrize("isolate", [0, 1], ids=["thread", "process"])
def test_of_the_original_form(new_host: NewHost, code: Path, wait: Wait, isolate: int) -> None:
    """It has no lifespan and threads of its own: its handlers run when the process ends."""
    text = (Path(__file__).parent / "modules" / "original.py").read_text()
    note = f"open({str(code / 'noted')!r}, 'a').write('original\\n')"
    (code / "older.py").write_text(f"import atexit\natexit.register(lambda: {note})\n{text}")
    host = new_host()
    assert host.load(0, f"{code}/older,init,", isolate=isolate) is None
    assert host.call("any", b"x") == (0, b"x")
    host.unload(0)
    assert host.close() == 0
    assert noted(code, 1, wait) == ["original"]
