"""The author's modules: which they are, and how they are imported anew beside those that still serve."""

from __future__ import annotations

import importlib
import os
import sys
import sysconfig
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.machinery import EXTENSION_SUFFIXES, ModuleSpec, PathFinder, SourceFileLoader
from types import ModuleType
from typing import Any

_PYTHON = {os.path.join(sysconfig.get_path(name), "") for name in ("stdlib", "platstdlib")}
_LOADER = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "")
_PACKAGES = {"site-packages", "dist-packages"}

# While modules are imported anew, sys.modules lacks the old ones: one folder is in that state once at a time. An import
# that hangs holds up nobody else's.
_locks: dict[str, threading.RLock] = {}
_locks_lock = threading.Lock()


class Modules:
    """A module by name, what is in it if it is a package, and with a folder what lies there or below."""

    def __init__(self, name: str, folder: str | None = None) -> None:
        self._name = name
        self._inside = f"{name}."
        self._folder = folder and os.path.join(folder, "")

    def __contains__(self, spec: ModuleSpec | None) -> bool:
        if spec is None:
            return False
        if spec.name == self._name or spec.name.startswith(self._inside):
            return True
        place = _place(spec)
        if not self._folder or not place or not place.startswith(self._folder) or spec.name == "__main__":
            return False
        return not (place.startswith((_LOADER, *_PYTHON)) or _PACKAGES & {*place[len(self._folder) :].split(os.sep)})

    def loaded(self) -> dict[str, ModuleType]:
        return {name: module for name, module in list(sys.modules.items()) if getattr(module, "__spec__", None) in self}

    def files(self) -> Iterator[str]:
        """The files that the loaded ones came from."""
        for module in self.loaded().values():
            place = _place(module.__spec__)
            if place and os.path.isfile(place):
                yield os.path.abspath(place)

    @contextmanager
    def import_anew(self, name: str) -> Iterator[ModuleType]:
        """Imports the module, and with it fresh copies of these modules, for what is done with it inside ``with``.

        The copies from before live on with those who use them. If the import fails, or what is done with it, others
        still get them.
        """
        with _locks_lock:
            lock = _locks.setdefault(self._folder or self._name, threading.RLock())
        with lock:
            old = self.loaded()
            for key in old:
                del sys.modules[key]
            finder = _Finder(self, old)
            sys.meta_path.insert(0, finder)
            importlib.invalidate_caches()
            try:
                module = importlib.import_module(name)
            except BaseException:
                self._bring_back(old, self.loaded())
                raise
            finally:
                sys.meta_path.remove(finder)
            new = self.loaded()
        try:
            yield module
        except BaseException:
            with lock:
                self._bring_back(old, new)
            raise

    def _bring_back(self, old: dict[str, ModuleType], new: dict[str, ModuleType]) -> None:
        """Instead of the new copies, unless another import has replaced those meanwhile."""
        for key, module in new.items():
            if sys.modules.get(key) is module:
                del sys.modules[key]
        for key, module in old.items():
            sys.modules.setdefault(key, module)


def authors_modules(name: str) -> Modules:
    """The author's own modules around one: the package or the folder that it is in. Of a module among installed
    packages, its package."""
    top = name.partition(".")[0]
    spec = PathFinder.find_spec(top)
    place = spec and _place(spec)
    if not place:
        return Modules(top)
    folder = os.path.dirname(os.path.dirname(place) if os.path.basename(place) == "__init__.py" else place)
    is_shared = _PACKAGES & {*folder.split(os.sep)} or os.path.join(folder, "").startswith((_LOADER, *_PYTHON))
    return Modules(top, None if is_shared else folder)


def _place(spec: ModuleSpec) -> str | None:
    """The file, or the folder of a package without one."""
    if spec.has_location:
        return spec.origin
    return next(iter(spec.submodule_search_locations or ()), None)


class _Finder:
    """Finds these modules' sources, whatever has been compiled of them before."""

    def __init__(self, modules: Modules, old: dict[str, ModuleType]) -> None:
        self._modules = modules
        self._old = old

    def find_spec(self, name: str, path: Any, target: ModuleType | None = None) -> ModuleSpec | None:
        spec = PathFinder.find_spec(name, path, target)
        if spec is None or spec not in self._modules:
            return None
        if spec.origin and spec.origin.endswith(tuple(EXTENSION_SUFFIXES)) and name in self._old:
            spec.loader = _Same(self._old[name])
        elif type(spec.loader) is SourceFileLoader:
            spec.loader = _Source(spec.loader.name, spec.loader.path)
        return spec


class _Source(SourceFileLoader):
    """Compiled files are told from stale ones by their time in seconds and size, which is not enough for a source that
    has been edited just now."""

    def path_stats(self, path: Any) -> Any:
        raise OSError("the compiled file is not wanted")


class _Same:
    """Machine code is in a process once."""

    def __init__(self, module: ModuleType) -> None:
        self._module = module

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return self._module

    def exec_module(self, module: ModuleType) -> None:
        pass
