from __future__ import annotations

import os
import shutil
import signal
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from conftest import DIST, LOADER, Host, NewHost

ROOT = Path(__file__).resolve().parent.parent


@pytest.mark.parametrize(
    ("config", "own"),
    [
        ("loading,app", None),
        ("loading,app,", b""),
        ("loading,app,a,b", b"a,b"),
        ("loading,app,grüße", "grüße".encode()),
        ("loading,init,x", b"made for x"),
        ("loading,init", b"made for None"),
    ],
)
def test_what_a_configuration_may_name(new_host: NewHost, config: str, own: bytes | None) -> None:
    host = new_host()
    assert host.load(0, config) is None
    assert host.call("config") == (0, own)


def test_a_module_by_its_folder(new_host: NewHost) -> None:
    host = new_host()
    assert host.load(0, f"{ROOT}/examples/echo/echo,app,") is None
    assert host.call("echo", b"x") == (0, b"x")


def test_a_decoded_configuration(new_host: NewHost) -> None:
    host = new_host()
    assert host.load(0, 'loading,typed,{"greeting": "hello, you"}') is None
    assert host.call("greet") == (0, b"hello, you")


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        (None, 'of the form "module,func,config", such as "my_module,app,"; it got none'),
        ("loading", "it got 'loading'"),
        ("loading,,", "it got 'loading,,'"),
        ("no_such_module,app", "ModuleNotFoundError: No module named 'no_such_module'"),
        ("loading,nothing", 'the module "loading" has no "nothing"'),
        ("loading,no_function", '"no_function" of the module "loading" is neither a Runtime nor a function'),
        ("loading,three", "three must be a Runtime, init(cfg) or init(cfg, tq), and its signature is three(cfg: "),
        ("loading,wrong", 'wrong(cfg) of the module "loading" returned int instead of a Runtime'),
        ("loading,fails", "ValueError: a bad configuration: grüße\nTraceback (most recent call last):\n"),
        ("loading,typed,[]", "TypeError: the configuration must be a JSON object, and is '[]'"),
        ("loading,typed,{", "ValueError: the configuration is not JSON"),
        ('loading,typed,{"other": 1}', "TypeError: Settings.__init__() got an unexpected keyword argument 'other'"),
    ],
)
def test_a_load_that_fails_says_why(new_host: NewHost, config: str | None, reason: str) -> None:
    host = new_host()
    said = host.load(0, config)
    assert reason in said
    assert "libffi_python3.so" in said  # the runtime's name
    assert host.load(1, "loading,app,after a failure") is None
    assert host.call("config", number=1) == (0, b"after a failure")


def test_the_traceback_of_a_load_is_the_authors(new_host: NewHost) -> None:
    said = new_host().load(0, "loading,fails,")
    assert 'in fails\n    raise ValueError("a bad configuration: grüße")' in said
    assert "_load.py" not in said


def test_runtimes_of_one_module_do_not_mix(new_host: NewHost) -> None:
    host = new_host()
    for number, config in enumerate(["loading,app,one", "loading,app,two", "resty_ffi_conformance,app,three"]):
        assert host.load(number, config) is None
    assert [host.call("config", number=n)[1] for n in range(3)] == [b"one", b"two", b"three"]
    assert [host.call("state", number=0)[1] for _ in range(3)] == [b"1", b"2", b"3"]
    assert host.call("state", number=1) == (0, b"1")


def test_unloading_one_leaves_the_others(new_host: NewHost) -> None:
    host = new_host()
    for number, config in enumerate(["loading,app,one", "tasks,app,", "original,init,"]):
        assert host.load(number, config) is None
    threads = len(host.threads())
    for number in range(2):
        host.unload(number)
        assert host.call("config", number=number)[0] == -8
    assert host.call("echo", b"x", number=2) == (0, b"x")
    until = time.monotonic() + 20
    while len(host.threads()) > threads - 2:
        assert time.monotonic() < until, host.threads()
    assert host.load(0, "loading,app,one") is None
    assert host.call("config") == (0, b"one")


