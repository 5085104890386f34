"""Reloads: new code beside old in one process."""

from __future__ import annotations

import os
import shutil
import subprocess
import sysconfig
import time
from pathlib import Path
from typing import Any

import pytest
from conftest import Host, NewHost

MAIN = """
import asyncio
import resty_ffi
import {helper}
from package import inner

app = resty_ffi.Runtime()
DATA = bytes(1 << 20)
VERSION = {version!r}

@app.method
def version(req):
    return f"{{VERSION}} {{{helper}.VERSION}} {{inner.VERSION}}"

@app.method
async def slow(req):
    await asyncio.sleep(int(req) / 1000)
    return version(req)

@app.stream
async def chat(requests):
    async for message in requests:
        yield VERSION + message.decode()

@app.stream
def blocking_chat(requests):
    for message in requests:
        yield VERSION + message.decode()

@app.method
def json_is(req):
    import json
    return str(id(json))
"""


class Code:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "package").mkdir()
        self.write("1", "1", "1")

    def write(self, main: str, helper: str, inner: str) -> None:
        self.main(MAIN.format(version=main, helper="helper"))
        (self.folder / "helper.py").write_text(f"VERSION = {helper!r}\n")
        (self.folder / "package" / "inner.py").write_text(f"VERSION = {inner!r}\n")

    def main(self, text: str) -> None:
        (self.folder / "main.py").write_text(text)


@pytest.fixture
def code(tmp_path: Path) -> Code:
    return Code(tmp_path)


@pytest.fixture
def host(new_host: NewHost, code: Code) -> Host:
    host = new_host(code.folder)
    assert host.load(0, "main,app,") is None
    return host


def test_new_code_of_every_module_of_the_authors(host: Host, code: Code) -> None:
    assert host.call("version") == (0, b"1 1 1")
    json = host.call("json_is")
    code.write("2", "3", "4")  # files of the same size, within the same second
    assert host.call("version") == (0, b"1 1 1")
    assert host.reload() is None
    assert host.call("version") == (0, b"2 3 4")
    assert host.call("json_is") == json
    assert host.stats()["reloads"] == 1


def test_old_calls_and_streams_end_with_the_old_code(host: Host, code: Code) -> None:
    slow, chat, blocking = host.start("slow", b"400"), host.open("chat"), host.open("blocking_chat")
    chat.send(b"a")
    assert chat.read() == b"1a"
    code.write("2", "2", "2")
    assert host.reload() is None
    assert host.call("version") == (0, b"2 2 2")
    for stream in (chat, blocking):
        stream.send(b"b", end=True)
        assert stream.read_all() == ([b"1b"], 0, None)
    assert host.wait(slow) == (0, b"1 1 1")
    stream = host.open("chat", b"c", end=True)
    assert stream.read_all() == ([b"2c"], 0, None)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("this is broken Python", "SyntaxError"),
        ("import helper\nraise ValueError('not today')", "ValueError: not today"),
        ("import no_such_module", "ModuleNotFoundError"),
        ("app = 5", '"app" of the module "main" is neither a Runtime nor a function'),
    ],
)
def test_new_code_that_does_not_load_changes_nothing(host: Host, code: Code, text: str, reason: str) -> None:
    code.main(text)
    assert reason in host.reload()
    assert host.call("version") == (0, b"1 1 1")
    assert reason in host.load(1, "main,app,another")
    code.write("2", "2", "2")
    assert host.reload() is None
    assert host.call("version") == (0, b"2 2 2")


def test_runtimes_of_one_module_are_reloaded_each_for_itself(host: Host, code: Code) -> None:
    assert host.load(1, "main,app,another") is None
    code.write("2", "2", "2")
    assert host.reload(1) is None
    assert [host.call("version", number=n)[1] for n in range(2)] == [b"1 1 1", b"2 2 2"]


def test_a_hundred_reloads_leave_nothing(host: Host, code: Code) -> None:
    def reload(times: Any) -> None:
        for n in range(times):
            code.write(str(n), "2", "3")
            assert host.reload() is None
            assert host.call("version") == (0, b"%d 2 3" % n)

    reload(10)
    threads, memory = len(host.threads()), host.memory()
    reload(100)
    until = time.monotonic() + 20
    while len(host.threads()) > threads:
        assert time.monotonic() < until, host.threads()
    assert host.memory() - memory < 10_000_000  # one generation has 1 MB of its own


