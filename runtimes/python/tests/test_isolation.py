"""Two runtimes in one process, whose modules have the same names: each gets its own."""

from __future__ import annotations

import os
import subprocess
import sysconfig
from pathlib import Path
from typing import Any

import pytest
from conftest import NewHost

MAIN = """
import dataclasses
import importlib
import pickle
import sys
import threading
import typing

import helper
import resty_ffi
from package import inner

WHO = {who!r}
app = resty_ffi.Runtime()
count = 0


@dataclasses.dataclass
class Point:
    x: "helper.Number"


@app.method
def who(req):
    return " ".join([WHO, helper.WHO, inner.WHO, inner.outer().WHO])


@app.method
def late(req):
    import late
    from package.more import WHO

    return f"{{late.WHO}} {{WHO}} {{late.helper.WHO}}"


@app.method("async_late")
async def async_late(req):
    return late(req)


@app.method(thread=True)
def by_name(req):
    return importlib.import_module(req.decode()).WHO


@app.method
def own_thread(req):
    found = []
    thread = threading.Thread(target=lambda: found.append(importlib.import_module("thread_late").WHO))
    thread.start()
    thread.join()
    return found[0]


@app.method
def counted(req):
    global count
    count += 1
    return f"{{count}} {{helper.COUNT.append(1) or len(helper.COUNT)}}"


@app.method
def pickled(req):
    point = pickle.loads(pickle.dumps(Point(1)))
    types = typing.get_type_hints(Point)
    same = [type(point) is Point, sys.modules[__name__].Point is Point, types == {{"x": helper.Number}}]
    return f"{{same}} {{pickle.loads(req).__module__ if req else None}} {{sys.modules[__name__].WHO}}"


@app.method
def unpickle(req):
    return pickle.loads(req).WHO
"""

FILES = {
    "helper.py": "WHO = {who!r}\nCOUNT = []\nclass Number: WHO = {who!r}\n",
    "late.py": "import helper\nWHO = {who!r}\n",
    "thread_late.py": "WHO = {who!r}\n",
    "package/__init__.py": "",
    "package/inner.py": "WHO = {who!r}\ndef outer():\n    from . import more\n    return more\n",
    "package/more.py": "WHO = {who!r}\n",
}


def write(folder: Any, who: Any, **more: Any) -> Any:
    for name, text in {"main.py": MAIN, **FILES, **more}.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text.format(who=who))
    return folder


@pytest.fixture
def pair(new_host: NewHost, tmp_path: Path) -> Any:
    host = new_host()
    for number, who in enumerate(["one", "two"]):
        assert host.load(number, f"{write(tmp_path / who, who)}/main,app,") is None
    return host


BOTH = [(0, "one"), (1, "two")]


def test_modules_of_the_same_name_in_two_folders(pair: Any) -> None:
    for number, who in BOTH:
        assert pair.call("who", number=number) == (0, " ".join([who] * 4).encode())


@pytest.mark.parametrize("method", ["late", "async_late"])
def test_what_a_handler_imports(pair: Any, method: str) -> None:
    for number, who in [*BOTH, *BOTH]:
        assert pair.call(method, number=number) == (0, " ".join([who] * 3).encode())


def test_imports_by_name_and_in_threads(pair: Any) -> None:
    for number, who in [*BOTH, *BOTH]:
        for name in [b"late", b"package.more", b"main"]:
            assert pair.call("by_name", name, number=number) == (0, who.encode())
        assert pair.call("own_thread", number=number) == (0, who.encode())


def test_what_looks_modules_up(pair: Any) -> None:
    for number, who in BOTH:
        assert pair.call("pickled", None, number=number) == (0, f"[True, True, True] None {who}".encode())
        foreign = b"chelper\nNumber\n."  # as another process would have pickled it
        assert pair.call("unpickle", foreign, number=number) == (0, who.encode())


def test_a_second_configuration_has_state_of_its_own(new_host: NewHost, tmp_path: Path) -> None:
    host = new_host(write(tmp_path, "one"))
    for number in range(3):
        assert host.load(number, f"main,app,{number}") is None
    for turn in range(1, 4):
        for number in range(3):
            assert host.call("counted", number=number) == (0, f"{turn} {turn}".encode())
    assert host.reload(1) is None
    host.unload(2)
    assert host.call("counted", number=1) == (0, b"1 1")
    assert host.call("counted", number=0) == (0, b"4 4")


def test_old_code_imports_no_new_code(new_host: NewHost, tmp_path: Path) -> None:
    main = MAIN + (
        "\n@app.method\nasync def slow(req):\n    import asyncio\n    await asyncio.sleep(int(req) / 1000)\n"
        "    import late\n    return late.WHO + late.helper.WHO\n"
    )
    # The old code keeps its old helper; a module that it imports only now comes from the new file.
    host = new_host(write(tmp_path, "1", **{"main.py": main}))
    assert host.load(0, "main,app,") is None
    slow = host.start("slow", b"300")
    assert host.call("who")[1] == b"1 1 1 1"
    write(tmp_path, "2", **{"main.py": main})
    assert host.reload() is None
    assert host.call("late") == (0, b"2 2 2")
    assert host.wait(slow) == (0, b"21")


