from __future__ import annotations

import contextlib
import os
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from queue import Empty, Queue
from typing import IO, Any, Protocol

import pytest

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
NATIVE = ROOT.parent.parent / "native"
LIBRARY = Path(os.environ.get("RESTY_FFI_LIB_DIR", NATIVE / "dist" / "lib"))
DIST = Path(os.environ.get("RESTY_FFI_TEST_PYTHON_DIST", ROOT / "dist"))
LOADER = DIST / "libffi_python3.so"


def payload(field: str) -> Any:
    """bytes, or None for nil."""
    return None if field == "-" else bytes.fromhex(field)


def hexadecimal(data: bytes | None) -> str:
    return "-" if data is None else data.hex()


class Stream:
    """A stream that the test host has opened."""

    def __init__(self, host: Host, call: int) -> None:
        self.host = host
        self.call = call
        self.status = 0

    def heard(self, *what: str) -> list[str]:
        """As `hear`, but fails if the host says nothing."""
        fields = self.hear(*what)
        assert fields is not None, f"the host said nothing of {' or '.join(what)}"
        return fields

    def hear(self, *what: str, seconds: float = 30) -> list[str] | None:
        """The next line of one of these kinds that the host writes about this stream."""
        heard = self.host._heard.setdefault(self.call, [])
        until = time.monotonic() + seconds
        while True:
            for n, fields in enumerate(heard):
                if fields[0] in what:
                    return heard.pop(n)
            if time.monotonic() > until:
                return None
            self.host._hear(lambda fields: fields[0] in what and int(fields[1]) == self.call, until - time.monotonic())

    def send(self, message: bytes | None, end: bool = False, seconds: float = 30) -> int | None:
        """Returns the status, or None if there was no window in this time."""
        self.host.say("send", self.call, hexadecimal(message), int(end))
        sent = self.hear("sent", seconds=seconds)
        return None if sent is None else int(sent[2])

    def read(self, seconds: float = 30) -> Any:
        """Returns the next message, or the status and text of the end, or None if neither came in this time."""
        self.host.say("read", self.call, 1)
        got = self.hear("message", "ended", seconds=seconds)
        if got is None:
            return None
        return payload(got[2]) if got[0] == "message" else (int(got[2]), payload(got[3]))

    def read_all(self) -> tuple[list[bytes], int, Any]:
        """Returns all remaining messages, and the status and text of the end."""
        self.host.say("read", self.call, 1 << 30)
        messages = []
        while (got := self.heard("message", "ended"))[0] == "message":
            messages.append(payload(got[2]))
        return messages, int(got[2]), payload(got[3])

    def skip(self, count: int = 1 << 30) -> list[int]:
        """Reads messages and returns their lengths."""
        self.host.say("skip", self.call, count)
        lengths: list[int] = []
        while len(lengths) < count and (got := self.heard("skipped", "ended"))[0] == "skipped":
            lengths.append(int(got[2]))
        return lengths

    def cancel(self) -> None:
        self.host.cancel(self.call)


