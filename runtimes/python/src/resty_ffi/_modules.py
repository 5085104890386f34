"""What a runtime imports: modules of its own beside those that all runtimes of the process share.

Python has one table of modules and one search path for a process, and code finds both by name: two runtimes whose
modules are named alike would get each other's. So `sys.modules` and `sys.path` answer by who asks. That is told from
the running frames: the innermost whose globals belong to a runtime's own module. It holds in any thread, for an import
in a handler as for `importlib.import_module`, pickle, dataclasses or whatever else looks a module up by its name.

A runtime's own are the modules that are neither Python's nor installed, from whatever folder, and for each load anew.
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
"""Among the globals of a runtime's own module: its Modules."""

_MISSING: Any = object()
_PACKAGES = {"site-packages", "dist-packages"}
_SHARED = tuple(
    os.path.join(os.path.dirname(os.path.abspath(file)), "") for file in (os.__file__, os.path.dirname(__file__))
)
"""Python's own modules, and the loader's."""

current: contextvars.ContextVar[Modules | None] = contextvars.ContextVar("resty_ffi_modules", default=None)
"""On whose behalf code runs that no own module has called, such as a callback of the loop."""

loaded: weakref.WeakSet[Modules] = weakref.WeakSet()
"""Those whose runtimes have not ended."""


