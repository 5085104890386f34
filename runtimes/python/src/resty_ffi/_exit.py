"""Exit handlers. Those of a runtime's own code run when that runtime ends, all others when the process ends."""

from __future__ import annotations

import atexit
import contextlib
import sys
import threading
import time
import traceback
from collections.abc import Callable
from typing import Any

from . import _modules
from ._modules import Modules

THREADS_SECONDS = 0.3
"""How long threads may take to end before the exit handlers of a process run."""

_waiting: set[Modules] = set()
"""The runtimes that have exit handlers."""

_register, _unregister, _run = atexit.register, atexit.unregister, atexit._run_exitfuncs


def set_up() -> None:
    atexit.register = register
    atexit.unregister = unregister


def register(func: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Callable[..., Any]:
    """Calls the function when the runtime that registers it ends: at an unload, at a reload, or at the end of its
    process. If an installed package registers it, it is called at the end of the process."""
    owner = _modules.owner_of(sys._getframe(1)) or _modules.owner_of(func)
    if owner is None or owner.closed:
        return _register(func, *args, **kwargs)
    owner.at_exit.append((func, args, kwargs))
    _waiting.add(owner)
    return func


def unregister(func: Callable[..., Any], /) -> None:
    """The function is no longer called at exit."""
    owner = _modules.asking()
    if owner is not None:
        owner.at_exit[:] = [entry for entry in owner.at_exit if entry[0] != func]
    _unregister(func)


def run(modules: Modules) -> None:
    """Calls the exit handlers of a runtime, the last one first."""
    _waiting.discard(modules)
    while modules.at_exit:
        func, args, kwargs = modules.at_exit.pop()
        try:
            func(*args, **kwargs)
        except BaseException as e:
            if modules.log is not None:
                modules.log.error("an exit handler raised", exc_info=e)
            else:
                traceback.print_exc()


def run_within(modules: Modules, seconds: float) -> bool:
    """Calls them in a thread. Returns whether they finished in this time."""
    if not modules.at_exit:
        return True
    thread = threading.Thread(target=run, args=(modules,), name="ffi-python", daemon=True)
    thread.start()
    thread.join(seconds)
    return not thread.is_alive()


def end_process() -> None:
    """Does what Python does at its end: waits for threads, but not for long, and calls the exit handlers."""
    for modules in list(_waiting):
        run(modules)
    joiner = threading.Thread(target=_end_threads, args=(threading.current_thread(),), daemon=True)
    joiner.start()
    joiner.join(THREADS_SECONDS)
    _run()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(Exception):
            stream.flush()


def _end_threads(besides: threading.Thread) -> None:
    for callback in reversed(getattr(threading, "_threading_atexits", [])):  # from the pools of concurrent.futures
        with contextlib.suppress(Exception):
            callback()
    until = time.monotonic() + THREADS_SECONDS
    for thread in threading.enumerate():
        if not thread.daemon and thread not in (besides, threading.main_thread(), threading.current_thread()):
            with contextlib.suppress(RuntimeError):  # raised for a thread that is about to start
                thread.join(max(0.0, until - time.monotonic()))
