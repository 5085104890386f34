"""Builds the loader and what it needs at run time. Runs with the Python that the loader is to embed.

Usage: build.py [FOLDER]. In another folder than its own it builds what tests need, without the examples.

    dist/libffi_python3.so   the loader; and a link to it, by the name that lua-resty-ffi gives its own
    dist/python/             what it puts on sys.path: the package resty_ffi, and cffi
    dist/conformance.json    how the conformance suite loads the conformance runtime
    dist/examples.json       how the suite of the examples loads them
    examples/.venv           what the examples need, and what checks their types
    .venv                    the pinned tools

Each step is left out when what it reads has not changed.
"""

from __future__ import annotations

import compileall
import hashlib
import json
import os
import py_compile
import shlex
import shutil
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Callable, Iterable
from pathlib import Path

HERE = Path(__file__).resolve().parent
OUT = Path(sys.argv[1]).resolve() if len(sys.argv) > 1 else HERE
VENV = OUT / ".venv"
PYTHON = VENV / "bin" / "python"
BUILD = OUT / "build"
DIST = OUT / "dist"
HEADER = HERE.parent.parent / "native" / "include"
ALIAS = "libresty_ffi_python.so"
EXAMPLES = HERE / "examples"
EXAMPLES_VENV = EXAMPLES / ".venv"
GRPC = EXAMPLES / "grpc"

SOURCES = ["answer", "call", "call_state", "core_type", "dispatch", "exception", "held", "interpreter", "loop"]
SOURCES += ["stream", "task"]
CFLAGS = ["-std=gnu11", "-O2", "-g", "-fPIC", "-fvisibility=hidden", "-Wall", "-Wextra", "-Wno-unused-parameter"]
CFLAGS += ["-Werror=implicit-function-declaration"]
LDFLAGS = ["-shared", "-Wl,-z,nodelete", "-Wl,-soname,libffi_python3.so"]


def main() -> None:
    if sys.version_info < (3, 11):  # noqa: UP036 - any Python may run this
        sys.exit(f"resty-ffi needs Python 3.11 or newer, and {sys.executable} is {sys.version.split()[0]}")
    if sysconfig.get_config_var("Py_GIL_DISABLED"):
        sys.exit(f"resty-ffi needs a Python with a global lock, and {sys.executable} was built without one")
    once(VENV, PYTHON, [HERE / "requirements-dev.txt"], make_venv)
    (packages_of_venv() / "resty_ffi.pth").write_text(f"{HERE / 'src'}\n")  # pyright checks what is installed
    sources = [Path(__file__), *sorted((HERE / "loader").iterdir()), HEADER / "resty_ffi.h"]
    once(BUILD, DIST / "libffi_python3.so", sources, make_loader)
    alias = DIST / ALIAS
    if not alias.is_symlink():
        alias.symlink_to("libffi_python3.so")
    bundled = [Path(__file__), *sorted((HERE / "src").rglob("*.py")), HERE / "requirements-dev.txt"]
    once(DIST / "python", DIST / "python" / "resty_ffi", bundled, make_bundle)
    if OUT == HERE:
        describe_conformance()
        make_examples()


def describe_conformance() -> None:
    conformance = {
        "lib": "dist/libffi_python3.so",
        "cfg": "resty_ffi_conformance,app,conformance",
        "env": {"PYTHONPATH": "${dir}/conformance"},
    }
    (DIST / "conformance.json").write_text(json.dumps(conformance, indent=2) + "\n")


def make_examples() -> None:
    requirements = example_requirements()
    once(EXAMPLES_VENV, EXAMPLES_VENV / "bin" / "mypy", requirements, make_examples_venv)
    generated = GRPC / "grpc_runtime" / "generated"
    protos = sorted((GRPC / "protos").iterdir())
    once(generated, generated / "echo_pb2.py", [*requirements, *protos], make_grpc_code)
    shutil.copy(EXAMPLES / "examples.json", DIST)


def once(folder: Path, result: Path, inputs: Iterable[Path], make: Callable[[], None]) -> None:
    """Makes a folder and the result, unless this Python made them from the same inputs."""
    digest = hashlib.sha256(f"{sys.executable} {sys.version} {os.environ.get('CC')}".encode())
    for file in inputs:
        digest.update(file.read_bytes())
    stamp = folder / ".made-from"
    if result.exists() and stamp.exists() and stamp.read_text() == digest.hexdigest():
        return
    shutil.rmtree(folder, ignore_errors=True)
    make()
    stamp.write_text(digest.hexdigest())


