"""The modules of a runtime: its own, beside those that all runtimes of the process share.

A Python process has one table of modules and one search path, and code finds both by name: two runtimes with modules of
the same name would get each other's. So the answers of `sys.modules` and `sys.path` depend on the runtime that asks:
the one that owns the globals of the innermost running frame that any runtime owns. This works in every thread, and for
`importlib.import_module`, pickle, dataclasses and all other code that looks a module up by its name.

A runtime owns the modules that are neither Python's nor installed, wherever they are, and each load imports them again.
"""

from __future__ import annotations

import contextlib
import contextvars
import functools
import glob
import importlib
import logging
import os
import sys
import threading
import weakref
from collections.abc import Callable, Iterator
from importlib.machinery import EXTENSION_SUFFIXES, ExtensionFileLoader, ModuleSpec, PathFinder, SourceFileLoader
from types import FrameType, ModuleType
from typing import Any

from ._host_log import HostLog

_OWNER = "__resty_ffi__"
"""The global variable of a runtime's own module that refers to its Modules."""

_MISSING: Any = object()
_PACKAGES = {"site-packages", "dist-packages"}
_SHARED = tuple(
    os.path.join(os.path.dirname(os.path.abspath(file)), "") for file in (os.__file__, os.path.dirname(__file__))
)
"""Python's own modules, and the loader's."""

current: contextvars.ContextVar[Modules | None] = contextvars.ContextVar("resty_ffi_modules", default=None)
"""The runtime that code runs for when none of its own modules is in the stack, as in a callback of the loop."""

loaded: weakref.WeakSet[Modules] = weakref.WeakSet()
"""The modules of the runtimes that have not ended."""


class Modules:
    """The modules of one loaded runtime, and its search path. They live as long as something runs their code."""

    def __init__(self, name: str, anew: bool) -> None:
        self.name = name
        """The module that the configuration names, for messages."""
        self.own: dict[str, ModuleType] = {}
        self.path = list(_base)
        self.log: logging.Logger | None = None
        """The runtime's own logger; None before it has one, like its way into the host's log."""
        self.host_log: HostLog | None = None
        self.at_exit: list[tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any]]] = []
        """The functions to call when the runtime ends."""
        self.closed = False
        self._names: set[str] = set()  # of own modules, also of earlier ones
        self._shared: set[str] = set()  # top-level names known not to be ours
        self._package = ""
        self._anew = anew
        loaded.add(self)

    @contextlib.contextmanager
    def acting(self) -> Iterator[None]:
        """The code within runs on behalf of this runtime."""
        token = current.set(self)
        try:
            yield
        finally:
            current.reset(token)

    def import_main(self, name: str, folder: str) -> ModuleType:
        """Imports the module that the configuration names, on behalf of this runtime. Looks first in the folder, if it
        is not empty."""
        if folder:
            self.path.insert(1, folder)  # after the loader's own
        importlib.invalidate_caches()
        top = name.partition(".")[0]
        spec = PathFinder.find_spec(top)
        if spec and not self._owns(spec) and not _is_shared(_place(spec) or ""):
            self._package = top  # installed, but the runtime's own all the same
        return importlib.import_module(name)

    def files(self) -> Iterator[str]:
        """The files that the own modules came from."""
        for module in list(self.own.values()):
            place = _place(getattr(module, "__spec__", None))
            if place and os.path.isfile(place):
                yield os.path.abspath(place)

    def close(self) -> None:
        """The runtime has ended: only code that still runs finds its modules."""
        self.closed = True
        loaded.discard(self)

    # What the views and the finder ask.

    def keep(self, name: str, module: ModuleType) -> None:
        self.own[name] = module
        self._names.add(name)
        if isinstance(module, ModuleType) and _compiled_file(getattr(module, "__spec__", None)) is None:
            module.__dict__[_OWNER] = self

    def keeps(self, name: str, module: Any) -> bool:
        """Whether a module that is put into sys.modules belongs to this runtime."""
        spec = getattr(module, "__spec__", None)
        return self._owns(spec) if spec is not None else name in self._names

    def hides(self, name: str) -> bool:
        """Whether this runtime has, or would find, a module that differs from the shared one of this name."""
        top = name.partition(".")[0]
        if top in self._shared or top in _FIRST:
            return False
        with self.acting():
            spec = PathFinder.find_spec(top)
        if spec is not None and (self._owns(spec) or _differ(spec, dict.get(_modules, top))):
            return True
        self._shared.add(top)
        return False

    def adapt(self, spec: ModuleSpec) -> ModuleSpec:
        """Prepares a found module for loading. ImportError if the process has a different package of this name."""
        if not self._owns(spec):
            other = dict.get(_modules, spec.name)
            if other is not None and _differ(spec, other):
                raise ImportError(
                    f'"{spec.name}" would be {_place(spec)} for this runtime, but another runtime has loaded '
                    f"{_place(other.__spec__)} into this process, which has one copy of each installed package; give "
                    "this runtime a process of its own with the option isolate = true",
                    name=spec.name,
                )
        elif (file := _compiled_file(spec)) is not None:
            spec.loader = _Compiled(spec.name, file)
        elif self._anew and type(spec.loader) is SourceFileLoader:
            spec.loader = _Source(spec.loader.name, spec.loader.path)
        return spec

    def finds_installed(self, name: str) -> ModuleSpec | None:
        """The installed package, or module of Python's own, with the top-level name of this module."""
        top = name.partition(".")[0]
        for entry in self.path:
            spec = PathFinder.find_spec(top, [entry])
            if spec is not None and not self._owns(spec):
                return spec
        return None

    def finds_own(self, name: str) -> bool:
        with self.acting():
            spec = PathFinder.find_spec(name.partition(".")[0])
        return spec is not None and self._owns(spec)

    def _owns(self, spec: ModuleSpec) -> bool:
        top = spec.name.partition(".")[0]
        if top == self._package:
            return True
        if not spec.has_location:
            places = list(spec.submodule_search_locations or ())  # a package without a file; no place: Python's own
            return bool(places) and not any(self._is_installed(top, place) for place in places)
        return not self._is_installed(top, spec.origin or "")

    def _is_installed(self, top: str, place: str) -> bool:
        if place.startswith(_SHARED) or _PACKAGES & {*place.split(os.sep)}:
            return True
        return any(place.startswith(os.path.join(entry, "")) and top in _installed_in(entry) for entry in self.path)


