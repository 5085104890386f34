from __future__ import annotations

import contextlib
import os
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from queue import Empty, Queue

import pytest

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
NATIVE = ROOT.parent.parent / "native"
LIBRARY = Path(os.environ.get("RESTY_FFI_LIB_DIR", NATIVE / "dist" / "lib"))
LOADER = ROOT / "dist" / "libffi_python3.so"


class Host:
    """The test host (host.c) in a process of its own."""

    def __init__(self, program: Path, env: dict[str, str]) -> None:
        self.process = subprocess.Popen(
            [program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=env, bufsize=1
        )
        self.calls = 0
        self.logs: list[tuple[int, str]] = []
        self._said: Queue[list[str]] = Queue()
        self._done: dict[int, tuple[int, bytes | None]] = {}
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        for line in self.process.stdout:
            self._said.put(line.rstrip("\n").split("\t"))

    def say(self, *fields: object) -> None:
        self.process.stdin.write("\t".join(map(str, fields)) + "\n")

    def _hear(self, wanted: Callable[[list[str]], bool], seconds: float) -> list[str] | None:
        """Takes in what the host says until it says what is wanted."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            try:
                fields = self._said.get(timeout=left)
            except Empty:
                break
            if fields[0] == "done":
                answer = None if fields[3] == "-" else bytes.fromhex(fields[3])
                self._done[int(fields[1])] = int(fields[2]), answer
            if fields[0] == "log":
                self.logs.append((int(fields[1]), bytes.fromhex(fields[2]).decode()))
            if wanted(fields):
                return fields
        return None

    def load(self, number: int, config: str | None, lib: Path = LOADER) -> str | None:
        """None, or the reason why it failed."""
        self.say("load", number, lib, "-" if config is None else config.encode().hex())
        fields = self._hear(lambda fields: fields[0] == "loaded", 15)
        assert fields is not None, "the load did not end"
        return None if fields[2] == "ok" else bytes.fromhex(fields[2]).decode()

    def start(self, method: str, request: bytes | None = b"", number: int = 0, timeout_ms: int = 0) -> int:
        self.calls += 1
        self.say("call", self.calls, number, method, "-" if request is None else request.hex(), timeout_ms)
        return self.calls

    def wait(self, call: int, seconds: float = 10) -> tuple[int, bytes | None]:
        if call not in self._done:
            self._hear(lambda fields: fields[0] == "done" and int(fields[1]) == call, seconds)
        assert call in self._done, f"call {call} was not answered"
        return self._done.pop(call)

    def call(self, method: str, request: bytes | None = b"", number: int = 0, timeout_ms: int = 0):
        return self.wait(self.start(method, request, number, timeout_ms))

    def cancel(self, call: int) -> None:
        self.say("cancel", call)

    def unload(self, number: int = 0) -> None:
        self.say("unload", number)

    def caught_signals(self) -> int:
        self.say("signals")
        return int(self._hear(lambda fields: fields[0] == "signals", 5)[2], 16)

    def log(self, text: str, seconds: float = 5) -> int:
        """The level of the log line that has this text, as soon as there is one."""
        until = time.monotonic() + seconds
        while True:
            for level, line in self.logs:
                if text in line:
                    return level
            assert time.monotonic() < until, f"{text!r} is not in the log: {self.logs}"
            self._hear(lambda fields: fields[0] == "log", 0.1)

    def until(self, method: str, answer: bytes, seconds: float = 5) -> None:
        """Calls the method until it gives this answer."""
        until = time.monotonic() + seconds
        while (got := self.call(method)) != (0, answer):
            assert time.monotonic() < until, f"{method} still answers {got}"

    def threads(self) -> list[str]:
        names = []
        for task in Path(f"/proc/{self.process.pid}/task").iterdir():
            with contextlib.suppress(OSError):  # it has ended meanwhile
                names.append((task / "comm").read_text().strip())
        return names

    def close(self) -> int:
        if not self.process.stdin.closed:
            self.process.stdin.close()
        try:
            return self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()
        finally:
            self._reader.join()


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
def new_host(program: Path) -> Iterator[Callable[..., Host]]:
    hosts: list[Host] = []

    def new(*path: Path | str, **env: str) -> Host:
        """A host whose environment is as empty as nginx's: PYTHONPATH and what is given, and a bare PATH."""
        python_path = os.pathsep.join(map(str, [*path, HERE / "modules", ROOT / "conformance"]))
        hosts.append(Host(program, {"PATH": "/usr/bin:/bin", "PYTHONPATH": python_path, **env}))
        return hosts[-1]

    yield new
    for host in hosts:
        assert host.close() == 0, "the host did not end well"


@pytest.fixture
def conformance(new_host: Callable[..., Host]) -> Host:
    host = new_host()
    assert host.load(0, "resty_ffi_conformance,app,a,b, c") is None
    return host