def test_a_package_and_its_relative_imports(new_host: NewHost, tmp_path: Path) -> None:
    package = tmp_path / "package"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "version.py").write_text("VERSION = '1'\n")
    (package / "main.py").write_text(
        "import resty_ffi\nfrom . import version\napp = resty_ffi.Runtime()\n"
        "@app.method('version')\ndef answer(req):\n    return version.VERSION\n"
    )
    host = new_host(tmp_path)
    assert host.load(0, "package.main,app,") is None
    (package / "version.py").write_text("VERSION = '2'\n")
    assert host.reload() is None
    assert host.call("version") == (0, b"2")


def test_an_installed_package_is_reloaded_alone(new_host: NewHost, tmp_path: Path) -> None:
    packages = tmp_path / "site-packages"
    packages.mkdir()
    (packages / "main.py").write_text(
        MAIN.format(version="1", helper="helper").replace("package import", "helper import")
    )
    (packages / "helper.py").write_text("import types\nVERSION = '1'\ninner = types.SimpleNamespace(VERSION='1')\n")
    host = new_host(packages)
    assert host.load(0, "main,app,") is None
    for name in ("main", "helper"):
        text = (packages / f"{name}.py").read_text()
        (packages / f"{name}.py").write_text(text.replace("VERSION = '1'", "VERSION = '2'"))
    assert host.reload() is None
    assert host.call("version") == (0, b"2 1 1")


def test_compiled_modules_stay(new_host: NewHost, tmp_path: Path) -> None:
    source = tmp_path / "counted.c"
    source.write_text(
        "#include <Python.h>\nstatic PyObject *times(PyObject *s, PyObject *u)"
        "{ static long n; return PyLong_FromLong(++n); }\n"
        'static PyMethodDef m[] = {{"times", times, METH_NOARGS, NULL}, {NULL, NULL, 0, NULL}};\n'
        'static struct PyModuleDef d = {PyModuleDef_HEAD_INIT, .m_name = "counted", .m_size = -1, .m_methods = m};\n'
        "PyMODINIT_FUNC PyInit_counted(void) { return PyModule_Create(&d); }\n"
    )
    package = tmp_path / "package"
    package.mkdir()
    (package / "__init__.py").write_text("")
    out = package / f"counted{sysconfig.get_config_var('EXT_SUFFIX')}"
    command = [*os.environ.get("CC", "cc").split(), "-shared", "-fPIC", f"-I{sysconfig.get_path('include')}"]
    subprocess.run([*command, source, "-o", out], check=True)
    (package / "main.py").write_text(
        "import resty_ffi\nimport package.counted\napp = resty_ffi.Runtime()\n"
        "@app.method\ndef times(req):\n    return f'{package.counted.times()} {id(package.counted)}'\n"
    )
    host = new_host(tmp_path)
    assert host.load(0, "package.main,app,") is None
    first, module = host.call("times")[1].split()
    assert host.reload() is None
    assert (first, host.call("times")) == (b"1", (0, b"2 " + module))


def test_a_module_of_the_original_is_reloaded(new_host: NewHost, tmp_path: Path) -> None:
    shutil.copy(os.path.join(os.path.dirname(__file__), "modules", "original.py"), tmp_path / "older.py")
    host = new_host(tmp_path)
    assert host.load(0, "older,init,a") is None
    text = (tmp_path / "older.py").read_text()
    (tmp_path / "older.py").write_text(
        text.replace("self.respond(task, 0, data)", 'self.respond(task, 0, b"new " + data)')
    )
    assert host.reload() is None
    assert host.call("any", b"x") == (0, b"new x")


def test_a_change_of_a_file_reloads_if_the_host_watches(new_host: NewHost, code: Code) -> None:
    host = new_host(code.folder)
    assert host.load(0, "main,app,", watch=1) is None
    code.write("1", "1", "2")
    host.until("version", b"1 1 2")
    code.main("this is broken Python")
    assert host.log("was not reloaded, the code from before goes on") == 4
    code.write("3", "3", "3")
    host.until("version", b"3 3 3")