def _is_shared(place: str) -> bool:
    """Whether a file is Python's own or the loader's. Some Pythons keep packages in a folder below their own."""
    return place.startswith(_SHARED) and not _PACKAGES & {*place.split(os.sep)}


_installed: dict[str, frozenset[str]] = {}


def _installed_in(entry: str) -> frozenset[str]:
    """The top-level names that `pip install --target` has put into a folder, maybe beside the author's own."""
    names = _installed.get(entry)
    if names is None:
        found = set()
        for record in glob.glob(os.path.join(glob.escape(entry), "*.dist-info", "RECORD")):
            with contextlib.suppress(OSError), open(record, encoding="utf-8", errors="replace") as lines:
                found |= {line.partition(",")[0].partition("/")[0].partition(".")[0] for line in lines}
        names = _installed[entry] = frozenset(found)
    return names


def _place(spec: ModuleSpec | None) -> str | None:
    """The file, or the folder of a package without one."""
    if spec is None:
        return None
    if spec.has_location:
        return spec.origin
    return next(iter(spec.submodule_search_locations or ()), None)


def _differ(spec: ModuleSpec, module: ModuleType | None) -> bool:
    """Whether they come from different files."""
    other: Any = getattr(module, "__spec__", None)
    if not spec.has_location or not getattr(other, "has_location", False):
        return False
    return os.path.realpath(spec.origin or "") != os.path.realpath(other.origin or "")


def _compiled_file(spec: ModuleSpec | None) -> str | None:
    """The file of machine code that a module comes from."""
    file = spec and spec.origin
    return file if file and file.endswith(tuple(EXTENSION_SUFFIXES)) else None


class _Source(SourceFileLoader):
    """Ignores compiled files. Python compares only time in seconds and size, and misses an edit within the same
    second."""

    def path_stats(self, path: Any) -> Any:
        raise OSError("compiled files are ignored")


