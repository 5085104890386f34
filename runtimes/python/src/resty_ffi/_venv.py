"""Virtual environments: their packages, for the one interpreter of this process."""

from __future__ import annotations

import glob
import os
import site
import sys

_VERSION = f"python{sys.version_info.major}.{sys.version_info.minor}"
_used: str | None = None


class VenvError(Exception):
    """A virtual environment that cannot be used; the text is a sentence."""


def use(folder: str) -> None:
    """Puts a virtual environment's packages before all others. Again and again is fine; a second one is not."""
    global _used
    root = os.path.realpath(folder)
    if _used == root:
        return
    if _used is not None:
        raise VenvError(
            f"the virtual environment {folder} cannot be used beside {_used}, which this process has: one process has "
            "one Python with one set of packages; give this runtime a process of its own with the option isolate = true"
        )
    packages = os.path.join(root, "lib", _VERSION, "site-packages")
    if not os.path.isdir(packages):
        raise VenvError(_why_not(folder, root))
    before = list(sys.path)
    site.addsitedir(packages)
    added = [entry for entry in sys.path if entry not in before]
    system = [before.index(entry) for entry in site.getsitepackages() if entry in before]
    place = min(system, default=len(before))
    sys.path[:] = before[:place] + added + before[place:]
    _used = root


def _why_not(folder: str, root: str) -> str:
    if not os.path.isdir(root):
        return f"the virtual environment {folder} does not exist, or may not be read"
    others = [os.path.basename(path) for path in glob.glob(os.path.join(root, "lib", "python3.*"))]
    if not others:
        return f"{folder} is no virtual environment: it has no lib/{_VERSION}/site-packages"
    return (
        f"the virtual environment {folder} is for {', '.join(sorted(others))}, and this loader embeds {_VERSION}: "
        f"make it anew with {sys.executable} -m venv"
    )
