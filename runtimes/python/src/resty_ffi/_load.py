"""The Python part of libffi_init: finds what the configuration names, and starts it."""

from __future__ import annotations

import contextvars
import gc
import importlib
import inspect
import io
import logging
import os
import pwd
import sys
import threading
import traceback
from collections.abc import Callable
from types import ModuleType
from typing import Any

from _resty_ffi import Core, change_type, own_process  # the loader's built-in module

from . import _exit, _modules, _venv
from ._host_log import ERR, WARN
from ._modules import Modules
from ._service import UNLOAD_SECONDS, Service
from ._venv import VenvError
from .log import LogHandler
from .runtime import Runtime

_lock = threading.Lock()  # over _prepared, and the virtual environment
_prepared = False
_inherited = os.environ.get("VIRTUAL_ENV")

_serve: Callable[[], None] | None = None
"""In a process of its own: serves its only runtime, on Python's main thread."""


class ConfigError(Exception):
    """The configuration names something that does not exist. The message explains it; a traceback would not help."""


class RefusedError(Exception):
    """The original's init(cfg, tq) has returned a code other than 0."""

    def __init__(self, text: str, code: int) -> None:
        super().__init__(text)
        self.code = code


def load(queue: int) -> int:
    """Returns 0, or gives the host the reason and returns another code. Never raises."""
    core = Core(queue)
    result = 1
    try:
        if own_process:
            _load(core, queue)
        else:
            _load_apart(core, queue)
        return 0
    except RefusedError as e:
        text, result = f'runtime "{core.name}": {e}', e.code
    except (ConfigError, VenvError) as e:
        text = f'runtime "{core.name}": {e}'
    except BaseException as e:
        text = f'runtime "{core.name}" cannot be set up: {explain(e)}'
        core.log(ERR, text.encode("utf-8", "backslashreplace"))  # in full: the host may cut the reason
    core.fail(text.encode("utf-8", "backslashreplace"))
    core.forget()
    gc.collect()  # repeated attempts would pile up the modules that failed
    return result


def _load_apart(core: Core, queue: int) -> None:
    """One thread of the host loads all runtimes: what the code of one leaves there must not reach the next."""
    try:
        contextvars.copy_context().run(_load, core, queue)
    finally:
        asyncio = sys.modules.get("asyncio")
        if asyncio is not None:
            asyncio.set_event_loop(None)


def _load(core: Core, queue: int) -> None:
    module_name, func_name, own = split_config(core.config)
    anew = core.generation > 0 or module_name.endswith("?")
    with _lock:
        _prepare()
    modules = Modules(module_name.rstrip("?"), anew)
    try:
        with modules.acting():
            _use_venv(core)
            module = _import(modules, module_name)
            _start(core, queue, module, func_name, own, modules)
    except BaseException:
        _exit.run_within(modules, UNLOAD_SECONDS)
        modules.close()
        raise


def _start(core: Core, queue: int, module: ModuleType, func_name: str, own: bytes | None, modules: Modules) -> None:
    global _serve
    target = getattr(module, func_name, None)
    if target is None:
        raise ConfigError(
            f'the module "{module.__name__}" has no "{func_name}": name a Runtime in it, or an init function'
            + ("" if getattr(module, "__file__", None) else _no_file(module))
        )
    if isinstance(target, Runtime):
        definition = target
    elif not callable(target):
        raise ConfigError(f'"{func_name}" of the module "{module.__name__}" is neither a Runtime nor a function')
    elif takes_queue(target):
        # The original's form: both arguments are addresses.
        for file in modules.files():
            core.watch(os.fsencode(file))
        address = core.config_address + len(core.config or b"") - len(own) if own is not None else 0
        code = int(target(address, queue) or 0)
        if code:
            raise RefusedError(f'{func_name} of the module "{module.__name__}" returned {code}', code)
        return
    else:
        definition = target(_text(own))
        if not isinstance(definition, Runtime):
            raise ConfigError(
                f'{func_name}(cfg) of the module "{module.__name__}" returned {type(definition).__name__} '
                "instead of a Runtime"
            )
    service = Service(core, definition, module.__name__, _text(own), modules, _loop_of(definition))
    if own_process:
        _serve = service.begin()
    else:
        service.start()


def _loop_of(definition: Runtime) -> Callable[[Service], Callable[[], None]] | None:
    if not definition.needs_loop():
        return None
    from . import _loop  # imports asyncio

    return _loop.begin


def main() -> None:
    """In a process of its own, after the load: serves until the host unloads the runtime."""
    if _serve is not None:
        _serve()


def explain(exception: BaseException) -> str:
    """The last line of an exception, then the author's part of the traceback."""
    ours = (os.path.dirname(__file__), os.path.dirname(importlib.__file__), "<frozen importlib")
    frames = [frame for frame in traceback.extract_tb(exception.__traceback__) if not frame.filename.startswith(ours)]
    lines = traceback.format_exception_only(exception)
    last = lines[-1].rstrip() + _advice(exception)
    if not frames and len(lines) == 1:
        return last
    head = "Traceback (most recent call last):\n"
    return f"{last}\n{head}{''.join([*traceback.format_list(frames), *lines])}".rstrip()