def make_venv() -> None:
    print("resty-ffi python: making .venv")
    venv.create(VENV, with_pip=True)
    pip: list[str | Path] = [PYTHON, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
    subprocess.run([*pip, "-r", HERE / "requirements-dev.txt"], check=True)


def packages_of_venv() -> Path:
    return VENV / "lib" / f"python{sys.version_info.major}.{sys.version_info.minor}" / "site-packages"


def example_requirements() -> list[Path]:
    return [*sorted(EXAMPLES.glob("*/requirements.txt")), EXAMPLES / "requirements-dev.txt"]


def make_examples_venv() -> None:
    """Makes one environment for all examples. It lacks the package resty-ffi: a host uses the loader's copy."""
    print("resty-ffi python: making examples/.venv")
    lines = {line for file in example_requirements() for line in file.read_text().splitlines()}
    pins = sorted(line for line in lines if line and not line.startswith(("#", "resty-ffi==")))
    venv.create(EXAMPLES_VENV, with_pip=True)
    pip: list[str | Path] = [EXAMPLES_VENV / "bin" / "python", "-m", "pip", "install", "--quiet"]
    subprocess.run([*pip, "--disable-pip-version-check", "--no-deps", *pins], check=True)


def make_grpc_code() -> None:
    """As the README of the example says."""
    print("resty-ffi python: generating examples/grpc/grpc_runtime/generated")
    paths = ["-I", "grpc_runtime/generated=protos", "--python_out=.", "--pyi_out=.", "--grpc_python_out=."]
    protos = sorted(str(file.relative_to(GRPC)) for file in (GRPC / "protos").iterdir())
    protoc: list[str | Path] = [EXAMPLES_VENV / "bin" / "python", "-m", "grpc_tools.protoc"]
    subprocess.run([*protoc, *paths, *protos], cwd=GRPC, check=True)


def make_loader() -> None:
    print("resty-ffi python: compiling libffi_python3.so")
    BUILD.mkdir(parents=True)
    DIST.mkdir(exist_ok=True)
    generated = BUILD / "embedding.c"
    subprocess.run([PYTHON, HERE / "loader" / "generate.py", generated], check=True, stdout=subprocess.DEVNULL)
    cc = shlex.split(os.environ.get("CC", "cc"))
    variables = sysconfig.get_config_vars()
    home = sys.base_prefix if sys.base_prefix == sys.base_exec_prefix else f"{sys.base_prefix}:{sys.base_exec_prefix}"
    settings = {
        "PYTHON_EXECUTABLE": os.path.realpath(sys.executable),
        "PYTHON_HOME": home,
        "PYTHON_SONAME": variables["INSTSONAME"],
    }
    if ".so" not in settings["PYTHON_SONAME"]:
        sys.exit(f"{sys.executable} has no shared libpython: install python3-dev and build with /usr/bin/python3")
    flags = [*CFLAGS, f"-I{sysconfig.get_path('include')}", f"-I{HEADER}", f"-I{HERE / 'loader'}"]
    flags += [f'-D{name}="{value}"' for name, value in settings.items()]
    objects = []
    for source in [generated, *(HERE / "loader" / f"{name}.c" for name in SOURCES)]:
        objects.append(BUILD / f"{source.stem}.o")
        subprocess.run([*cc, *flags, "-c", source, "-o", objects[-1]], check=True)
    link = [f"-Wl,--version-script={HERE / 'loader' / 'exports.map'}", f"-L{variables['LIBDIR']}"]
    link += [f"-lpython{variables['LDVERSION']}", "-ldl", "-lpthread"]
    if sys.base_prefix != "/usr":  # not where the system looks
        link.append(f"-Wl,-rpath,{variables['LIBDIR']}")
    library = DIST / "libffi_python3.so"
    subprocess.run([*cc, *LDFLAGS, *objects, *link, "-o", f"{library}.new"], check=True)
    os.replace(f"{library}.new", library)


def make_bundle() -> None:
    print("resty-ffi python: gathering dist/python")
    bundle = DIST / "python"
    ignore = shutil.ignore_patterns("__pycache__")
    packages = packages_of_venv()
    shutil.copytree(HERE / "src" / "resty_ffi", bundle / "resty_ffi", ignore=ignore)
    for name in ["cffi", "pycparser"]:
        shutil.copytree(packages / name, bundle / name, ignore=ignore)
        for licence in packages.glob(f"{name}-*.dist-info/**/LICENSE*"):
            shutil.copy(licence, bundle / name / "LICENSE")
    for backend in packages.glob("_cffi_backend*.so"):
        shutil.copy(backend, bundle)
    # The user of the host may lack permission to write here, and installing the files may change their times.
    compileall.compile_dir(bundle, quiet=1, invalidation_mode=py_compile.PycInvalidationMode.CHECKED_HASH)


if __name__ == "__main__":
    main()