class _Compiled(ExtensionFileLoader):
    """A process loads machine code once: all runtimes that import this file share the module."""

    _made: dict[tuple[str, str], ModuleType] = {}  # noqa: RUF012 - shared by all

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        self._there = self._made.get((spec.name, os.path.realpath(self.path)))
        return self._there or super().create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        if self._there is None:
            super().exec_module(module)
            self._made[module.__name__, os.path.realpath(self.path)] = module


# The runtime that asks.


def _asking() -> tuple[Modules | None, bool]:
    """The runtime that the running code works for; and whether that code is importing a shared module. The imports of a
    shared module must not find what belongs to a runtime."""
    frame: FrameType | None = sys._getframe(2)
    importing = False
    while frame is not None:
        owner = frame.f_globals.get(_OWNER)
        if owner is not None:
            return owner, importing
        importing = importing or frame.f_code.co_name == "<module>"
        frame = frame.f_back
    return current.get() or _only(), importing


def _only() -> Modules | None:
    """The only runtime, if there is just one."""
    modules = list(loaded)
    return modules[0] if len(modules) == 1 else None


def asking() -> Modules | None:
    """The runtime that the running code works for."""
    return _asking()[0]


def owner_of(code: Any) -> Modules | None:
    """The runtime that owns a function, a method, or the code of a frame, if any does."""
    code = getattr(code, "func", code)  # of a partial
    code = getattr(code, "__func__", code)
    variables: dict[str, Any] = getattr(code, "f_globals", getattr(code, "__globals__", {}))
    owner: Modules | None = variables.get(_OWNER)
    return owner


def _having(name: str) -> list[Modules]:
    """The runtimes that own a module of this name, or would once they import it."""
    return [modules for modules in list(loaded) if name in modules.own or modules.finds_own(name)]


def _look(name: str) -> Any:
    shared = dict.get(_modules, name, _MISSING)
    if shared is not _MISSING and name in _FIRST:
        return shared
    modules, importing = _asking()
    if modules is None:  # a thread of some package: the finder decides
        having = _having(name) if shared is _MISSING else []
        return having[0].own.get(name, _MISSING) if len(having) == 1 else shared
    own = modules.own.get(name, _MISSING)
    if importing and own is not shared:
        return shared if shared is not _MISSING or modules.finds_installed(name) else own
    if own is not _MISSING or shared is _MISSING:
        return own
    return _MISSING if modules.hides(name) else shared


class _Table(dict):  # type: ignore[type-arg]
    """sys.modules as the runtime that asks sees it. C code, and code of no runtime, sees the shared modules."""

    __slots__ = ()

    def __getitem__(self, name: str) -> Any:
        module = _look(name)
        if module is _MISSING:
            raise KeyError(name)
        return module

    def get(self, name: str, default: Any = None) -> Any:
        module = _look(name)
        return default if module is _MISSING else module

    def __contains__(self, name: object) -> bool:
        return _look(name) is not _MISSING  # type: ignore[arg-type]

    def __setitem__(self, name: str, module: Any) -> None:
        modules, _ = _asking()
        made_here = getattr(module, "__spec__", None) is None and _OWNER in sys._getframe(1).f_globals
        if modules is not None and (made_here or modules.keeps(name, module)):
            modules.keep(name, module)
        else:
            dict.__setitem__(self, name, module)

    def __delitem__(self, name: str) -> None:
        modules, _ = _asking()
        own = modules is not None and name in modules.own
        dict.__delitem__(modules.own if own and modules else self, name)

    def pop(self, name: str, *default: Any) -> Any:
        if name not in self:
            return dict.pop({}, name, *default)
        module = self[name]
        del self[name]
        return module

    def setdefault(self, name: str, default: Any = None) -> Any:
        if name not in self:
            self[name] = default
        return self[name]

    def update(self, *args: Any, **kwargs: Any) -> None:
        for name, module in dict(*args, **kwargs).items():
            self[name] = module

    def copy(self) -> dict[str, Any]:
        modules, _ = _asking()
        return dict([*dict.items(self), *(modules.own.items() if modules else ())])

    def __iter__(self) -> Any:
        return iter(self.copy())

    def __len__(self) -> int:
        return len(self.copy())

    def keys(self) -> Any:
        return self.copy().keys()

    def values(self) -> Any:
        return self.copy().values()

    def items(self) -> Any:
        return self.copy().items()