def test_each_has_its_own_path(new_host: NewHost, tmp_path: Path) -> None:
    add = "import sys\nsys.path.insert(0, {folder!r})\n" + MAIN
    assign = "import os, sys\nsys.path = [{folder!r}] + sys.path\n" + MAIN
    host = new_host()
    for number, (who, text) in enumerate([("one", add), ("two", assign)]):
        lib = tmp_path / f"lib-{who}"
        write(lib, who)
        (lib / "main.py").unlink()
        (tmp_path / who).mkdir()
        (tmp_path / who / "main.py").write_text(text.format(who=who, folder=str(lib)))
        assert host.load(number, f"{tmp_path / who}/main,app,") is None
    for number, who in BOTH:
        assert host.call("who", number=number) == (0, " ".join([who] * 4).encode())
        assert host.call("late", number=number) == (0, " ".join([who] * 3).encode())


def test_installed_packages_are_shared(new_host: NewHost, tmp_path: Path) -> None:
    packages = tmp_path / "packages"
    (packages / "shared-1.dist-info").mkdir(parents=True)
    (packages / "shared-1.dist-info" / "RECORD").write_text("shared/__init__.py,,\nshared-1.dist-info/RECORD,,\n")
    (packages / "shared").mkdir()
    (packages / "shared" / "__init__.py").write_text("TIMES = []\n")
    more = (
        "\nimport shared, json\n@app.method\ndef shares(req):\n    import shared as again\n"
        "    shared.TIMES.append(1)\n    there = sorted(set(sys.modules) & {{'main', 'shared'}})\n"
        "    return f'{{len(again.TIMES)}} {{id(json)}} {{there}}'\n"
    )
    host = new_host(packages)
    for number, who in BOTH:
        assert host.load(number, f"{write(tmp_path / who, who, **{'main.py': MAIN + more})}/main,app,") is None
    first, second = (host.call("shares", number=number)[1].decode().split(" ", 2) for number in range(2))
    assert (first[0], second[0]) == ("1", "2")
    assert first[1:] == second[1:]
    assert first[2] == "['main', 'shared']"


def test_two_versions_of_a_package_are_refused(new_host: NewHost, tmp_path: Path) -> None:
    """The author's own module with the name of an installed package is not shared."""
    host = new_host()
    for number, (who, where) in enumerate([("one", "site-packages"), ("two", "lib"), ("three", "site-packages")]):
        lib = tmp_path / who / where
        lib.mkdir(parents=True)
        (lib / "versioned.py").write_text(f"VERSION = {who!r}\n")
        (tmp_path / who / "main.py").write_text(
            f"import sys\nsys.path.insert(0, {str(lib)!r})\nimport resty_ffi, versioned\napp = resty_ffi.Runtime()\n"
            "@app.method\ndef version(req):\n    return versioned.VERSION\n"
        )
        said = host.load(number, f"{tmp_path / who}/main,app,")
        if who == "three":
            assert f'"versioned" would be {lib}/versioned.py for this runtime' in said
            assert f"{tmp_path}/one/site-packages/versioned.py" in said
            assert "isolate = true" in said
            assert host.load(number, f"{tmp_path / who}/main,app,", isolate=1) is None
        else:
            assert said is None
        assert host.call("version", number=number) == (0, who.encode())


def test_a_package_does_not_get_an_authors_module_of_the_same_name(new_host: NewHost, tmp_path: Path) -> None:
    packages = tmp_path / "site-packages"
    packages.mkdir()
    (packages / "library.py").write_text("import common\nWHO = common.WHO\n")
    (packages / "common.py").write_text("WHO = 'the package'\n")
    host = new_host(packages)
    text = (
        MAIN
        + "\nimport common, library\n@app.method\ndef common_is(req):\n    return f'{{common.WHO}} {{library.WHO}}'\n"
    )
    for number, who in BOTH:
        folder = write(tmp_path / who, who, **{"main.py": text, "common.py": "WHO = {who!r}\n"})
        assert host.load(number, f"{folder}/main,app,") is None
        assert host.call("common_is", number=number) == (0, f"{who} the package".encode())


