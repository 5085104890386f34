"""What libffi_init does in Python: finds what the configuration names, and starts it."""

from __future__ import annotations

import gc
import importlib
import inspect
import logging
import os
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

from _resty_ffi import Core  # type: ignore[import-not-found]  # the loader's built-in module

from . import _venv
from ._modules import Modules, authors_modules
from ._venv import VenvError
from .loaded import LoadedRuntime
from .log import LogHandler
from .runtime import Runtime

_lock = threading.Lock()  # over sys.path and _prepared
_prepared = False


class ConfigError(Exception):
    """The configuration names something that is not there: no traceback explains it better than the sentence does."""


class RefusedError(Exception):
    """The original's init(cfg, tq) has returned another code than 0."""

    def __init__(self, text: str, code: int) -> None:
        super().__init__(text)
        self.code = code


def load(queue: int) -> int:
    """0, or the reason is given to the host. Never raises."""
    core = Core(queue)
    again = core.generation > 0
    result = 1
    try:
        _load(core, queue)
        return 0
    except RefusedError as e:
        text, result = f'runtime "{core.name}": {e}', e.code
    except (ConfigError, VenvError) as e:
        text = f'runtime "{core.name}": {e}'
    except BaseException as e:
        text = f'runtime "{core.name}" cannot be set up: {explain(e)}'
    core.fail(text.encode("utf-8", "backslashreplace"))
    core.forget()
    if again:
        gc.collect()  # an author who tries again and again leaves modules that have failed
    return result


def _load(core: Any, queue: int) -> None:
    module_name, func_name, own = split_config(core.config)
    with _import(core, module_name) as (module, modules):
        _start(core, queue, module, modules, func_name, own)


def _start(core: Any, queue: int, module: ModuleType, modules: Modules, func_name: str, own: bytes | None) -> None:
    target = getattr(module, func_name, None)
    if target is None:
        raise ConfigError(
            f'the module "{module.__name__}" has no "{func_name}": name a Runtime in it, or an init function'
        )
    if isinstance(target, Runtime):
        definition = target
    elif not callable(target):
        raise ConfigError(f'"{func_name}" of the module "{module.__name__}" is neither a Runtime nor a function')
    elif takes_queue(target):
        # The original's form: both arguments are addresses.
        for file in modules.files():
            core.watch(os.fsencode(file))
        address = core.config_address + len(core.config) - len(own) if own is not None else 0
        code = int(target(address, queue) or 0)
        if code:
            raise RefusedError(f'{func_name} of the module "{module.__name__}" returned {code}', code)
        return
    else:
        definition = target(_text(own))
        if not isinstance(definition, Runtime):
            raise ConfigError(
                f'{func_name}(cfg) of the module "{module.__name__}" returned {type(definition).__name__}, no Runtime'
            )
    LoadedRuntime(core, definition, module.__name__, _text(own), modules.files).start()


def explain(exception: BaseException) -> str:
    """An exception's last line, and then the traceback as far as it is the author's."""
    ours = (os.path.dirname(__file__), os.path.dirname(importlib.__file__), "<frozen importlib")
    frames = [frame for frame in traceback.extract_tb(exception.__traceback__) if not frame.filename.startswith(ours)]
    lines = traceback.format_exception_only(exception)
    last = lines[-1].rstrip()
    if not frames and len(lines) == 1:
        return last
    head = "Traceback (most recent call last):\n"
    return f"{last}\n{head}{''.join([*traceback.format_list(frames), *lines])}".rstrip()


def _text(config: bytes | None) -> str | None:
    return None if config is None else config.decode("utf-8", "surrogateescape")


def split_config(config: bytes | None) -> tuple[str, str, bytes | None]:
    """``module,func,config`` into its parts; the third is None where there is no second comma."""
    parts = (config or b"").split(b",", 2)
    if len(parts) < 2 or not parts[0].strip(b"?") or not parts[1]:
        raise ConfigError(
            'the Python loader takes a configuration of the form "module,func,config", such as "my_module,app,"; '
            f"it got {'none' if config is None else repr(_text(config))}"
        )
    return os.fsdecode(parts[0]), os.fsdecode(parts[1]), parts[2] if len(parts) == 3 else None


def takes_queue(function: Callable[..., Any]) -> bool:
    """Whether it is the original's ``init(cfg, tq)``: one that cannot be called with a configuration alone."""
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


@contextmanager
def _import(core: Any, name: str) -> Iterator[tuple[ModuleType, Modules]]:
    """Imports a module: ``name``, ``folder/name`` to look in that folder first, ``name?`` for a fresh copy.

    What fails inside ``with`` leaves fresh copies to nobody else.
    """
    fresh = name.endswith("?")
    folder, _, name = name.rstrip("?").rpartition("/")
    with _lock:
        _prepare(core)
        if folder and folder not in sys.path:
            sys.path.insert(1, folder)
    own = authors_modules(name)
    if core.generation or fresh:
        with (own if core.generation else Modules(name)).import_anew(name) as module:
            yield module, own
    else:
        yield importlib.import_module(name), own


def _prepare(core: Any) -> None:
    global _prepared
    wanted = core.setting("venv")
    if wanted:
        _venv.use(wanted)
    if _prepared:
        return
    _prepared = True
    # What handles records of loggers that nobody has configured: by default it writes to standard error.
    logging.lastResort = LogHandler(logging.WARNING)
    inherited = os.environ.get("VIRTUAL_ENV")
    if inherited and not wanted:
        try:
            _venv.use(inherited)
        except VenvError as e:
            core.log(5, f"VIRTUAL_ENV is not used: {e}".encode("utf-8", "backslashreplace"))