class Host:
    """The test host (host.c) in a process of its own."""

    def __init__(self, env: dict[str, str], *command: str | Path) -> None:
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=env, bufsize=1
        )
        self.calls = 0
        self.logs: list[tuple[int, str]] = []
        self._said: Queue[list[str]] = Queue()
        self._done: dict[int, tuple[int, Any]] = {}
        self._heard: dict[int, list[list[str]]] = {}
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    @property
    def input(self) -> IO[str]:
        assert self.process.stdin is not None
        return self.process.stdin

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._said.put(line.rstrip("\n").split("\t"))

    def say(self, *fields: object) -> None:
        self.input.write("\t".join(map(str, fields)) + "\n")

    def _hear(self, wanted: Callable[[list[str]], bool], seconds: float) -> list[str] | None:
        """Reads lines of the host until one is wanted."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            try:
                fields = self._said.get(timeout=left)
            except Empty:
                break
            if fields[0] == "done":
                self._done[int(fields[1])] = int(fields[2]), payload(fields[3])
            if fields[0] in ("opened", "sent", "message", "skipped", "ended"):
                self._heard.setdefault(int(fields[1]), []).append(fields)
            if fields[0] == "log":
                self.logs.append((int(fields[1]), bytes.fromhex(fields[2]).decode()))
            if wanted(fields):
                return fields
        return None

    def load(self, number: int, config: str | None, lib: Path = LOADER, **options: object) -> Any:
        """Returns None, or the reason of the failure."""
        given = [f"{name}={value}" for name, value in {"dicts": "cache,other", **options}.items()]
        self.say("load", number, lib, "-" if config is None else config.encode().hex(), *given)
        return self._outcome("loaded")

    def reload(self, number: int = 0) -> Any:
        """Returns None, or the reason of the failure."""
        self.say("reload", number)
        return self._outcome("reloaded")

    def _outcome(self, what: str) -> Any:
        fields = self._hear(lambda fields: fields[0] == what, 30)
        assert fields is not None, f"nothing was {what}"
        return None if fields[2] == "ok" else bytes.fromhex(fields[2]).decode()

    def start(self, method: str, request: bytes | None = b"", number: int = 0, timeout_ms: int = 0) -> int:
        self.calls += 1
        self.say("call", self.calls, number, method, hexadecimal(request), timeout_ms)
        return self.calls

    def wait(self, call: int, seconds: float = 30) -> tuple[int, Any]:
        """The status and the answer: bytes, or None for nil."""
        if call not in self._done:
            self._hear(lambda fields: fields[0] == "done" and int(fields[1]) == call, seconds)
        assert call in self._done, f"call {call} was not answered"
        return self._done.pop(call)

    def answered(self, call: int) -> bool:
        """Whether the answer came before that of the last call that a test waited for."""
        return call in self._done

    def call(self, method: str, request: bytes | None = b"", number: int = 0, timeout_ms: int = 0) -> tuple[int, Any]:
        return self.wait(self.start(method, request, number, timeout_ms))

    def open(
        self,
        method: str,
        first: bytes | None = None,
        *,
        messages: tuple[bytes, ...] = (),
        end: bool = False,
        number: int = 0,
        timeout_ms: int = 0,
    ) -> Stream:
        """Opens a stream. Sends ``messages``, if there are any, and closes the direction."""
        self.calls += 1
        self.say("open", self.calls, number, method, hexadecimal(first), int(end and not messages), timeout_ms)
        stream = Stream(self, self.calls)
        stream.status = int(stream.heard("opened")[2])
        for message in messages:
            stream.send(message)
        if messages:
            stream.send(None, end=True)
        return stream

    def times(self, method: str, request: bytes, count: int, number: int = 0) -> int:
        """Opens streams one after the other and reads each to its end. Returns the status of the last."""
        self.say("times", number, method, request.hex(), count)
        fields = self._hear(lambda fields: fields[0] == "times", 300)
        assert fields is not None, f"the streams of {method} have not ended"
        return int(fields[1])

    def stats(self, number: int = 0) -> dict[str, int]:
        self.say("stats", number)
        fields = self._hear(lambda fields: fields[0] == "stats", 20)
        assert fields is not None, "the host said nothing of its stats"
        return dict(zip(["in_flight", "bytes_out", "queued", "reloads"], map(int, fields[2:]), strict=True))

    def memory(self) -> int:
        """The memory of the process in bytes."""
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")

    def cancel(self, call: int) -> None:
        self.say("cancel", call)

    def unload(self, number: int = 0) -> None:
        self.say("unload", number)

    def log(self, text: str, seconds: float = 20) -> int:
        """Waits for a log line with this text and returns its level."""
        until = time.monotonic() + seconds
        while True:
            for level, line in self.logs:
                if text in line:
                    return level
            assert time.monotonic() < until, f"{text!r} is not in the log: {self.logs}"
            self._hear(lambda fields: fields[0] == "log", 0.1)

    def until(self, method: str, answer: bytes, seconds: float = 20) -> None:
        """Calls the method until it gives this answer."""
        until = time.monotonic() + seconds
        while (got := self.call(method)) != (0, answer):
            assert time.monotonic() < until, f"{method} still answers {got}"

    def threads(self) -> list[str]:
        names = []
        for task in Path(f"/proc/{self.process.pid}/task").iterdir():
            with contextlib.suppress(OSError):  # the thread has ended
                names.append((task / "comm").read_text().strip())
        return names

    def close(self) -> int:
        if not self.input.closed:
            self.input.close()
        try:
            return self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()
        finally:
            self._reader.join()


class NewHost(Protocol):
    def __call__(self, *path: Path | str, **env: str) -> Host: ...


class Wait(Protocol):
    def __call__(self, condition: Callable[[], bool], seconds: float = 30) -> None: ...


@pytest.fixture
def wait() -> Wait:
    """Waits for a condition. The test itself fails if it never becomes true."""

    def until(condition: Callable[[], bool], seconds: float = 30) -> None:
        end = time.monotonic() + seconds
        while not condition() and time.monotonic() < end:
            time.sleep(0.01)

    return until


@pytest.fixture(scope="session")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    for file, how in [(LIBRARY / "libresty_ffi.so", "native"), (LOADER, "runtimes/python")]:
        if not file.exists():
            pytest.exit(f"{file} is not built: run `npm run build` ({how}) first", returncode=2)
    out = tmp_path_factory.mktemp("host") / "host"
    compiler = os.environ.get("CC", "cc").split()
    links = [f"-L{LIBRARY}", "-lresty_ffi", f"-Wl,-rpath,{LIBRARY}", "-ldl", "-lpthread"]
    subprocess.run([*compiler, "-O1", "-g", "-Wall", HERE / "host.c", "-o", out, *links], check=True)
    return out


@pytest.fixture
def new_host(program: Path) -> Iterator[NewHost]:
    hosts: list[Host] = []

    def new(*path: Path | str, **env: str) -> Host:
        """A host with an environment as empty as nginx's: PYTHONPATH, a bare PATH, and ``env``."""
        python_path = os.pathsep.join(map(str, [*path, HERE / "modules", ROOT / "conformance"]))
        hosts.append(Host({"PATH": "/usr/bin:/bin", "PYTHONPATH": python_path, **env}, program))
        return hosts[-1]

    yield new
    for host in hosts:
        assert host.close() == 0, "the host did not end well"


@pytest.fixture
def conformance(new_host: NewHost) -> Host:
    host = new_host()
    assert host.load(0, "resty_ffi_conformance,app,a,b, c") is None
    return host