def _advice(exception: BaseException) -> str:
    text = str(exception)
    if isinstance(exception, PermissionError):
        return f" ({_user()})"
    if threading.current_thread() is not threading.main_thread() and (
        (isinstance(exception, ValueError) and "main thread" in text)  # of signal.signal
        or (isinstance(exception, RuntimeError) and "no current event loop" in text)
    ):
        return (
            " (this code needs Python's main thread, which a runtime has in a process of its own: give it one with the "
            "option isolate = true)"
        )
    return ""


def _text(config: bytes | None) -> str | None:
    return None if config is None else config.decode("utf-8", "surrogateescape")


def split_config(config: bytes | None) -> tuple[str, str, bytes | None]:
    """Splits ``module,func,config``; the third part is None without a second comma."""
    parts = (config or b"").split(b",", 2)
    if len(parts) < 2 or not parts[0].strip(b"?") or not parts[1]:
        raise ConfigError(
            'the Python loader takes a configuration of the form "module,func,config", such as "my_module,app,"; '
            f"it got {'none' if config is None else repr(_text(config))}"
        )
    return os.fsdecode(parts[0]), os.fsdecode(parts[1]), parts[2] if len(parts) == 3 else None


def takes_queue(function: Callable[..., Any]) -> bool:
    """Whether it is the original's ``init(cfg, tq)``, which cannot be called with a configuration alone."""
    try:
        signature = inspect.signature(function)
    except ValueError:
        return True
    for arguments in (1, 2):
        try:
            signature.bind(*range(arguments))
        except TypeError:
            continue
        return arguments == 2
    name = getattr(function, "__qualname__", repr(function))
    raise ConfigError(f"{name} must be a Runtime, init(cfg) or init(cfg, tq), and its signature is {name}{signature}")


def _import(modules: Modules, name: str) -> ModuleType:
    """Imports ``name``, or ``folder/name`` to look in that folder first. ``name?`` reads the source, even if there is a
    compiled file."""
    folder, _, name = name.rstrip("?").rpartition("/")
    try:
        return modules.import_main(name, folder)
    except ModuleNotFoundError as e:
        if e.name is None or not f"{name}.".startswith(f"{e.name}."):
            raise  # the module exists and imports one that does not
        raise ConfigError(_not_found(name, e.name, modules)) from None


def _not_found(name: str, missing: str, modules: Modules) -> str:
    package = modules.own.get(missing.rpartition(".")[0])
    path = modules.path[1:] if package is None else getattr(package, "__path__", [])  # the first entry is the loader's
    whose = "" if missing == name else f" (of {name})"
    text = f"ModuleNotFoundError: No module named '{missing}'{whose}; searched {', '.join(map(_describe, path))}"
    if package is None and "PYTHONPATH" not in os.environ:
        text += (
            "; PYTHONPATH is not set (nginx passes it on with `env PYTHONPATH;` in nginx.conf), and the configuration "
            f'names no folder, as in "/srv/app/{name},app,"'
        )
    return text


def _no_file(module: ModuleType) -> str:
    return f"; it is a folder without an __init__.py that could be read: {', '.join(map(_describe, module.__path__))}"


def _describe(entry: str) -> str:
    """A place that was searched, with the reason if nothing can be found there."""
    try:
        os.stat(entry or ".")
    except FileNotFoundError:
        return f"{entry} (does not exist)"
    except OSError as e:
        return f"{entry} ({e.strerror} {_user()})"
    if os.path.isdir(entry) and not os.access(entry, os.R_OK | os.X_OK, effective_ids=True):
        return f"{entry} (Permission denied {_user()})"
    return entry


def _user() -> str:
    """The user without the permission: nginx's workers seldom run as the author of the module."""
    try:
        return f"to the user {pwd.getpwuid(os.geteuid()).pw_name}"
    except KeyError:
        return f"to the user {os.geteuid()}"


def _use_venv(core: Core) -> None:
    wanted = core.setting("venv")
    try:
        if folder := wanted or _inherited:
            with _lock:
                _venv.use(folder)
    except VenvError as e:
        if wanted:
            raise
        core.log(WARN, f"VIRTUAL_ENV is not used: {e}".encode("utf-8", "backslashreplace"))


def _prepare() -> None:
    """Prepares the interpreter, once, before the first runtime."""
    global _prepared
    if _prepared:
        return
    _prepared = True
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # None: the host has closed it
            stream.reconfigure(line_buffering=True)  # so that nothing printed waits or is lost
    # Handles the records of loggers without a handler; Python's own writes to standard error.
    logging.lastResort = LogHandler(logging.WARNING)
    _modules.set_up(change_type)
    _exit.set_up()