@pytest.mark.parametrize(("module", "method"), [("answers", "stubborn"), ("tasks", "ignores_cancel")])
def test_what_does_not_end_is_left_behind(new_host: NewHost, module: str, method: str) -> None:
    host = new_host()
    assert host.load(0, f"{module},app,") is None
    threads = host.threads().count("ffi-python")
    call = host.start(method, b"60000")
    host.call("echo" if module == "answers" else "at_once")
    host.cancel(call)
    host.unload()
    until = time.monotonic() + 20
    while host.threads().count("ffi-python") > threads - 1 + (module == "answers"):
        assert time.monotonic() < until, host.threads()
    assert host.load(1, "loading,app,") is None
    assert host.call("config", number=1) == (0, b"")


@pytest.mark.parametrize(("module", "method"), [("answers", "stubborn"), ("tasks", "ignores_cancel")])
def test_the_host_can_end_while_calls_run_on(new_host: NewHost, module: str, method: str) -> None:
    host = new_host()
    assert host.load(0, f"{module},app,") is None
    host.start(method, b"30000")
    host.call("echo" if module == "answers" else "at_once")
    before = time.monotonic()
    assert host.close() == 0
    assert time.monotonic() - before < 15


def test_each_load_reads_the_module(new_host: NewHost, tmp_path: Path) -> None:
    module = tmp_path / "fresh.py"
    text = "import resty_ffi\napp = resty_ffi.Runtime()\n@app.method\ndef version(req):\n    return {!r}\n"
    module.write_text(text.format("the first"))
    host = new_host(tmp_path)
    assert host.load(0, "fresh,app,0") is None
    module.write_text(text.format("the other"))  # of the same size, within the same second
    assert host.load(1, "fresh?,app,1") is None
    module.write_text("this is broken Python")
    assert "SyntaxError" in host.load(2, "fresh?,app,2")
    assert [host.call("version", number=number)[1] for number in range(2)] == [b"the first", b"the other"]


def test_a_module_of_the_original(new_host: NewHost) -> None:
    host = new_host()
    assert host.load(0, "original,init,a,b") is None
    assert host.call("any", b"\x00x") == (0, b"\x00x")
    assert host.call("any", b"") == (0, b"")
    assert host.call("any", None) == (0, None)
    assert host.call("any", b"cfg") == (0, b"a,b")
    assert host.call("any", b"fail") == (7, b"failed")
    assert host.load(1, "original,init") is None
    assert host.call("any", b"cfg", number=1) == (0, b"none")
    host.unload(0)
    assert host.call("any", b"x", number=1) == (0, b"x")
    assert "returned 5" in host.load(2, "original,init,refuse")


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGINT, signal.SIGTERM])
def test_signals_stay_the_hosts(program: Path, number: Any) -> None:
    """The test host handles no signal."""
    host = Host({"PYTHONPATH": str(ROOT / "conformance")}, program)
    try:
        assert host.load(0, "resty_ffi_conformance,app,") is None
        host.call("sleep", b"1")
        os.kill(host.process.pid, number)
        host.process.wait(10)
    finally:
        assert host.close() == -number


def test_a_python_found_by_path_decides_nothing(new_host: NewHost, tmp_path: Path) -> None:
    other = tmp_path / "bin" / "python3"
    other.parent.mkdir()
    other.write_text("#!/bin/sh\nexit 1\n")
    other.chmod(0o755)
    (tmp_path / "lib" / "python3.11").mkdir(parents=True)
    (tmp_path / "lib" / "python3.11" / "os.py").write_text("raise RuntimeError('the wrong library')\n")
    host = new_host(PATH=str(other.parent), PYTHONHOME=str(tmp_path))
    assert host.load(0, "answers,app,") is None
    version, executable = host.call("version")[1].decode().split()
    assert version == f"{sys.version_info.major}.{sys.version_info.minor}"
    assert not executable.startswith(str(tmp_path))


def test_the_path_holds_what_it_should(new_host: NewHost) -> None:
    host = new_host()
    assert host.load(0, "answers,app,") is None
    path = host.call("path")[1].decode().split("\n")
    assert path[:3] == [str(DIST / "python"), str(ROOT / "tests" / "modules"), str(ROOT / "conformance")]
    assert not {"", "."} & set(path)