class Modules:
    """The modules of one loaded runtime, and its search path. Kept by whoever runs their code."""

    def __init__(self, name: str, anew: bool) -> None:
        self.name = name
        """The module that the configuration names, for messages."""
        self.own: dict[str, ModuleType] = {}
        self.path = list(_base)
        self.log: logging.Logger | None = None
        """The runtime's own logger; None before it has one, like its way into the host's log."""
        self.host_log: HostLog | None = None
        self.at_exit: list[tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any]]] = []
        """What is to be called when the runtime ends."""
        self.closed = False
        self._names: set[str] = set()  # that own modules have or had
        self._shared: set[str] = set()  # top-level names that are known to be none of ours
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
        """Imports the module that a configuration names, looking in the folder first if there is one; on behalf of this
        runtime."""
        if folder:
            self.path.insert(1, folder)  # after the loader's own
        importlib.invalidate_caches()
        top = name.partition(".")[0]
        spec = PathFinder.find_spec(top)
        if spec and not self._owns(spec) and not _is_shared(_place(spec) or ""):
            self._package = top  # it is an installed one, and yet the runtime's
        return importlib.import_module(name)

    def files(self) -> Iterator[str]:
        """The files that the own modules came from."""
        for module in list(self.own.values()):
            place = _place(getattr(module, "__spec__", None))
            if place and os.path.isfile(place):
                yield os.path.abspath(place)

    def close(self) -> None:
        """The runtime has ended: its modules are still there for code that runs on, and for nobody else."""
        self.closed = True
        loaded.discard(self)

    # What the views and the finder ask.

    def keep(self, name: str, module: ModuleType) -> None:
        self.own[name] = module
        self._names.add(name)
        if isinstance(module, ModuleType) and _compiled_file(getattr(module, "__spec__", None)) is None:
            module.__dict__[_OWNER] = self

    def keeps(self, name: str, module: Any) -> bool:
        """Whether a module that is put into sys.modules is one of ours."""
        spec = getattr(module, "__spec__", None)
        return self._owns(spec) if spec is not None else name in self._names

    def hides(self, name: str) -> bool:
        """Whether we have, or would find, another module than the shared one of this name."""
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
        """What was found, as it is to be loaded. ImportError if the process has another one of this name."""
        if not self._owns(spec):
            other = dict.get(_modules, spec.name)
            if other is not None and _differ(spec, other):
                raise ImportError(
                    f'"{spec.name}" would be {_place(spec)} for this runtime, and another one has loaded '
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
        """The installed package or module of Python's own that has a module's top-level name."""
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
    """Whether a file is Python's own or the loader's. Some Pythons have the packages in a folder below their own."""
    return place.startswith(_SHARED) and not _PACKAGES & {*place.split(os.sep)}


_installed: dict[str, frozenset[str]] = {}


def _installed_in(entry: str) -> frozenset[str]:
    """The top-level names that `pip install --target` has put into a folder; it may have the author's beside them."""
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
    """Whether they come from two files."""
    other: Any = getattr(module, "__spec__", None)
    if not spec.has_location or not getattr(other, "has_location", False):
        return False
    return os.path.realpath(spec.origin or "") != os.path.realpath(other.origin or "")


def _compiled_file(spec: ModuleSpec | None) -> str | None:
    """The file of machine code that a module comes from."""
    file = spec and spec.origin
    return file if file and file.endswith(tuple(EXTENSION_SUFFIXES)) else None


class _Source(SourceFileLoader):
    """Compiled files are told from stale ones by their time in seconds and size, which is not enough for a source that
    has been edited just now."""

    def path_stats(self, path: Any) -> Any:
        raise OSError("the compiled file is not wanted")


class _Compiled(ExtensionFileLoader):
    """Machine code is in a process once: all runtimes that import this file share the module."""

    _made: dict[tuple[str, str], ModuleType] = {}  # noqa: RUF012 - that of all

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        self._there = self._made.get((spec.name, os.path.realpath(self.path)))
        return self._there or super().create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        if self._there is None:
            super().exec_module(module)
            self._made[module.__name__, os.path.realpath(self.path)] = module


# Who asks.


def _asking() -> tuple[Modules | None, bool]:
    """On whose behalf the running code runs; and whether a shared module is being imported by it, whose own imports
    must not get what belongs to a runtime."""
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
    """As long as there is one runtime, there is no doubt."""
    modules = list(loaded)
    return modules[0] if len(modules) == 1 else None


def asking() -> Modules | None:
    """On whose behalf the running code runs."""
    return _asking()[0]


def owner_of(code: Any) -> Modules | None:
    """Whose own function or method, or code that this frame runs, it is; None: nobody's."""
    code = getattr(code, "func", code)  # of a partial
    code = getattr(code, "__func__", code)
    variables: dict[str, Any] = getattr(code, "f_globals", getattr(code, "__globals__", {}))
    owner: Modules | None = variables.get(_OWNER)
    return owner


def _having(name: str) -> list[Modules]:
    """The runtimes that have an own module of this name, or would if they imported it."""
    return [modules for modules in list(loaded) if name in modules.own or modules.finds_own(name)]


def _look(name: str) -> Any:
    shared = dict.get(_modules, name, _MISSING)
    if shared is not _MISSING and name in _FIRST:
        return shared
    modules, importing = _asking()
    if modules is None:  # a thread of some package's: the finder decides
        having = _having(name) if shared is _MISSING else []
        return having[0].own.get(name, _MISSING) if len(having) == 1 else shared
    own = modules.own.get(name, _MISSING)
    if importing and own is not shared:
        return shared if shared is not _MISSING or modules.finds_installed(name) else own
    if own is not _MISSING or shared is _MISSING:
        return own
    return _MISSING if modules.hides(name) else shared


class _Table(dict):  # type: ignore[type-arg]
    """sys.modules, as who asks sees it. As a dict of C's, and where nobody is asking, it has what is shared."""

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
    """sys.path, as who asks sees it. As a list of C's, and where nobody is asking, it is what packages need."""

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
    """Before the finder of what is on sys.path: what belongs to a runtime is loaded as it needs it."""

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
        if sys.path is not _path:  # assigned: most likely by the code that now imports something
            modules.path[:], sys.path = sys.path, _path
        spec = modules.finds_installed(name) if importing and path is None else None
        spec = spec or PathFinder.find_spec(name, path, target)
        return spec and modules.adapt(spec)


# Threads.


def _heir() -> Modules | None:
    """For whom a thread will run that is being started: for an author's code that starts it, be it by what Python has
    for that (executors, multiprocessing), and not for who makes a package start one first that then serves all."""
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
_base: list[str] = []  # what a runtime's path begins with
_modules: dict[str, ModuleType] = sys.modules
_FIRST: frozenset[str] = frozenset()
"""The modules that were there before any runtime's: nobody finds others by these names, as in any Python."""


def change_shared_path(change: Callable[[list[str]], list[str]]) -> None:
    """The path of code that is nobody's: threads that packages start import packages."""
    list.__setitem__(_path, slice(None), change(list.copy(_path)))


def set_up(change_type: Any) -> None:
    """Makes sys.modules and sys.path answer by who asks. `change_type(object, type)` is the loader's: C code holds the
    table of modules itself, so it cannot be replaced by another object."""
    global _path, _base, _FIRST
    _base = list(sys.path)
    _path = sys.path = _Path(sys.path)
    _FIRST = frozenset(sys.modules)
    change_type(sys.modules, _Table)
    sys.meta_path.insert(sys.meta_path.index(PathFinder), _Finder)
    threading.Thread.start = _start  # type: ignore[assignment, method-assign]