class _Path(list):  # type: ignore[type-arg]
    """sys.path as the runtime that asks sees it. C code, and code of no runtime, sees what packages need."""

    __slots__ = ()

    def __iadd__(self, entries: Any) -> Any:  # type: ignore[misc]
        self.extend(entries)
        return self

    def __radd__(self, entries: list[str]) -> list[str]:
        return [*entries, *self]


def _by_asking(method: Any) -> Any:
    def call(self: list[str], *args: Any, **kwargs: Any) -> Any:
        modules, _ = _asking()
        return method(self if modules is None else modules.path, *args, **kwargs)

    return call


for _name in (
    *("__add__", "__contains__", "__delitem__", "__eq__", "__getitem__", "__iter__", "__len__", "__mul__", "__ne__"),
    *("__repr__", "__reversed__", "__setitem__", "append", "clear", "copy", "count", "extend", "index", "insert"),
    *("pop", "remove", "reverse", "sort"),
):
    setattr(_Path, _name, _by_asking(getattr(list, _name)))


class _Finder:
    """Comes before Python's finder of what is on sys.path, and loads a runtime's own modules for that runtime."""

    @staticmethod
    def find_spec(name: str, path: Any = None, target: ModuleType | None = None) -> ModuleSpec | None:
        modules, importing = _asking()
        if modules is None:
            having = _having(name)
            if having:
                names = " and ".join(sorted({each.name for each in having}))
                raise ImportError(
                    f'"{name}" is a module of the runtime of {names}, and whether this thread runs for that one cannot '
                    "be told; give them processes of their own with the option isolate = true",
                    name=name,
                )
            return None
        if sys.path is not _path:  # it was assigned, most likely by the code that imports now
            modules.path[:], sys.path = sys.path, _path
        spec = modules.finds_installed(name) if importing and path is None else None
        spec = spec or PathFinder.find_spec(name, path, target)
        return spec and modules.adapt(spec)


# Threads.


def _heir() -> Modules | None:
    """The runtime that a new thread will work for: the one whose code starts it, also through Python's own modules
    (executors, multiprocessing). A thread that a package starts belongs to no runtime, as it may serve all of them."""
    frame: FrameType | None = sys._getframe(2)
    while frame is not None:
        owner: Modules | None = frame.f_globals.get(_OWNER)
        if owner is not None:
            return owner
        file = frame.f_code.co_filename
        if frame.f_code.co_name == "<module>" or not (_is_shared(file) or file.startswith("<frozen")):
            return None
        frame = frame.f_back
    return current.get()


def _start(thread: threading.Thread) -> None:
    modules = _heir()
    if modules is not None:
        thread.run = functools.partial(_run, thread, thread.run, modules)  # type: ignore[method-assign]
    _start_thread(thread)


def _run(thread: threading.Thread, run: Callable[[], None], modules: Modules) -> None:
    del thread.run
    current.set(modules)
    run()


_start_thread = threading.Thread.start
_path: Any = sys.path
_base: list[str] = []  # the initial path of each runtime
_modules: dict[str, ModuleType] = sys.modules
_FIRST: frozenset[str] = frozenset()
"""The modules that were loaded before any runtime. As in any Python, these names always mean these modules."""


def change_shared_path(change: Callable[[list[str]], list[str]]) -> None:
    """Changes the path for code of no runtime: threads that packages start import packages."""
    list.__setitem__(_path, slice(None), change(list.copy(_path)))


def set_up(change_type: Any) -> None:
    """Makes the answers of sys.modules and sys.path depend on the runtime that asks. `change_type` comes from the
    loader: C code holds the table of modules itself, so no other object can replace it."""
    global _path, _base, _FIRST
    _base = list(sys.path)
    _path = sys.path = _Path(sys.path)
    _FIRST = frozenset(sys.modules)
    change_type(sys.modules, _Table)
    sys.meta_path.insert(sys.meta_path.index(PathFinder), _Finder)
    threading.Thread.start = _start  # type: ignore[assignment, method-assign]