def test_a_virtual_environment(new_host: NewHost, tmp_path: Path) -> None:
    packages = tmp_path / "lib" / f"python{sys.version_info.major}.{sys.version_info.minor}" / "site-packages"
    packages.mkdir(parents=True)
    shutil.copy(ROOT / "examples" / "echo" / "echo.py", packages / "installed.py")
    host = new_host(VIRTUAL_ENV=str(tmp_path))
    assert host.load(0, "installed,app,") is None
    assert host.call("echo", b"x") == (0, b"x")
    assert host.load(1, "answers,app,") is None
    path = host.call("path", number=1)[1].decode().split("\n")
    system = [n for n, entry in enumerate(path) if entry.endswith("dist-packages")]
    assert path.index(str(packages)) < min(system, default=len(path))


def test_a_virtual_environment_of_another_python_is_left_alone(new_host: NewHost, tmp_path: Path) -> None:
    host = new_host(VIRTUAL_ENV=str(tmp_path))
    assert host.load(0, "answers,app,") is None
    assert host.log("VIRTUAL_ENV is not used: ") == 5


def test_the_loader_without_its_folder_says_so(new_host: NewHost, tmp_path: Path) -> None:
    lib = tmp_path / "libffi_python3.so"
    shutil.copy(LOADER, lib)
    said = new_host().load(0, "answers,app,", lib=lib)
    assert f"{tmp_path}/python" in said


def test_a_module_that_is_not_there_names_the_places(new_host: NewHost, tmp_path: Path) -> None:
    (tmp_path / "package").mkdir()
    (tmp_path / "package" / "__init__.py").write_text("")
    host = new_host(tmp_path, "/no/such/folder")
    said = host.load(0, "no_such_module,app,")
    assert f"No module named 'no_such_module'; searched {tmp_path}, /no/such/folder (does not exist), " in said
    assert "/dist/python," not in said
    said = host.load(0, f"{tmp_path}/no_such_module,app,")
    assert f"searched {tmp_path}, " in said
    said = host.load(0, "package.inner,app,")
    assert f"No module named 'package.inner'; searched {tmp_path}/package" in said
    assert "libffi_init returned 1" in said.removesuffix("\n")[-30:]


def test_nothing_says_where_modules_are(program: Path) -> None:
    host = Host({"PATH": "/usr/bin:/bin"}, program)
    try:
        said = host.load(0, "my_module,app,")
        assert "PYTHONPATH is not set (nginx passes it on with `env PYTHONPATH;` in nginx.conf)" in said
        assert '"/srv/app/my_module,app,"' in said
    finally:
        assert host.close() == 0


def test_a_module_that_imports_one_that_is_not_there(new_host: NewHost, tmp_path: Path) -> None:
    (tmp_path / "asks.py").write_text("def load():\n    import no_such_package\nload()\n")
    host = new_host(tmp_path)
    said = host.load(0, "asks,app,")
    assert "ModuleNotFoundError: No module named 'no_such_package'" in said
    assert "searched" not in said
    assert host.log("in load\n    import no_such_package") == 4


@pytest.mark.parametrize(
    ("forbid", "config", "reason"),
    [
        ("inner", "module,app,", "inner (Permission denied to the user "),
        ("inner/module.py", "module,app,", "module.py' (to the user "),
        ("inner/package", "package,app,", "inner/package (Permission denied to the user "),
        ("inner/package", "package.deeper,app,", "inner/package (Permission denied to the user "),
        ("", "module,app,", "inner (Permission denied to the user "),
    ],
)
def test_it_says_when_it_was_permissions(program: Path, tmp_path: Path, forbid: str, config: str, reason: str) -> None:
    """nginx's workers do not run as the author. Root drops its privileges for this test."""
    (tmp_path / "a" / "inner" / "package").mkdir(parents=True)
    for file in ("module.py", "package/__init__.py", "package/deeper.py"):
        (tmp_path / "a" / "inner" / file).write_text("import resty_ffi\napp = resty_ffi.Runtime()\n")
    forbidden = tmp_path / "a" / forbid
    forbidden.chmod(0)
    privileges = "-dac_override,-dac_read_search"
    drop = ["setpriv", f"--inh-caps={privileges}", f"--bounding-set={privileges}"] if os.geteuid() == 0 else []
    host = Host({"PATH": "/usr/bin:/bin", "PYTHONPATH": f"{tmp_path}/a/inner"}, *drop, program)
    try:
        assert reason in host.load(0, config)
    finally:
        assert host.close() == 0
        forbidden.chmod(0o755)
