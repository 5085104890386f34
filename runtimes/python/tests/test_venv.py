"""Virtual environments that the options of a load name."""

from __future__ import annotations

import sys
import venv as make_venv
from pathlib import Path
from typing import Any

import pytest
from conftest import NewHost


def venv(folder: Any, version: Any, module: Any = "installed") -> Any:
    packages = folder / "lib" / f"python{version}" / "site-packages"
    packages.mkdir(parents=True)
    (packages / f"{module}.py").write_text(
        f"import resty_ffi\napp = resty_ffi.Runtime()\n@app.method\ndef where(req):\n    return {folder.name!r}\n"
    )
    return folder


OWN = f"{sys.version_info.major}.{sys.version_info.minor}"


def test_a_virtual_environment_of_the_options(new_host: NewHost, tmp_path: Path) -> None:
    one, two = venv(tmp_path / "one", OWN), venv(tmp_path / "two", OWN)
    host = new_host(VIRTUAL_ENV=str(two))  # the option takes precedence
    assert host.load(0, "installed,app,", venv=one) is None
    assert host.call("where") == (0, b"one")
    assert host.load(1, "installed,app,again", venv=f"{one}/.") is None
    assert host.reload() is None
    said = host.load(2, "installed,app,other", venv=two)
    assert f"the virtual environment {two} cannot be used beside {one}" in said
    assert "isolate = true" in said
    assert host.load(2, "installed,app,other", venv=two, isolate=1) is None
    assert host.call("where", number=2) == (0, b"two")
    assert host.load(3, "answers,app,") is None  # without one
    assert f"{one}/lib" not in host.call("path", number=3)[1].decode()


def test_packages_come_before_the_systems(new_host: NewHost, tmp_path: Path) -> None:
    one = venv(tmp_path / "one", OWN)
    host = new_host(VIRTUAL_ENV=str(one))
    assert host.load(0, "answers,app,") is None
    path = host.call("path")[1].decode().split("\n")
    system = [n for n, entry in enumerate(path) if entry.endswith("dist-packages")]
    assert path.index(f"{one}/lib/python{OWN}/site-packages") < min(system, default=len(path))


@pytest.mark.parametrize("what", ["missing", "empty", "3.9"])
def test_a_virtual_environment_that_cannot_be_used(new_host: NewHost, tmp_path: Path, what: str) -> None:
    folder = tmp_path / "venv"
    if what != "missing":
        folder.mkdir()
    if what == "3.9":
        venv(folder, what)
    host = new_host()
    said = host.load(0, "answers,app,", venv=folder)
    assert {
        "missing": f"the virtual environment {folder} does not exist",
        "empty": f"{folder} is not a virtual environment: it has no lib/python{OWN}/site-packages",
        "3.9": f"{folder} is for python3.9, and this loader embeds python{OWN}: make it again with ",
    }[what] in said
    assert host.load(1, "answers,app,") is None


PROGRAMS = """
import multiprocessing, os, shutil, subprocess, sys, sysconfig
import resty_ffi

app = resty_ffi.Runtime()


@app.method
def python(req):
    code = "import sys; print(sys.prefix, sys.base_prefix == sys.prefix)"
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout


@app.method
def own(req):
    return f"{sys.prefix} {sys.exec_prefix} {sys.executable} {sysconfig.get_path('scripts')}"


@app.method
def script(req):
    ran = subprocess.run(["a-script"], capture_output=True, text=True, check=True)
    return ran.stdout + str(shutil.which("a-script"))


@app.method
def shell(req):
    return subprocess.run("echo $PATH:$VIRTUAL_ENV", shell=True, capture_output=True, text=True, check=True).stdout


@app.method(thread=True)
def spawned(req):
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(prefix)


def prefix():
    import sys

    return sys.prefix
"""


@pytest.fixture(scope="module")
def real(tmp_path_factory: Any) -> Any:
    """A virtual environment as venv makes it, with a program of a package in it."""
    folder = tmp_path_factory.mktemp("real") / "venv"
    make_venv.create(folder, symlinks=True)
    (folder / "bin" / "a-script").write_text(f"#!{folder}/bin/python\nimport sys\nprint(sys.prefix)\n")
    (folder / "bin" / "a-script").chmod(0o755)
    return folder


@pytest.mark.parametrize("isolate", [0, 1], ids=["thread", "process"])
@pytest.mark.parametrize("by", ["option", "variable"])
def test_programs_are_those_of_the_environment(
    new_host: NewHost, tmp_path: Path, real: Any, isolate: int, by: str
) -> None:
    (tmp_path / "programs.py").write_text(PROGRAMS)
    host = new_host(tmp_path, **({"VIRTUAL_ENV": str(real)} if by == "variable" else {}))
    options = {"venv": real} if by == "option" else {}
    assert host.load(0, "programs,app,", isolate=isolate, **options) is None
    assert host.call("python") == (0, f"{real} False\n".encode())
    assert host.call("own") == (0, f"{real} {real} {real}/bin/python {real}/bin".encode())
    assert host.call("script") == (0, f"{real}\n{real}/bin/a-script".encode())
    assert host.call("spawned", timeout_ms=20000) == (0, str(real).encode())
    path, variable = host.call("shell")[1].decode().strip().rsplit(":", 1)
    # The host's process keeps its own environment.
    assert path == (f"{real}/bin:/usr/bin:/bin" if isolate else "/usr/bin:/bin")
    assert variable == (str(real) if isolate or by == "variable" else "")


@pytest.mark.parametrize("isolate", [0, 1], ids=["thread", "process"])
def test_without_one_the_executable_is_a_python(new_host: NewHost, tmp_path: Path, isolate: int) -> None:
    (tmp_path / "programs.py").write_text(PROGRAMS)
    host = new_host(tmp_path)
    assert host.load(0, "programs,app,", isolate=isolate) is None
    assert host.call("python") == (0, f"{sys.base_prefix} True\n".encode())
    assert host.call("spawned", timeout_ms=20000) == (0, sys.base_prefix.encode())


def test_a_package_of_which_another_runtime_has_the_systems(new_host: NewHost, tmp_path: Path) -> None:
    """The first runtime has no environment, and has loaded the system's copy."""
    system, one = tmp_path / "dist-packages", venv(tmp_path / "one", OWN)
    system.mkdir()
    for folder in (system, one / "lib" / f"python{OWN}" / "site-packages"):
        (folder / "both.py").write_text("VERSION = 1\n")
    (tmp_path / "uses.py").write_text("import both, resty_ffi\napp = resty_ffi.Runtime()\n")
    host = new_host(tmp_path)
    (tmp_path / "uses_system.py").write_text(
        f"import sys\nsys.path.insert(0, {str(system)!r})\nimport both, resty_ffi\napp = resty_ffi.Runtime()\n"
    )
    assert host.load(0, "uses_system,app,") is None
    said = host.load(1, "uses,app,", venv=one)
    assert f'"both" would be {one}/lib/python{OWN}/site-packages/both.py for this runtime' in said
    assert "isolate = true" in said