def test_compiled_modules_of_two_folders(new_host: NewHost, tmp_path: Path) -> None:
    host = new_host()
    for number, who in BOTH:
        folder = tmp_path / who
        folder.mkdir()
        (folder / "fast.c").write_text(
            "#include <Python.h>\nstatic int n;\nstatic PyObject *who(PyObject *s, PyObject *u)"
            f'{{ return PyUnicode_FromFormat("{who} %d", ++n); }}\n'
            'static PyMethodDef m[] = {{"who", who, METH_NOARGS, NULL}, {NULL, NULL, 0, NULL}};\n'
            'static struct PyModuleDef d = {PyModuleDef_HEAD_INIT, .m_name = "fast", .m_size = -1, .m_methods = m};\n'
            "PyMODINIT_FUNC PyInit_fast(void) { return PyModule_Create(&d); }\n"
        )
        out = folder / f"fast{sysconfig.get_config_var('EXT_SUFFIX')}"
        command = [*os.environ.get("CC", "cc").split(), "-shared", "-fPIC", f"-I{sysconfig.get_path('include')}"]
        subprocess.run([*command, folder / "fast.c", "-o", out], check=True)
        (folder / "main.py").write_text(
            "import fast, resty_ffi\napp = resty_ffi.Runtime()\n@app.method\ndef who(req):\n    return fast.who()\n"
        )
        assert host.load(number, f"{folder}/main,app,") is None
    assert host.load(2, f"{tmp_path}/one/main,app,again") is None  # the same file: machine code is shared
    assert [host.call("who", number=n)[1] for n in range(3)] == [b"one 1", b"two 1", b"one 2"]


def test_a_thread_of_a_package_gets_the_only_one_or_an_error(new_host: NewHost, tmp_path: Path) -> None:
    packages = tmp_path / "site-packages"
    packages.mkdir()
    (packages / "library.py").write_text(
        "import importlib, queue, threading\nasked, told = queue.Queue(), queue.Queue()\n"
        "def serve():\n    while True:\n        try:\n            told.put(importlib.import_module(asked.get()).WHO)\n"
        "        except Exception as e:\n            told.put(repr(e))\n"
        "threading.Thread(target=serve, daemon=True).start()\n"
    )
    text = MAIN + (
        "\nimport library\n@app.method\ndef ask(req):\n    library.asked.put(req.decode())\n"
        "    return library.told.get()\n@app.method\ndef change(req):\n    import late\n    late.WHO = 'changed'\n"
    )
    host = new_host(packages)
    assert host.load(0, f"{write(tmp_path / 'one', 'one', **{'main.py': text})}/main,app,") is None
    for early in (b"helper", b"late"):  # what the runtime has not imported yet is its own, too
        assert host.call("ask", early) == (0, b"one")
    host.call("change")
    assert host.call("ask", b"late") == (0, b"changed")
    assert host.load(1, f"{write(tmp_path / 'two', 'two', **{'main.py': text})}/main,app,") is None
    for number, _ in BOTH:
        for name in ("late", "thread_late", "helper"):  # imported by one of them, by none, by both
            said = host.call("ask", name.encode(), number=number)[1].decode()
            assert f'"{name}" is a module of the runtime of {tmp_path}/one/main and {tmp_path}/two/main' in said
            assert "isolate = true" in said


def test_multiprocessing_starts_with_the_runtimes_path(new_host: NewHost, tmp_path: Path) -> None:
    text = MAIN + (
        "\ndef work(n):\n    import helper\n    return f'{{helper.WHO}} {{n}}'\n"
        "@app.method(thread=True)\ndef pool(req):\n    import concurrent.futures, multiprocessing\n"
        "    spawn = multiprocessing.get_context('spawn')\n"
        "    with concurrent.futures.ProcessPoolExecutor(1, mp_context=spawn) as pool:\n"
        "        return pool.submit(work, 7).result()\n"
    )
    host = new_host()
    for number, who in BOTH:
        assert host.load(number, f"{write(tmp_path / who, who, **{'main.py': text})}/main,app,") is None
    for number, who in BOTH:
        assert host.call("pool", number=number, timeout_ms=20000) == (0, f"{who} 7".encode())


def test_imports_at_once(pair: Any) -> None:
    calls = [(pair.start(method, number=number), who) for method in ("late", "own_thread") for number, who in BOTH * 20]
    for call, who in calls:
        assert set(pair.wait(call)[1].decode().split()) == {who}


def test_what_an_import_leaves_in_its_thread(new_host: NewHost, tmp_path: Path) -> None:
    """A context variable of a package, and the loop of the thread."""
    packages = tmp_path / "site-packages"
    packages.mkdir()
    (packages / "library.py").write_text(
        "import contextvars\nvariable = contextvars.ContextVar('x', default='unset')\n"
    )
    text = (
        "import asyncio, library, resty_ffi\nbefore = library.variable.get()\nlibrary.variable.set({who!r})\n"
        "try:\n    loop = asyncio.get_event_loop()\nexcept RuntimeError:\n    loop = None\n"
        "asyncio.set_event_loop(asyncio.new_event_loop())\napp = resty_ffi.Runtime()\n"
        "@app.method\ndef seen(req):\n    return f'{{before}} {{loop}} {{library.variable.get()}}'\n"
    )
    host = new_host(packages)
    for number, who in BOTH:
        (tmp_path / f"{who}.py").write_text(text.format(who=who))
        assert host.load(number, f"{tmp_path}/{who},app,") is None
    for number, who in BOTH:
        assert host.call("seen", number=number) == (0, f"unset None {who}".encode())
