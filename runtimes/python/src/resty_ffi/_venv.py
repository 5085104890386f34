"""Virtual environments: their packages, and their Python for the programs that a runtime starts."""

from __future__ import annotations

import glob
import os
import site
import sys

from _resty_ffi import own_process

from . import _modules

_VERSION = f"python{sys.version_info.major}.{sys.version_info.minor}"
_used: tuple[str, list[str]] | None = None  # its folder, and what it adds to sys.path


class VenvError(Exception):
    """A virtual environment that cannot be used; the message says why."""


def use(folder: str) -> None:
    """Puts a virtual environment's packages before all others, for the calling runtime. A process can use one
    environment, any number of times."""
    global _used
    root = os.path.realpath(folder)
    if _used is not None and _used[0] != root:
        raise VenvError(
            f"the virtual environment {folder} cannot be used beside {_used[0]}, which this process has: one process "
            "has one Python with one set of packages; give this runtime a process of its own with the option "
            "isolate = true"
        )
    packages = os.path.join(root, "lib", _VERSION, "site-packages")
    if not os.path.isdir(packages):
        raise VenvError(_why_not(folder, root))
    if _used is None:
        _used = root, _entries(packages)
        _become(root)
        _modules.change_shared_path(_with_packages)
    sys.path[:] = _with_packages(list(sys.path))


def _entries(packages: str) -> list[str]:
    """What a folder of packages adds to sys.path: itself, and what its .pth files say."""
    before = list(sys.path)
    site.addsitedir(packages)
    added = [entry for entry in sys.path if entry not in before]
    sys.path[:] = before
    return added


def _with_packages(path: list[str]) -> list[str]:
    """The environment's packages come before the system's."""
    added = [entry for entry in (_used[1] if _used else ()) if entry not in path]
    system = [path.index(entry) for entry in site.getsitepackages() if entry in path]
    place = min(system, default=len(path))
    return [*path[:place], *added, *path[place:]]


def _become(root: str) -> None:
    """Makes programs that are started from here use the environment."""
    programs = os.path.join(root, "bin")
    python = os.path.join(programs, "python")
    if os.access(python, os.X_OK):
        sys.executable = python
    sys.prefix = sys.exec_prefix = root
    _set_variable("VIRTUAL_ENV", root)
    _set_variable("PATH", os.pathsep.join(filter(None, [programs, os.environ.get("PATH", os.defpath)])))


def _set_variable(name: str, value: str) -> None:
    if own_process:
        os.environ[name] = value
    else:  # for Python code only: the host and all its libraries share the environment itself
        os.environ._data[os.environ.encodekey(name)] = os.environ.encodevalue(value)  # type: ignore[attr-defined]


def _why_not(folder: str, root: str) -> str:
    if not os.path.isdir(root):
        return f"the virtual environment {folder} does not exist, or may not be read"
    others = [os.path.basename(path) for path in glob.glob(os.path.join(root, "lib", "python3.*"))]
    if not others:
        return f"{folder} is not a virtual environment: it has no lib/{_VERSION}/site-packages"
    return (
        f"the virtual environment {folder} is for {', '.join(sorted(others))}, and this loader embeds {_VERSION}: "
        f"make it again with {sys.executable} -m venv"
    )
