"""What the user's code prints and logs."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from conftest import NewHost

PRINTS = """
import os, signal, sys
import resty_ffi

app = resty_ffi.Runtime()


@app.method("print")
def print_(req):
    print("out", req.decode())
    print("err", req.decode(), file=sys.stderr)


@app.method
def die(req):
    print("the last words")
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_lines_of_a_process_come_at_once(new_host: NewHost, tmp_path: Path) -> None:
    (tmp_path / "prints.py").write_text(PRINTS)
    host = new_host(tmp_path)
    assert host.load(0, "prints,app,", isolate=1) is None
    assert host.call("print", b"hello")[0] == 0
    assert (host.log("out hello"), host.log("err hello")) == (6, 4)
    assert host.call("die")[0] == -7
    assert host.log("the last words") == 6


def test_lines_in_the_hosts_process_come_at_once(new_host: NewHost, tmp_path: Path) -> None:
    (tmp_path / "prints.py").write_text(PRINTS)
    host = new_host(tmp_path)
    assert host.load(0, "prints,app,") is None
    host.start("print", b"hello")
    assert host._hear(lambda fields: fields[0] == "out hello", 10), "it was held back"


CONFIGURES = """
import contextlib, logging, logging.config
import resty_ffi

early = logging.getLogger("early")


def configure(what):
    if what == "dictConfig":
        logging.config.dictConfig({"version": 1, "root": {"level": "WARNING", "handlers": []}})
    if what == "basicConfig":
        logging.basicConfig(level=logging.CRITICAL, force=True, filename="/dev/null")
    if what == "disable":
        logging.disable(logging.CRITICAL)
    if what == "shutdown":
        logging.shutdown()
    if what == "uvicorn":
        from uvicorn.config import LOGGING_CONFIG

        logging.config.dictConfig(LOGGING_CONFIG)
    if what == "gunicorn":
        from gunicorn.glogging import CONFIG_DEFAULTS

        logging.config.dictConfig(CONFIG_DEFAULTS)
    if what == "structlog":
        import structlog

        structlog.configure(logger_factory=structlog.stdlib.LoggerFactory(), wrapper_class=structlog.stdlib.BoundLogger)
        structlog.get_logger("of structlog").warning("structured", key="value")
    if what == "loguru":
        import loguru

        class Intercept(logging.Handler):
            def emit(self, record):
                loguru.logger.log(record.levelname, record.getMessage())

        logging.basicConfig(handlers=[Intercept()], level=0, force=True)
        loguru.logger.remove()
        loguru.logger.add(resty_ffi.LogHandler(), format="{message}")
        logging.getLogger("through loguru").error("intercepted")


@contextlib.asynccontextmanager
async def lifespan(runtime):
    configure(runtime.config)
    yield


app = resty_ffi.Runtime(lifespan=lifespan)


@app.method
def logs(req, ctx):
    ctx.log.debug("of the context")
    ctx.log.getChild("child").warning("of its child")
    early.warning("made early")
    logging.getLogger("late").warning("made late")


@app.method
def raises(req):
    raise KeyError("in a handler")
"""

OF_PYTHON = ["dictConfig", "basicConfig", "disable", "shutdown"]
OF_OTHERS = ["uvicorn", "gunicorn", "structlog", "loguru"]
# With these, the author sends the records of other loggers elsewhere.
ELSEWHERE = {"basicConfig", "disable"}


@pytest.mark.parametrize("isolate", [0, 1], ids=["thread", "process"])
@pytest.mark.parametrize("what", ["nothing", *OF_PYTHON, *OF_OTHERS])
def test_no_configuration_silences_the_sdk(new_host: NewHost, tmp_path: Path, what: str | Any, isolate: int) -> None:
    (tmp_path / "configures.py").write_text(CONFIGURES)
    host = new_host(tmp_path, *([packages()] if what in OF_OTHERS else []))
    assert host.load(0, f"configures,app,{what}", isolate=isolate) is None
    host.call("logs")
    assert host.log("of the context") == 8
    assert host.log("of its child") == 5
    assert host.call("raises")[0] == -6
    assert host.log('the handler of "raises" raised') == 4
    assert host.log("KeyError: 'in a handler'") == 4
    text = [line for _, line in host.logs]
    if what != "gunicorn":  # which prints them
        assert any("made late" in line for line in text) == (what not in ELSEWHERE)
        # By default dictConfig disables the loggers that existed before.
        assert any("made early" in line for line in text) == (what not in ELSEWHERE | {"dictConfig"})
    if what == "structlog":
        assert any("structured" in line and "value" in line for line in text)
    if what == "loguru":
        assert any(line.endswith("intercepted") for line in text)


def packages() -> Any:
    """The folder of the packages that this process runs with: those of .venv."""
    return next(entry for entry in sys.path if entry.endswith("site-packages"))


def test_a_record_goes_to_the_runtime_in_whose_code_it_was_made(new_host: NewHost, tmp_path: Path) -> None:
    host = new_host(tmp_path)
    for number, name in enumerate(["one", "two"]):
        (tmp_path / f"{name}.py").write_text(
            "import logging, threading\nimport resty_ffi\napp = resty_ffi.Runtime()\n"
            "@app.method\ndef log(req):\n"
            "    thread = threading.Thread(target=lambda: logging.getLogger('any').error('of %s', req.decode()))\n"
            "    thread.start()\n    thread.join()\n"
        )
        assert host.load(number, f"{name},app,") is None
    for number, name in [(1, "two"), (0, "one")]:
        host.call("log", name.encode(), number=number)
        assert host.log(f"libffi_python3.so({name}): of {name}") == 4
