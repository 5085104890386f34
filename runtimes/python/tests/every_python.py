"""Builds the loader for every other Python of this machine, and runs the tests on calls with it.

It looks for versions from 3.11 on, with a shared library and a global lock: in PATH, in the environment variable
RESTY_FFI_TEST_PYTHONS (paths of executables, separated by colons), and among those that pyenv has installed. It prints
their versions, and fails if a build or a test fails.
"""

from __future__ import annotations

import glob
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TESTS = ["answers", "conformance", "isolation", "lifespan", "loading", "new_python", "reload", "streams", "tasks"]

DESCRIBE = """
import sys, sysconfig
shared = ".so" in (sysconfig.get_config_var("INSTSONAME") or "")
usable = sys.version_info >= (3, 11) and shared and not sysconfig.get_config_var("Py_GIL_DISABLED")
print(sys.version.split()[0] if usable else "")
"""


def executables() -> Iterator[str]:
    for folder in os.environ.get("PATH", "").split(os.pathsep):
        yield from sorted(glob.glob(os.path.join(glob.escape(folder), "python3.[0-9][0-9]")))
    yield from filter(None, os.environ.get("RESTY_FFI_TEST_PYTHONS", "").split(os.pathsep))
    pyenv = os.environ.get("PYENV_ROOT", os.path.expanduser("~/.pyenv"))
    yield from sorted(glob.glob(os.path.join(glob.escape(pyenv), "versions", "*", "bin", "python3")))


def others() -> dict[str, str]:
    """The first executable of each version."""
    found: dict[str, str] = {}
    for executable in executables():
        said = subprocess.run([executable, "-c", DESCRIBE], capture_output=True, text=True)
        version = said.stdout.strip()
        if said.returncode == 0 and version and version != sys.version.split()[0]:
            found.setdefault(version, executable)
    return found


def tests_pass(executable: str, folder: str) -> bool:
    built = subprocess.run([executable, ROOT / "build.py", folder])
    if built.returncode != 0:
        return False
    env = {**os.environ, "RESTY_FFI_TEST_PYTHON_DIST": f"{folder}/dist"}
    files = [f"tests/test_{name}.py" for name in TESTS]
    pytest = [f"{folder}/.venv/bin/python", "-m", "pytest", "-p", "no:cacheprovider", *files]
    return subprocess.run(pytest, cwd=ROOT, env=env).returncode == 0


def main() -> int:
    pythons = others()
    if not pythons:
        print("there is no other Python here to build the loader for")
        return 0
    failed = []
    for version, executable in pythons.items():
        print(f"Python {version}: {executable}", flush=True)
        with tempfile.TemporaryDirectory(prefix="resty-ffi-python-") as folder:
            if not tests_pass(executable, folder):
                failed.append(version)
    if failed:
        print(f"failed with Python {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
